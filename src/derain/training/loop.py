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
from derain.support.records import alone_in
from derain.training.checkpoint import (
    CHECKPOINT,
    MODEL,
    PHOTOS,
    State,
    average_into,
    refuse_other_run,
    refuse_unfinite,
    resume,
    save_checkpoint,
)
from derain.training.log import RunLog, log_probe
from derain.training.prepare import Run, prepare
from derain.training.settings import TrainingSettings
from derain.training.slacking import Point

_log = logging.getLogger("derain")
_PROGRESS_EVERY = 50
_CHECKPOINT_SECONDS = 60.0


@dataclass(frozen=True)
class Progress:
    """The report of a run while it trains."""

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

    `out` gets run.json (what determines the run), photos.json (a hash of every background photo), log.jsonl,
    tensorboard/ and at the end model.safetensors with the averaged weights. Until then checkpoint.safetensors, written
    at least once a minute, holds all it needs to go on.

    Args:
        settings: what to train.
        out: the run's folder. One that holds the finished run is left as it is.
        device: torch device; batches are made on it.
        checkpoint_every: iterations between checkpoints.
        report: called after every iteration; the loss is given every 50.

    Raises:
        InputError: bad settings or photos; `out` was made with other settings, the first of which is named; it holds
            a model, a checkpoint or a log of something else; or another training is at work in it.
        TrainingError: loss or weights became NaN or infinite; the last good checkpoint stays.
    """
    if checkpoint_every < 1:
        raise InputError(f"--checkpoint-every must be at least 1, not {checkpoint_every}")
    place = usable_device(device)
    run = prepare(settings, place)
    with alone_in(make_folder(out), "derain train"):
        return _train(run, out, place, checkpoint_every, report)


def _train(run: Run, out: Path, place: torch.device, checkpoint_every: int, report: Callable[[Progress], None]) -> Path:
    # Refuse a folder of something else.
    settings = run.settings
    refuse_other_run(out / "run.json", run.description, run.photos)
    model, checkpoint = out / MODEL, out / CHECKPOINT
    if model.exists():
        checkpoint.unlink(missing_ok=True)  # of a run that was killed between its last two steps
        report(Progress(settings.iterations, settings.iterations, None))
        return model
    remove_leftovers(model)
    remove_leftovers(checkpoint)

    # Begin, or go on from the checkpoint.
    state = _begin(run, checkpoint, place)
    write_json(out / "run.json", run.description)
    write_json(out / PHOTOS, run.photos)
    environment = {"device": str(place), "threads": torch.get_num_threads(), "torch": torch.__version__}
    with RunLog(out) as log:
        beginning = {"environment": environment, "run": run.description}
        log.write("resumed" if state.iteration else "started", state.iteration, beginning)
        recent, saved_at = _RecentLoss(out, state.iteration, place), time.monotonic()
        while state.iteration < settings.iterations:
            # One step on the next batch.
            recent.total += _step(run, state)

            # See what is due.
            k, last = state.iteration, state.iteration == settings.iterations
            validate = bool(settings.validate_every) and (last or k % settings.validate_every == 0)
            probe = bool(settings.probe_every) and (last or k % settings.probe_every == 0)
            save = not last and (k % checkpoint_every == 0 or time.monotonic() - saved_at > _CHECKPOINT_SECONDS)

            # Log the loss, which must still be a number.
            mean_loss = None
            if last or save or validate or k % _PROGRESS_EVERY == 0:
                mean_loss = recent.mean(k)
                log.write("progress", k, {"loss": mean_loss, "learning_rate": learning_rate(settings, k - 1)})

            # Measure the averaged weights, and stop where they slack off.
            _measure(run, state, log, place, validate=validate, probe=probe)
            if state.watch.slacking:
                log.write("slacking", k, {"best": asdict(state.watch.best) if state.watch.best else None})
                break

            # Save, so that a kill costs a minute at most.
            if save:
                save_checkpoint(checkpoint, run.description, state)
                log.write("checkpoint", k, {})
                saved_at = time.monotonic()
            report(Progress(k, settings.iterations, mean_loss))

        # Write the model: the averaged weights, of the best point where the watch chose one.
        _write_model(model, run, state, environment)
        log.write("finished", state.iteration, {"model": MODEL})
    checkpoint.unlink(missing_ok=True)
    return model


def _begin(run: Run, checkpoint: Path, place: torch.device) -> State:
    settings = run.settings
    network = channels_last(run.network.to(place)).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, betas=settings.betas)
    state = State(network, deepcopy(network), optimiser)
    resume(checkpoint, run.description, state)
    if state.iteration:
        _log.info("going on with %s from iteration %d", checkpoint.parent, state.iteration)
    if settings.precision == "bfloat16" and place.type == "cpu" and torch.backends.cpu.get_cpu_capability() == "AVX2":
        _log.warning("this CPU computes bfloat16 by software, far slower than float32")
    return state


def _step(run: Run, state: State) -> Tensor:
    """Take one step: batch, learning rate, loss, gradients, weights and their average. Returns the loss."""
    settings, k = run.settings, state.iteration
    rainy, clean = (picture.contiguous(memory_format=torch.channels_last) for picture in run.objective.batch(k))
    for group in state.optimiser.param_groups:
        group["lr"] = learning_rate(settings, k)
    loss = _loss(run, state.network, rainy, clean, k)
    state.optimiser.zero_grad()
    loss.backward()
    state.optimiser.step()
    average_into(state.average, state.network, min(settings.average_decay, (k + 1) / (k + 10)))
    state.iteration = k + 1
    return loss.detach()


class _RecentLoss:
    """The loss since it was last asked for.

    It is added up on the device: to look at it waits for all steps before.
    """

    def __init__(self, out: Path, iteration: int, place: torch.device) -> None:
        self._out, self._from, self._place = out, iteration, place
        self.total = torch.zeros((), device=place)

    def mean(self, iteration: int) -> float:
        """The mean up to an iteration; the next one begins there.

        Raises:
            TrainingError: it is no longer a number.
        """
        mean = float(self.total) / (iteration - self._from)
        if not math.isfinite(mean):
            kept = " (the last checkpoint is kept)" if (self._out / CHECKPOINT).exists() else ""
            raise TrainingError(
                f"the loss is no longer a number between iterations {self._from} and {iteration} of {self._out}; "
                f"a lower --learning-rate or a --warmup may help{kept}"
            )
        self.total, self._from = torch.zeros((), device=self._place), iteration
        return mean


def _measure(run: Run, state: State, log: RunLog, place: torch.device, *, validate: bool, probe: bool) -> None:
    """Measure the averaged weights on the validation sets, and their response to rain.

    Raises:
        TrainingError: the network fails on a picture.
    """
    try:
        for validation_set in run.validation if validate else ():
            figures = validation_set.measure(state.average, place)
            log.write("validation", state.iteration, figures)
            if run.settings.stop_when_slacking and validation_set.name == "held_out":
                state.watch.note(_point(state.iteration, figures), state.average.state_dict())
        if probe and run.scene is not None:
            log_probe(log, state.iteration, run.scene, probe_network(state.average, run.scene, place))
    except InputError as error:
        raise TrainingError(f"{log.folder} cannot be measured at iteration {state.iteration}: {error}") from error


def _write_model(model: Path, run: Run, state: State, environment: Mapping[str, Any]) -> None:
    refuse_unfinite(state.average, model.parent)
    header = {**run.description, "environment": environment, "derain": version("derain")}
    if state.watch.best is not None:
        state.average.load_state_dict(state.watch.weights)
        header |= {"best_iteration": state.watch.best.iteration, "stopped_at": state.iteration}
    write_tensors(model, state.average.state_dict(), header)


def _loss(run: Run, network: Network, rainy: Tensor, clean: Tensor, k: int) -> Tensor:
    """Compute the loss of iteration k.

    Only products and convolutions are bfloat16; weights, their gradients and the loss itself stay float32. The
    random numbers of a network, such as those of a dropout, and of a loss are a function of (seed, k), as the batch is.
    """
    settings = run.settings
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(generator(settings.seed, "step", k).integers(2**31)))
        with torch.autocast(rainy.device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"):
            if run.loss is None:
                return network.own_loss(rainy, clean)
            restored = network(rainy)
        return run.loss(restored.float(), clean)


def learning_rate(settings: TrainingSettings, k: int) -> float:
    """The learning rate of iteration k (from 0): a linear rise over the warm-up, times a cosine that ends at zero."""
    rise = min(1.0, (k + 1) / settings.warmup) if settings.warmup else 1.0
    return settings.learning_rate * rise * 0.5 * (1 + math.cos(math.pi * k / settings.iterations))


def _point(iteration: int, figures: Mapping[str, Any]) -> Point:
    """A picture that is restored perfectly counts with 100 dB."""
    psnr_y = [100.0 if image["psnr_y"] is None else image["psnr_y"] for image in figures["images"]]
    return Point(iteration, psnr_y, figures["mean"]["removal_controlled"] or 0.0)
