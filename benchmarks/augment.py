"""Rain as a step of a pipeline: how many times as fast as RandomRain of albumentations, one uint8 picture at a time.

    python -m benchmarks.augment        # needs albumentations (MIT licence), which derain does not

Both run on one thread, on the same noise of 128 x 128, 512 x 512 and 1024 x 1024 pixels, with their defaults;
repetitions are interleaved, the medians compared. RandomRain draws a few lines of one length and angle, blurs and
darkens the whole picture; it gives neither the layer nor the mask.
"""

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import cv2
import numpy as np
import torch

from derain import RainTransform

REPETITIONS = 15


def main() -> None:
    import albumentations  # no dependency of derain, so that loading this script must not need it

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    random_rain = albumentations.RandomRain(p=1.0)
    programs: dict[str, Callable[[Any], Any]] = {
        "RandomRain": lambda picture: random_rain(image=picture)["image"],
        "lines": RainTransform("lines"),
        "medium": RainTransform("medium"),
        "medium with layer and mask": RainTransform("medium").parts,
    }
    for side_px in (128, 512, 1024):
        picture = np.random.default_rng(0).integers(0, 256, (side_px, side_px, 3), dtype=np.uint8)
        times: dict[str, list[float]] = {name: [] for name in programs}
        for _ in range(REPETITIONS):
            for name, program in programs.items():
                start = perf_counter()
                program(picture)
                times[name].append(1000 * (perf_counter() - start))
        theirs = median(times["RandomRain"])
        for name, each in times.items():
            print(f"{side_px} x {side_px}: {name} {median(each):.2f} ms, {theirs / median(each):.2f} times as fast")


if __name__ == "__main__":
    main()
