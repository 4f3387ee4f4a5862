"""Time that `derain --help` takes, beside an empty Python and beside importing torch: python -m benchmarks.startup"""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from benchmarks.history import Figure, show

CALLS = {
    "python -c pass": ["-c", "pass"],
    "derain --help": ["-m", "derain", "--help"],
    "import torch": ["-c", "import torch"],
}


def figures(runs: int = 7) -> Iterator[Figure]:
    times: dict[str, list[float]] = {name: [] for name in CALLS}
    for _ in range(runs):
        for name, arguments in CALLS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
            times[name].append(time.perf_counter() - start)
    torch_seconds = statistics.median(times["import torch"])
    for name, each in times.items():
        seconds = statistics.median(each)
        yield Figure(name, seconds, "s", torch_seconds / seconds, "the speed of importing torch")


if __name__ == "__main__":
    show(figures())
