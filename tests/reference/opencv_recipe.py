"""The public streak recipe step by step with OpenCV in float64: slow, one layer at a time, independent of derain."""

import cv2
import numpy as np


def streak_kernel(length_px: int, angle_deg: float, width: int) -> np.ndarray:
    """A diagonal line of ones, turned and shrunk by `warpAffine`, then blurred inside its own window."""
    centre = (length_px / 2, length_px / 2)
    turn = cv2.getRotationMatrix2D(centre, angle_deg - 45, 1 - length_px / 100)
    line = cv2.warpAffine(np.eye(length_px), turn, (length_px, length_px))
    return cv2.GaussianBlur(line, (width, width), 0)


def dense_noise(quantity: float, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """One uniform number a pixel, kept where it reaches 256 - 0.01 quantity."""
    noise = rng.uniform(0, 256, (height, width))
    noise[noise < 256 - 0.01 * quantity] = 0
    return noise


def streak_layer(noise: np.ndarray, length_px: int, angle_deg: float, width: int) -> np.ndarray:
    """The grey layer, uint8, that the recipe makes of the noise of step 1."""
    seeds = cv2.filter2D(noise.astype(np.float64), -1, np.array([[0, 0.1, 0], [0.1, 8, 0.1], [0, 0.1, 0]]))
    streaks = cv2.filter2D(seeds, -1, streak_kernel(length_px, angle_deg, width))
    return np.asarray(cv2.normalize(streaks, np.empty_like(streaks), 0, 255, cv2.NORM_MINMAX)).astype(np.uint8)
