"""Rendering medium rain, 16 layers of 128 x 128, on one thread: how many times as fast as the recipe in OpenCV.

    python -m benchmarks.rain

Both sample parameters and noise from the project's generator; repetitions are interleaved, the medians compared.
"""

from collections.abc import Iterator
from statistics import median
from time import perf_counter

import cv2
import numpy as np
import torch

from benchmarks.history import Figure, show
from derain.rain import LARGE, MEDIUM, SMALL, RainRange, Streaks
from derain.support.randomness import generator
from tests.reference.opencv_recipe import dense_noise, streak_layer

LAYERS, SIDE_PX, REPETITIONS = 16, 128, 100


def opencv(streaks: RainRange, rng: np.random.Generator) -> None:
    drawn = streaks.sample(LAYERS, rng)
    for quantity, width, length, angle in zip(
        drawn.quantity, drawn.width, drawn.length_px, drawn.angle_deg, strict=True
    ):
        streak_layer(dense_noise(quantity, SIDE_PX, SIDE_PX, rng), int(length), float(angle), int(width))


def derain(streaks: RainRange, rng: np.random.Generator) -> None:
    Streaks(streaks, "paper").layers(LAYERS, SIDE_PX, SIDE_PX, rng)


def figures(repetitions: int = REPETITIONS) -> Iterator[Figure]:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    for name, streaks in (("small", SMALL), ("medium", MEDIUM), ("large", LARGE)):
        times: dict[str, list[float]] = {"opencv": [], "derain": []}
        for k in range(repetitions):
            for program in (opencv, derain):
                rng = generator(0, "benchmark", k)
                start = perf_counter()
                program(streaks, rng)
                times[program.__name__].append(1000 * (perf_counter() - start))
        reference, ours = median(times["opencv"]), median(times["derain"])
        yield Figure(f"{name} rain, {LAYERS} layers of {SIDE_PX} px", ours, "ms", reference / ours, "OpenCV's speed")


if __name__ == "__main__":
    show(figures())
