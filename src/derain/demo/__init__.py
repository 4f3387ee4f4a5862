"""The same small network trained on few and on many backgrounds, and what each does to rain it never saw."""

import logging
import multiprocessing
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from derain.demo.photographs import TEST, TRAINING, write_photographs
from derain.demo.report import Strip, report_page
from derain.errors import InputError
from derain.evaluation import Evaluation, NetworkRestorer, evaluate
from derain.files import make_folder, write_bytes, write_json
from derain.images import write_image
from derain.networks import load_model
from derain.pairs import Pair, match_pairs
from derain.rain import load_rain
from derain.runlog import read_log
from derain.settings import TrainingSettings
from derain.synthesis import synthesise
from derain.training import train

COUNTS = {"few": 8, "many": 1024}
TEST_RAIN = "lines"
_CURVES = ("removal", "removal_controlled", "clean_error")
_MOST_STRIPS = 3


@dataclass(frozen=True)
class Scene:
    """Photos to train on, pairs to test on, and how both are called in the report."""

    backgrounds: Path
    rainy: Path
    clean: Path
    test: str


def run_demo(out: Path, data: Path | None, console: Console) -> None:
    """Train both networks, test them and write the report; an interrupted demo goes on where it stopped.

    Args:
        out: gets few/model.safetensors, many/model.safetensors, results.json and report.html.
        data: a folder with natural/train and rain/rain100l/{rainy,clean} to use in place of the photographs that come
            with scikit-image.
        console: for progress, table and findings.

    Raises:
        InputError: a folder is missing or cannot be written.
    """
    make_folder(out)
    scene = _own_scene(out) if data is None else _scene_of(data)
    console.print(f"Training the same network on {COUNTS['few']} and on {COUNTS['many']} backgrounds, a core each.")
    _train_both(scene, out, console)

    pairs = match_pairs(scene.rainy, scene.clean)
    networks = {name: NetworkRestorer(load_model(out / name / "model.safetensors")[0], "cpu") for name in COUNTS}
    evaluations = {name: evaluate(pairs, network) for name, network in networks.items()}
    results = {name: evaluation.to_json() for name, evaluation in evaluations.items()}
    results["curves"] = {name: _curve(out / name) for name in COUNTS}
    findings = describe_findings(results["few"]["images"], results["many"]["images"])
    results["findings"] = findings
    write_json(out / "results.json", results)

    strips = [_strip(pair, networks, out) for pair in pairs[:_MOST_STRIPS]]
    page = report_page(_setup(scene, out), findings, _NOTES, results, strips)
    write_bytes(out / "report.html", page.encode())

    for name, evaluation in evaluations.items():
        console.print(f"\n[bold]{name}[/bold]: {COUNTS[name]} backgrounds", evaluation.table())
    console.print("", *findings, "", f"report: {out / 'report.html'}", sep="\n")
