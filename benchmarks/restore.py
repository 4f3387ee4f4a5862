"""Restoring photos on two CPU cores: speed and memory against plain PyTorch, start-up, a folder of small photos.

    python -m benchmarks.restore [--model FILE]

Without a model the networks are the small UNet with random weights. Every figure comes from a process of its own.
"""

import logging
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import tyro
from PIL import Image
from torch import nn

from benchmarks.history import Figure, show
from derain.networks import build, load_model, parse
from derain.networks.weights import describe, write_tensors
from derain.restoration import TiledRestorer, Writing, find_files, restore_files
from derain.restoration.photos import encode_photo, read_photo
from derain.support.files import write_bytes
from derain.support.processes import dedicate_to_network
from derain.support.workers import worker_pool

UNET = "unet:base={},levels=4,norm=none,activation=leaky_relu"
THREADS = 2
SMALL_PHOTOS = 100


class Cost(NamedTuple):
    seconds: float
    gibibytes: float


def figures(model: Path | None = None) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = {f"base {base}": random_model(folder, base) for base in (16, 32)}
        if model is not None:
            models = {model.parent.name: model, "base 32": models["base 32"]}
        for label, each in models.items():
            yield from compare(label, each)
        [first, _] = models.values()
        yield start_up(folder, first)
        yield overlap(folder, first)


def compare(label: str, model: Path) -> Iterator[Figure]:
    """Seconds and memory of each way, in turns."""
    costs: dict[str, list[Cost]] = {name: [] for name in PROGRAMS}
    for _ in range(3):
        for name, program in PROGRAMS.items():
            costs[name].append(measured(program, model, 1080, 1920))
    for name, found in costs.items():
        title, best = f"UNet of {label}, 1920x1080, {name}", min(found)
        yield Figure(title, best.seconds, "s", min(costs[PLAIN]).seconds / best.seconds, "the speed of plain PyTorch")
        yield Figure(f"memory, {title}", best.gibibytes, "GiB")
    large = measured(tiles, model, 2160, 3840)
    yield Figure(f"UNet of {label}, 3840x2160, tiles", large.seconds, "s")
    yield Figure(f"memory, UNet of {label}, 3840x2160, tiles", large.gibibytes, "GiB")


def start_up(folder: Path, model: Path) -> Figure:
    Image.fromarray(photo(64, 64)).save(folder / "small.png")
    seconds = []
    for attempt in range(3):
        command = [
            *(sys.executable, "-m", "derain", "restore", str(folder / "small.png")),
            *("--out", str(folder / f"out{attempt}"), "--model", str(model)),
        ]
        begin = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - begin)
    return Figure("derain restore, one photo of 64x64, start to end", min(seconds), "s")


def overlap(folder: Path, model: Path) -> Figure:
    photos = folder / "photos"
    photos.mkdir()
    for index in range(SMALL_PHOTOS):
        Image.fromarray(photo(321, 481, index)).save(photos / f"{index}.png")
    costs = {way: min(measured(way, model, photos, folder / way.__name__ / str(_)) for _ in range(2)) for way in WAYS}
    one_by_one, overlapped = costs.values()
    ratio = one_by_one.seconds / overlapped.seconds
    return Figure(f"{SMALL_PHOTOS} photos of 481x321", overlapped.seconds, "s", ratio, "the speed of one by one")


def eager(model: Path, height: int, width: int) -> float:
    network, picture = load_model(model)[0], photo(height, width)
    begin = time.perf_counter()
    with torch.inference_mode():
        output = network(torch.from_numpy(picture).permute(2, 0, 1)[None] / 255)
        (output[0].permute(1, 2, 0) * 255).round().clamp(0, 255).to(torch.uint8).numpy()
    return time.perf_counter() - begin


def tiles(model: Path, height: int, width: int) -> float:
    dedicate_to_network()
    return once(load_model(model)[0], height, width)


def onnxruntime(model: Path, height: int, width: int) -> float:
    return once(load_model(model, engine="onnxruntime")[0], height, width)


def once(network: nn.Module, height: int, width: int) -> float:
    restorer, picture = TiledRestorer(network), photo(height, width)
    begin = time.perf_counter()
    restorer.picture(picture)
    return time.perf_counter() - begin


PLAIN = "whole, plain PyTorch"
PROGRAMS = {PLAIN: eager, "tiles": tiles, "tiles, ONNX Runtime": onnxruntime}


def in_turn(model: Path, photos: Path, out: Path) -> float:
    dedicate_to_network()
    restorer = TiledRestorer(load_model(model)[0])
    out.mkdir(parents=True)
    begin = time.perf_counter()
    for path in find_files([photos]):
        read = read_photo(path)
        write_bytes(out / path.name, encode_photo(read, restorer.picture(read.rgb), 95))
    return time.perf_counter() - begin


def at_once(model: Path, photos: Path, out: Path) -> float:
    dedicate_to_network()
    restorer = TiledRestorer(load_model(model)[0])
    begin = time.perf_counter()
    restore_files(find_files([photos]), restorer, "", Writing(out))
    return time.perf_counter() - begin


WAYS = (in_turn, at_once)


def measured(work: Callable[..., float], *arguments: object) -> Cost:
    """Seconds that `work` counts, and the largest memory of its process."""
    with worker_pool(1) as process:
        return process.submit(_measure, work, arguments).result()


def _measure(work: Callable[..., float], arguments: tuple[object, ...]) -> Cost:
    torch.set_num_threads(THREADS)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    seconds = work(*arguments)
    return Cost(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


def random_model(folder: Path, base: int) -> Path:
    torch.manual_seed(0)
    network = build(*parse(UNET.format(base)))
    path = folder / f"unet{base}.safetensors"
    write_tensors(path, network.state_dict(), describe("unet", network))
    return path


def photo(height: int, width: int, seed: int = 0) -> np.ndarray:
    """As hard to compress as a photograph: large shapes and some noise."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(30, 226, (height // 20 + 1, width // 20 + 1, 3), dtype=np.uint8))
    shapes = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
    return (shapes + rng.normal(0, 3, shapes.shape)).clip(0, 255).astype(np.uint8)


if __name__ == "__main__":
    show(tyro.cli(figures))
