"""One task of a study, in a process of its own: train or open a system, measure it, write the result."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from derain.errors import InputError, TrainingError
from derain.evaluation.test_sets import Test
from derain.pictures.backgrounds import Category
from derain.study.plan.given import Given
from derain.study.plan.spec import AXES
from derain.study.plan.trainings import Training
from derain.study.run.given import opened
from derain.study.run.measure import measure
from derain.study.run.response import respond
from derain.study.run.result import Result
from derain.study.run.store import Store
from derain.study.run.trained import trained
from derain.support.files import remove_leftovers
from derain.support.processes import dedicate_to_network, end_with_parent


@dataclass(frozen=True)
class Task:
    """A training or a given system, and what is asked of it.

    Attributes:
        identity: hash of all that determines what it makes of pictures.
        subject: the training or the system.
        tests: test sets, with the hash of what each shows.
        probe: category on whose test photos its response to rain is mapped; None: it is not.
    """

    identity: str
    subject: Training | Given
    tests: tuple[tuple[Test, str], ...]
    probe: Category | None

    @property
    def iterations(self) -> int:
        """Iterations to train; a given system has none."""
        return self.subject.settings().iterations if isinstance(self.subject, Training) else 0

    def axes(self) -> dict[str, Any]:
        """Its value on every axis, as it stands in tables; None: a given system has none."""
        if isinstance(self.subject, Training):
            return self.subject.axes()
        return {**dict.fromkeys(AXES), "network": self.subject.name, "rain": self.subject.trained_on or None}


def called(tasks: Iterable[Task]) -> str:
    """Name tasks: "trainings", "given systems", or both."""
    kinds = {type(task.subject) for task in tasks} or {Training}
    return " and ".join(name for kind, name in ((Training, "trainings"), (Given, "given systems")) if kind in kinds)


def at_work_elsewhere(task: Task, store: Store) -> bool:
    """True while a process, here or on another machine of a shared folder, is at this task."""
    folder = store.run(task.identity)
    if not folder.exists():
        return False
    try:
        with FileLock(folder / "lock", timeout=0):
            return False
    except Timeout:
        return True


def is_done(task: Task, store: Store) -> bool:
    """True for a system at hand, measured on all test sets as they are now, and its response mapped if asked."""
    result = store.result(task.identity)
    return result is not None and not missing_tests(task, result) and not (task.probe and result.response is None)


def missing_tests(task: Task, result: Result) -> list[tuple[Test, str]]:
    """List the test sets on which the system is yet to be measured."""
    measured = {name: figures.content for name, figures in result.tests.items()}
    return [(test, content) for test, content in task.tests if measured.get(test.name) != content]


def execute(task: Task, results: Path, device: str, threads: int) -> None:
    """Train what is not trained, measure what is not measured, and write results/ID.json after each.

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
    remove_leftovers([store.result_path(task.identity)])
    known = store.result(task.identity)
    if isinstance(task.subject, Training):
        system = trained(task.subject, task.identity, known, store, device, threads)
    else:
        system = opened(task.subject, task.identity, task.axes(), device, threads)
    result = known or system.result
    for test, content in missing_tests(task, result):
        measured = measure(test, content, system.restore)
        result = replace(result, tests={**result.tests, test.name: measured})
        store.write_result(task.identity, result)
    if task.probe is not None and result.response is None:
        assert system.network is not None
        result = replace(result, response=respond(system.network, task.probe, device))
        store.write_result(task.identity, result)
