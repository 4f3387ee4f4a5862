"""A training step in bfloat16 over one in float32, one thread: python -m benchmarks.precision"""

import statistics
import time
from collections.abc import Iterator

import torch
from torch import nn

from benchmarks.history import Figure, show
from derain.networks import build, parse
from derain.networks.running import channels_last

NETWORK = "unet:base=16,levels=4,norm=none,activation=leaky_relu"


def figures(steps: int = 5) -> Iterator[Figure]:
    torch.set_num_threads(1)
    network = channels_last(build(*parse(NETWORK)))
    rainy = torch.rand(16, 3, 64, 64).contiguous(memory_format=torch.channels_last)
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(steps):
        for reduced, times in seconds.items():
            start = time.perf_counter()
            with torch.autocast("cpu", torch.bfloat16, enabled=reduced):
                restored = network(rainy)
            nn.functional.l1_loss(restored.float(), rainy).backward()
            times.append(time.perf_counter() - start)
    exact, rounded = (1000 * statistics.median(times[1:]) for times in seconds.values())
    yield Figure("step of the small UNet in bfloat16", rounded, "ms", exact / rounded, "the speed in float32")


if __name__ == "__main__":
    show(figures())
