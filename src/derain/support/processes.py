"""Processes: a process that only trains or restores, and one that ends with its parent."""

import ctypes
import multiprocessing
import os
import platform
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

from derain.errors import InputError
from derain.support.devices import exact_float32

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


def use_threads(threads: int | None) -> None:
    """Set the number of CPU threads, and compute in `exact_float32`.

    Args:
        threads: torch's own choice by default. Results are equal to the last bit only at an equal number.

    Raises:
        InputError: `threads` is less than 1.
    """
    if threads is not None:
        if threads < 1:
            raise InputError(f"--threads must be at least 1, not {threads}")
        torch.set_num_threads(threads)
    exact_float32()


def dedicate_to_network(threads: int | None = None) -> None:
    """Do as `use_threads` does, and keep freed memory in this process for the next iteration or tile.

    By default glibc returns every large tensor to the system when it is freed and gets zeroed pages for the next one,
    which takes a fifth of a CPU training step (benchmarks/kept_memory.py). Elsewhere than on glibc only the threads
    are set. The memory stays with the process until it ends: not for one that has other work to do.

    Args, errors: as of `use_threads`.
    """
    use_threads(threads)
    if platform.libc_ver()[0] == "glibc":
        c = ctypes.CDLL(None)
        c.mallopt(_M_MMAP_MAX, 0)
        c.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def end_with_parent() -> None:
    """End this process when the one that started it is gone, so that none trains on unseen."""
    parent = multiprocessing.parent_process()
    if parent is not None:

        def watch() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """A block in which processes are started that Ctrl+C does not reach: the one that started them ends them.

    The terminal sends SIGINT to all of them, and a process that is just importing would answer with a traceback. A
    signal that comes within the block reaches this process at its end.
    """
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def keeping_priority() -> Iterator[None]:
    """A block after which all threads of the process are scheduled as this one was before.

    The encoder SVT-AV1 gives the process of a superuser real-time priority, which starves all others.
    """
    if not hasattr(os, "sched_getscheduler"):  # there is none on macOS and Windows
        yield
        return
    policy, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        if os.sched_getscheduler(0) != policy:
            for thread in Path("/proc/self/task").iterdir():
                with suppress(OSError):  # it has ended meanwhile
                    os.sched_setscheduler(int(thread.name), policy, priority)
