"""The first real measurement: few and many natural backgrounds, medium and large rain, tested on Rain100L.

    python -m benchmarks.first_measurement --data "$DERAIN_DATA" --runs runs --out docs/results/first_measurement.json

Eight trainings of the small UNet (4,500 iterations), two at a time with one thread each; run it again to go on after
an interruption. Figures along the training are those of all 40 pairs; those of the first 20 by name (as text) are
beside them where an independent program published them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from benchmarks.trainings import on_rain100l, train_all
from derain.support.files import write_json
from derain.training.log import read_log

NETWORK = "unet:base=16,levels=4,norm=none,activation=leaky_relu,input_skip=true"
SHOWN = (500, 1500, 4500)
FIGURES = ("psnr_y", "removal", "damage", "removal_controlled", "clean_error", "e_r", "e_b")


@dataclass(frozen=True)
class Cell:
    """One training."""

    count: int
    rain: str
    recipe: str = "paper"

    @property
    def name(self) -> str:
        return f"{self.rain}-{self.count}" + ("" if self.recipe == "paper" else f"-{self.recipe}")

    def flags(self, data: Path) -> list[str]:
        return [
            *on_rain100l(data),
            *("--count", str(self.count), "--rain", self.rain, "--recipe", self.recipe, "--network", NETWORK),
            *("--iterations", "4500", "--batch-size", "16", "--layers", "4000", "--learning-rate", "1e-3"),
            *("--warmup", "200", "--validate-every", "500"),
        ]


CELLS = [Cell(count, rain) for rain in ("medium", "large") for count in (8, 1024, 64)]
# The comparison that decides which recipe is the default; judged on the photos kept out, not on Rain100L.
CELLS += [Cell(1024, rain, "corrected") for rain in ("medium", "large")]


def main(
    data: Path, runs: Path, out: Path, workers: Annotated[int, tyro.conf.arg(help="Trainings at a time.")] = 2
) -> None:
    train_all({cell.name: cell.flags(data) for cell in CELLS}, runs, workers)
    results = {cell.name: curve(runs / cell.name) for cell in CELLS}
    write_json(out, results)
    for name, points in results.items():
        for point in points:
            if point["iteration"] in SHOWN:
                print(row(name, point))
    print("\nfirst 20 pairs by name:")
    for name, points in results.items():
        for point in points:
            if point["iteration"] in SHOWN:
                print(first_20_row(name, point))


def row(name: str, point: dict[str, Any]) -> str:
    """One line of the table in docs/results/first-measurement.md."""
    mean, at_50 = point["pairs"]["mean"], point["pairs"]["sensitivity"]["50"]
    cells = [
        name,
        f"{point['iteration']}",
        f"{mean['psnr_y']:.2f}",
        f"{mean['removal']:.2f} / {mean['damage']:.1f}",
        f"{mean['removal_controlled']:.2f}",
        f"{mean['clean_error']:.1f}",
        f"{mean['e_r']:.1f} / {mean['e_b']:.1f}",
        f"{at_50['removal']:.2f} / {at_50['removal_controlled']:.2f}",
        f"{at_50['e_r']:.1f} / {at_50['e_b']:.1f}",
        f"{mean['psnr_rgb']:.2f}",
        f"{mean['ssim_rgb']:.3f} / {mean['ssim_y']:.3f}",
        f"{point['held_out']['mean']['removal_controlled']:.2f} / {point['held_out']['mean']['clean_error']:.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def first_20_row(name: str, point: dict[str, Any]) -> str:
    """One line of the comparison with the independent program."""
    mean = point["first_20"]
    cells = [
        name,
        f"{point['iteration']}",
        f"{mean['psnr_y']:.2f}",
        f"{mean['removal']:.2f} / {mean['damage']:.1f}",
        f"{mean['removal_controlled']:.2f}",
        f"{mean['clean_error']:.1f}",
        f"{mean['e_r']:.1f} / {mean['e_b']:.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def curve(run: Path) -> list[dict[str, Any]]:
    """Measurements along a training: on the photos kept out, on all pairs, and on the first 20 pairs."""
    points: dict[int, dict[str, Any]] = {}
    for event in read_log(run):
        if event["event"] == "validation":
            point = points.setdefault(event["iteration"], {"iteration": event["iteration"]})
            point[event["set"]] = {"mean": event["mean"], "sensitivity": event["sensitivity"]}
            if event["set"] == "pairs":
                first = event["images"][:20]
                point["first_20"] = {key: sum(image[key] for image in first) / len(first) for key in FIGURES}
    return list(points.values())


if __name__ == "__main__":
    tyro.cli(main)
