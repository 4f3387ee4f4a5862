"""The rains that candidates are measured on: fixed, the same for all of them, and none that a candidate trains on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch

from derain.advice.search import Measurement, score
from derain.advice.settings import Preference
from derain.errors import InputError
from derain.evaluation.statistics import error_of_means, mean_defined
from derain.evaluation.test_sets import ValidationSet, degraded_set, pairs_set
from derain.pictures.backgrounds import load_patches, photo_sizes
from derain.probe.measure import THRESHOLD
from derain.rain import Rain, rain_mask
from derain.rain.unseen import UNSEEN
from derain.support.choices import Match
from derain.support.randomness import generator

_PATCHES = 16


def probes_beside(candidates: Sequence[Rain]) -> tuple[Rain, ...]:
    """The probes of which no candidate has a family.

    Raises:
        InputError: no probe is left.

    >>> [probe.name for probe in probes_beside([UNSEEN[0]])]
    ['other streaks', 'heavy', 'drizzle', 'veils']
    """
    trained_on = [family for rain in candidates for _, family in rain.families]
    left = tuple(probe for probe in UNSEEN if not any(family in trained_on for _, family in probe.families))
    if not left:
        raise InputError("the rains to choose from include all that is measured on: leave one of them out")
    return left


@dataclass(frozen=True)
class Probes:
    """Test pictures of every candidate; they are small, and laid again in every process.

    Attributes:
        rains: laid on 16 patches each, which are others for every rain as far as the photos give them.
        photos: photos that no training patch is cut from.
        size_px: side of the patches; rain is rendered at this size.
        seed: of cuts and rain.
        skip_bad: leave out photos that are broken or smaller than a patch.
        pairs: folders of rainy and clean pictures, as one more probe.
        match: how these find each other.
    """

    rains: tuple[Rain, ...]
    photos: tuple[Path, ...]
    size_px: int
    seed: int
    skip_bad: bool = False
    pairs: tuple[Path, Path] | None = None
    match: Match = "names"

    def lay(self) -> list[ValidationSet]:
        """The pairs of every probe.

        Raises:
            InputError: a photo or a pair is bad, or no patch can be cut from the photos.
        """
        wanted = _PATCHES * len(self.rains)
        sizes = photo_sizes(self.photos, self.skip_bad)
        positions = sum(max(0, h - self.size_px + 1) * max(0, w - self.size_px + 1) for h, w in sizes)
        count = max(1, min(wanted, positions))
        cut = load_patches(list(self.photos), count, self.size_px, self.seed, skip_bad=self.skip_bad)
        patches = torch.from_numpy(cut.patches[np.arange(wanted) % count])
        sets = []
        for index, rain in enumerate(self.rains):
            clean = patches[index * _PATCHES : (index + 1) * _PATCHES]
            source = {"rain": rain.describe(), "photos": cut.photos, "content_hash": cut.content_hash}
            rng = generator(self.seed, "probe", rain.name)
            sets.append(degraded_set(rain.name, source, rain, clean, rng))
        if self.pairs is not None:
            sets.append(replace(pairs_set(*self.pairs, self.match), name="validation pairs"))
        return sets


def check_probe(probe: ValidationSet, smallest_px: int) -> None:
    """Refuse what nothing could be measured on, before a network is trained.

    Args:
        probe: the pairs of one.
        smallest_px: least side of a picture that the network takes.

    Raises:
        InputError: a picture is too small, or none shows rain, as where two folders are swapped.
    """
    for name, rainy, _ in probe.samples:
        height, width = rainy.shape[-2:]
        if min(height, width) < smallest_px:
            least = f"the network needs at least {smallest_px} x {smallest_px}"
            raise InputError(f"{name} of the {probe.name} has {width} x {height} pixels, but {least}")
    if not any(rain_mask(rainy.float(), clean.float(), THRESHOLD).any() for _, rainy, clean in probe.samples):
        raise InputError(
            f"none of the {probe.name} shows rain: nowhere is a rainy picture brighter than its clean one by more than "
            f"{THRESHOLD:g} levels"
        )


def summarise(probes: Mapping[str, Sequence[Mapping[str, Any]]], preference: Preference) -> Measurement:
    """A measurement from the figures of every picture of every probe: means over pictures, then over probes.

    Pictures of which a figure is not defined are left out of its mean.

    Args:
        probes: the pictures' figures (`derain.evaluation.metrics.METRICS`) by the probe's name.
        preference: what the score weighs beside PSNR-Y.

    Raises:
        InputError: a probe has no picture with a score.
    """
    scores = {name: tuple(_score(figures, preference) for figures in images) for name, images in probes.items()}
    defined = {name: [value for value in values if value is not None] for name, values in scores.items()}
    for name, values in defined.items():
        if not values:
            raise InputError(f"none of the {name} shows rain, so that nothing can be measured on them")
    return Measurement(
        score=fmean(fmean(values) for values in defined.values()),
        error=error_of_means(list(defined.values())),
        psnr_y=_mean(probes, "psnr_y"),
        removal=_mean(probes, "removal_controlled"),
        clean_error=_mean(probes, "clean_error"),
        pictures=tuple(scores.values()),
    )


def _score(figures: Mapping[str, Any], preference: Preference) -> float | None:
    """None where there is no rain above the threshold, or nothing of it is left: the picture then says nothing."""
    if figures["psnr_y"] is None or figures["removal_controlled"] is None:
        return None
    return score(preference, figures["psnr_y"], figures["removal_controlled"], figures["clean_error"])


def _mean(probes: Mapping[str, Sequence[Mapping[str, Any]]], figure: str) -> float | None:
    return mean_defined(mean_defined(image[figure] for image in images) for images in probes.values())
