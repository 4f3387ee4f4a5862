"""Worker processes."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from typing import ParamSpec, TypeVar

from derain.support.processes import deaf_to_interrupts, end_with_parent

P = ParamSpec("P")
T = TypeVar("T")


class _Pool(ProcessPoolExecutor):
    """A pool whose processes leave Ctrl+C to this one; a task that is handed over may start one."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        with deaf_to_interrupts():
            return super().submit(fn, *args, **kwargs)


@contextmanager
def worker_pool(workers: int | None) -> Iterator[ProcessPoolExecutor]:
    """A pool of fresh processes, which end with this one, and at once where an error or Ctrl+C ends the block.

    They are spawned: a fork would inherit torch's threads, and may hang.

    Args:
        workers: processes; as many as there are CPUs by default.
    """
    with _Pool(workers, get_context("spawn"), end_with_parent) as pool:
        try:
            yield pool
        except BaseException:
            # Leaving the pool would wait for all that they are at.
            for child in active_children():
                child.terminate()
            raise
