"""The cost of trainings and restoring on a GPU: python -m benchmarks.gpu [--parts steps restoring together]

steps: a whole step of training (rain, forward, backward, Adam, average of the weights) of all networks at the
paper's scale and of the small UNet at the scale `cpu`; in float32 throughout, in float32 with PyTorch's default of TF32
convolutions, and in bfloat16; and what of it the rain takes. restoring: photos, by two widths of the UNet. together:
the steps a second that several trainings of the small UNet, each a process, reach. Backgrounds are noise and weights
random, which does not change what a step costs.
"""

import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from typing import Literal, get_args

import numpy as np
import torch
import tyro
from torch import nn

from benchmarks.objective import median_seconds
from derain.networks import NETWORKS, build, parse
from derain.networks.running import channels_last
from derain.rain import RainBank, load_rain
from derain.restoration import TiledRestorer
from derain.training.checkpoint import average_into
from derain.training.objective import Objective

UNET = "unet:base={},levels=4,norm=none,activation=leaky_relu"
WARM_UP = 3
PRECISIONS = {"float32": False, "float32, TF32 convolutions": True, "bfloat16": False}

Part = Literal["steps", "restoring", "together"]


def main(
    device: str = "cuda",
    parts: tuple[Part, ...] = get_args(Part),
    processes: tuple[int, ...] = (1, 16),
    repetitions: int = 8,
    steps: int = 300,
) -> None:
    place = torch.device(device)
    print(f"{torch.cuda.get_device_name(place)}, torch {torch.__version__}", flush=True)
    if "steps" in parts:
        for network, side_px, layers in (*((each, 128, None) for each in NETWORKS), (UNET.format(16), 64, 4000)):
            for precision in PRECISIONS:
                print(step(network, side_px, layers, precision, repetitions, place), flush=True)
    if "restoring" in parts:
        for base in (16, 32):
            for height, width in ((1080, 1920), (2160, 3840)):
                print(restoring(base, height, width, place), flush=True)
    if "together" in parts:
        for number in processes:
            rate = together(number, steps, device)
            print(f"{number} trainings of the small UNet together: {rate:.0f} steps a second", flush=True)


def step(network: str, side_px: int, layers: int | None, precision: str, repetitions: int, place: torch.device) -> str:
    title = f"{network}, 16 x {side_px} x {side_px}, {precision}"
    try:
        train, batch = trainer(network, side_px, layers, precision, place)
        reset(place)
        seconds = median_seconds(train, repetitions, place, WARM_UP)
    except torch.OutOfMemoryError:
        return f"{title}: out of memory"
    share = median_seconds(batch, repetitions, place, WARM_UP) / seconds
    return f"{title}: {1000 * seconds:.1f} ms, {share:.0%} of it rain and backgrounds; {peak_gibibytes(place):.1f} GiB"


def restoring(base: int, height: int, width: int, place: torch.device) -> str:
    reset(place)
    restorer = TiledRestorer(build(*parse(UNET.format(base))), place)
    photo = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    seconds = median_seconds(lambda _: restorer.picture(photo), 5, place, WARM_UP)
    return f"{width} x {height} restored, base {base}: {seconds:.3f} s, {peak_gibibytes(place):.2f} GiB"


def trainer(
    network: str, side_px: int, layers: int | None, precision: str, place: torch.device
) -> tuple[Callable[[int], object], Callable[[int], object]]:
    """A training step, and its batch alone, by their number."""
    torch.backends.cudnn.allow_tf32 = PRECISIONS[precision]
    family = load_rain("medium")
    degradation = family if layers is None else RainBank.render(family, layers, 128, 0, place)
    backgrounds = torch.randint(0, 256, (64, 3, 128, 128), dtype=torch.uint8, device=place)
    objective = Objective(backgrounds, degradation, batch_size=16, patch_size_px=side_px, seed=0)
    model = channels_last(build(*parse(network)).to(place))
    average = channels_last(build(*parse(network)).to(place))
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4)

    def train(k: int) -> None:
        rainy, clean = (picture.contiguous(memory_format=torch.channels_last) for picture in objective.batch(k))
        with torch.autocast(place.type, torch.bfloat16, enabled=precision == "bfloat16"):
            restored = model(rainy)
        loss = nn.functional.l1_loss(restored.float(), clean)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        average_into(average, model, 0.99)

    return train, objective.batch


def together(number: int, steps: int, device: str) -> float:
    """Steps a second of as many processes, each with one CPU thread, from the first to the last."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(number)
    with context.Pool(number, initializer=prepare_together, initargs=(barrier,)) as pool:
        spans = pool.starmap(train_together, [(steps, device)] * number, chunksize=1)
    return number * steps / (max(end for _, end in spans) - min(start for start, _ in spans))


_barrier: Barrier


def prepare_together(barrier: Barrier) -> None:
    global _barrier
    _barrier = barrier


def train_together(steps: int, device: str) -> tuple[float, float]:
    torch.set_num_threads(1)
    place = torch.device(device)
    train, _ = trainer(UNET.format(16), 64, 200, "float32", place)
    for k in range(10):
        train(k)
    torch.cuda.synchronize(place)
    _barrier.wait()
    start = time.time()
    for k in range(steps):
        train(k)
    torch.cuda.synchronize(place)
    return start, time.time()


def reset(place: torch.device) -> None:
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(place)


def peak_gibibytes(place: torch.device) -> float:
    return torch.cuda.max_memory_allocated(place) / 2**30


if __name__ == "__main__":
    tyro.cli(main)
