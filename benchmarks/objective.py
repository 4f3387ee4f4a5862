"""The share of rain, choice of backgrounds and transfer in a training step: python -m benchmarks.objective

Prints the time of `Objective.batch` over the time of a whole training step (batch, forward, backward, Adam) of the
16-block ResNet at the paper's scale: 16 samples of 128x128, medium rain, one thread. Backgrounds are noise.
"""

import statistics
import time
from collections.abc import Callable, Iterator

import torch
import tyro
from torch import nn

from benchmarks.history import Figure, show
from derain.networks import build, parse
from derain.networks.running import channels_last
from derain.rain import load_rain
from derain.training.objective import Objective


def figures(
    network: str = "resnet", rain: str = "medium", size_px: int = 128, steps: int = 3, device: str = "cpu"
) -> Iterator[Figure]:
    torch.set_num_threads(1)
    place = torch.device(device)
    backgrounds = torch.randint(0, 256, (64, 3, size_px, size_px), dtype=torch.uint8, device=place)
    objective = Objective(backgrounds, load_rain(rain), batch_size=16, patch_size_px=size_px, seed=0)
    model = channels_last(build(*parse(network)).to(place))
    optimiser = torch.optim.Adam(model.parameters())

    def train(k: int) -> None:
        rainy, clean = (picture.contiguous(memory_format=torch.channels_last) for picture in objective.batch(k))
        loss = nn.functional.l1_loss(model(rainy), clean)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    whole = median_seconds(train, steps, place)
    batch = median_seconds(lambda k: objective.batch(k), 10 * steps, place)
    title = f"{network}, {rain} rain, 16 x {size_px} x {size_px} on {device}"
    yield Figure(f"step, {title}", 1000 * whole, "ms")
    yield Figure(f"batch alone, {title}", 1000 * batch, "ms", batch / whole, "the step's time")


def median_seconds(step: Callable[[int], object], steps: int, device: torch.device, warm_up: int = 1) -> float:
    times = []
    for k in range(warm_up + steps):
        start = time.perf_counter()
        step(k)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - start)
    return statistics.median(times[warm_up:])


if __name__ == "__main__":
    show(tyro.cli(figures))
