"""The form that all kinds of degradation beside rain share: ranges, from which every sample draws its own values."""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from derain.support.choices import Residual


@dataclass(frozen=True)
class Kind(ABC):
    """A kind of degradation (`derain.pictures.degradation`): its fields are ranges, lowest and highest value.

    Attributes:
        name: what it is called in tables.
        kind: its name among the kinds.
        residual: what it leaves of a picture.
    """

    name: str = ""

    kind: ClassVar[str]
    residual: ClassVar[Residual] = "everywhere"

    def degrade(self, clean: Float[Tensor, "n 3 h w"], rng: np.random.Generator) -> Float[Tensor, "n 3 h w"]:
        """The pictures degraded, each with values of its own: whole levels 0..255."""
        return self._spoil(clean, rng).round().clamp(0, 255)

    @abstractmethod
    def _spoil(self, clean: Float[Tensor, "n 3 h w"], rng: np.random.Generator) -> Float[Tensor, "n 3 h w"]:
        """The pictures degraded, neither rounded nor clipped."""

    def describe(self) -> dict[str, Any]:
        """All that determines it, JSON-able."""
        values = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        return {"kind": self.kind, **values}


def column(values: np.ndarray, like: Tensor) -> Float[Tensor, "n 1 1 1"]:
    """A value for each picture, on the pictures' device, to be multiplied with them."""
    return torch.from_numpy(values).float().to(like.device)[:, None, None, None]
