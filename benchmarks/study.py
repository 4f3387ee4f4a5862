"""The cost of studies beside their trainings: python -m benchmarks.study --data "$DERAIN_DATA"

Planning 10,000 trainings; an index of 10,000 results made from their files; the overhead of a study over its trainings,
and the throughput of two workers against one (one thread each), on four trainings of the small UNet that are a tenth
as long as at the scale `cpu`.
"""

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import tyro

from benchmarks.history import Figure, show
from derain.evaluation.metrics import METRICS, Figures
from derain.pictures.backgrounds import Category
from derain.study.plan.scales import SCALES
from derain.study.plan.spec import Grid, Study, TestSet
from derain.study.plan.trainings import Training, plan
from derain.study.run.local import LocalExecutor
from derain.study.run.prepare import prepare
from derain.study.run.result import Environment, Measured, Result
from derain.study.run.scheduler import run
from derain.study.run.store import Store
from derain.study.run.task import Task
from derain.support.processes import dedicate_to_network
from derain.training.loop import train

T = TypeVar("T")

NETWORK = "unet:base=16,levels=4,norm=none,activation=leaky_relu"


def figures(data: Path, length: float = 0.1) -> Iterator[Figure]:
    study = natural(data, (8, 64, 256, 1024))
    many = replace(study, grid=(replace(study.grid[0], count=tuple(range(8, 1008)), seed=tuple(range(10))),))
    seconds, planned = timed(lambda: plan([many], SCALES["paper"]))
    yield Figure(f"planning of {len(planned):,} trainings", seconds, "s")

    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        for index in range(10_000):
            store.result_path(f"{index}").parent.mkdir(exist_ok=True)
            store.write_result(f"{index}", made_up(index))
        seconds, records = timed(store.records)
        yield Figure(f"index of {len(records) // 2:,} results from their files", seconds, "s")
        seconds, _ = timed(store.records)
        yield Figure("index of results again, nothing changed", seconds, "s")

    short = replace(study, grid=(replace(study.grid[0], length=(length,)),))
    with tempfile.TemporaryDirectory() as folder:
        walls = {}
        for workers in (1, 2):
            store = Store(Path(folder) / f"{workers}")
            tasks = prepare([short], SCALES["cpu"], (), store)
            walls[workers], _ = timed(lambda: run(tasks, store, LocalExecutor(store.folder, workers, "cpu", 1)))  # noqa: B023
        dedicate_to_network(threads=1)
        trained = sum(
            timed(lambda: train(subject.settings(), Path(folder) / "alone" / identity))[0]  # noqa: B023
            for identity, subject in ((task.identity, task.subject) for task in tasks)
            if isinstance(subject, Training)
        )
        measured = sum(measuring_seconds(task, Path(folder) / "alone" / task.identity) for task in tasks)
    alone = trained + measured
    title = f"four trainings of {length:g} times the length of the scale cpu, with their measurement"
    yield Figure(f"{title}, as a study", walls[1], "s", walls[1] / alone, f"the {alone:.0f} s that they take alone")
    yield Figure(f"{title}, two workers", walls[2], "s", walls[1] / walls[2], "the throughput of one worker")


def natural(data: Path, counts: tuple[int, ...]) -> Study:
    pairs = data / "rain" / "rain12"
    return Study(
        title="benchmark",
        figure="other",
        data={"natural": Category((data / "natural" / "train",), name="natural")},
        tests={"rain12": TestSet(pairs / "rainy", pairs / "clean", name="rain12")},
        grid=(Grid((NETWORK,), ("natural",), counts, ("medium",), ("rain12",)),),
        name="benchmark",
    )


def measuring_seconds(task: Task, run_folder: Path) -> float:
    from derain.networks import load_model
    from derain.study.run.measure import by_network, measure

    network, _ = load_model(run_folder / "model.safetensors")
    return sum(timed(lambda: measure(test, content, by_network(network, "cpu")))[0] for test, content in task.tests)  # noqa: B023


def made_up(index: int) -> Result:
    """A result as large as one on 40 pictures."""
    rng = random.Random(index)
    figures: list[Figures] = [{metric.name: 100 * rng.random() for metric in METRICS} for _ in range(40)]
    axes = {"network": "unet", "category": "natural", "count": index, "rain": "medium", "seed": 0, "length": 1.0}
    means = {10: figures[0], 50: figures[1]}
    test = Measured("as shown", [f"{n}" for n in range(40)], means, {10: figures, 50: figures}, means, means, {})
    environment = Environment("cpu", 1, "2.13.0")
    return Result(axes | {"scale": "paper"}, {}, 187, 1, environment, 1.0, {"rain100l": test})


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds of the work, and its result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    show(tyro.cli(figures))
