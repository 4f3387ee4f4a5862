"""Time that `derain --help` takes, beside an empty Python and beside importing torch: python -m benchmarks.startup"""

import statistics
import subprocess
import sys
import time

CALLS = {
    "python -c pass": ["-c", "pass"],
    "derain --help": ["-m", "derain", "--help"],
    "import torch": ["-c", "import torch"],
}


def main(runs: int = 7) -> None:
    times: dict[str, list[float]] = {name: [] for name in CALLS}
    for _ in range(runs):
        for name, arguments in CALLS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
            times[name].append(time.perf_counter() - start)
    for name, seconds in times.items():
        print(f"{name}: {statistics.median(seconds):.2f} s (median of {runs})")


if __name__ == "__main__":
    main()
