"""A bank of rain layers to draw from, for training where rendering is dear."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from derain.errors import InputError
from derain.rain.composition import compose
from derain.rain.mixture import Rain
from derain.support.choices import Residual
from derain.support.devices import gib
from derain.support.randomness import generator

_CHUNK = 64


@dataclass(frozen=True, eq=False)
class RainBank:
    """Rain of which every sample gets a layer out of a bank in place of a fresh one; see `render`.

    Attributes:
        rain: where the layers come from.
        layers: levels, for pictures of the same size.
    """

    rain: Rain
    layers: UInt8[Tensor, "layers 1 h w"]

    residual: ClassVar[Residual] = "rain"

    @classmethod
    def render(cls, rain: Rain, layers: int, size_px: int, seed: int, device: torch.device) -> "RainBank":
        """A bank of `layers` square layers, a pure function of the seed.

        Levels are cut at 255 so that they fit 8 bits; in O = clip(B + R) that changes nothing.
        """
        bank = torch.empty(layers, 1, size_px, size_px, dtype=torch.uint8, device=device)
        for start in range(0, layers, _CHUNK):
            rng = generator(seed, "bank", start)
            rendered = rain.layers(min(_CHUNK, layers - start), size_px, size_px, rng, device)
            bank[start : start + _CHUNK] = rendered.clamp(max=255).to(torch.uint8)
        return cls(rain, bank)

    @property
    def name(self) -> str:
        return self.rain.name

    def degrade(self, clean: Float[Tensor, "n 3 h w"], rng: np.random.Generator) -> Float[Tensor, "n 3 h w"]:
        """Pictures under layers of the bank, drawn with repetition; otherwise as `Rain.degrade`."""
        drawn = torch.from_numpy(rng.integers(len(self.layers), size=len(clean))).to(clean.device)
        return compose(clean, self.layers[drawn])

    def describe(self) -> dict[str, Any]:
        """The description of the rain; a run notes the number of layers among its settings."""
        return self.rain.describe()


def refuse_too_large_bank(layers: int, size_px: int, available_bytes: float) -> None:
    """Raise InputError where a bank of rain does not fit.

    >>> refuse_too_large_bank(100_000_000, 64, available_bytes=64e9)
    Traceback (most recent call last):
    ...
    derain.errors.InputError: 100,000,000 layers of 64 x 64 pixels need 381.5 GiB of memory, but ...: --layers ... fits
    """
    if layers * size_px**2 > available_bytes:
        sentence = f"{layers:,} layers of {size_px} x {size_px} pixels need {gib(layers * size_px**2)} of memory"
        fits = int(available_bytes / size_px**2)
        raise InputError(f"{sentence}, but {gib(available_bytes)} are free: --layers {fits} fits")
