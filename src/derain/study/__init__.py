"""Studies: lists of trainings that a person can read, run here or on a cluster, and turn into figures and verdicts."""
