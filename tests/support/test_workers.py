"""Worker processes."""

import time

import pytest

from derain.support.workers import worker_pool


def test_an_error_ends_the_workers_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), worker_pool(1) as pool:
        work = pool.submit(time.sleep, 3600)
        while not work.running():
            time.sleep(0.01)
        raise KeyboardInterrupt
    assert isinstance(work.exception(timeout=60), Exception)
