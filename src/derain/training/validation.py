"""Validation along a training: photos kept out of it, under rain it does not train on."""

from pathlib import Path
from typing import Any

import torch

from derain.evaluation.test_sets import ValidationSet
from derain.pictures.backgrounds import load_patches
from derain.rain import compose, load_rain
from derain.rain.unseen import THREADS
from derain.support.randomness import generator

_MOST_PATCHES = 16


def held_out_set(
    photos: list[Path], most: int, size_px: int, training_rain: dict[str, Any], seed: int, skip_bad: bool
) -> ValidationSet:
    """Patches of up to 16 photos under thin lines; where lines are trained on, under medium streaks; where both are,
    under lines thinner and longer than those of any preset.

    Args:
        photos: photos that no training patch is cut from.
        most: number of patches at most.
        size_px: side of the patches.
        training_rain: description of the rain that is trained on.
        seed: seed of cuts and rain.
        skip_bad: leave out photos that are broken or smaller than the patch.
    """
    patches = load_patches(photos, min(_MOST_PATCHES, most), size_px, seed, skip_bad=skip_bad)
    kinds = {family["kind"] for family in training_rain["families"]}
    rain = THREADS
    if not kinds >= {"lines", "streaks"}:
        rain = load_rain("medium" if "lines" in kinds else "lines")
    clean = torch.from_numpy(patches.patches)
    layers = rain.layers(len(clean), size_px, size_px, generator(seed, "validation"), torch.device("cpu"))
    rainy = compose(clean.float(), layers).to(torch.uint8)
    samples = [(str(index), *pair) for index, pair in enumerate(zip(rainy, clean, strict=True))]
    source = {"photos": patches.photos, "content_hash": patches.content_hash, "rain": rain.name}
    return ValidationSet("held_out", source, samples)
