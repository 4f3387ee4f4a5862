"""The web page of `derain serve`: restore a photo, play with rain, read a report. It needs the extra derain[app]."""
