"""The cost of a training on this machine, from a short measurement that is kept."""

import json
import os
import platform
import time
from contextlib import suppress
from pathlib import Path

import torch
from torch import nn

from derain.errors import InputError
from derain.networks import build, parse
from derain.networks.registry import determined
from derain.networks.running import channels_last
from derain.study.plan.trainings import Training
from derain.support.choices import Precision
from derain.support.devices import usable_device
from derain.support.files import make_folder, write_json

_STEPS = 3
_SIZE_PX = 64


def seconds_a_training(training: Training, device: str) -> float:
    """Seconds of all iterations in a process like this one. Rain, tests and probe come on top.

    A few steps are timed once for a network, and kept in the user's cache folder ($XDG_CACHE_HOME or ~/.cache): on a
    CPU of two samples of 64x64, and the time is taken to grow with the number of samples and of pixels; elsewhere,
    where many samples take hardly longer than one, of a whole batch.

    Args:
        training: what is to be trained.
        device: torch device.

    Raises:
        InputError: the device cannot be used.
    """
    settings, place = training.settings(), usable_device(device)
    samples, side_px = (2, _SIZE_PX) if place.type == "cpu" else (settings.batch_size, settings.sample_size)
    network = json.dumps(determined(training.network))
    key = f"{platform.node()} {torch.__version__} {device} {network} {settings.precision} {samples} {side_px}"
    path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "derain" / "costs.json"
    kept: dict[str, float] = {}
    with suppress(OSError, ValueError, TypeError):  # a cache that cannot be read is none
        kept = dict(json.loads(path.read_text(encoding="utf-8")))
    if key not in kept:
        kept[key] = _seconds_a_step(training.network, place, settings.precision, samples, side_px)
        with suppress(InputError):  # or written
            make_folder(path.parent)
            write_json(path, kept)
    times = settings.batch_size / samples * (settings.sample_size / side_px) ** 2
    return kept[key] * times * settings.iterations


def _seconds_a_step(network: str, device: torch.device, precision: Precision, samples: int, side_px: int) -> float:
    # Untrained weights serve: what a step costs does not depend on them. The random state of the caller is kept.
    with torch.random.fork_rng(devices=[]):
        model = channels_last(build(*parse(network)).to(device))
    optimiser = torch.optim.Adam(model.parameters())
    rainy = torch.rand(samples, 3, side_px, side_px, generator=torch.Generator().manual_seed(0)).to(device)
    seconds = []
    for _ in range(1 + _STEPS):
        start = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            restored = model(rainy)
        loss = nn.functional.l1_loss(restored.float(), rainy)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        loss.item()  # waits for the device
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])
