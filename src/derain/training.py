"""One readable training loop, which can be killed at any moment and goes on to the identical last bit."""

import json
import logging
import math
import os
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from derain.backgrounds import ContentFilter, PatchSet, load_patches, split_photos, whole_photos
from derain.errors import InputError, TrainingError
from derain.files import make_folder, remove_leftovers, write_json
from derain.images import list_images
from derain.losses import loss_of
from derain.networks.base import Network
from derain.networks.memory import (
    available_bytes,
    refuse_too_large,
    refuse_too_large_bank,
    refuse_too_many_weights,
)
from derain.networks.registry import build, parse
from derain.networks.user import UserNetwork, own_code, refuse_untrainable
from derain.networks.weights import average_into, describe, load_weights, read_tensors, write_tensors
from derain.objective import Objective, render_bank
from derain.probe.maps import Scene, lay_scene
from derain.probe.measure import ProbeMap, mean_and_error, probe_network
from derain.probe.space import CLEAN_BOUND, COARSE
from derain.processes import usable_device
from derain.rain import load_rain
from derain.randomness import generator
from derain.runlog import RunLog
from derain.settings import TrainingSettings
from derain.slacking import Point, SlackingWatch
from derain.validation import ValidationSet, held_out_set, pairs_set

_log = logging.getLogger("derain")

_PROGRESS_EVERY = 50
_CHECKPOINT_SECONDS = 60.0
_MOST_HELD_OUT = 16

MODEL = "model.safetensors"
CHECKPOINT = "checkpoint.safetensors"


@dataclass
class Run:
    """A training made ready: everything that determines it, as objects and as a JSON-able description."""

    settings: TrainingSettings
    description: dict[str, Any]
    network: Network
    objective: Objective
    validation: list[ValidationSet]
    scene: Scene | None


@dataclass(frozen=True)
class Progress:
    """What a run reports about itself while it trains."""

    iteration: int
    iterations: int
    loss: float | None


def prepare(settings: TrainingSettings, device: torch.device) -> Run:
    """Cut the patches, build the network and describe it all.

    Raises:
        InputError: whatever is wrong with the settings, the photos, the rain or the network.
    """
    name, hyperparameters = parse(settings.network)
    available = available_bytes(device)
    refuse_too_many_weights(name, hyperparameters, available)
    rain = load_rain(settings.rain, settings.recipe)
    patches, held_out = _backgrounds(settings)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(generator(settings.seed, "network").integers(2**31)))
        network = build(name, hyperparameters)
    smallest, side = network.descriptor.smallest_size_px, settings.sample_size
    if side < smallest:
        raise InputError(
            f"{settings.network} needs samples of at least {smallest} x {smallest} pixels, not {side} x {side}"
        )
    if isinstance(network, UserNetwork) or settings.batch_size == 1:
        with torch.random.fork_rng(devices=[]):
            refuse_untrainable(network, settings.network, settings.batch_size, settings.sample_size)
    refuse_too_large(network, settings.batch_size, settings.sample_size, available)
    bank = None
    if settings.layers is not None:
        refuse_too_large_bank(settings.layers, settings.background_size, available)
        bank = render_bank(rain, settings.layers, settings.background_size, settings.seed, device)
    objective = Objective(
        patches=torch.from_numpy(patches.patches).to(device),
        rain=rain,
        batch_size=settings.batch_size,
        patch_size_px=settings.sample_size,
        seed=settings.seed,
        bank=bank,
    )
    photos = held_out
    if settings.validation is not None:
        photos = list_images(settings.validation)
        _refuse_shared(settings, photos)
    most = whole_photos(photos, settings.background_size, _MOST_HELD_OUT) if settings.skip_bad else len(photos)
    validation = _validation(settings, photos, most, rain.describe())
    if settings.stop_when_slacking and len(validation[0].samples) < 2:
        raise InputError(
            "--stop-when-slacking compares pictures and needs two to validate on, not one: give --validation"
        )
    scene = None
    if settings.probe_every:
        space = replace(COARSE, count=min(COARSE.count, most), size_px=settings.background_size)
        scene = lay_scene(space, photos, settings.seed, skip_bad=settings.skip_bad)
    # In the order in which differences are looked for: a cause before what follows from it.
    description = {
        "seed": settings.seed,
        **describe(name, network),
        "optimiser": {
            "name": "adam",
            "iterations": settings.iterations,
            "learning_rate": settings.learning_rate,
            "betas": list(settings.betas),
            "warmup": settings.warmup,
            "schedule": "cosine",
            "average_decay": settings.average_decay,
            **({"precision": settings.precision} if settings.precision != "float32" else {}),
        },
        "validation": {
            "validate_every": settings.validate_every,
            "sets": [{"name": s.name, **s.source} for s in validation],
        },
        **({"stop_when_slacking": True} if settings.stop_when_slacking else {}),
        "objective": {
            "loss": settings.loss,
            "count": settings.count,
            "photos": patches.photos,
            "background_size": settings.background_size,
            "patch_size": settings.sample_size,
            "batch_size": settings.batch_size,
            "layers": settings.layers,
            "rain": rain.describe(),
            "content_hash": patches.content_hash,
        },
    }
    # Through JSON, so that it compares equal to what is read back from a file.
    return Run(settings, json.loads(json.dumps(description)), network, objective, validation, scene)


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
    _same_run(out / "run.json", run.description)
    model = out / MODEL
    if model.exists():
        (out / CHECKPOINT).unlink(missing_ok=True)  # of a run that was killed between its last two steps
        report(Progress(settings.iterations, settings.iterations, None))
        return model
    for name in (MODEL, CHECKPOINT):
        remove_leftovers(out / name)
    environment = {"device": str(place), "threads": torch.get_num_threads(), "torch": torch.__version__}

    network = run.network.to(place)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.train()
    average: Network = deepcopy(network)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, betas=settings.betas)
    start, watch = _resume(out / CHECKPOINT, run.description, network, average, optimiser)
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
                    _log_probe(log, done, run.scene, probe_network(average, run.scene, place))
            except InputError as error:
                raise TrainingError(f"{out} cannot be measured at iteration {done}: {error}") from error
            if watch.slacking:
                log.write("slacking", done, {"best": asdict(watch.best) if watch.best else None})
                break
            if save:
                _save(out / CHECKPOINT, done, run.description, network, average, optimiser, watch)
                log.write("checkpoint", done, {})
                saved_at = time.monotonic()
            report(Progress(done, settings.iterations, mean_loss))

        _refuse_unfinite(average, out)
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
        own_code(network),
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


