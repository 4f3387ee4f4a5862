"""Rain, or another degradation, laid on photos, written as folders of pairs that any program can read."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8

from derain.errors import InputError
from derain.pictures.degradation import Degradation
from derain.pictures.images import image_size, list_images, read_image, write_image
from derain.rain import Rain, compose, rain_mask
from derain.support.devices import usable_device
from derain.support.files import folded, make_folder
from derain.support.randomness import generator
from derain.support.records import OwnedFolder, alone_in

MASK_THRESHOLD = 10.0
_KINDS = ("rainy", "clean", "rain", "mask")


def synthesise(
    inputs: list[Path],
    rain: Degradation,
    seed: int,
    out: Path,
    device: str = "cpu",
    report: Callable[[int, int], None] = lambda done, photos: None,
) -> int:
    """Lay rain on photos and return their number: OUT/rainy, OUT/clean, OUT/rain and OUT/mask get a NAME.png of each.

    Every photo gets a layer of its own, at its own size, which depends on the seed and on the photo's name alone.
    `rain` is the rendered grey layer before O = clip(B + R), itself cut at 255; another degradation has none.
    `mask` is white where the largest channel of O - B exceeds 10 levels. OUT/synthesis.json keeps the names; files
    that it does not name are not overwritten.

    Args:
        inputs: photos, and folders of photos.
        rain: where the layers come from, or another degradation.
        seed: seed of the layers.
        out: the folder that gets the four folders.
        device: torch device to render on.
        report: called with the number of photos done and their total.

    Raises:
        InputError: a photo that cannot be read, two photos of one name, a photo that lies where results go, a file of
            such a name there that is no result, an output folder that cannot be written, or a device that cannot be
            used.
    """
    if not inputs:
        raise InputError("give at least one photo or folder of photos")
    photos = [photo for path in inputs for photo in (list_images(path) if path.is_dir() else [path])]
    by_name: dict[str, Path] = {}
    place, written_to = usable_device(device), {(out / kind).resolve() for kind in _KINDS}
    for photo in photos:
        if photo.resolve().parent in written_to:
            raise InputError(f"{photo} lies where results are written: give another --out")
        image_size(photo)
        if (other := by_name.setdefault(folded(photo.stem), photo)) is not photo:
            raise InputError(f"{other} and {photo} would both be written to {photo.stem}.png")
    with alone_in(make_folder(out), "derain synth"):
        return _lay(list(by_name.values()), rain, seed, out, place, report)


def _lay(
    photos: list[Path], rain: Degradation, seed: int, out: Path, place: torch.device, report: Callable[[int, int], None]
) -> int:
    by_name = {photo.stem: photo for photo in photos}
    folder = OwnedFolder(out, "synthesis.json", "derain synth")
    ours = folder.read(_names) or set()
    folder.refuse_others(_files(by_name), set(_files(ours)))
    kinds = [kind for kind in _KINDS if kind != "rain" or isinstance(rain, Rain)]
    folders = {kind: make_folder(out / kind) for kind in kinds}
    folder.write({"photos": sorted(ours.union(by_name))})  # before the first picture is written, should this be killed
    try:
        for done, (name, photo) in enumerate(by_name.items(), start=1):
            for kind, picture in _pictures(photo, rain, generator(seed, "synthesis", name), place).items():
                write_image(folders[kind] / f"{name}.png", picture)
            report(done, len(by_name))
    finally:
        written = {name for name in by_name if any((out / file).exists() for file in _files([name]))}
        folder.write({"photos": sorted(ours | written)})
    return len(by_name)


def _pictures(
    photo: Path, rain: Degradation, rng: np.random.Generator, place: torch.device
) -> dict[str, UInt8[np.ndarray, "h w *c"]]:
    """Pictures to write for a photo, by their folder."""
    background = torch.from_numpy(read_image(photo)).permute(2, 0, 1).float()
    pictures = {"clean": background}
    if isinstance(rain, Rain):
        height, width = background.shape[-2:]
        layer = rain.layers(1, height, width, rng, place)[0].cpu()
        pictures |= {"rainy": compose(background, layer), "rain": layer.clamp(max=255)}
    else:
        pictures["rainy"] = rain.degrade(background[None].to(place), rng)[0].cpu()
    mask = rain_mask(pictures["rainy"], background, MASK_THRESHOLD, rain.residual)
    pictures["mask"] = mask[0] * 255.0
    return {kind: _as_array(picture) for kind, picture in pictures.items()}


def _names(content: Any) -> set[str]:
    """The names that are noted as results."""
    if not all(isinstance(name, str) for name in content["photos"]):
        raise TypeError
    return set(content["photos"])


def _files(names: Iterable[str]) -> Iterator[str]:
    """The content written under these names."""
    return (f"{kind}/{name}.png" for name in names for kind in _KINDS)


def _as_array(picture: torch.Tensor) -> UInt8[np.ndarray, "h w *c"]:
    levels = picture.to(torch.uint8)
    return (
        levels.permute(1, 2, 0) if levels.ndim == 3 and len(levels) == 3 else levels.reshape(levels.shape[-2:])
    ).numpy()
