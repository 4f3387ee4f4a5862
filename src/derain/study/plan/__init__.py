"""The plan of a study: its file, its scales, its trainings and their cost."""
