"""A training step in PyTorch's default memory format over one in channels_last: python -m benchmarks.channels_last"""

import statistics
import time
from collections.abc import Iterator

import torch
from torch import nn

from benchmarks.history import Figure, show
from derain.networks import build, parse

NETWORKS = ("unet:base=16,levels=4,norm=none,activation=leaky_relu", "resnet:features=16,blocks=4", "resnet:blocks=4")


def figures(steps: int = 9) -> Iterator[Figure]:
    torch.set_num_threads(1)
    for text in NETWORKS:
        seconds: dict[torch.memory_format, list[float]] = {torch.contiguous_format: [], torch.channels_last: []}
        for _ in range(steps):
            for memory_format, times in seconds.items():
                network = build(*parse(text)).to(memory_format=memory_format)  # type: ignore[call-overload]
                rainy = torch.rand(16, 3, 64, 64).contiguous(memory_format=memory_format)
                start = time.perf_counter()
                nn.functional.l1_loss(network(rainy), rainy).backward()
                times.append(time.perf_counter() - start)
        default, last = (1000 * statistics.median(times[1:]) for times in seconds.values())
        yield Figure(f"step in channels_last, {text}", last, "ms", default / last, "the default format's speed")


if __name__ == "__main__":
    show(figures())
