"""Sets of pairs to measure on: pairs of two folders, or photos under streaks or rain."""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from derain.degradations import load_degradation
from derain.evaluation.evaluate import Sample, evaluate_network
from derain.evaluation.restorers import read_picture
from derain.networks.base import Network
from derain.pictures.backgrounds import Category, ContentFilter, load_patches
from derain.pictures.degradation import Degradation, degraded
from derain.pictures.images import list_images
from derain.pictures.pairs import Pair, match_pairs
from derain.rain import Rain
from derain.rain.recovered import Recovered
from derain.support.choices import Match, Residual
from derain.support.randomness import generator


@dataclass(frozen=True)
class ValidationSet:
    """Pairs in memory, (name, rainy, clean), measured again and again while a network trains.

    Attributes:
        name: "held_out" or "pairs".
        source: what the pairs are, JSON-able; it decides whether a run goes on with the set it began with.
        samples: the pairs, uint8.
        residual: what their degradation leaves of a picture.
    """

    name: str
    source: dict[str, Any]
    samples: list[Sample]
    residual: Residual = "rain"

    def measure(self, network: Network, device: torch.device) -> dict[str, Any]:
        """All figures at a threshold of 10: means, what was left out of them, sensitivity to the threshold, images."""
        result = evaluate_network(self.samples, network, device, residual=self.residual).to_json()
        return {"set": self.name, **{key: result[key] for key in ("mean", "sensitivity", "left_out", "images")}}


def degraded_set(
    name: str,
    source: dict[str, Any],
    degradation: Degradation,
    clean: UInt8[Tensor, "n 3 h w"],
    rng: np.random.Generator,
) -> ValidationSet:
    """Clean pictures beside what a degradation makes of them, numbered from 0."""
    pairs = zip(degraded(degradation, clean, rng), clean, strict=True)
    samples = [(str(number), *pair) for number, pair in enumerate(pairs)]
    return ValidationSet(name, source, samples, degradation.residual)


def pairs_set(rainy: Path, clean: Path, match: Match, residual: Residual = "rain") -> ValidationSet:
    """All pairs of two folders."""
    pairs = match_pairs(rainy, clean, match)
    samples = [(pair.name, read_picture(pair.rainy), read_picture(pair.clean)) for pair in pairs]
    content = sha256()
    for _, *pictures in samples:
        for picture in pictures:
            content.update(str(tuple(picture.shape)).encode() + picture.numpy().tobytes())
    source = {"names": [pair.name for pair in pairs], "content_hash": content.hexdigest()}
    return ValidationSet("pairs", source, samples, residual)


_PATCHES = 40


@dataclass(frozen=True)
class Pairs:
    """Rainy and clean pictures of two folders."""

    rainy: Path
    clean: Path
    match: Match

    def list(self, pictures: int | None) -> list[Pair]:
        return match_pairs(self.rainy, self.clean, self.match)[:pictures]


@dataclass(frozen=True)
class Test:
    """A test set of a study with all that it refers to.

    Attributes:
        name: as in the study.
        pairs: what it consists of; or, where a category is given, where its streaks are recovered from.
        category: whose test photos are cut into patches; None: the pairs are tested as they are.
        rain: laid on the photos, where there are no pairs.
        pictures: their number, the first by name; None: all pairs, or 40 patches.
        size_px: side of the patches.
    """

    name: str
    pairs: Pairs | None
    category: Category | None
    rain: str | None
    pictures: int | None
    size_px: int

    __test__ = False

    def sources(self) -> dict[str, list[Path]]:
        """The files that it is chosen from: "clean" pictures or photos, and "rainy" ones."""
        found: dict[str, list[Path]] = {}
        if self.pairs is not None:
            pairs = self.pairs.list(None)
            found = {"rainy": [pair.rainy for pair in pairs], "clean": [pair.clean for pair in pairs]}
        if self.category is not None:
            # With recovered streaks the clean pictures of the pairs are seen by nobody.
            found["streaks"] = found.pop("rainy", []) + found.pop("clean", [])
            found["clean"] = photos(self.category.test)
        return found

    def samples(self) -> Iterator[Sample]:
        """(name, rainy, clean), uint8 (3, h, w), one after the other.

        Raises:
            InputError: a folder or a picture is bad, or fewer patches can be cut than are asked for.
        """
        if self.category is None:
            assert self.pairs is not None
            for pair in self.pairs.list(self.pictures):
                yield pair.name, read_picture(pair.rainy), read_picture(pair.clean)
            return
        content = ContentFilter(self.category.min_std, self.category.max_white)
        files = photos(self.category.test)
        patches = load_patches(files, self.pictures or _PATCHES, self.size_px, 0, content)
        degradation, names = self.load_degradation(), set[str]()
        for index, patch in enumerate(torch.from_numpy(patches.patches)):
            [rainy] = degraded(degradation, patch[None], generator(0, "test", self.name, index))
            source = patches.sources[index]
            # Photos of two folders may have one name.
            name = unused(f"{Path(source.photo).stem}-{source.top}-{source.left}", names)
            names.add(name)
            yield name, rainy, patch

    @property
    def residual(self) -> Residual:
        """Kind of the difference between its pictures."""
        return "rain" if self.rain is None else load_degradation(self.rain).residual

    def load_degradation(self) -> Degradation:
        """The rain, or another degradation, that is laid on photos."""
        if self.pairs is not None:
            return Rain.of(self.name, Recovered(self.pairs.rainy, self.pairs.clean, self.pairs.match))
        assert self.rain is not None
        return load_degradation(self.rain)


def photos(folders: tuple[Path, ...]) -> list[Path]:
    """All pictures of some folders."""
    return [photo for folder in folders for photo in list_images(folder)]


def first(test: Test, number: int) -> list[Sample]:
    """The first pictures of a test set."""
    return list(islice(test.samples(), number))


def unused(name: str, taken: Container[str]) -> str:
    """A name, or the name with the first number from 2 that is not taken: the same wherever the files lie.

    >>> unused("a.png", ["a.png", "a.png 2"])
    'a.png 3'
    """
    return next(each for each in chain([name], (f"{name} {number}" for number in count(2))) if each not in taken)
