"""Snow: flakes of several depths, drawn out by their fall."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from derain.degradations.blur import disc_kernels, line_kernels
from derain.degradations.filtering import filtered
from derain.degradations.kind import Kind, column
from derain.rain.ranges import check_interval

_DEPTHS = (1.0, 0.6, 0.35)
"""Sizes of flakes, near to far, as shares of those of the nearest; a far one is one of as many more."""
_WHITE = 240.0


@dataclass(frozen=True)
class Snow(Kind):
    """Flakes that hide what is behind them: O = (1 - z) B + z S (Liu et al., DesnowNet, IEEE TIP 2018, equation 1).

    The cover z adds up flakes of three depths: near ones are large, few and drawn out most by their fall. S is a white
    of 240 levels. A flake is a disc under the blur of its fall.

    Attributes:
        number: near flakes in 128x128 pixels; drawn uniformly for every sample, and so are all others.
        radius_px: of the near flakes.
        fall_px: way of a near flake while the picture is exposed.
        angle_deg: of the fall from vertical; positive puts the lower end to the right.
        cover: share of the background that a flake hides in its middle.

    Raises:
        InputError: a range from high to low, or a value out of its domain.
    """

    number: tuple[float, float] = (5.0, 25.0)
    radius_px: tuple[float, float] = (1.5, 3.5)
    fall_px: tuple[float, float] = (1.0, 10.0)
    angle_deg: tuple[float, float] = (-30.0, 30.0)
    cover: tuple[float, float] = (0.6, 1.0)

    kind = "snow"
    residual = "local"

    def __post_init__(self) -> None:
        check_interval("number", self.number, above=0, below=2000)
        check_interval("radius_px", self.radius_px, above=0, below=50)
        check_interval("fall_px", self.fall_px, above=0, below=200)
        check_interval("angle_deg", self.angle_deg)
        check_interval("cover", self.cover, above=0, below=1.0001)

    def _spoil(self, clean: Float[Tensor, "n 3 h w"], rng: np.random.Generator) -> Float[Tensor, "n 3 h w"]:
        cover = self._cover(clean, rng)
        return clean + cover * (_WHITE - clean)

    def _cover(self, clean: Float[Tensor, "n 3 h w"], rng: np.random.Generator) -> Float[Tensor, "n 1 h w"]:
        count, _, height, width = clean.shape
        ranges = (self.number, self.radius_px, self.fall_px, self.angle_deg, self.cover)
        number, radius_px, fall_px, angle_deg, most = (rng.uniform(*interval, count) for interval in ranges)
        total = torch.zeros(count, 1, height, width, device=clean.device)
        for depth in _DEPTHS:
            share = (number / depth**2 / 128**2)[:, None, None]
            grains = torch.from_numpy((rng.random((count, height, width)) < share).astype(np.float32))
            flakes = filtered(grains[:, None].to(clean.device), _unscaled(disc_kernels(radius_px * depth, clean)))
            fall = line_kernels(np.maximum(fall_px * depth, 1.0), 90.0 + angle_deg, clean)
            total += filtered(flakes, fall)
        total = torch.where(total > 1e-3, total, 0)  # the transform leaves a trace everywhere
        return total.clamp(max=1) * column(most, clean)


def _unscaled(kernels: Float[Tensor, "n k k"]) -> Float[Tensor, "n k k"]:
    """Kernels whose largest value is 1."""
    return kernels / kernels.amax((1, 2), keepdim=True)


SNOW = {
    "small": Snow("snow:small", (10.0, 15.0), (2.0, 2.5), (3.0, 5.0), (-5.0, 5.0), (0.8, 0.9)),
    "medium": Snow("snow:medium", (5.0, 25.0), (1.5, 3.5), (1.0, 10.0), (-30.0, 30.0), (0.6, 1.0)),
    "large": Snow("snow:large", (2.0, 50.0), (0.7, 5.0), (1.0, 20.0), (-60.0, 60.0), (0.4, 1.0)),
    "unseen": Snow("snow:unseen", (5.0, 10.0), (6.0, 9.0), (25.0, 40.0), (-30.0, 30.0), (0.6, 1.0)),
}
