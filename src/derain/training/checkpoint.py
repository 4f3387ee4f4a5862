"""Checkpoints: saved, resumed to the last bit, and refused where a run is another one."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from derain.errors import InputError, TrainingError
from derain.networks.base import Network
from derain.networks.weights import load_weights, read_tensors, write_tensors
from derain.support.files import regular
from derain.training.slacking import SlackingWatch

MODEL = "model.safetensors"
CHECKPOINT = "checkpoint.safetensors"
LOG = "log.jsonl"
PHOTOS = "photos.json"
_OF_PHOTOS = ("objective.content_hash", "objective.pairs.content_hash")


def refuse_other_run(path: Path, description: dict[str, Any], photos: Mapping[str, str]) -> None:
    """Refuse to go on with a run that was made with other settings, and a folder with a model or a log but no run.

    A checkpoint says itself of which run it is (`resume`). `photos` are those of `Run`, which tell what has changed.
    """
    if not path.exists():
        for name in (MODEL,) if (path.parent / CHECKPOINT).exists() else (MODEL, LOG):
            if os.path.lexists(path.parent / name):
                raise InputError(
                    f"{path.parent} holds a {name} of something else, as it has no run.json: give another --out"
                )
        return
    try:
        made_with = json.loads(regular(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    _refuse_other(path.parent, made_with, description, photos)


def _refuse_other(out: Path, made_with: dict[str, Any], description: dict[str, Any], photos: Mapping[str, str]) -> None:
    theirs, ours = _flatten(made_with), _flatten(description)
    for key in [*ours, *theirs]:
        if theirs.get(key) != ours.get(key):
            changed = _changed_photo(out, photos) if photos and key in _OF_PHOTOS else ""
            raise InputError(
                f"{out} was made with {key} = {theirs.get(key)}, not {ours.get(key)}{changed}: "
                f"give another --out, or the settings it was made with"
            )


def _changed_photo(out: Path, photos: Mapping[str, str]) -> str:
    """The first photo that is not what it was, in words; empty where that is not known."""
    try:
        before = json.loads(regular(out / PHOTOS).read_bytes())
        names = [name for name in sorted({*before, *photos}) if before.get(name) != photos.get(name)]
    except (OSError, ValueError, TypeError, AttributeError):
        return ""
    return f", as the photo {names[0]} has changed, come or gone" if names else ""


def _flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {k: v for key, item in value.items() for k, v in _flatten(item, f"{prefix}.{key}".lstrip(".")).items()}
    if isinstance(value, list):
        return _flatten(dict(enumerate(value)), prefix) or {prefix: []}
    return {prefix: value}


@dataclass
class State:
    """The part of a run that changes while it trains.

    Attributes:
        network: as the last step left it.
        average: the same network with averaged weights.
        optimiser: Adam with its moments.
        iteration: number of steps done.
        watch: the best validation so far.
    """

    network: Network
    average: Network
    optimiser: torch.optim.Adam
    iteration: int = 0
    watch: SlackingWatch = field(default_factory=SlackingWatch)


def save_checkpoint(path: Path, description: dict[str, Any], state: State) -> None:
    """Write all that a run needs to go on to the same bits.

    Raises:
        TrainingError: the weights are no longer numbers; the file stays as it is.
    """
    refuse_unfinite(state.network, path.parent)
    tensors = {f"network.{name}": tensor for name, tensor in state.network.state_dict().items()}
    tensors |= {f"average.{name}": tensor for name, tensor in state.average.state_dict().items()}
    for name, parameter in state.network.named_parameters():
        for moment, tensor in state.optimiser.state[parameter].items():
            tensors[f"optimiser.{moment}.{name}"] = tensor
    tensors |= {f"best.{name}": tensor for name, tensor in state.watch.weights.items()}
    write_tensors(path, tensors, {"iteration": state.iteration, "run": description, "watch": state.watch.state()})


def resume(path: Path, description: dict[str, Any], state: State) -> None:
    """Bring a fresh state to that of a checkpoint, if there is one.

    Raises:
        InputError: the checkpoint cannot be read, or is of another run.
    """
    if not path.exists():
        return
    tensors, header = read_tensors(path)
    if not {"run", "iteration"} <= header.keys():
        raise InputError(f"{path} is no checkpoint of a training and is not overwritten: give another --out")
    _refuse_other(path.parent, header["run"], description, {})

    def part(prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}

    load_weights(state.network, part("network."), f"{path} does not fit the run")
    load_weights(state.average, part("average."), f"{path} does not fit the run")
    for name, parameter in state.network.named_parameters():
        if f"optimiser.step.{name}" not in tensors:
            continue  # frozen or not used so far: without a gradient Adam has no moments
        state.optimiser.state[parameter] = {
            "step": tensors[f"optimiser.step.{name}"],
            **{
                moment: torch.empty_like(parameter, requires_grad=False).copy_(tensors[f"optimiser.{moment}.{name}"])
                for moment in ("exp_avg", "exp_avg_sq")
            },
        }
    state.iteration = int(header["iteration"])
    state.watch = SlackingWatch.restored(header.get("watch"), part("best."))


def refuse_unfinite(network: Network, out: Path) -> None:
    """Raise TrainingError where a weight is NaN or infinite."""
    with torch.no_grad():
        finite: Tensor = torch.stack([parameter.isfinite().all() for parameter in network.parameters()]).all()
    if not finite:
        raise TrainingError(f"the weights of {out} are no longer numbers; a lower --learning-rate may help")


def average_into(average: Network, network: Network, decay: float) -> None:
    """Set average = decay * average + (1 - decay) * network; buffers and whole-number weights are copied."""
    averaged: list[tuple[Tensor, Tensor]] = []
    copied: list[tuple[Tensor, Tensor]] = list(zip(average.buffers(), network.buffers(), strict=True))
    for pair in zip(average.parameters(), network.parameters(), strict=True):
        (averaged if pair[0].is_floating_point() or pair[0].is_complex() else copied).append(pair)
    with torch.no_grad():
        torch._foreach_lerp_([ours for ours, _ in averaged], [theirs for _, theirs in averaged], 1.0 - decay)
        for ours, theirs in copied:
            ours.copy_(theirs)
