"""Haze: light that is scattered into the view, more of it from farther away."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from derain.degradations.kind import Kind, column
from derain.rain.ranges import check_interval

_HILLS = 5


@dataclass(frozen=True)
class Haze(Kind):
    """The atmospheric model, O = t B + (1 - t) A with t = exp(-beta d) (Narasimhan and Nayar, IJCV 2002, equation 4).

    The depth d, 0 to 1, is synthetic: a plane that rises from the lower to the upper border, and hills on it. The
    ranges follow RESIDE (Li et al., IEEE TIP 2019).

    Attributes:
        beta: scattering over the whole depth; drawn uniformly for every sample, and so is `airlight`.
        airlight: A, the grey level of what is scattered in.

    Raises:
        InputError: a range from high to low, a negative scattering, or an airlight outside 0..255.
    """

    beta: tuple[float, float] = (0.6, 1.8)
    airlight: tuple[float, float] = (180.0, 240.0)

    kind = "haze"

    def __post_init__(self) -> None:
        check_interval("beta", self.beta, above=0, below=100)
        check_interval("airlight", self.airlight, above=-0.001, below=255.001)

    def _spoil(self, clean: Float[Tensor, "n 3 h w"], rng: np.random.Generator) -> Float[Tensor, "n 3 h w"]:
        beta, airlight = (column(rng.uniform(*each, len(clean)), clean) for each in (self.beta, self.airlight))
        through = (-beta * depths(clean, rng)).exp()
        return through * clean + (1 - through) * airlight


def depths(pictures: Float[Tensor, "n 3 h w"], rng: np.random.Generator) -> Float[Tensor, "n 1 h w"]:
    """A depth of 0..1 for every pixel: a plane that is far at the upper border, and smooth hills on it."""
    count, _, height, width = pictures.shape
    drawn = torch.from_numpy(rng.random((count, 1, _HILLS, _HILLS), np.float32)).to(pictures.device)
    hills = interpolate(drawn, (height, width), mode="bicubic", align_corners=True).clamp(0, 1)
    rising = torch.linspace(1, 0, height, device=pictures.device)[:, None]
    return 0.6 * rising + 0.4 * hills


HAZE = {
    "small": Haze("haze:small", (1.0, 1.2), (205.0, 215.0)),
    "medium": Haze("haze:medium", (0.6, 1.8), (180.0, 240.0)),
    "large": Haze("haze:large", (0.2, 2.5), (140.0, 255.0)),
    "unseen": Haze("haze:unseen", (3.0, 4.0), (140.0, 255.0)),
}
