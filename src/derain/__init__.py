"""derain: train deraining networks that generalise, and measure whether they do."""
