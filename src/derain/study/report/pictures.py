"""Figures of pictures: what the networks of a study make of rainy pictures, and what they were trained on.

Nothing is chosen by looking: pictures are the first by name, cut from the middle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from derain.degradations import load_degradation
from derain.errors import InputError
from derain.evaluation.restorers import NetworkRestorer
from derain.evaluation.test_sets import first, photos
from derain.networks import load_model
from derain.pictures.degradation import degraded
from derain.pictures.images import list_images, read_image
from derain.rain import rain_mask
from derain.study.judge.results import Cell, Results, of_first_seeds
from derain.study.plan.spec import Pictures, Study, resolve_test
from derain.study.report.figures import varied
from derain.study.run.store import Store
from derain.support.randomness import generator
from derain.training.checkpoint import MODEL

if TYPE_CHECKING:
    from matplotlib.figure import Figure
_SEEN_PX, _SHOWN_PX = 480, 320  # networks see a margin around what is shown

NOTES = {
    "restored": f"The first pictures by name. Networks are given the middle {_SEEN_PX} x {_SEEN_PX} pixels of each, or "
    f"all of it where it is smaller; the middle {_SHOWN_PX} x {_SHOWN_PX} of them are shown.",
    "categories": f"The first training photos by name, the middle square of each at {_SHOWN_PX} x {_SHOWN_PX} pixels.",
    "ranges": "Layers of rain drawn one after the other, each as large as a training background, laid on the middle "
    "of the first test photo.",
    "decomposition": f"The middle {_SHOWN_PX} x {_SHOWN_PX} pixels of the first pictures by name. A rainy picture is "
    "the background and the rain, O = B + R. The mask (white) is where the rain exceeds a threshold t, in grey levels. "
    "Of a network's output X, E_R is the root mean square of X - O on the white pixels: how much was changed where it "
    "rains. E_B is that of X - B on the black ones: how far the rest is from the background. An output is shown as it "
    "is, on the white pixels alone and on the black ones alone (t=10).",
}
Photo = UInt8[np.ndarray, "_ _ 3"]


@dataclass(frozen=True)
class Picture:
    """A caption with a picture, or with the reason why it is not there."""

    caption: str
    content: Photo | str


@dataclass(frozen=True)
class Strip:
    """Pictures side by side, in one figure with strips of the same length."""

    title: str
    pictures: list[Picture]


def strips(results: Results, pictures: Pictures, store: Store, device: str) -> list[Strip]:
    """Make the pictures that a study asks for.

    Args:
        results: of the study.
        pictures: its [pictures].
        store: holds the weights.
        device: torch device that restores.

    Raises:
        InputError: data are not at hand. Single pictures and weights that are missing are named in their place.
    """
    study = results.study
    if pictures.kind == "restored":
        shown = _restored(study, pictures, results.cells, store, device)
    elif pictures.kind == "categories":
        shown = _categories(study, pictures)
    elif pictures.kind == "ranges":
        shown = _ranges(study, pictures, results.scale.background_size)
    else:
        shown = _decomposition(study, pictures, device)
    return shown


def draw_strips(shown: Sequence[Strip]) -> "Figure":
    """Strips below each other, with their captions; to be called within `page.drawing`."""
    from matplotlib.figure import Figure

    columns = max(len(strip.pictures) for strip in shown)
    figure = Figure(figsize=(1.75 * columns, 2.05 * len(shown)), layout="constrained")
    grid = figure.subplots(len(shown), columns, squeeze=False)
    for line, strip in zip(grid, shown, strict=True):
        for axes in line:
            axes.set_axis_off()
        for axes, picture in zip(line, strip.pictures, strict=False):
            axes.set_title("\n".join(wrap(picture.caption.replace(",", ", "), 28)), fontsize=6)
            if isinstance(picture.content, str):
                axes.text(0.5, 0.5, "\n".join(wrap(picture.content, 28)), ha="center", va="center", fontsize=5)
            else:
                axes.imshow(picture.content)
    return figure


def _restored(study: Study, pictures: Pictures, cells: Sequence[Cell], store: Store, device: str) -> list[Strip]:
    names, rainy, clean = _test_pictures(study, pictures)
    columns: list[tuple[str, list[Photo | str]]] = [("rainy", list(rainy))]
    shown = of_first_seeds(cells)
    axes = varied(shown) or ["network"]
    for cell in shown:
        caption = ", ".join(f"{axis} {cell.axes[axis]}" for axis in axes)
        columns.append((caption, _by_network(store.run(cell.identity) / MODEL, rainy, device)))
    for other in pictures.others:
        columns.append((other.title, _from_folder(other.folder, names, rainy)))
    if clean is not None:
        columns.append(("clean", list(clean)))
    return [
        Strip(name, [Picture(caption, _shown(column[index])) for caption, column in columns])
        for index, name in enumerate(names)
    ]


def _test_pictures(study: Study, pictures: Pictures) -> tuple[list[str], list[Photo], list[Photo] | None]:
    """Names, rainy and, where they are known, clean pictures, as networks are given them."""
    if pictures.photos is not None:
        paths = list_images(pictures.photos)[: pictures.number]
        return [path.stem for path in paths], [_middle(read_image(path), _SEEN_PX) for path in paths], None
    if not study.tests:
        raise InputError("there is no test set")
    samples = first(resolve_test(study, pictures.test or next(iter(study.tests))), pictures.number)
    names = [name for name, _, _ in samples]
    rainy = [_middle(_array(rainy), _SEEN_PX) for _, rainy, _ in samples]
    return names, rainy, [_middle(_array(clean), _SEEN_PX) for _, _, clean in samples]


def _by_network(model: Path, rainy: Sequence[Photo], device: str) -> list[Photo | str]:
    try:
        network = NetworkRestorer(load_model(model)[0], device)
        return [_array(network.picture(_tensor(photo))) for photo in rainy]
    except InputError as error:
        return [f"not shown: {error}"] * len(rainy)


def _from_folder(folder: Path, names: Sequence[str], rainy: Sequence[Photo]) -> list[Photo | str]:
    try:
        files = {path.stem: path for path in list_images(folder)}
    except InputError as error:
        return [f"not shown: {error}"] * len(names)
    return [_from_file(files.get(name), photo) for name, photo in zip(names, rainy, strict=True)]


def _from_file(path: Path | None, rainy: Photo) -> Photo | str:
    if path is None:
        return "not shown: the folder holds no picture of that name"
    try:
        restored = _middle(read_image(path), _SEEN_PX)
    except InputError as error:
        return f"not shown: {error}"
    return restored if restored.shape == rainy.shape else f"not shown: {path} has another size than the rainy picture"


def _categories(study: Study, pictures: Pictures) -> list[Strip]:
    return [
        Strip(
            name,
            [Picture(path.stem, _square(read_image(path))) for path in photos(category.train)[: pictures.number]],
        )
        for name, category in study.data.items()
    ]


def _ranges(study: Study, pictures: Pictures, size_px: int) -> list[Strip]:
    category = next(iter(study.data.values()))
    background = _middle(read_image(photos(category.test or category.train)[0]), size_px)
    found = []
    for text in pictures.rain:
        rain = load_degradation(text)
        clean = _tensor(background).expand(pictures.number, -1, -1, -1)
        rainy = degraded(rain, clean, generator(0, "pictures", rain.name))
        shown = [Picture(f"{rain.name} rain" if rain.residual == "rain" else rain.name, _array(each)) for each in rainy]
        found.append(Strip(rain.name, [Picture("background", background), *shown]))
    return found


def _decomposition(study: Study, pictures: Pictures, device: str) -> list[Strip]:
    restorer = None if pictures.model is None else NetworkRestorer(load_model(pictures.model)[0], device)
    found = []
    for name, rainy, clean in zip(*_paired(study, pictures), strict=True):
        o, b = _tensor(rainy).float(), _tensor(clean).float()
        parts: list[tuple[str, Tensor]] = [
            ("background B", b),
            ("rain R", (o - b).clamp(min=0)),
            ("rainy O = B + R", o),
            *((f"mask, t={threshold}", 255 * rain_mask(o, b, threshold).expand(3, -1, -1)) for threshold in (10, 50)),
        ]
        if restorer is not None:
            mask, x = rain_mask(o, b, 10), restorer.picture(_tensor(rainy)).float()
            parts += [(f"X of {pictures.model}", x), ("X on the mask: E_R", x * mask), ("X beside it: E_B", x * ~mask)]
        shown = [Picture(caption, _middle(_array(part.to(torch.uint8)), _SHOWN_PX)) for caption, part in parts]
        found.append(Strip(name, shown))
    return found


def _paired(study: Study, pictures: Pictures) -> tuple[list[str], list[Photo], list[Photo]]:
    names, rainy, clean = _test_pictures(study, pictures)
    if clean is None:
        raise InputError("a decomposition needs a test set with clean pictures")
    return names, rainy, clean


def _shown(content: Photo | str) -> Photo | str:
    return content if isinstance(content, str) else _middle(content, _SHOWN_PX)


def _middle(photo: Photo, size_px: int) -> Photo:
    """The middle size x size pixels; all of a side that is shorter."""
    height, width, _ = photo.shape
    top, left = max(0, height - size_px) // 2, max(0, width - size_px) // 2
    return photo[top : top + size_px, left : left + size_px]


def _square(photo: Photo) -> Photo:
    square = Image.fromarray(_middle(photo, min(photo.shape[:2])))
    return np.asarray(square.resize((_SHOWN_PX, _SHOWN_PX), Image.Resampling.LANCZOS))


def _array(picture: UInt8[Tensor, "3 h w"]) -> Photo:
    return picture.permute(1, 2, 0).contiguous().numpy()


def _tensor(photo: Photo) -> UInt8[Tensor, "3 h w"]:
    return torch.from_numpy(photo.copy()).permute(2, 0, 1)
