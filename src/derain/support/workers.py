"""Worker processes."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, get_context

from derain.support.processes import end_with_parent


@contextmanager
def worker_pool(workers: int | None) -> Iterator[ProcessPoolExecutor]:
    """A pool of fresh processes, which end with this one, and at once where an error or Ctrl+C ends the block.

    They are spawned: a fork would inherit torch's threads, and may hang.

    Args:
        workers: processes; as many as there are CPUs by default.
    """
    with ProcessPoolExecutor(workers, get_context("spawn"), end_with_parent) as pool:
        try:
            yield pool
        except BaseException:
            # Leaving the pool would wait for all that they are at.
            for child in active_children():
                child.terminate()
            raise
