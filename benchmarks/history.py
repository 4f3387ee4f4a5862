"""The history of the suite's figures, drawn: python -m benchmarks.history [--history FILE.jsonl] [--out FILE.png]

A panel a figure, a point a run; every CPU has its colour, because figures of different machines do not compare.
"""

import json
import os
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from textwrap import wrap
from typing import Any, NamedTuple

import torch
import tyro

from derain.support.pages import drawing

ROOT = Path(__file__).parents[1]
HISTORY = ROOT / "benchmarks" / "history.jsonl"
PICTURE = ROOT / "docs" / "images" / "performance.png"
COLUMNS = 5


class Figure(NamedTuple):
    """A measurement of a benchmark.

    Attributes:
        name: tells what is measured; the history follows it.
        value: median or best, as the script says.
        unit: of the value.
        ratio: how many times as fast as the peer, or the share of the peer's rate; None: there is no peer.
        peer: program or setting that ran in turns with it.
    """

    name: str
    value: float
    unit: str
    ratio: float | None = None
    peer: str = ""

    def __str__(self) -> str:
        compared = "" if self.ratio is None else f", {self.ratio:.2f} times {self.peer}"
        return f"{self.name}: {self.value:.4g} {self.unit}{compared}"


def show(figures: Iterable[Figure]) -> None:
    """Print figures as they come."""
    for figure in figures:
        print(figure, flush=True)


def circumstances() -> dict[str, Any]:
    """Date, commit, CPU and load of a run."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    commit = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit,
        "cpu": f"{_cpu_name()}, {os.cpu_count()} CPUs, {torch.backends.cpu.get_cpu_capability()}",
        "load": round(os.getloadavg()[0], 1),
    }


def append(figure: Figure, made: dict[str, Any], history: Path) -> None:
    """Add one line to the history."""
    with history.open("a") as file:
        file.write(json.dumps(made | figure._asdict()) + "\n")


def draw(history: Path = HISTORY, out: Path = PICTURE) -> None:
    """Draw all that the history holds."""
    lines = [json.loads(line) for line in history.read_text().splitlines()]
    names = list(dict.fromkeys(line["name"] for line in lines))
    dates = sorted({line["date"] for line in lines})
    cpus = sorted({line["cpu"] for line in lines})
    with drawing():
        from matplotlib.figure import Figure as Canvas

        columns = min(COLUMNS, len(names))
        rows = ceil(len(names) / columns)
        canvas = Canvas(figsize=(3 * columns, 2 * rows + 0.6), layout="constrained")
        panels = canvas.subplots(rows, columns, squeeze=False).flat
        for name, axes in zip(names, panels, strict=False):
            own = [line for line in lines if line["name"] == name]
            for index, cpu in enumerate(cpus):
                points = [(dates.index(line["date"]), line["value"]) for line in own if line["cpu"] == cpu]
                if points:
                    axes.plot(*zip(*points, strict=True), "o-", color=f"C{index}")
            axes.set_title("\n".join(wrap(f"{name} ({own[0]['unit']})", 40)), fontsize=8)
            axes.set_xlim(-0.5, len(dates) - 0.5)
            axes.set_xticks(range(len(dates)), [date[:10] for date in dates], rotation=30, ha="right", fontsize=7)
            axes.set_ylim(0, 1.15 * max(line["value"] for line in own))
            axes.tick_params(labelsize=7)
            axes.grid(alpha=0.3)
        for axes in panels:
            axes.set_axis_off()
        canvas.supxlabel("; ".join(cpus), fontsize=8)
        canvas.savefig(out, dpi=80)


def _cpu_name() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    tyro.cli(draw)
