"""The rain response map: seconds and cells a second; and how the generalisation area goes with Rain100L.

    python -m benchmarks.probe --backgrounds "$DERAIN_DATA/natural/test"
    python -m benchmarks.probe --backgrounds "$DERAIN_DATA/natural/test" --models runs/*/model.safetensors \\
        --pairs "$DERAIN_DATA"/rain/rain100l/{rainy,clean}

The first measures the full map of a small UNet with weights as they are drawn: they do not change the time. The second
prints a line for every model, and Spearman's rank correlations with 95 % intervals (Bonett and Wright, Psychometrika
2000), for which models count as independent.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
import tyro

from benchmarks.history import Figure, show
from derain.evaluation.evaluate import evaluate
from derain.evaluation.restorers import NetworkRestorer
from derain.evaluation.statistics import spearman
from derain.networks import build, load_model
from derain.networks.registry import parse
from derain.pictures.images import list_images
from derain.pictures.pairs import match_pairs
from derain.probe.area import area_text
from derain.probe.maps import lay_scene
from derain.probe.measure import probe_network
from derain.probe.space import FULL

NETWORK = "unet:base=16,levels=4,norm=none,activation=leaky_relu"
BOUNDS = (10.0, 15.0, 20.0, None)
FIGURES = (("removal_controlled", "10"), ("removal_controlled", "50"), ("e_r", "10"), ("e_r", "50"))


def main(backgrounds: Path, models: tuple[Path, ...] = (), pairs: tuple[Path, Path] | None = None) -> None:
    if pairs is None:
        show(figures(backgrounds))
    else:
        relate(backgrounds, models, *pairs)


def figures(backgrounds: Path) -> Iterator[Figure]:
    start = perf_counter()
    scene = lay_scene(FULL, list_images(backgrounds), seed=0)
    probe_network(build(*parse(NETWORK)), scene)
    seconds = perf_counter() - start
    cells = sum(len(rain_map.rains) for rain_map in scene.maps)
    title = f"{cells} cells of {FULL.count} x {FULL.size_px}x{FULL.size_px} on {torch.get_num_threads()} threads"
    yield Figure(f"response map of the small UNet, {title}", seconds, "s")


def relate(backgrounds: Path, models: tuple[Path, ...], rainy: Path, clean: Path) -> None:
    scene = lay_scene(FULL, list_images(backgrounds), seed=0)
    areas: list[list[float]] = []
    tested: list[list[float]] = []
    print("| network | backgrounds, range | area at clean error <= 10 | 15 | 20 | any | clean error | "
          "Rain100L: controlled removal t=10 | t=50 | E_R t=10 | t=50 | clean error |")  # fmt: skip
    for model in models:
        network, header = load_model(model)
        answer = probe_network(network, scene)
        found = [answer.area(bound) for bound in BOUNDS]
        evaluation = evaluate(match_pairs(rainy, clean), NetworkRestorer(network, "cpu")).to_json()
        test = [evaluation["sensitivity"][threshold][figure] for figure, threshold in FIGURES]
        test.append(evaluation["mean"]["clean_error"])
        areas.append([float(area.value or 0) for area in found] + [answer.clean_error.mean()])
        tested.append(test)
        objective: dict[str, Any] = header["objective"]
        cells = [model.parent.name, f"{objective['count']}, {objective['rain']['name']}"]
        cells += [*map(area_text, found), f"{answer.clean_error.mean():.1f}"]
        cells += [f"{test[0]:.2f}", f"{test[1]:.2f}", f"{test[2]:.1f}", f"{test[3]:.1f}", f"{test[4]:.1f}"]
        print(f"| {' | '.join(cells)} |", flush=True)
    for index, bound in enumerate([*BOUNDS, "clean error on the backgrounds"]):
        column = [row[index] for row in areas]
        texts = [correlation([row[other] for row in tested], column) for other in range(len(FIGURES) + 1)]
        print(f"rank correlation, {bound}: {', '.join(texts)}")


def correlation(first: list[float], second: list[float]) -> str:
    rank = spearman(first, second)
    if rank is None:
        return "not defined"
    error = math.sqrt((1 + rank**2 / 2) / (len(first) - 3))
    middle = math.atanh(max(-0.9999, min(0.9999, rank)))
    return f"{rank:.2f} ({math.tanh(middle - 1.96 * error):.2f} .. {math.tanh(middle + 1.96 * error):.2f})"


if __name__ == "__main__":
    tyro.cli(main)
