"""Pictures in which content and rain are crossed: every background dry, and under the same layer of every rain."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor

from derain.pictures.backgrounds import load_patches
from derain.pictures.images import list_images
from derain.probe.explanation.settings import ExplainSettings
from derain.rain import Rain, compose, load_rain
from derain.support.randomness import generator

DRY = "dry"
"""Name of the first column of a scene, which has no rain."""


@dataclass(frozen=True, eq=False)
class Scene:
    """The pictures of every background, dry and under each rain.

    Attributes:
        pictures: levels 0..255, by background and by rain; the first rain is none.
        rains: names of the rains, the first of which is `DRY`.
        photos: number of distinct photos of the backgrounds.
        content_hash: of the backgrounds.
    """

    pictures: UInt8[Tensor, "contents rains 3 size size"]
    rains: tuple[str, ...]
    photos: int
    content_hash: str


def lay_scene(settings: ExplainSettings) -> Scene:
    """Cut the backgrounds, one from each photo in turn, and lay one layer of every rain on all of them.

    Raises:
        InputError: a photo or a rain is bad, or too few patches can be cut.
    """
    rains = [load_rain(rain) for rain in settings.rains]
    patches = load_patches(list_images(settings.backgrounds), settings.count, settings.size_px, settings.seed)
    pictures = crossed(torch.from_numpy(patches.patches), rains, settings.seed)
    return Scene(pictures, (DRY, *(Path(rain).stem for rain in settings.rains)), patches.photos, patches.content_hash)


def crossed(
    clean: UInt8[Tensor, "contents 3 size size"], rains: Sequence[Rain], seed: int
) -> UInt8[Tensor, "contents rains 3 size size"]:
    """The clean pictures, and the same under one layer of each rain; it is never free of rain."""
    size = clean.shape[-1]
    columns = [clean]
    for rain in rains:
        rng = generator(seed, "explain", rain.name)
        layer = replace(rain, rain_free=0.0).layers(1, size, size, rng).expand(len(clean), -1, -1, -1)
        columns.append(compose(clean, layer).to(torch.uint8))
    return torch.stack(columns, dim=1)
