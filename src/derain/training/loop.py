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
    State,
    average_into,
    refuse_other_run,
    refuse_unfinite,
    resume,
    save_checkpoint,
)
from derain.training.log import RunLog, log_probe
from derain.training.losses import loss_of
from derain.training.prepare import Run, prepare
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
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, betas=settings.betas)
    state = State(network, deepcopy(network), optimiser)
    resume(out / CHECKPOINT, run.description, state)
    write_json(out / "run.json", run.description)

    if state.done:
        _log.info("going on with %s from iteration %d", out, state.done)
    if settings.precision == "bfloat16" and place.type == "cpu" and torch.backends.cpu.get_cpu_capability() == "AVX2":
        _log.warning("this CPU computes bfloat16 by software, far slower than float32")
    with RunLog(out) as log:
        begun = {"environment": environment, "run": run.description}
        log.write("resumed" if state.done else "started", state.done, begun)
        _iterate(run, state, out, log, checkpoint_every, report)
        refuse_unfinite(state.average, out)
        header = {**run.description, "environment": environment, "derain": version("derain")}
        if state.watch.best is not None:
            state.average.load_state_dict(state.watch.weights)
            header |= {"best_iteration": state.watch.best.iteration, "stopped_at": state.done}
        write_tensors(model, state.average.state_dict(), header)
        log.write("finished", state.done, {"model": MODEL})
    (out / CHECKPOINT).unlink(missing_ok=True)
    return model


def _iterate(
    run: Run, state: State, out: Path, log: RunLog, checkpoint_every: int, report: Callable[[Progress], None]
) -> None:
    """Train from where the state is to the last iteration, or until the network slacks off."""
    settings, network, place = run.settings, state.network, next(run.network.parameters()).device
    losses, losses_from, saved_at = torch.zeros((), device=place), state.done, time.monotonic()
    for k in range(state.done, settings.iterations):
        # The batch, and the learning rate of this step.
        rainy, clean = (picture.contiguous(memory_format=torch.channels_last) for picture in run.objective.batch(k))
        for group in state.optimiser.param_groups:
            group["lr"] = learning_rate(settings, k)

        # One step of Adam, and the average of the weights after it.
        loss = _loss(network, rainy, clean, settings, k)
        state.optimiser.zero_grad()
        loss.backward()
        state.optimiser.step()
        average_into(state.average, network, min(settings.average_decay, (k + 1) / (k + 10)))
        losses += loss.detach()
        state.done = k + 1

        # Once in a while: the mean loss. The device is waited for only here.
        last = state.done == settings.iterations
        save = not last and (state.done % checkpoint_every == 0 or time.monotonic() - saved_at > _CHECKPOINT_SECONDS)
        mean_loss = None
        if last or save or _is_due(settings.validate_every, state.done, last) or state.done % _PROGRESS_EVERY == 0:
            mean_loss = _mean_loss(losses, losses_from, state.done, out)
            losses, losses_from = torch.zeros((), device=place), state.done
            log.write("progress", state.done, {"loss": mean_loss, "learning_rate": learning_rate(settings, k)})

        # Once in a while: validation, response to rain, and an early end.
        _measure(run, state, out, log)
        if state.watch.slacking:
            log.write("slacking", state.done, {"best": asdict(state.watch.best) if state.watch.best else None})
            return

        # Once in a while: a checkpoint.
        if save:
            save_checkpoint(out / CHECKPOINT, run.description, state)
            log.write("checkpoint", state.done, {})
            saved_at = time.monotonic()
        report(Progress(state.done, settings.iterations, mean_loss))


def _is_due(every: int, done: int, last: bool) -> bool:
    """True at the iterations at which something is done every so many iterations, and at the end; 0: never."""
    return every > 0 and (last or done % every == 0)


def _mean_loss(losses: Tensor, since: int, done: int, out: Path) -> float:
    """The mean of losses that were added up since an iteration; TrainingError if it is no number."""
    mean = float(losses) / (done - since)
    if not math.isfinite(mean):
        kept = " (the last checkpoint is kept)" if (out / CHECKPOINT).exists() else ""
        raise TrainingError(
            f"the loss is no longer a number between iterations {since} and {done} of {out}; "
            f"a lower --learning-rate or a --warmup may help{kept}"
        )
    return mean


def _measure(run: Run, state: State, out: Path, log: RunLog) -> None:
    """Measure the averaged weights as far as it is due: validation sets, and the response to rain."""
    settings, done = run.settings, state.done
    last, place = done == settings.iterations, next(state.average.parameters()).device
    try:
        for validation_set in run.validation if _is_due(settings.validate_every, done, last) else ():
            figures = validation_set.measure(state.average, place)
            log.write("validation", done, figures)
            if settings.stop_when_slacking and validation_set.name == "held_out":
                state.watch.note(_point(done, figures), state.average.state_dict())
        if run.scene is not None and _is_due(settings.probe_every, done, last):
            log_probe(log, done, run.scene, probe_network(state.average, run.scene, place))
    except InputError as error:
        raise TrainingError(f"{out} cannot be measured at iteration {done}: {error}") from error


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
