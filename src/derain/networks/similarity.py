"""Structural similarity (SSIM) as a differentiable function, and its window."""

import math
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor

RADIUS_PX, _SIGMA_PX = 5, 1.5
_HALF_WINDOW = [math.exp(-(offset**2) / (2 * _SIGMA_PX**2)) for offset in range(RADIUS_PX + 1)]

WINDOW = [weight / (2 * sum(_HALF_WINDOW) - 1) for weight in _HALF_WINDOW]
"""The weights of SSIM's window from its centre outwards; the two sides and the centre add up to 1."""


def ssim(restored: Float[Tensor, "n c h w"], clean: Float[Tensor, "n c h w"]) -> Float[Tensor, ""]:
    """Mean structural similarity of pictures in 0..1, differentiable (Wang et al., TIP 2004).

    The definition is that of the metric: an 11x11 Gaussian window of sigma 1.5 in the valid region, K of 0.01 and 0.03,
    the mean over pixels, channels and samples. A side has at least 11 pixels.

    >>> flat = torch.full((1, 3, 16, 16), 0.5)
    >>> float(ssim(flat, flat))
    1.0
    """
    c1, c2 = 0.01**2, 0.03**2
    stacked = torch.stack([restored, clean, restored * clean, restored**2 + clean**2])
    mean_x, mean_b, mean_product, mean_squares = _window_mean(stacked)
    product, squares = mean_x * mean_b, mean_x**2 + mean_b**2
    luminance = (2 * product + c1) / (squares + c1)
    structure = (2 * (mean_product - product) + c2) / (mean_squares - squares + c2)
    similarity: Tensor = (luminance * structure).mean()
    return similarity


def _window_mean(planes: Float[Tensor, "*n h w"]) -> Float[Tensor, "*n h-10 w-10"]:
    """The mean under the Gaussian window wherever it lies inside, as products with two banded matrices."""
    rows, columns = (_band(size, planes.device, planes.dtype) for size in planes.shape[-2:])
    means: Tensor = rows @ planes @ columns.T
    return means


@cache
def _band(size: int, device: torch.device, dtype: torch.dtype) -> Float[Tensor, "rows columns"]:
    window = torch.tensor([*WINDOW[:0:-1], *WINDOW], device=device, dtype=dtype)
    band = torch.zeros(size - len(window) + 1, size, device=device, dtype=dtype)
    for row, values in enumerate(band):
        values[row : row + len(window)] = window
    return band
