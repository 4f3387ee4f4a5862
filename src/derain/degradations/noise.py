"""Noise of a sensor: with one deviation everywhere, or with one that grows with the light."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from derain.degradations.kind import Kind, column
from derain.rain.ranges import check_interval


@dataclass(frozen=True)
class GaussianNoise(Kind):
    """Additive white Gaussian noise, a number for each pixel and channel (Zhang et al., DnCNN, IEEE TIP 2017).

    Attributes:
        sigma: standard deviation in levels of 0..255; drawn uniformly for every sample.

    Raises:
        InputError: a range from high to low, or a deviation that is not between 0 and 1000.
    """

    sigma: tuple[float, float] = (10.0, 40.0)

    kind = "noise"

    def __post_init__(self) -> None:
        check_interval("sigma", self.sigma, above=0, below=1000)

    def _spoil(self, clean: Float[Tensor, "n 3 h w"], rng: np.random.Generator) -> Float[Tensor, "n 3 h w"]:
        sigma = column(rng.uniform(*self.sigma, len(clean)), clean)
        noise = torch.from_numpy(rng.standard_normal(tuple(clean.shape), np.float32)).to(clean.device)
        return clean + sigma * noise


@dataclass(frozen=True)
class PoissonGaussianNoise(Kind):
    """Noise of photons and of reading: O = gain Poisson(B / gain) + N(0, read^2) (Foi et al., IEEE TIP 2008).

    Its variance at a level B is gain B + read^2.

    Attributes:
        gain: levels for a photon; drawn uniformly for every sample, and so is `read`.
        read: standard deviation of the noise of reading, in levels.

    Raises:
        InputError: a range from high to low, a gain that is not between 0 and 1000, or a negative deviation.
    """

    gain: tuple[float, float] = (1.0, 6.0)
    read: tuple[float, float] = (1.0, 8.0)

    kind = "shot"

    def __post_init__(self) -> None:
        check_interval("gain", self.gain, above=0, below=1000)
        check_interval("read", self.read, above=-1e-9, below=1000)

    def _spoil(self, clean: Float[Tensor, "n 3 h w"], rng: np.random.Generator) -> Float[Tensor, "n 3 h w"]:
        gain, read = (rng.uniform(*interval, (len(clean), 1, 1, 1)) for interval in (self.gain, self.read))
        levels = gain * rng.poisson(clean.cpu().numpy() / gain) + read * rng.standard_normal(tuple(clean.shape))
        return torch.from_numpy(levels.astype(np.float32)).to(clean.device)


NOISE = {
    "small": GaussianNoise("noise:small", (20.0, 30.0)),
    "medium": GaussianNoise("noise:medium", (10.0, 40.0)),
    "large": GaussianNoise("noise:large", (2.0, 60.0)),
    "unseen": GaussianNoise("noise:unseen", (70.0, 90.0)),
}
SHOT = {
    "small": PoissonGaussianNoise("shot:small", (2.0, 3.0), (2.0, 4.0)),
    "medium": PoissonGaussianNoise("shot:medium", (1.0, 6.0), (1.0, 8.0)),
    "large": PoissonGaussianNoise("shot:large", (0.2, 12.0), (0.0, 15.0)),
    "unseen": PoissonGaussianNoise("shot:unseen", (16.0, 24.0), (15.0, 20.0)),
}
