"""The structural complexity once more, from the definitions: full-size levels and their overlaps."""

from collections.abc import Sequence

import cv2
import numpy as np


def overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The scalar product of two stacks of pictures a pixel: (n, h, w) gives (n,)."""
    return np.asarray((a * b).mean((1, 2)))


def partial_complexities(levels: Sequence[np.ndarray]) -> np.ndarray:
    """C_k = | <A_k, A_k+1> - 1/2 (<A_k, A_k> + <A_k+1, A_k+1>) |: a list of stacks (n, h, w) gives (n, levels - 1)."""
    own = [overlap(level, level) for level in levels]
    steps = range(len(levels) - 1)
    return np.stack([abs(overlap(levels[k], levels[k + 1]) - (own[k] + own[k + 1]) / 2) for k in steps], axis=1)


def averaged(pictures: np.ndarray, side: int) -> np.ndarray:
    """Blocks of side x side pixels replaced by their mean, each found from the pictures themselves."""
    n, height, width = pictures.shape
    means = pictures.reshape(n, height // side, side, width // side, side).mean((2, 4), keepdims=True)
    return np.broadcast_to(means, (n, height // side, side, width // side, side)).reshape(n, height, width)


def bagrov(pictures: np.ndarray, factor: int, levels: int) -> np.ndarray:
    return partial_complexities([averaged(pictures, factor**k) for k in range(levels + 1)])


def filtered(picture: np.ndarray, radius: float) -> np.ndarray:
    """A square picture through a disc of `radius` whole periods a side; its edge is blurred by OpenCV."""
    size = len(picture)
    periods = np.arange(size) - size // 2
    disc = (periods[:, None] ** 2 + periods**2 <= radius**2).astype(np.float64)
    # The border of zeros and the wide window keep OpenCV from mirroring the disc and from cutting the Gaussian.
    padded = cv2.GaussianBlur(np.pad(disc, size), (2 * size - 1, 2 * size - 1), 0.3 * radius)
    mask = padded[size:-size, size:-size]
    mask[size // 2, size // 2] = 1
    return np.fft.ifft2(np.fft.ifftshift(mask) * np.fft.fft2(picture)).real


def fourier(pictures: np.ndarray, factor: int, levels: int) -> np.ndarray:
    radii = [pictures.shape[1] / 2 / factor**k for k in range(1, levels + 1)]
    coarser = [np.stack([filtered(picture, radius) for picture in pictures]) for radius in radii]
    return partial_complexities([pictures, *coarser])
