"""What is measured along a training: photos kept out of it under rain it does not train on, and true pairs."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

from derain.backgrounds import load_patches
from derain.evaluation import evaluate_network
from derain.images import read_image
from derain.networks.base import Network
from derain.pairs import Match, match_pairs
from derain.rain import compose, load_rain
from derain.rain.unseen import THREADS
from derain.randomness import generator

_MOST_PATCHES = 16

Sample = tuple[str, UInt8[Tensor, "3 _ _"], UInt8[Tensor, "3 _ _"]]


@dataclass(frozen=True)
class ValidationSet:
    """Pairs in memory, (name, rainy, clean), measured again and again while a network trains.

    Attributes:
        name: "held_out" or "pairs".
        source: what the pairs are, JSON-able; it decides whether a run goes on with the set it began with.
        samples: the pairs, uint8.
    """

    name: str
    source: dict[str, Any]
    samples: list[Sample]

    def measure(self, network: Network, device: torch.device) -> dict[str, Any]:
        """All figures at a threshold of 10: means, what was left out of them, sensitivity to the threshold, images."""
        result = evaluate_network(self.samples, network, device).to_json()
        return {"set": self.name, **{key: result[key] for key in ("mean", "sensitivity", "left_out", "images")}}


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


def pairs_set(rainy: Path, clean: Path, match: Match) -> ValidationSet:
    """All pairs of two folders."""
    pairs = match_pairs(rainy, clean, match)
    samples = [(pair.name, _picture(pair.rainy), _picture(pair.clean)) for pair in pairs]
    content = sha256()
    for _, *pictures in samples:
        for picture in pictures:
            content.update(str(tuple(picture.shape)).encode() + picture.numpy().tobytes())
    source = {"names": [pair.name for pair in pairs], "content_hash": content.hexdigest()}
    return ValidationSet("pairs", source, samples)


def _picture(path: Path) -> UInt8[Tensor, "3 h w"]:
    return torch.from_numpy(read_image(path)).permute(2, 0, 1)
