"""Running what is missing of studies: in processes of this machine, or wherever an executor puts them."""

import json
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from derain.errors import InputError, did_you_mean
from derain.files import make_folder
from derain.processes import usable_device
from derain.runlog import last_iteration
from derain.study.content import DataRecord, Hashes, refuse_leak, refuse_unset, set_hash
from derain.study.execute import Task, at_work_elsewhere, execute, is_done, training_photos
from derain.study.plan import plan, trainings
from derain.study.response import lay
from derain.study.scales import Scale
from derain.study.spec import Category, Study
from derain.study.store import AXES, Store
from derain.study.testing import Test, first, photos


@runtime_checkable
class Executor(Protocol):
    """Where tasks are executed, several at a time."""

    def submit(self, task: Task) -> None:
        """Take a task; it may wait for its turn."""

    def finished(self, seconds: float) -> list[tuple[Task, str | None]]:
        """Tasks that ended, with the reason of those whose process broke off; waits a while for them."""

    def running(self) -> list[Task]:
        """Tasks at work now."""

    def close(self) -> None:
        """Stop what is at work."""


@dataclass(frozen=True)
class State:
    """Of a whole study, as it is shown while it runs."""

    done: int
    running: Mapping[str, float]
    """Share of each running training that is done, by its identity."""
    failed: Mapping[str, str]
    """Reason of each failed training, by its identity."""
    names: Mapping[str, str]
    """What each training is called, by its identity; several may be called the same."""
    waiting: int
    seconds_left: float | None


def prepare(
    studies: Sequence[Study], scale: Scale, seeds: Sequence[int], store: Store, only: Sequence[str] = ()
) -> list[Task]:
    """The tasks of studies, after a look at all data they need; what belongs to each study is written down.

    Args:
        studies: they may share trainings.
        scale: at which they run.
        seeds: in place of the studies' own.
        store: where the results go.
        only: as of `choose`.

    Raises:
        InputError: as of `choose`; a folder is missing or a picture bad; data changed since the results were made; a
            test set shows what is trained on, or cannot be cut from its photos; two studies have one name, or two of
            their test sets or of those of a study that was run here before; or as `derain.study.plan.plan`.
    """
    planned = plan(studies, scale, seeds)
    _refuse_equal_names("study", studies)
    _refuse_equal_names("test set", (test for each in planned for test in each.tests))
    record = DataRecord(store.folder)
    together = dict.fromkeys((each.training.category, test) for each in planned for test in each.tests)
    trained = {category: training_photos(category, record) for category in dict.fromkeys(c for c, _ in together)}
    shown = {test: _test_pictures(test, record) for test in dict.fromkeys(test for _, test in together)}
    for category, test in together:
        refuse_leak(category.name, trained[category], test.name, shown[test]["clean"])
    for test in shown:
        _refuse_uncut(test)
    for category in dict.fromkeys(each.training.category for each in planned if each.probe):
        refuse_unset(category.test)
        name = f"{category.name}, test"
        refuse_leak(category.name, trained[category], name, record.hashes(name, photos(category.test)))
        _refuse_unprobed(category)
    photos_of = {category: set_hash(hashes) for category, hashes in trained.items()}
    content_of = {test.name: _content(test, pictures) for test, pictures in shown.items()}
    tasks = {
        each.training: Task(
            each.training.identity(photos_of[each.training.category]),
            each.training,
            tuple((test, content_of[test.name]) for test in each.tests),
            each.probe,
        )
        for each in planned
    }
    chosen = choose(list(tasks.values()), only)
    known, recorded = store.runs(), {}
    for study in studies:
        name = f"{study.name}.{scale.name}"
        runs = _runs(study, scale, seeds, photos_of, content_of, earlier=False)
        # Of earlier seeds, as the study stands now, what is begun stays in its report (`derain.study.cells`).
        before = {run["axes"]["seed"] for run in known.get(name, ())}
        if earlier := sorted(before - {run["axes"]["seed"] for run in runs}):
            runs += _runs(study, scale, earlier, photos_of, content_of, earlier=True)
        recorded[name] = runs
    _refuse_other_tests(recorded, known, store.folder)
    make_folder(store.folder / "results")
    record.save()
    for study, (name, runs) in zip(studies, recorded.items(), strict=True):
        store.write_study(name, _plain({"study": asdict(study), "scale": asdict(scale), "runs": runs}))
    return chosen


def _runs(
    study: Study,
    scale: Scale,
    seeds: Sequence[int],
    photos_of: Mapping[Category, str],
    content_of: Mapping[str, str],
    *,
    earlier: bool,
) -> list[dict[str, Any]]:
    """What is recorded of a study's trainings; one that two grids ask for in the same way is there once."""
    found: list[dict[str, Any]] = []
    for training, grid in trainings(study, scale, seeds):
        run = {
            "id": training.identity(photos_of[training.category]),
            "axes": training.axes(),
            "tests": {test: content_of[test] for test in grid.tests},
            "earlier": earlier,
        }
        if run not in found:
            found.append(run)
    return found


