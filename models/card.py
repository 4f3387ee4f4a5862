"""Measure the models in the box, and draw what docs/reference/model.md shows of them.

    python models/card.py --data "$DERAIN_DATA" --out docs/results/models --images docs/images [--test]

Rain100L and Rain100H are the test, measured with --test when the models are final. All else is validation: Rain12,
SIRR, and what pictures without rain become.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import tyro
from jaxtyping import UInt8
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from derain.errors import InputError
from derain.evaluation.evaluate import Evaluation, evaluate
from derain.evaluation.metrics import clean_error
from derain.evaluation.restorers import NetworkRestorer
from derain.models import NAMES, find_model
from derain.networks import load_model
from derain.networks.base import Network
from derain.pictures.images import list_images, read_image
from derain.pictures.pairs import match_pairs
from derain.probe.run import probe
from derain.probe.space import ProbeSettings
from derain.rain import compose, load_rain
from derain.restoration.restorer import TiledRestorer
from derain.support.files import make_folder, write_bytes, write_json
from derain.support.pages import drawing
from derain.support.randomness import generator

RAINS = Path(__file__).parent / "search" / "rain"
VALIDATION, TEST = ("rain12", "ddn_sirr"), ("rain100l", "rain100h")
CATEGORIES = ("natural", "buildings", "faces", "comics")
SIDE_PX = 256
FIGURES = ("psnr_y", "ssim_y", "removal", "damage", "removal_controlled", "clean_error", "e_r", "e_b")

Picture = UInt8[Tensor, "3 h w"]


def main(
    data: Path,
    out: Path,
    images: Path,
    models: tuple[Path, ...] = tuple(map(Path, NAMES)),
    strengths: tuple[float, ...] = (1.0, 1.2),
    test: bool = False,
) -> None:
    """
    Args:
        data: folder with rain/rain12, natural/test and the others.
        out: for MODEL.json.
        images: for the figures.
        models: to measure, by name or file; two of them are drawn beside each other.
        strengths: of `derain restore` to measure at.
        test: measure on Rain100L and Rain100H.
    """
    make_folder(out)
    make_folder(images)
    restorers = {}
    for name in models:
        file = find_model(name)
        network, header = load_model(file)
        restorers[name.stem] = NetworkRestorer(network, "cpu")
        card: dict[str, Any] = {
            "sha256": sha256(file.read_bytes()).hexdigest(),
            "bytes": file.stat().st_size,
            "parameters": network.parameter_count(),
            "header": header,
            "strengths": {},
        }
        for strength in strengths:
            restorer = AtStrength(network, strength)
            sets = {kind: measured(data, kind, restorer) for kind in (*VALIDATION, *(TEST if test else ()))}
            dry = {kind: left_alone(data / kind / "test", restorer) for kind in CATEGORIES}
            card["strengths"][f"{strength:g}"] = {"sets": sets, "clean_error": dry}
            print_card(f"{name.stem}, strength {strength:g}", sets, dry)
        write_json(out / f"{name.stem}.json", card)
    with drawing():
        save(draw(rainy_rows(data), restorers), images / "model-rain.jpg")
        save(draw(fine_rows(data), restorers), images / "model-fine.jpg")
    if len(models) == 2:
        with TemporaryDirectory() as folder:
            probe([find_model(name) for name in models], ProbeSettings(data / "natural" / "test"), Path(folder))
            for figure in sorted(Path(folder).glob("figures/*removal_controlled*.png")):
                write_bytes(images / "model-response.png", figure.read_bytes())


class AtStrength(NetworkRestorer):
    """Restores as `derain restore --strength`."""

    def __init__(self, network: Network, strength: float) -> None:
        super().__init__(network, "cpu")
        self._tiles = TiledRestorer(network, strength=strength)

    def picture(self, picture: Picture) -> Picture:
        return tensor(self._tiles.picture(picture.movedim(0, -1).contiguous().numpy()))


def measured(data: Path, kind: str, restorer: NetworkRestorer) -> dict[str, Any]:
    """Means over a set of pairs, at both thresholds, beside those of the rainy pictures."""
    pairs = match_pairs(data / "rain" / kind / "rainy", data / "rain" / kind / "clean")
    evaluation = evaluate(pairs, restorer)
    return {
        "pairs": len(pairs),
        **{name: means(evaluation, name) for name in ("restored", "untouched")},
    }


def means(evaluation: Evaluation, which: str) -> dict[str, dict[str, float]]:
    sums = getattr(evaluation, which)
    return {
        f"{threshold:g}": {figure: round(sums.mean(threshold)[figure], 4) for figure in FIGURES}
        for threshold in (10.0, 50.0)
    }


def left_alone(folder: Path, restorer: NetworkRestorer) -> dict[str, float]:
    """The clean error of photos without rain: its mean, and the largest."""
    pictures = [tensor(read_image(path)) for path in list_images(folder)]
    errors = [clean_error(restorer.picture(clean), clean) for clean in pictures]
    return {"photos": len(errors), "mean": round(fmean(errors), 3), "largest": round(max(errors), 3)}


def rainy_rows(data: Path) -> Iterator[tuple[str, Picture]]:
    """The first photos of natural/test by name, under rain of kinds that were not trained on."""
    photos = list_images(data / "natural" / "test")
    for path, (name, rain) in zip(
        photos,
        {"threads": RAINS / "threads.toml", "heavy": RAINS / "heavy.toml", "medium": "medium"}.items(),
        strict=False,
    ):
        clean = tensor(middle(read_image(path)))
        layer = load_rain(str(rain)).layers(1, SIDE_PX, SIDE_PX, generator(0, "card", name))
        yield f"{name} rain", compose(clean.float()[None], layer)[0].byte()


def fine_rows(data: Path) -> Iterator[tuple[str, Picture]]:
    """Without rain: the three natural photos and the page of a comic whose middles have the most fine, upright detail.

    The comic is Pepper&Carrot by David Revoy, CC BY 4.0.
    """
    for kind, pattern, number in (("natural", "*", 3), ("comics", "pepper_*", 1)):
        paths = [path for path in list_images(data / kind / "test") if path.match(pattern)]
        middles = [middle(read_image(path)) for path in paths]
        for picture in sorted(middles, key=upright_detail, reverse=True)[:number]:
            yield "no rain", tensor(picture)


def upright_detail(picture: UInt8[np.ndarray, "h w 3"]) -> float:
    """Mean squared second difference across, where it is larger than that down."""
    grey = picture.astype(np.float32).mean(2)
    across, down = np.diff(grey, 2, axis=1)[1:-1], np.diff(grey, 2, axis=0)[:, 1:-1]
    return float(np.clip(across**2 - down**2, 0, None).mean())


def middle(picture: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "_ _ 3"]:
    height, width = picture.shape[:2]
    if min(height, width) < SIDE_PX:
        raise InputError(f"a picture of {width} x {height} is too small to be shown")
    top, left = (height - SIDE_PX) // 2, (width - SIDE_PX) // 2
    return picture[top : top + SIDE_PX, left : left + SIDE_PX]


def tensor(picture: UInt8[np.ndarray, "h w 3"]) -> Picture:
    return torch.from_numpy(np.ascontiguousarray(picture)).movedim(-1, 0)


def draw(rows: Iterator[tuple[str, Picture]], restorers: Mapping[str, NetworkRestorer]) -> Figure:
    shown = list(rows)
    figure = Figure(figsize=(2.6 * (1 + len(restorers)) + 0.4, 2.6 * len(shown) + 0.4), layout="constrained")
    grid = figure.subplots(len(shown), 1 + len(restorers), squeeze=False)
    for row, (axes, (name, picture)) in enumerate(zip(grid, shown, strict=True)):
        results = {"input": picture} | {column: each.picture(picture) for column, each in restorers.items()}
        for at, (column, result) in zip(axes, results.items(), strict=True):
            at.imshow(result.movedim(0, -1).numpy())
            at.set_xticks([])
            at.set_yticks([])
            at.set_title(column if row == 0 else "", fontsize=10)
        axes[0].set_ylabel(name, fontsize=10)
    return figure


def save(figure: Figure, path: Path) -> None:
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    image, file = Image.open(picture).convert("RGB"), io.BytesIO()
    image.save(file, "JPEG", quality=88)
    write_bytes(path, file.getvalue())


def print_card(name: str, sets: Mapping[str, Any], dry: Mapping[str, Any]) -> None:
    print(f"\n{name}: the rainy input after the slash; t = 10")
    for kind, values in sets.items():
        restored, untouched = values["restored"]["10"], values["untouched"]["10"]
        print_row(kind, [f"{figure} {restored[figure]:.2f} / {untouched[figure]:.2f}" for figure in FIGURES])
    print_row("clean error", [f"{kind} {values['mean']:.2f}" for kind, values in dry.items()])


def print_row(head: str, cells: Sequence[str]) -> None:
    print(f"{head:12}", ", ".join(cells))


if __name__ == "__main__":
    tyro.cli(main)
