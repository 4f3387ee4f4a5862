"""A training step of the small UNet with freed memory kept in the process, against the system's own way."""

import multiprocessing
import statistics
import time

import torch
from torch import nn

from derain.networks import build, parse
from derain.networks.running import channels_last
from derain.support.processes import dedicate_to_network

NETWORK = "unet:base=16,levels=4,norm=none,activation=leaky_relu"
STEPS = 40


def main() -> None:
    context = multiprocessing.get_context("spawn")
    for round_ in range(3):
        seconds = {}
        for kept in (False, True):
            with context.Pool(1) as pool:
                seconds[kept] = pool.apply(step_seconds, (kept,))
        ratio = seconds[False] / seconds[True]
        print(
            f"round {round_ + 1}: {1000 * seconds[False]:.0f} ms, memory kept: {1000 * seconds[True]:.0f} ms: "
            f"{ratio:.2f} times as fast"
        )


def step_seconds(kept: bool) -> float:
    """Median seconds of a step on one thread."""
    if kept:
        dedicate_to_network()
    torch.set_num_threads(1)
    network = channels_last(build(*parse(NETWORK)))
    optimiser = torch.optim.Adam(network.parameters())
    rainy = torch.rand(16, 3, 64, 64).contiguous(memory_format=torch.channels_last)
    times = []
    for _ in range(STEPS):
        start = time.perf_counter()
        loss = nn.functional.l1_loss(network(rainy), rainy)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


if __name__ == "__main__":
    main()
