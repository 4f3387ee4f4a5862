"""Validation along a training: photos kept out of it, degraded as it does not train on."""

from pathlib import Path

import torch

from derain.evaluation.test_sets import ValidationSet, degraded_set
from derain.pictures.backgrounds import load_patches
from derain.pictures.degradation import Degradation
from derain.support.randomness import generator

_MOST_PATCHES = 16


def held_out_set(
    photos: list[Path], most: int, size_px: int, unseen: Degradation, seed: int, skip_bad: bool
) -> ValidationSet:
    """Patches of up to 16 photos, degraded.

    Args:
        photos: photos that no training patch is cut from.
        most: number of patches at most.
        size_px: side of the patches.
        unseen: a degradation that is not trained on.
        seed: seed of cuts and rain.
        skip_bad: leave out photos that are broken or smaller than the patch.
    """
    patches = load_patches(photos, min(_MOST_PATCHES, most), size_px, seed, skip_bad=skip_bad)
    source = {"photos": patches.photos, "content_hash": patches.content_hash, "rain": unseen.name}
    clean = torch.from_numpy(patches.patches)
    return degraded_set("held_out", source, unseen, clean, generator(seed, "validation"))
