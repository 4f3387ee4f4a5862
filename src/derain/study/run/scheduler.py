"""Running of the missing trainings of studies, wherever an executor puts them."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from derain.study.run.one_training import Task, at_work_elsewhere, is_done
from derain.study.run.store import AXES, Store
from derain.training.log import last_iteration


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


def _names(tasks: Sequence[Task]) -> dict[str, str]:
    """A name for each training that says in what it differs from the others."""
    axes = {task.identity: task.training.axes() for task in tasks}
    varied = [key for key in AXES if len({values[key] for values in axes.values()}) > 1]
    return {
        identity: ", ".join(f"{key} {values[key]}" for key in varied or ["count"]) for identity, values in axes.items()
    }


def _iterations(task: Task, store: Store) -> int:
    return last_iteration(store.run(task.identity))