def split_backgrounds(settings: TrainingSettings) -> tuple[list[Path], list[Path]]:
    """The photos to cut training patches from, and those kept out for validation: an eighth of them, 16 at most.

    None are kept out without --validate-every and --probe-every, or where --validation names a folder. With --skip-bad
    more are, as long as no patch can be cut from any of them.

    Raises:
        InputError: a folder holds no image, or there is only one photo.
    """
    photos = [photo for folder in settings.backgrounds for photo in list_images(folder)]
    if not (settings.validate_every or settings.probe_every) or settings.validation is not None:
        return photos, []
    if len(photos) < 2:
        raise InputError(
            f"validation keeps a photo out, but {settings.backgrounds[0]} holds only one: give --validation"
        )
    seed = settings.seed if settings.split_seed is None else settings.split_seed
    number = max(1, min(_MOST_HELD_OUT, len(photos) // 8))
    training, held_out = split_photos(photos, number, seed)
    while settings.skip_bad and not whole_photos(held_out, settings.background_size, 1):
        number += 1
        training, held_out = split_photos(photos, number, seed)
    return training, held_out


def _refuse_shared(settings: TrainingSettings, validation: list[Path]) -> None:
    trained = {os.path.realpath(photo) for photo in split_backgrounds(settings)[0]}
    for photo in validation:
        if os.path.realpath(photo) in trained:
            raise InputError(f"{photo} is trained on, so --validation must not hold it")


def _backgrounds(settings: TrainingSettings) -> tuple[PatchSet, list[Path]]:
    """The training patches, and the photos kept out for validation."""
    photos, held_out = split_backgrounds(settings)
    content_filter = None
    if settings.min_std > 0 or settings.max_white < 1:
        content_filter = ContentFilter(min_std=settings.min_std, max_white=settings.max_white)
    patches = load_patches(
        photos, settings.count, settings.background_size, settings.seed, content_filter, settings.skip_bad
    )
    return patches, held_out


def _validation(settings: TrainingSettings, photos: list[Path], most: int, rain: dict[str, Any]) -> list[ValidationSet]:
    if not settings.validate_every:
        return []
    sets = [held_out_set(photos, most, settings.background_size, rain, settings.seed, settings.skip_bad)]
    if settings.validation_pairs is not None:
        sets.append(pairs_set(*settings.validation_pairs, settings.match))
    return sets


def _same_run(path: Path, description: dict[str, Any]) -> None:
    """Refuse to go on with a run that was made with other settings, and a folder with a model but no run."""
    if not path.exists():
        if (path.parent / MODEL).exists():
            raise InputError(
                f"{path.parent} holds a {MODEL} of something else, as it has no run.json: give another --out"
            )
        return
    try:
        made_with = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    _refuse_other(path.parent, made_with, description)


def _refuse_other(out: Path, made_with: dict[str, Any], description: dict[str, Any]) -> None:
    theirs, ours = _flatten(made_with), _flatten(description)
    for key in [*ours, *theirs]:
        if key not in theirs and key.endswith(".content_hash"):
            continue  # older runs recorded validation pairs by their names alone
        if theirs.get(key) != ours.get(key):
            raise InputError(
                f"{out} was made with {key} = {theirs.get(key)}, not {ours.get(key)}: "
                f"give another --out, or the settings it was made with"
            )


def _flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {k: v for key, item in value.items() for k, v in _flatten(item, f"{prefix}.{key}".lstrip(".")).items()}
    if isinstance(value, list):
        return _flatten(dict(enumerate(value)), prefix) or {prefix: []}
    return {prefix: value}


def _save(
    path: Path,
    iteration: int,
    description: dict[str, Any],
    network: Network,
    average: Network,
    optimiser: torch.optim.Adam,
    watch: SlackingWatch,
) -> None:
    _refuse_unfinite(network, path.parent)
    tensors = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    tensors |= {f"average.{name}": tensor for name, tensor in average.state_dict().items()}
    for name, parameter in network.named_parameters():
        for moment, tensor in optimiser.state[parameter].items():
            tensors[f"optimiser.{moment}.{name}"] = tensor
    tensors |= {f"best.{name}": tensor for name, tensor in watch.weights.items()}
    write_tensors(path, tensors, {"iteration": iteration, "run": description, "watch": watch.state()})


def _resume(
    path: Path, description: dict[str, Any], network: Network, average: Network, optimiser: torch.optim.Adam
) -> tuple[int, SlackingWatch]:
    """Load a checkpoint, if there is one; returns the number of iterations done and the best validation so far."""
    if not path.exists():
        return 0, SlackingWatch()
    tensors, header = read_tensors(path)
    _refuse_other(path.parent, header["run"], description)
    for prefix, module in (("network.", network), ("average.", average)):
        part = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        load_weights(module, part, f"{path} does not fit the run")
    for name, parameter in network.named_parameters():
        if f"optimiser.step.{name}" not in tensors:
            continue  # frozen or not used so far: without a gradient Adam has no moments
        optimiser.state[parameter] = {
            "step": tensors[f"optimiser.step.{name}"],
            **{
                moment: torch.empty_like(parameter, requires_grad=False).copy_(tensors[f"optimiser.{moment}.{name}"])
                for moment in ("exp_avg", "exp_avg_sq")
            },
        }
    best = {name.removeprefix("best."): tensor for name, tensor in tensors.items() if name.startswith("best.")}
    return int(header["iteration"]), SlackingWatch.restored(header.get("watch"), best)


def _point(iteration: int, figures: Mapping[str, Any]) -> Point:
    """A picture that is restored perfectly counts with 100 dB."""
    psnr_y = [100.0 if image["psnr_y"] is None else image["psnr_y"] for image in figures["images"]]
    return Point(iteration, psnr_y, figures["mean"]["removal_controlled"] or 0.0)


def _log_probe(log: RunLog, iteration: int, scene: Scene, probed: ProbeMap) -> None:
    """The generalisation area and, of every map, the mean controlled removal of its cells."""
    area = probed.area(CLEAN_BOUND)
    means = {
        name: mean_and_error(response.figures["removal_controlled"])[0] for name, response in probed.responses.items()
    }
    log.write(
        "probe",
        iteration,
        {
            "area": area.value,
            "area_low": area.low,
            "area_high": area.high,
            "clean_bound": CLEAN_BOUND,
            "clean_error": float(probed.clean_error.mean()),
            "maps": {
                name: [None if math.isnan(value) else float(value) for value in values]
                for name, values in means.items()
            },
        },
    )
    for rain_map in scene.maps:
        cells = means[rain_map.name].reshape(len(rain_map.rows), len(rain_map.columns))
        log.draw(f"probe/{rain_map.name}", iteration, cells)


def _refuse_unfinite(network: Network, out: Path) -> None:
    with torch.no_grad():
        finite: Tensor = torch.stack([parameter.isfinite().all() for parameter in network.parameters()]).all()
    if not finite:
        raise TrainingError(f"the weights of {out} are no longer numbers; a lower --learning-rate may help")
