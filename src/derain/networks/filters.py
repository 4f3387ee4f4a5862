"""Filters that learnt nothing, as networks: a figure is worth what it is above theirs."""

import math
from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from derain.networks.base import Descriptor, Hyperparameters, Network

Pictures = Float[Tensor, "n 3 _ _"]

_OPENING_PX, _MEDIAN_PX, _SIGMA_PX, _BLUR_PX = 7, 5, 2.0, 17


class Filter(Network):
    """A picture filter without weights, in the place of a network.

    Args:
        apply: the filter, on RGB in 0..1.
        window_px: side of the square of input pixels that can change one output pixel.
        smallest_size_px: smallest height and width.
    """

    def __init__(self, apply: Callable[[Pictures], Pictures], window_px: int, smallest_size_px: int = 1) -> None:
        super().__init__()
        self.hyperparameters = Hyperparameters()
        self.descriptor = Descriptor("none", smallest_size_px, 1, window_px, 1)
        self._apply_filter = apply

    def _stages(self, rainy: Pictures) -> list[Pictures]:
        return [self._apply_filter(rainy)]


def opening(pictures: Pictures) -> Pictures:
    """Open every channel along 7 pixels of a row: bright structure that is narrower vanishes, rain streaks among it.

    >>> row = torch.tensor([0.2] * 5 + [0.9] * 6 + [0.2] * 9).expand(1, 3, 4, 20)
    >>> round(float(opening(row).max()), 2)
    0.2
    """
    window, border = (1, _OPENING_PX), (0, _OPENING_PX // 2)
    eroded = -nn.functional.max_pool2d(-pictures, window, stride=1, padding=border)
    return nn.functional.max_pool2d(eroded, window, stride=1, padding=border)


def median(pictures: Pictures) -> Pictures:
    """Take the median of 5 x 5 pixels of every channel; the border is repeated."""
    border = _MEDIAN_PX // 2
    padded = nn.functional.pad(pictures, (border,) * 4, mode="replicate")
    return padded.unfold(2, _MEDIAN_PX, 1).unfold(3, _MEDIAN_PX, 1).flatten(-2).median(-1).values


def blur(pictures: Pictures) -> Pictures:
    """Blur every channel with a Gaussian of a sigma of 2 pixels; the picture is mirrored at its border."""
    return gaussian(pictures, _SIGMA_PX, _BLUR_PX)


def gaussian(pictures: Pictures, sigma_px: float, window_px: int) -> Pictures:
    """Blur every channel with a Gaussian that ends with its window, an odd number; the picture is mirrored."""
    border = window_px // 2
    weights = torch.tensor([math.exp(-((offset / sigma_px) ** 2) / 2) for offset in range(-border, border + 1)])
    row = (weights / weights.sum()).to(pictures).expand(3, 1, 1, -1)
    padded = nn.functional.pad(pictures, (border,) * 4, mode="reflect")
    across = nn.functional.conv2d(padded, row, groups=3)
    return nn.functional.conv2d(across, row.transpose(2, 3), groups=3)


FILTERS: Mapping[str, Callable[[], Filter]] = {
    "nothing": lambda: Filter(lambda pictures: pictures, 1),
    "opening": lambda: Filter(opening, 2 * _OPENING_PX - 1),
    "median": lambda: Filter(median, _MEDIAN_PX),
    "blur": lambda: Filter(blur, _BLUR_PX, _BLUR_PX // 2 + 1),
}
"""Filters by the names that `derain.networks.load_model` takes: one that does nothing, and three that smooth."""
