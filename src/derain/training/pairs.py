"""Patches of rainy pictures and of the clean ones behind them, to train on as they are."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from jaxtyping import UInt8

from derain.pictures.backgrounds import ContentFilter, load_patches
from derain.pictures.images import read_image
from derain.pictures.pairs import Pair


@dataclass(frozen=True, eq=False)
class PairPatches:
    """Patches cut at the same places of rainy and clean pictures, RGB levels 0..255.

    Attributes:
        rainy: of the rainy pictures.
        clean: of the clean ones.
        pictures: number of rainy pictures that they come from.
        content_hash: SHA-256 of both.
        by_photo: a hash of the patches of every pair, by what messages call it.
    """

    rainy: UInt8[np.ndarray, "count 3 size size"]
    clean: UInt8[np.ndarray, "count 3 size size"]
    pictures: int
    content_hash: str
    by_photo: dict[str, str]

    def describe(self) -> dict[str, Any]:
        """All that determines them, JSON-able."""
        return {"count": len(self.clean), "pictures": self.pictures, "content_hash": self.content_hash}


def cut_pairs(
    pairs: list[Pair], count: int, size: int, seed: int, content: ContentFilter | None, skip_bad: bool
) -> PairPatches:
    """Cut patches from pairs, one rainy picture after the other, as `derain.pictures.backgrounds.load_patches` does.

    Args, errors: as of `load_patches`, which are about the rainy pictures.
    """
    by_name = {pair.rainy.name: pair for pair in pairs}
    cut = load_patches([pair.rainy for pair in pairs], count, size, seed, content, skip_bad)
    clean = np.empty_like(cut.patches)
    places: dict[str, list[int]] = {}
    for index, source in enumerate(cut.sources):
        places.setdefault(source.photo, []).append(index)
    for name, indices in places.items():
        picture = read_image(by_name[name].clean)
        for index in indices:
            _, top, left = cut.sources[index]
            clean[index] = picture[top : top + size, left : left + size].transpose(2, 0, 1)
    both = sha256(cut.content_hash.encode() + clean.tobytes()).hexdigest()
    hashes = {
        f"{name} or its clean picture": sha256(cut.patches[indices].tobytes() + clean[indices].tobytes()).hexdigest()
        for name, indices in places.items()
    }
    return PairPatches(cut.patches, clean, cut.photos, both, hashes)
