"""Trainings in processes of this machine."""

import multiprocessing
import signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from derain.study.run.task import Task, execute
from derain.support.devices import usable_device
from derain.support.processes import deaf_to_interrupts


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
            with deaf_to_interrupts():
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
