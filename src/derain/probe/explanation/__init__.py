"""Looking into a network: features of the content or of the rain, and the pixels that its result rests on."""
