"""Rain as a weighted mixture of families of layers."""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from derain.errors import InputError
from derain.rain.composition import compose
from derain.rain.ranges import check_interval
from derain.support.choices import Residual


@runtime_checkable
class Family(Protocol):
    """A kind of rain that gives layers and says what it is."""

    def layers(
        self, count: int, height: int, width: int, rng: np.random.Generator, device: torch.device | str = "cpu"
    ) -> Float[Tensor, "{count} 1 {height} {width}"]: ...

    def describe(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Rain:
    """A mixture of families of rain: a degradation (`derain.pictures.degradation`).

    Attributes:
        name: what it is called in tables.
        families: pairs of a weight and a family; every sample draws its family by weight.
        brightness: lowest and highest factor on a layer's levels, drawn uniformly for every sample.
        rain_free: share of samples without rain.
        overlaid: lowest and highest number of layers that add up in a sample, near and far, each of a family of its
            own; drawn uniformly for every sample.

    Raises:
        InputError: no family, a weight that is not positive, a share outside 0..1, an interval from high to low, or
            layers overlaid that are not 1 to 99.

    >>> from derain.rain import load_rain
    >>> rain = load_rain("medium")
    >>> layers = rain.layers(4, 64, 64, np.random.default_rng(0))
    >>> tuple(layers.shape), float(layers.max())
    ((4, 1, 64, 64), 255.0)
    """

    name: str
    families: tuple[tuple[float, Family], ...]
    brightness: tuple[float, float] = (1.0, 1.0)
    rain_free: float = 0.0
    overlaid: tuple[int, int] = (1, 1)

    residual: ClassVar[Residual] = "rain"

    @classmethod
    def of(cls, name: str, family: Family) -> "Rain":
        """Rain of a single family."""
        return cls(name, ((1.0, family),))

    def __post_init__(self) -> None:
        if not self.families:
            raise InputError("rain needs at least one family")
        for weight, _ in self.families:
            check_interval("weight", (weight, weight), above=0)
        check_interval("brightness", self.brightness, above=0)
        if not 0 <= self.rain_free <= 1:
            raise InputError(f"rain_free must be a share between 0 and 1, not {self.rain_free}")
        check_interval("overlaid", self.overlaid, above=0, below=100)

    def layers(
        self, count: int, height: int, width: int, rng: np.random.Generator, device: torch.device | str = "cpu"
    ) -> Float[Tensor, "{count} 1 {height} {width}"]:
        """`count` layers: whole levels from 0 up, above 255 where brightened. A pure function of `rng`'s state.

        Args:
            count: samples; families draw theirs in one go for each of the layers overlaid.
            height: in pixels, and so is `width`; rain is rendered at this size.
            rng: drawn from on the CPU, so that the rain is the same on every device.
            device: where to render.
        """
        weights = np.array([weight for weight, _ in self.families])
        family_of = rng.choice(len(weights), count, p=weights / weights.sum())
        factor = rng.uniform(*self.brightness, count)
        factor[rng.random(count) < self.rain_free] = 0
        fewest, most = self.overlaid
        number = rng.integers(fewest, most + 1, count)
        layers = torch.zeros(count, 1, height, width, device=device)
        for depth in range(most):
            if depth > 0:
                family_of = rng.choice(len(weights), count, p=weights / weights.sum())
            for index, (_, family) in enumerate(self.families):
                [samples] = np.nonzero((family_of == index) & (factor > 0) & (depth < number))
                if len(samples):
                    scale = torch.from_numpy(factor[samples]).float().to(device)[:, None, None, None]
                    rendered = family.layers(len(samples), height, width, rng, device) * scale
                    layers[torch.from_numpy(samples).to(device)] += rendered.round_()
        return layers

    def degrade(self, clean: Float[Tensor, "n 3 h w"], rng: np.random.Generator) -> Float[Tensor, "n 3 h w"]:
        """The pictures, levels 0..255, each under a layer of its own of their size."""
        count, _, height, width = clean.shape
        return compose(clean, self.layers(count, height, width, rng, clean.device))

    def describe(self) -> dict[str, Any]:
        """All that determines it, JSON-able."""
        return {
            "name": self.name,
            "brightness": list(self.brightness),
            "rain_free": self.rain_free,
            **({} if self.overlaid == (1, 1) else {"overlaid": list(self.overlaid)}),
            "families": [{"weight": weight, **family.describe()} for weight, family in self.families],
        }
