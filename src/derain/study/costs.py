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
from derain.study.plan import Training

_STEPS = 3
_MOST_SAMPLES = 2


def seconds_a_training(training: Training, device: str) -> float:
    """Seconds of all iterations, on all CPU threads that torch uses here; without rain, which costs next to nothing.

    Three steps of at most two samples are timed once for a network and a sample size, and kept in the user's cache
    folder ($XDG_CACHE_HOME or ~/.cache).

    Args:
        training: what is to be trained.
        device: torch device.
    """
    settings = training.settings()
    key = " ".join(
        [platform.node(), torch.__version__, device, f"{torch.get_num_threads()} threads", training.network,
         f"{settings.sample_size} px"]
    )  # fmt: skip
    path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "derain" / "costs.json"
    kept: dict[str, float] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if key not in kept:
        kept[key] = _seconds_a_sample(training.network, settings.sample_size, device)
        make_folder(path.parent)
        write_json(path, kept)
    return kept[key] * settings.batch_size * settings.iterations


def _seconds_a_sample(network: str, size_px: int, device: str) -> float:
    # Untrained weights serve: what a step costs does not depend on them. The random state of the caller is kept.
    with torch.random.fork_rng(devices=[]):
        model = build(*parse(network)).to(device)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.Adam(model.parameters())
    rainy = torch.rand(_MOST_SAMPLES, 3, size_px, size_px, generator=torch.Generator().manual_seed(0)).to(device)
    seconds = []
    for _ in range(1 + _STEPS):
        start = time.perf_counter()
        loss = nn.functional.l1_loss(model(rainy), rainy)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        loss.item()  # waits for the device
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:]) / _MOST_SAMPLES