def choose(tasks: Sequence[Task], only: Sequence[str]) -> list[Task]:
    """The tasks whose trainings have, on every axis that is named, one of the values that are named.

    Tasks of one identity, as of equal categories of two names, become one with the test sets of all.

    Args:
        tasks: of `prepare`.
        only: such as "count=8", "count=1024", "rain=wide"; nothing: all tasks.

    Raises:
        InputError: there is no such axis, or no training with that value or with all of the values.
    """
    axes = [{axis: _text(value) for axis, value in task.training.axes().items()} for task in tasks]
    wanted: dict[str, set[str]] = {}
    for each in only:
        axis, _, value = each.partition("=")
        if axis not in AXES:
            raise InputError(f"--only {each}: no axis is called {axis!r}{did_you_mean(axis, AXES)}")
        there = list(dict.fromkeys(values[axis] for values in axes))
        if value not in there:
            listed = ", ".join(there) or "no training at all"
            raise InputError(f"--only {each}: no training has that {axis}; there is {listed}")
        wanted.setdefault(axis, set()).add(value)
    chosen = [
        task
        for task, values in zip(tasks, axes, strict=True)
        if all(values[axis] in named for axis, named in wanted.items())
    ]
    if tasks and not chosen:
        raise InputError(f"--only {' '.join(only)}: no training has all of these")
    found: dict[str, Task] = {}
    for task in chosen:
        known = found.setdefault(task.identity, task)
        tests = tuple(dict.fromkeys((*known.tests, *task.tests)))
        found[task.identity] = replace(known, tests=tests, probe=known.probe or task.probe)
    return list(found.values())


