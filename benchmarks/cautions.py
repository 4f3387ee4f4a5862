"""Rates at which the warnings of `derain restore --report` are right, on pictures whose truth is known.

    python -m benchmarks.cautions --data "$DERAIN_DATA" --model balanced

What stands against the warnings, with O the photo, X the result, B the truth and the sums over all pixels and channels:

    removed  <O - X, O - B> / |O - B|^2   how much of the rain was taken away
    justified  <O - X, O - B> / |O - X|^2   how much of what was taken away was rain

"Hardly anything was taken away" is right where less than half of the rain was removed, or there was none; "part of
what was taken away is coloured or dark" where less than half of it was rain. The limits were chosen on the photos below
under rain that is generated, Rain12 and SIRR; Rain100L and Rain100H are the test.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import tyro
from jaxtyping import UInt8

from derain.networks import load_model
from derain.pictures.images import list_images, read_image
from derain.pictures.pairs import match_pairs
from derain.rain import Lines, Rain, compose, load_rain
from derain.restoration import TiledRestorer
from derain.restoration.changes import LITTLE, UNLIKE, Changes, find_changes
from derain.support.randomness import generator

Picture = UInt8[np.ndarray, "h w 3"]
SIDE_PX = 320
PHOTOS = {"natural": 24, "buildings": 10, "faces": 10, "comics": 10}
RAINS = {
    "wide": load_rain("wide"),
    "medium": load_rain("medium"),
    "threads": Rain.of("threads", Lines(number=(20, 80), length_px=(70, 110), thickness_px=(0.3, 0.5))),
    "level": Rain.of("level", Lines(angle_deg=(70, 90), length_px=(20, 50), thickness_px=(1, 2))),
    "snow": Rain.of("snow", Lines(number=(60, 200), length_px=(2, 4), thickness_px=(2, 4), level=(0.5, 0.9))),
}
PAIRS = {"validation": ("rain12", "ddn_sirr"), "test": ("rain100l", "rain100h")}


class Case(NamedTuple):
    """One picture: where it is from, the figures without the truth, and with it."""

    name: str
    changes: Changes
    rain: float
    removed: float
    justified: float


def main(data: Path, model: Path = Path("balanced"), test: bool = False, threads: int = 2) -> None:
    """
    Args:
        data: folder with natural/test and the others, rain/rain12 and the others.
        model: whose results are looked at.
        test: measure on Rain100L and Rain100H as well.
        threads: of the CPU.
    """
    torch.set_num_threads(threads)
    network, _ = load_model(model)
    restore = TiledRestorer(network).picture
    cases = [case(restore, *each) for each in [*photos(data), *pairs(data, "validation")]]
    print_means(cases)
    print_warnings("validation", cases)
    if test:
        cases = [case(restore, *each) for each in pairs(data, "test")]
        print_means(cases)
        print_warnings("test", cases)


def photos(data: Path) -> Iterator[tuple[str, Picture, Picture]]:
    for category, number in PHOTOS.items():
        for path in list_images(data / category / "test")[:number]:
            clean = middle(read_image(path))
            yield f"no rain, {category}", clean, clean
            for name, rain in RAINS.items():
                height, width, _ = clean.shape
                layer = rain.layers(1, height, width, generator(0, "cautions", category, path.name, name))[0]
                rainy = compose(torch.from_numpy(clean).permute(2, 0, 1).float(), layer)
                yield f"{name}, {category}", rainy.permute(1, 2, 0).byte().numpy(), clean


def pairs(data: Path, kind: str) -> Iterator[tuple[str, Picture, Picture]]:
    for name in PAIRS[kind]:
        for pair in match_pairs(data / "rain" / name / "rainy", data / "rain" / name / "clean"):
            yield name, read_image(pair.rainy), read_image(pair.clean)


def middle(picture: Picture) -> Picture:
    top, left = (max(0, (side - SIDE_PX) // 2) for side in picture.shape[:2])
    return np.ascontiguousarray(picture[top : top + SIDE_PX, left : left + SIDE_PX])


def case(restore: Callable[[Picture], Picture], name: str, rainy: Picture, clean: Picture) -> Case:
    restored = restore(rainy)
    taken, rain = (rainy.astype(np.float64) - other for other in (restored, clean))
    common = float((taken * rain).sum())
    return Case(
        name,
        find_changes(rainy, restored),
        float(np.abs(rain).mean()),
        common / max(float((rain**2).sum()), 1e-9),
        common / max(float((taken**2).sum()), 1e-9),
    )


def print_means(cases: list[Case]) -> None:
    rows = []
    for name in dict.fromkeys(case.name for case in cases):
        these = [case for case in cases if case.name == name]
        values = [(c.changes.share, c.changes.unlike_rain, c.removed if c.rain else np.nan, c.justified) for c in these]
        share, unlike, removed, justified = np.mean(values, axis=0)
        rows.append([name, str(len(these)), f"{share:.3f}", f"{unlike:.4f}", f"{removed:.2f}", f"{justified:.2f}"])
    print_table(["pictures", "number", "changed", "unlike rain", "removed", "justified"], rows)


def print_warnings(title: str, cases: list[Case]) -> None:
    little = np.array([-case.changes.share for case in cases])
    unlike = np.array([case.changes.unlike_rain for case in cases])
    left = np.array([case.rain == 0 or case.removed < 0.5 for case in cases])
    wrong = np.array([case.justified < 0.5 for case in cases])
    rows = []
    warnings = (("hardly anything", little, -LITTLE, left), ("unlike rain", unlike, UNLIKE, wrong))
    for warning, score, limit, truth in warnings:
        warned = score > limit
        rows.append([
            warning, f"{len(cases)}", f"{truth.sum()}", f"{warned.sum()}", share(truth[warned]), share(warned[truth]),
            share(warned[~truth]), f"{area_under_curve(score, truth):.2f}",
        ])  # fmt: skip
    heads = ["warning", "pictures", "should warn", "warned", "of these right", "found", "false alarms", "AUC"]
    print_table([f"{title}: {heads[0]}", *heads[1:]], rows)


def print_table(heads: list[str], rows: list[list[str]]) -> None:
    for cells in (heads, ["---"] * len(heads), *rows):
        print("|", " | ".join(cells), "|")
    print()


def share(flags: np.ndarray) -> str:
    return f"{flags.mean():.0%}" if len(flags) else "-"


def area_under_curve(score: np.ndarray, truth: np.ndarray) -> float:
    """The chance that a picture that should be warned about scores higher than one that should not."""
    if truth.all() or not truth.any():
        return float("nan")
    higher = score[truth][:, None] - score[~truth][None]
    return float(((higher > 0) + 0.5 * (higher == 0)).mean())


if __name__ == "__main__":
    tyro.cli(main)
