"""Trainings of a study on an existing Ray cluster, as core tasks with fractional GPUs (extra `[cluster]`)."""

import logging
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from derain.errors import InputError, needs_extra
from derain.study.run.store import Store
from derain.study.run.task import Task, at_work_elsewhere, execute

_CONNECT_SECONDS = 12
_RETRIES = 3


class RayExecutor:
    """Tasks of a Ray cluster, on whose machines derain is installed and the folder of the results is shared.

    A task whose worker or machine dies is started again, up to three times, and goes on from its checkpoint.

    Args:
        results: folder of the results, by the same path on every machine.
        address: HOST:PORT, ray://HOST:PORT, or "auto" for the cluster that this machine belongs to.
        device: torch device of all trainings.
        threads: CPU threads, and so CPUs, of each.
        gpus: share of a GPU of each.

    Raises:
        InputError: Ray is not installed, or there is no cluster at the address.
    """

    def __init__(self, results: Path, address: str, device: str, threads: int, gpus: float) -> None:
        with needs_extra("cluster", "a Ray cluster needs Ray"):
            import ray
        self._ray: Any = ray
        self._store = Store(results)
        self._arguments = (results.resolve(), device, threads)
        self._running: dict[Any, Task] = {}
        _refuse_silence(address)
        ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
        self._execute = ray.remote(num_cpus=threads, num_gpus=gpus, max_retries=_RETRIES)(execute)

    def submit(self, task: Task) -> None:
        self._running[self._execute.remote(task, *self._arguments)] = task

    def finished(self, seconds: float) -> list[tuple[Task, str | None]]:
        if not self._running:
            time.sleep(seconds)  # what is left is at work elsewhere
            return []
        ended, _ = self._ray.wait(list(self._running), num_returns=1, timeout=seconds)
        return [(self._running.pop(reference), self._reason(reference)) for reference in ended]

    def running(self) -> list[Task]:
        return [task for task in self._running.values() if at_work_elsewhere(task, self._store)]

    def close(self) -> None:
        for reference in self._running:
            self._ray.cancel(reference, force=True)
        self._ray.shutdown()

    def _reason(self, reference: Any) -> str | None:
        try:
            self._ray.get(reference)
        except Exception as error:
            return f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
        return None


def _refuse_silence(address: str) -> None:
    """Try to connect in a process that can be ended: where something else listens, Ray waits for minutes."""
    code = "import logging, ray, sys; ray.init(address=sys.argv[1], logging_level=logging.ERROR, log_to_driver=False)"
    try:
        subprocess.run(
            [sys.executable, "-c", code, address], check=True, capture_output=True, text=True, timeout=_CONNECT_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(f"no Ray cluster answers at {address} within {_CONNECT_SECONDS} s") from error
    except subprocess.CalledProcessError as error:
        reason = error.stderr.strip().splitlines()[-1]
        raise InputError(f"no Ray cluster answers at {address}: {reason}") from error
