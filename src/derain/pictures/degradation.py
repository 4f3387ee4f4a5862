"""Degradations: what spoils clean pictures, as rain does, and is to be taken away again."""

from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from derain.support.choices import Residual


@runtime_checkable
class Degradation(Protocol):
    """All that training and test sets ask of what spoils pictures: another one than rain only has to give this.

    Attributes:
        name: what it is called in tables.
        residual: what it leaves of a picture; it decides how the figures are taken.
    """

    @property
    def name(self) -> str: ...

    @property
    def residual(self) -> Residual: ...

    def degrade(self, clean: Float[Tensor, "n 3 h w"], rng: np.random.Generator) -> Float[Tensor, "n 3 h w"]:
        """The pictures degraded: whole levels 0..255, as `clean` has them, on the same device.

        A pure function of the pictures and of `rng`'s state, which is drawn from on the CPU. The pictures may be views.
        """
        ...

    def describe(self) -> dict[str, Any]:
        """All that determines it, JSON-able."""
        ...


def degraded(
    degradation: Degradation, clean: UInt8[Tensor, "n 3 h w"], rng: np.random.Generator
) -> UInt8[Tensor, "n 3 h w"]:
    """8-bit pictures degraded.

    >>> from derain.rain import load_rain
    >>> rainy = degraded(load_rain("medium"), torch.zeros(2, 3, 32, 32, dtype=torch.uint8), np.random.default_rng(0))
    >>> tuple(rainy.shape), int(rainy.max())
    ((2, 3, 32, 32), 255)
    """
    return degradation.degrade(clean.float(), rng).to(torch.uint8)
