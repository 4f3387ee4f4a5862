"""The cost of each network: python -m benchmarks.networks [--device cuda]

Milliseconds, multiply-adds a second and peak memory of forward, and of forward with backward: at 64x64 in float32 on
one CPU thread, at 128x128 in bfloat16 on a GPU. Beside each stands the share of the best that the machine reaches in
the same run with a 3x3 convolution of 64 channels or a matrix product. Every measurement runs in its own process, whose
peak memory (less that of a process that only builds the network) is the one given.
"""

import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import tyro
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.history import Figure, show
from derain.networks import NETWORKS, build
from derain.networks.running import channels_last

# RCDNet and SPDNet at a batch that fits.
BATCHES = {"rcdnet": 4, "spdnet": 8}


@dataclass(frozen=True)
class Cost:
    seconds: float
    multiply_adds: int
    mebibytes: float


def figures(device: str = "cpu", repetitions: int = 3, networks: tuple[str, ...] = tuple(NETWORKS)) -> Iterator[Figure]:
    size_px = 128 if device.startswith("cuda") else 64
    context = multiprocessing.get_context("spawn")

    def run(work: Callable[..., Cost], *arguments: object) -> Cost:
        with context.Pool(1) as pool:
            return pool.apply(work, (*arguments, device, repetitions))

    best = max((run(convolution), run(product)), key=lambda cost: cost.multiply_adds / cost.seconds)
    peak = best.multiply_adds / best.seconds
    yield Figure(f"best convolution or matrix product on {device}", peak / 1e9, "G multiply-adds a second")
    for name in networks:
        batch = BATCHES.get(name, 16)
        for backward in (False, True):
            cost = run(network, name, batch, size_px, backward)
            rate = cost.multiply_adds / cost.seconds
            title = f"{name}, {batch} x {size_px} x {size_px}, {'forward and backward' if backward else 'forward'}"
            yield Figure(title, 1000 * cost.seconds, "ms", rate / peak, "the rate of the best convolution or product")
            yield Figure(f"memory, {title}", cost.mebibytes, "MiB")


def network(name: str, batch: int, size_px: int, backward: bool, device: str, repetitions: int) -> Cost:
    dtype = torch.bfloat16 if device.startswith("cuda") else torch.float32
    model = channels_last(build(name).to(device, dtype).train(backward))
    rainy = torch.rand(batch, 3, size_px, size_px, device=device, dtype=dtype).contiguous(
        memory_format=torch.channels_last
    )

    def step() -> None:
        with torch.set_grad_enabled(backward):
            loss = nn.functional.l1_loss(model(rainy), rainy)
        if backward:
            loss.backward()
            model.zero_grad()

    return measure(step, device, repetitions)


def convolution(device: str, repetitions: int) -> Cost:
    layer = channels_last(nn.Conv2d(64, 64, 3, padding=1).to(device))
    picture = torch.rand(16, 64, 64, 64, device=device).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        return measure(lambda: layer(picture), device, repetitions)


def product(device: str, repetitions: int) -> Cost:
    dtype = torch.bfloat16 if device.startswith("cuda") else torch.float32
    matrix = torch.rand(2048, 2048, device=device, dtype=dtype)
    return measure(lambda: matrix @ matrix, device, repetitions)


def measure(step: Callable[[], object], device: str, repetitions: int) -> Cost:
    torch.set_num_threads(1)
    before = peak_mebibytes(device)
    with FlopCounterMode(display=False) as counter:
        step()
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        step()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return Cost(statistics.median(times), counter.get_total_flops() // 2, peak_mebibytes(device) - before)


def peak_mebibytes(device: str) -> float:
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    show(tyro.cli(figures))
