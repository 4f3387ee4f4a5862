"""Running of the missing trainings of studies, wherever an executor puts them."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from derain.study.plan.spec import AXES
from derain.study.run.store import Store
from derain.study.run.task import Task, at_work_elsewhere, is_done
from derain.training.log import last_iteration


@runtime_checkable
class Executor(Protocol):
    """An executor of tasks, several at a time."""

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
    """The state of a whole study while it runs."""

    done: int
    running: Mapping[str, float]
    """Share of each running training that is done, by its identity."""
    failed: Mapping[str, str]
    """Reason of each failed training, by its identity."""
    names: Mapping[str, str]
    """The name of each training, by its identity; several may have one name."""
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
    work = _Work(tasks, store)
    to_submit = list(work.waiting.values())
    try:
        while True:
            for task in [task for task in to_submit if not at_work_elsewhere(task, store)]:
                to_submit.remove(task)
                store.failure_path(task.identity).unlink(missing_ok=True)
                executor.submit(task)
            for task, reason in executor.finished(1.0):
                if not work.is_over(task, reason):
                    to_submit.append(task)  # another process took it
            state = work.state(executor.running())
            show(state)
            if not work.waiting or (seconds is not None and work.elapsed > seconds):
                return state
    finally:
        executor.close()


class _Work:
    """The tasks of one call of `run`: which of them wait or failed, and what was trained since it began."""

    def __init__(self, tasks: Sequence[Task], store: Store) -> None:
        self._tasks, self._store = {task.identity: task for task in tasks}, store
        self._started, self._names = time.monotonic(), _names(tasks)
        self.waiting = {identity: task for identity, task in self._tasks.items() if not is_done(task, store)}
        self._failed: dict[str, str] = {}
        self._at_start = {identity: self._iterations(identity) for identity in self.waiting}

    @property
    def elapsed(self) -> float:
        """Seconds since the work began."""
        return time.monotonic() - self._started

    def is_over(self, task: Task, reason: str | None) -> bool:
        """Note that a task ended, with the reason where its process broke off; False: it is neither done nor failed."""
        if not is_done(task, self._store):
            why = self._store.failure(task.identity) or reason
            if why is None:
                return False
            self._store.write_failure(task.identity, why)
            self._failed[task.identity] = why
        del self.waiting[task.identity]
        return True

    def state(self, running: Sequence[Task]) -> State:
        """The state of the run, with some tasks at work."""
        iterations = {identity: self._iterations(identity) for identity in (*self.waiting, *self._failed)}
        wanted = {identity: self._tasks[identity].iterations for identity in self._at_start}
        # Finished ones count in full, failed ones as far as they came; one that a kill threw back is catching up.
        trained = sum(
            max(0, iterations.get(identity, wanted[identity]) - start) for identity, start in self._at_start.items()
        )
        left = sum(wanted[identity] - iterations[identity] for identity in self.waiting)
        at_work = [task.identity for task in running if task.identity in self.waiting]
        return State(
            done=len(self._tasks) - len(self.waiting) - len(self._failed),
            running={identity: iterations[identity] / (wanted[identity] or 1) for identity in at_work},
            failed=dict(self._failed),
            names=self._names,
            waiting=len(self.waiting) - len(at_work),
            seconds_left=self.elapsed / trained * left if trained else None,
        )

    def _iterations(self, identity: str) -> int:
        return last_iteration(self._store.run(identity))


def _names(tasks: Sequence[Task]) -> dict[str, str]:
    """A name for each task that says in what it differs from the others."""
    axes = {task.identity: task.axes() for task in tasks}
    varied = [key for key in AXES if len({values[key] for values in axes.values()}) > 1]
    return {
        identity: ", ".join(f"{key} {values[key]}" for key in varied or ["count"] if values[key] is not None)
        for identity, values in axes.items()
    }
