"""One training of a study, in a process of its own: train, measure, write the result."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout
from torch import nn

from derain.errors import InputError, TrainingError
from derain.evaluation.evaluate import evaluate_network
from derain.evaluation.metrics import e_r
from derain.evaluation.statistics import mean_defined
from derain.evaluation.test_sets import Sample, Test, photos
from derain.networks import load_model
from derain.pictures.backgrounds import Category
from derain.study.plan.trainings import Training
from derain.study.run.data_record import DataRecord, Hashes, refuse_unset, set_hash
from derain.study.run.response import respond
from derain.study.run.result import Environment, Measured, Result
from derain.study.run.store import THRESHOLDS, Store
from derain.support.processes import dedicate_to_network, end_with_parent
from derain.training.checkpoint import MODEL
from derain.training.loop import Progress, train


@dataclass(frozen=True)
class Task:
    """A training, its identity, the test sets with the hash of what each shows, and whether the response is mapped."""

    identity: str
    training: Training
    tests: tuple[tuple[Test, str], ...]
    probe: bool


def at_work_elsewhere(task: Task, store: Store) -> bool:
    """Whether a process, here or on another machine of a shared folder, is at this training now."""
    folder = store.run(task.identity)
    if not folder.exists():
        return False
    try:
        with FileLock(folder / "lock", timeout=0):
            return False
    except Timeout:
        return True


def is_done(task: Task, store: Store) -> bool:
    """Whether the network is trained, measured on all test sets as they are now, and its response mapped if asked."""
    result = store.result(task.identity)
    return result is not None and not missing_tests(task, result) and not (task.probe and result.response is None)


def missing_tests(task: Task, result: Result) -> list[tuple[Test, str]]:
    """List the test sets on which the network is yet to be measured."""
    measured = {name: figures.content for name, figures in result.tests.items()}
    return [(test, content) for test, content in task.tests if measured.get(test.name) != content]


def execute(task: Task, results: Path, device: str, threads: int) -> None:
    """Train what is not trained, measure what is not measured, and write results/ID.json.

    Nothing is done where another process is at it. What fails is written to failed/ID.json.
    """
    end_with_parent()
    logging.getLogger("derain").setLevel(logging.WARNING)
    dedicate_to_network(threads)
    store = Store(results)
    folder = store.run(task.identity)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "lock", timeout=0):
            _execute(task, store, device, threads)
    except Timeout:
        return
    except (InputError, TrainingError) as error:
        store.write_failure(task.identity, str(error))
    except Exception as error:
        store.write_failure(task.identity, f"{type(error).__name__}: {error}")
        raise


def _execute(task: Task, store: Store, device: str, threads: int) -> None:
    if is_done(task, store):
        return
    result, model, clock = store.result(task.identity), store.run(task.identity) / MODEL, _Clock()
    # With a result there is nothing to train: not even the rain to train on is rendered again.
    if result is None or not model.exists():
        _refuse_changed(task, store)
        model = train(task.training.settings(), store.run(task.identity), device, report=clock.note)
    # The study names it, so the code of a network of one's own may run.
    network, header = load_model(model, task.training.network)
    result = result or Result(
        axes=task.training.axes(),
        run=header,
        photos=header["objective"]["photos"],
        parameters=network.parameter_count(),
        environment=Environment(**{**header["environment"], "threads": threads}),
        seconds=clock.seconds,
    )
    for test, content in missing_tests(task, result):
        measured = measure(test, content, network, device)
        result = replace(result, tests={**result.tests, test.name: measured})
    store.write_result(task.identity, result)
    if task.probe and result.response is None:
        result = replace(result, response=respond(network, task.training.category, device))
        store.write_result(task.identity, result)


def training_photos(category: Category, record: DataRecord) -> Hashes:
    """What a category's photos to train on are, also in data.json."""
    refuse_unset(category.train)
    return record.hashes(f"{category.name}, training", photos(category.train))


def _refuse_changed(task: Task, store: Store) -> None:
    """Hours may lie between the plan and the training, whose result is to be that of its identity."""
    hashes = training_photos(task.training.category, DataRecord(store.folder))
    if task.training.identity(set_hash(hashes)) != task.identity:
        raise InputError("its photos, rain or network changed while the study ran: run it again")


def measure(test: Test, content: str, network: nn.Module, device: str) -> Measured:
    """Measure a network on a test set.

    Args:
        test: the test set.
        content: hash of what it shows.
        network: maps RGB 0..1, (n, 3, h, w), to the same.
        device: torch device.

    Raises:
        InputError: a picture is bad, or the network cannot restore it.
    """
    perfect: dict[int, list[float | None]] = {threshold: [] for threshold in THRESHOLDS}

    def samples() -> Iterator[Sample]:
        for name, rainy, clean in test.samples():
            for threshold, values in perfect.items():
                values.append(e_r(clean, rainy, clean, float(threshold)))
            yield name, rainy, clean

    evaluation = evaluate_network(samples(), network, device)
    return Measured(
        content=content,
        names=evaluation.names,
        mean={threshold: evaluation.restored.mean(float(threshold)) for threshold in THRESHOLDS},
        images={threshold: evaluation.restored.images(float(threshold)) for threshold in THRESHOLDS},
        input={threshold: evaluation.untouched.mean(float(threshold)) for threshold in THRESHOLDS},
        sensitivity={int(threshold): means for threshold, means in evaluation.sensitivity().items()},
        perfect_e_r={threshold: mean_defined(values) for threshold, values in perfect.items()},
    )


class _Clock:
    """Seconds of a training, from what this process did of it."""

    def __init__(self) -> None:
        self._start: tuple[int, float] | None = None
        self.seconds: float | None = None

    def note(self, progress: Progress) -> None:
        now = time.monotonic()
        if self._start is None:
            self._start = (progress.iteration, now)
        else:
            iteration, start = self._start
            self.seconds = (now - start) / (progress.iteration - iteration) * progress.iterations