def _text(value: str | int | float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def run(
    tasks: Sequence[Task],
    store: Store,
    executor: Executor,
    show: Callable[[State], None] = lambda state: None,
    seconds: float | None = None,
) -> State:
    """Execute what is missing; a failed training does not stop the others.

    Args:
        tasks: of `prepare`.
        store: where the results go; several runs on one folder share the work.
        executor: where the tasks are executed; closed at the end.
        show: called about once a second.
        seconds: to stop after; the same call goes on later.

    Returns:
        how it stands at the end.
    """
    started, names = time.monotonic(), _names(tasks)
    waiting = {task.identity: task for task in tasks if not is_done(task, store)}
    failed: dict[str, str] = {}
    iterations_at_start = {identity: _iterations(task, store) for identity, task in waiting.items()}
    to_submit = list(waiting.values())
    try:
        while True:
            for task in [task for task in to_submit if not at_work_elsewhere(task, store)]:
                to_submit.remove(task)
                store.failure_path(task.identity).unlink(missing_ok=True)
                executor.submit(task)
            for task, reason in executor.finished(1.0):
                if is_done(task, store):
                    del waiting[task.identity]
                elif (why := store.failure(task.identity) or reason) is not None:
                    store.write_failure(task.identity, why)
                    failed[task.identity] = why
                    del waiting[task.identity]
                else:
                    to_submit.append(task)  # another process took it
            elapsed = time.monotonic() - started
            state = _state(tasks, waiting, failed, names, executor.running(), iterations_at_start, elapsed, store)
            show(state)
            if not waiting or (seconds is not None and time.monotonic() - started > seconds):
                return state
    finally:
        executor.close()


def _state(
    tasks: Sequence[Task],
    waiting: Mapping[str, Task],
    failed: Mapping[str, str],
    names: Mapping[str, str],
    running: Sequence[Task],
    iterations_at_start: Mapping[str, int],
    elapsed: float,
    store: Store,
) -> State:
    iterations = {identity: _iterations(task, store) for identity, task in waiting.items()}
    wanted = {identity: task.training.settings().iterations for identity, task in waiting.items()}
    # Finished ones count in full; one that a kill threw back to its last checkpoint is still catching up.
    trained = sum(
        max(0, iterations.get(identity, task.training.settings().iterations) - iterations_at_start[identity])
        for identity, task in {task.identity: task for task in tasks}.items()
        if identity in iterations_at_start
    )
    left = sum(wanted[identity] - iterations[identity] for identity in waiting)
    at_work = [task.identity for task in running if task.identity in waiting]
    return State(
        done=len(tasks) - len(waiting) - len(failed),
        running={identity: iterations[identity] / wanted[identity] for identity in at_work},
        failed=dict(failed),
        names=names,
        waiting=len(waiting) - len(at_work),
        seconds_left=elapsed / trained * left if trained else None,
    )


class LocalExecutor:
    """Processes of this machine, one a training.

    Args:
        results: folder of the results.
        workers: trainings at a time.
        device: torch device of all of them.
        threads: CPU threads of each.

    Raises:
        InputError: the device cannot be used.
    """

    def __init__(self, results: Path, workers: int, device: str, threads: int) -> None:
        self._arguments = (results, device, threads)
        self._workers = workers
        self._waiting: list[Task] = []
        self._running: dict[BaseProcess, Task] = {}
        # Fresh processes: a forked one would inherit torch's threads.
        self._context = multiprocessing.get_context("spawn")
        if device != "cpu":
            # Tried in a process of its own: this one would keep a share of the GPU as long as it lives.
            with ProcessPoolExecutor(1, self._context) as pool:
                pool.submit(usable_device, device).result()

    def submit(self, task: Task) -> None:
        self._waiting.append(task)

    def finished(self, seconds: float) -> list[tuple[Task, str | None]]:
        self._start()
        wait([process.sentinel for process in self._running], timeout=seconds)
        ended = [process for process in self._running if not process.is_alive()]
        results = [(self._running.pop(process), _reason(process.exitcode)) for process in ended]
        self._start()  # at once, so that `running` tells what runs now
        return results

    def running(self) -> list[Task]:
        return list(self._running.values())

    def _start(self) -> None:
        while self._waiting and len(self._running) < self._workers:
            task = self._waiting.pop(0)
            process = self._context.Process(target=execute, args=(task, *self._arguments), daemon=True)
            process.start()
            self._running[process] = task

    def close(self) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.join()


def _reason(exit_code: int | None) -> str | None:
    if not exit_code:
        return None
    if exit_code < 0:
        return f"its process was ended by {signal.Signals(-exit_code).name}"
    return f"its process ended with exit code {exit_code}"


def _refuse_equal_names(kind: str, things: Iterable[Study | Test]) -> None:
    """Results of one would replace those of the other."""
    known: dict[str, Study | Test] = {}
    for each in things:
        if known.setdefault(each.name, each) != each:
            raise InputError(f"there are two different definitions of the {kind} {each.name!r}: name one otherwise")


def _refuse_other_tests(
    recorded: Mapping[str, Sequence[Mapping[str, Any]]], known: Mapping[str, Sequence[Mapping[str, Any]]], folder: Path
) -> None:
    """The same for studies of other commands, whose figures stand in one table with these.

    Args:
        recorded: what is to be recorded of the studies of this command, by their names.
        known: what is recorded.
        folder: of the results.
    """
    content_of = {test: content for runs in recorded.values() for run in runs for test, content in run["tests"].items()}
    for name, runs in known.items():
        for run in runs if name not in recorded else ():
            for test, content in run["tests"].items():
                if content_of.get(test, content) != content:
                    raise InputError(
                        f"the test set {test!r} is another one in the study {name}, which was run in {folder}: "
                        f"name one otherwise, or run both studies with one command if it has changed"
                    )


def _test_pictures(test: Test, record: DataRecord) -> Mapping[str, Hashes]:
    folders = (test.pairs.rainy, test.pairs.clean) if test.pairs else ()
    refuse_unset((*folders, *(test.category.test if test.category else ())))
    return {kind: record.hashes(f"{test.name}, {kind}", files) for kind, files in test.sources().items()}


def _refuse_uncut(test: Test) -> None:
    """Refuse photos that do not give the patches of a test set: too few of them, or too small."""
    if test.category is not None:
        try:
            first(test, 1)
        except InputError as error:
            raise InputError(f"test set {test.name!r}: {error}") from error


def _refuse_unprobed(category: Category) -> None:
    """Refuse photos that do not give the scene of the response to rain."""
    try:
        lay(category)
    except InputError as error:
        raise InputError(f"the response to rain on the test photos of {category.name!r}: {error}") from error


def _content(test: Test, pictures: Mapping[str, Hashes]) -> str:
    """Hash of all that determines what a test set shows."""
    rain = "" if test.rain is None else json.dumps(test.load_rain().describe())
    filters = (test.category.min_std, test.category.max_white) if test.category else ()
    chosen = f"{test.pictures} {test.size_px} {filters} {rain}"
    return set_hash({"chosen": chosen, **{kind: set_hash(hashes) for kind, hashes in pictures.items()}})


def _names(tasks: Sequence[Task]) -> dict[str, str]:
    """A name for each training that says in what it differs from the others."""
    axes = {task.identity: task.training.axes() for task in tasks}
    varied = [key for key in AXES if len({values[key] for values in axes.values()}) > 1]
    return {
        identity: ", ".join(f"{key} {values[key]}" for key in varied or ["count"]) for identity, values in axes.items()
    }


def _iterations(task: Task, store: Store) -> int:
    return last_iteration(store.run(task.identity))


def _plain(value: Any) -> Any:
    """Paths as text, for JSON."""
    if isinstance(value, Path):
        return str(value.absolute())  # the report may be made from another folder
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value
