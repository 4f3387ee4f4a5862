"""Rain recovered from pairs of rainy and clean pictures, to be laid on any background."""

import logging
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from derain.errors import InputError
from derain.pictures.images import read_image
from derain.pictures.pairs import match_pairs
from derain.support.choices import Match

_LOST = 0.25
"""Share of the difference that may be no grey light; synthetic sets have up to 0.05, filmed rain 0.33."""
_log = logging.getLogger("derain")


@dataclass(frozen=True)
class Recovered:
    """The streak layers R = O - B of all pairs of two folders.

    Of the three channels the largest difference counts, since a channel that is saturated in O shows too little; where
    all three are, R is a lower bound. Negative differences are taken for 0. It is logged where more than a quarter of
    the differences is lost so, as of noise or of coloured light. A layer is cropped at random to the size that is asked
    for, and continued by reflection where it is too small.

    Attributes:
        rainy: folder of rainy pictures.
        clean: folder of clean pictures.
        match: how they find each other, see `derain.pictures.pairs.match_pairs`.

    Raises:
        InputError: a folder or a picture is bad, names or sizes do not match.
    """

    rainy: Path
    clean: Path
    match: Match = "names"
    _layers: tuple[UInt8[np.ndarray, "_ _"], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        layers = []
        total = lost = 0
        for pair in match_pairs(self.rainy, self.clean, self.match):
            difference = read_image(pair.rainy).astype(np.int16) - read_image(pair.clean)
            layer = difference.max(-1).clip(0, 255)
            total += int(abs(difference).sum(dtype=np.int64))
            lost += int(abs(difference - layer[..., None]).sum(dtype=np.int64))
            layers.append(layer.astype(np.uint8))
        if not any(layer.any() for layer in layers):
            raise InputError(f"the pictures in {self.rainy} are nowhere brighter than those in {self.clean}: no rain")
        if lost > _LOST * total:
            sentence = "%s and %s differ by other things than grey light: %.0f %% of the difference is not in the rain"
            _log.warning(sentence, self.rainy, self.clean, min(100.0, 100 * lost / total))
        object.__setattr__(self, "_layers", tuple(layers))

    def layers(
        self, count: int, height: int, width: int, rng: np.random.Generator, device: torch.device | str = "cpu"
    ) -> Float[Tensor, "{count} 1 {height} {width}"]:
        """`count` layers, levels 0..255, each from a pair drawn at random."""
        cuts = [_cut(self._layers[i], height, width, rng) for i in rng.integers(len(self._layers), size=count)]
        return torch.from_numpy(np.stack(cuts)).to(device).float()[:, None]

    def describe(self) -> dict[str, Any]:
        content = sha256()
        for layer in self._layers:
            content.update(str(layer.shape).encode())
            content.update(layer.tobytes())
        return {"kind": "recovered", "pairs": len(self._layers), "content_hash": content.hexdigest()}


def _cut(
    layer: UInt8[np.ndarray, "_ _"], height: int, width: int, rng: np.random.Generator
) -> UInt8[np.ndarray, "_ _"]:
    have_height, have_width = layer.shape
    top = int(rng.integers(max(have_height - height, 0) + 1))
    left = int(rng.integers(max(have_width - width, 0) + 1))
    cut = layer[top : top + height, left : left + width]
    return np.pad(cut, ((0, height - cut.shape[0]), (0, width - cut.shape[1])), mode="reflect")
