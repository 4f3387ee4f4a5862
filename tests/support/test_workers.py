"""Worker processes."""

import time
from concurrent.futures import Future

import pytest

from derain.support.workers import worker_pool


def test_an_interruption_ends_the_workers_at_once() -> None:
    work: list[Future[None]] = []

    def interrupted() -> None:
        with worker_pool(1) as pool:
            work.append(pool.submit(time.sleep, 3600))
            while not work[0].running():
                time.sleep(0.01)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert work[0].exception(timeout=60) is not None
