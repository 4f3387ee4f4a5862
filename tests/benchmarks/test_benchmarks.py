"""Benchmarks are run by hand: here each is loaded, those that can be small run, and the history is drawn."""

import importlib
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from benchmarks import objective, rain, report
from benchmarks.history import ROOT, Figure, append, draw

SCRIPTS = [path.stem for path in sorted((ROOT / "benchmarks").glob("*.py")) if path.stem != "__init__"]
SMALL = {
    "rain": partial(rain.figures, 1),
    "objective": partial(objective.figures, "resnet:features=8,blocks=1", size_px=32, steps=1),
    "report": partial(report.figures, 2, ROOT / "studies" / "f6b.toml"),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_script_can_be_loaded(name: str) -> None:
    assert (importlib.import_module(f"benchmarks.{name}").__doc__ or "").strip()


@pytest.mark.parametrize("figures", SMALL.values(), ids=SMALL)
def test_a_small_run_gives_figures_above_0(figures: "partial[Iterator[Figure]]") -> None:
    found = list(figures())
    assert found
    assert all(figure.value > 0 and (figure.ratio is None or figure.ratio > 0) for figure in found)


def test_the_history_has_a_line_a_figure_and_is_drawn(tmp_path: Path) -> None:
    history, picture = tmp_path / "history.jsonl", tmp_path / "history.png"
    for day in ("2026-01-01", "2026-01-02"):
        made: dict[str, Any] = {"date": day, "commit": "abc", "cpu": "one", "load": 0.1}
        append(Figure("rain", 2.0, "ms", 1.5, "the speed of OpenCV"), made, history)
        append(Figure("start", 0.1, "s"), made, history)
    lines = [json.loads(line) for line in history.read_text().splitlines()]
    assert [(line["date"], line["name"], line["value"], line["unit"], line["ratio"]) for line in lines][1:3] == [
        ("2026-01-01", "start", 0.1, "s", None),
        ("2026-01-02", "rain", 2.0, "ms", 1.5),
    ]
    draw(history, picture)
    with Image.open(picture) as drawn:
        assert min(drawn.size) > 100
