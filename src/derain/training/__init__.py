"""Training: settings, objective, loop, checkpoints, validation and log."""
