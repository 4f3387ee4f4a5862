"""Several trainings at a time, one thread each, through the command line; what is finished is not trained again."""

import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from derain.support.files import make_folder


def on_rain100l(data: Path) -> list[str]:
    """Flags of `derain train` that all share: natural backgrounds, and Rain100L measured along the training."""
    pairs = data / "rain" / "rain100l"
    return [
        *("--backgrounds", str(data / "natural" / "train"), "--background-size", "128", "--patch-size", "64"),
        *("--validation-pairs", str(pairs / "rainy"), str(pairs / "clean"), "--seed", "0", "--threads", "1"),
    ]


def train_all(flags: Mapping[str, list[str]], runs: Path, workers: int) -> None:
    """Run `derain train` with the flags of each name; RUNS/NAME gets the run and RUNS/NAME.txt what it printed."""
    make_folder(runs)

    def train(name: str) -> None:
        command = [sys.executable, "-m", "derain", "train", *flags[name], "--out", str(runs / name)]
        with (runs / f"{name}.txt").open("w") as output:
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            subprocess.run(command, check=True, stdout=output, stderr=subprocess.STDOUT, env=environment)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(train, flags))
