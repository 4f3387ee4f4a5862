"""A training step of the small UNet with freed memory kept in the process, against the system's own way."""

import multiprocessing
import statistics
import time
from collections.abc import Iterator

import torch
from torch import nn

from benchmarks.history import Figure, show
from derain.networks import build, parse
from derain.networks.running import channels_last
from derain.support.processes import dedicate_to_network

NETWORK = "unet:base=16,levels=4,norm=none,activation=leaky_relu"
STEPS = 40


def figures(rounds: int = 3) -> Iterator[Figure]:
    context = multiprocessing.get_context("spawn")
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(rounds):
        for kept, times in seconds.items():
            with context.Pool(1) as pool:
                times.append(pool.apply(step_seconds, (kept,)))
    given_back, kept_seconds = map(statistics.median, seconds.values())
    peer = "the speed with memory given back"
    yield Figure("step of the small UNet, memory kept", 1000 * kept_seconds, "ms", given_back / kept_seconds, peer)


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
    show(figures())
