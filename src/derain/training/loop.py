"""One readable training loop, which can be killed at any moment and goes on to the identical last bit."""

import logging
import math
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from derain.errors import InputError, TrainingError
from derain.networks.base import Network
from derain.networks.running import channels_last
from derain.networks.weights import write_tensors
from derain.probe.measure import probe_network
from derain.support.devices import usable_device
from derain.support.files import make_folder, remove_leftovers, write_json
from derain.support.randomness import generator
from derain.training.checkpoint import (
    CHECKPOINT,
    MODEL,
    average_into,
    refuse_other_run,
    refuse_unfinite,
    resume,
    save_checkpoint,
)
from derain.training.log import RunLog, log_probe
from derain.training.losses import loss_of
from derain.training.prepare import prepare
from derain.training.settings import TrainingSettings
from derain.training.slacking import Point

_log = logging.getLogger("derain")
_PROGRESS_EVERY = 50
_CHECKPOINT_SECONDS = 60.0


@dataclass(frozen=True)
class Progress:
    """What a run reports about itself while it trains."""

    iteration: int
    iterations: int
    loss: float | None


def train(
    settings: TrainingSettings,
    out: Path,
    device: str = "cpu",
    checkpoint_every: int = 1000,
    report: Callable[[Progress], None] = lambda progress: None,
) -> Path:
    """Train, or go on with, the run in the folder `out`; returns the path of the model.

    `out` gets run.json (what determines the run), log.jsonl, tensorboard/ and at the end model.safetensors with the
    averaged weights. Until then checkpoint.safetensors, written at least once a minute, holds all it needs to go on.

    Args:
        settings: what to train.
        out: the run's folder. One that holds the finished run is left as it is.
        device: torch device; batches are made on it.
        checkpoint_every: iterations between checkpoints.
        report: called after every iteration; the loss is given every 50.

    Raises:
        InputError: bad settings or photos; `out` was made with other settings, the first of which is named; or
            it holds a model of something else.
        TrainingError: loss or weights became NaN or infinite; the last good checkpoint stays.
    """
    if checkpoint_every < 1:
        raise InputError(f"--checkpoint-every must be at least 1, not {checkpoint_every}")
    place = usable_device(device)
    run = prepare(settings, place)
    make_folder(out)
    refuse_other_run(out / "run.json", run.description)
    model = out / MODEL
    if model.exists():
        (out / CHECKPOINT).unlink(missing_ok=True)  # of a run that was killed between its last two steps
        report(Progress(settings.iterations, settings.iterations, None))
        return model
    for name in (MODEL, CHECKPOINT):
        remove_leftovers(out / name)
    environment = {"device": str(place), "threads": torch.get_num_threads(), "torch": torch.__version__}

    network = channels_last(run.network.to(place)).train()
    average: Network = deepcopy(network)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, betas=settings.betas)
    start, watch = resume(out / CHECKPOINT, run.description, network, average, optimiser)
    write_json(out / "run.json", run.description)

    if start:
        _log.info("going on with %s from iteration %d", out, start)
    if settings.precision == "bfloat16" and place.type == "cpu" and torch.backends.cpu.get_cpu_capability() == "AVX2":
        _log.warning("this CPU computes bfloat16 by software, far slower than float32")
    with RunLog(out) as log:
        log.write("resumed" if start else "started", start, {"environment": environment, "run": run.description})
        recent, recent_from, saved_at = torch.zeros((), device=place), start, time.monotonic()
        for k in range(start, settings.iterations):
            rainy, clean = (picture.contiguous(memory_format=torch.channels_last) for picture in run.objective.batch(k))
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(settings, k)
            loss = _loss(network, rainy, clean, settings, k)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            average_into(average, network, min(settings.average_decay, (k + 1) / (k + 10)))
            recent += loss.detach()

            done, mean_loss = k + 1, None
            last = done == settings.iterations
            validate = bool(settings.validate_every) and (last or done % settings.validate_every == 0)
            probe = bool(settings.probe_every) and (last or done % settings.probe_every == 0)
            save = not last and (done % checkpoint_every == 0 or time.monotonic() - saved_at > _CHECKPOINT_SECONDS)
            if last or save or validate or done % _PROGRESS_EVERY == 0:
                mean_loss = float(recent) / (done - recent_from)
                if not math.isfinite(mean_loss):
                    kept = " (the last checkpoint is kept)" if (out / CHECKPOINT).exists() else ""
                    raise TrainingError(
                        f"the loss is no longer a number between iterations {recent_from} and {done} of {out}; "
                        f"a lower --learning-rate or a --warmup may help{kept}"
                    )
                recent, recent_from = torch.zeros((), device=place), done
                log.write("progress", done, {"loss": mean_loss, "learning_rate": learning_rate(settings, k)})
            try:
                for validation_set in run.validation if validate else ():
                    figures = validation_set.measure(average, place)
                    log.write("validation", done, figures)
                    if settings.stop_when_slacking and validation_set.name == "held_out":
                        watch.note(_point(done, figures), average.state_dict())
                if probe and run.scene is not None:
                    log_probe(log, done, run.scene, probe_network(average, run.scene, place))
            except InputError as error:
                raise TrainingError(f"{out} cannot be measured at iteration {done}: {error}") from error
            if watch.slacking:
                log.write("slacking", done, {"best": asdict(watch.best) if watch.best else None})
                break
            if save:
                save_checkpoint(out / CHECKPOINT, done, run.description, network, average, optimiser, watch)
                log.write("checkpoint", done, {})
                saved_at = time.monotonic()
            report(Progress(done, settings.iterations, mean_loss))

        refuse_unfinite(average, out)
        header = {**run.description, "environment": environment, "derain": version("derain")}
        if watch.best is not None:
            average.load_state_dict(watch.weights)
            header |= {"best_iteration": watch.best.iteration, "stopped_at": done}
        write_tensors(model, average.state_dict(), header)
        log.write("finished", done, {"model": MODEL})
    (out / CHECKPOINT).unlink(missing_ok=True)
    return model


def _loss(network: Network, rainy: Tensor, clean: Tensor, settings: TrainingSettings, k: int) -> Tensor:
    """With bfloat16 products and convolutions only: weights, their gradients and the loss itself stay float32.

    What a network of the user's own draws, such as a dropout, is a function of (seed, k), as the batch is.
    """
    with (
        torch.random.fork_rng(devices=[]),
        torch.autocast(rainy.device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"),
    ):
        torch.manual_seed(int(generator(settings.seed, "step", k).integers(2**31)))
        if settings.loss == "own":
            return network.own_loss(rainy, clean)
        restored = network(rainy)
    return loss_of(settings.loss)(restored.float(), clean)


def learning_rate(settings: TrainingSettings, k: int) -> float:
    """The learning rate of iteration k (from 0): a linear rise over the warm-up, times a cosine that ends at zero."""
    rise = min(1.0, (k + 1) / settings.warmup) if settings.warmup else 1.0
    return settings.learning_rate * rise * 0.5 * (1 + math.cos(math.pi * k / settings.iterations))


def _point(iteration: int, figures: Mapping[str, Any]) -> Point:
    """A picture that is restored perfectly counts with 100 dB."""
    psnr_y = [100.0 if image["psnr_y"] is None else image["psnr_y"] for image in figures["images"]]
    return Point(iteration, psnr_y, figures["mean"]["removal_controlled"] or 0.0)
