"""What a training costs on this machine, from a short measurement that is kept."""

import json
import os
import platform
import time
from pathlib import Path

import torch
from torch import nn

from derain.files import make_folder, write_json
from derain.networks import build, parse
from derain.processes import usable_device
from derain.settings import Precision
from derain.study.plan import Training

_STEPS = 2
_SIZE_PX = 64


def seconds_a_training(training: Training, device: str) -> float:
    """Seconds of all iterations, on one CPU thread; without rain, which costs next to nothing.

    Two steps of one sample of 64x64 are timed once for a network, and kept in the user's cache folder ($XDG_CACHE_HOME
    or ~/.cache); the time is taken to grow with the number of samples and of pixels.

    Args:
        training: what is to be trained.
        device: torch device.

    Raises:
        InputError: the device cannot be used.
    """
    settings = training.settings()
    key = " ".join([platform.node(), torch.__version__, device, training.network, training.precision])
    path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "derain" / "costs.json"
    kept: dict[str, float] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if key not in kept:
        kept[key] = _seconds_a_sample(training.network, device, training.precision)
        make_folder(path.parent)
        write_json(path, kept)
    samples = settings.batch_size * (settings.sample_size / _SIZE_PX) ** 2
    return kept[key] * samples * settings.iterations


def _seconds_a_sample(network: str, device: str, precision: Precision) -> float:
    # Untrained weights serve: what a step costs does not depend on them. The random state of the caller is kept.
    with torch.random.fork_rng(devices=[]):
        model = build(*parse(network)).to(usable_device(device))
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.Adam(model.parameters())
    rainy = torch.rand(1, 3, _SIZE_PX, _SIZE_PX, generator=torch.Generator().manual_seed(0)).to(device)
    seconds, threads = [], torch.get_num_threads()
    torch.set_num_threads(1)  # as the trainings of a study; several would wait for each other on a busy machine
    for _ in range(1 + _STEPS):
        start = time.perf_counter()
        with torch.autocast(rainy.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            restored = model(rainy)
        loss = nn.functional.l1_loss(restored.float(), rainy)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        loss.item()  # waits for the device
        seconds.append(time.perf_counter() - start)
    torch.set_num_threads(threads)
    return min(seconds[1:])
