"""Weights as safetensors files that say in their header what they are; nothing is unpickled."""

import json
import os
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from derain.errors import InputError, known
from derain.files import readable, write_bytes
from derain.networks.base import Network
from derain.networks.registry import NETWORKS, build
from derain.networks.user import UserNetwork, is_user_network
from derain.networks.verification import largest_difference

_FORMAT = 1


def write_tensors(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write tensors with a JSON header, atomically.

    Raises:
        InputError: the file cannot be written whole; one that stood there before is untouched.
    """
    # Copies, as safetensors refuses tensors that share their memory, which tied weights do.
    copies = {name: t.detach().cpu().clone(memory_format=torch.contiguous_format) for name, t in tensors.items()}
    metadata = {"derain": json.dumps({"format": _FORMAT, **header}, allow_nan=False)}
    write_bytes(path, safetensors.torch.save(copies, metadata=metadata))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `write_tensors` wrote: the tensors and the header.

    Raises:
        InputError: the file is missing, truncated, no safetensors file, or not written by derain (or by a newer one).
    """
    if os.path.isdir(path):  # noqa: PTH112 (this and the next do not fail where a folder may not be entered)
        inside = f": its model is {path / 'model.safetensors'}" if (path / "model.safetensors").is_file() else ""
        raise InputError(f"{path} is a folder{inside}")
    if not os.path.lexists(path):
        raise InputError(f"there is no file {path}")
    try:
        with safetensors.safe_open(readable(path), framework="pt") as file:
            header = json.loads((file.metadata() or {}).get("derain", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, json.JSONDecodeError, OSError) as error:
        raise InputError(f"{path} is no whole safetensors file ({error})") from error
    if header.get("format") != _FORMAT:
        raise InputError(f"{path} was not written by this version of derain: its header has no format {_FORMAT}")
    return tensors, header


def describe(name: str, network: Network) -> dict[str, Any]:
    """The part of a header that rebuilds the network."""
    return {"network": {"name": name, "hyperparameters": asdict(network.hyperparameters)}}


def load_model(path: Path, user_network: str | None = None) -> tuple[Network, dict[str, Any]]:
    """The network of a model file in eval mode, in float32, and the file's header (objective, training, content hash).

    Args:
        path: what a training wrote.
        user_network: FILE.py:CLASS, for weights of a network of one's own: its code runs only when it is named here.

    Raises:
        InputError: as `read_tensors`; an unknown network; weights that are not those of the network in the header; a
            network of one's own whose file has changed since it was trained.
    """
    tensors, header = read_tensors(path)
    if "network" not in header:
        raise InputError(f"{path} holds no model: its header names no network")
    name = header["network"]["name"]
    if user_network is None and is_user_network(name):
        raise InputError(
            f"{path} holds the weights of {name}, whose code is not run here; it runs only in a command that names it: "
            f"--network {name}; the ONNX file that derain export --model {path} makes with it runs everywhere"
        )
    if user_network is not None and not (is_user_network(name) and _class(user_network) == _class(name)):
        raise InputError(f"{path} holds the weights of {name}, not of {user_network}")
    name = user_network or name
    try:
        network = build(name, header["network"]["hyperparameters"])
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    if isinstance(network, UserNetwork) and asdict(network.hyperparameters) != header["network"]["hyperparameters"]:
        raise InputError(f"{path} was trained with other code than {name} has now (its SHA-256 is another)")
    load_weights(network, tensors, f"{path} does not hold the weights of {name}")
    return network.eval(), header


def _class(user_network: str) -> str:
    return user_network.rpartition(":")[2]


def load_weights(network: Network, tensors: Mapping[str, Tensor], refusal: str) -> None:
    """Load weights that must fit exactly; otherwise InputError: `refusal` and the first difference."""
    wanted = network.state_dict()
    for name in [*wanted, *tensors]:
        if name not in tensors:
            raise InputError(f"{refusal}: {name} is missing")
        if name not in wanted:
            raise InputError(f"{refusal}: {name} is not part of it")
        if tensors[name].shape != wanted[name].shape:
            shapes = f"{tuple(tensors[name].shape)}, not {tuple(wanted[name].shape)}"
            raise InputError(f"{refusal}: {name} has the shape {shapes}")
    network.load_state_dict(tensors)


def export_float16(model: Path, path: Path, user_network: str | None = None) -> float:
    """Write a copy of a model with float16 weights, half as large, under the same header; `load_model` reads it.

    Args:
        model: what a training wrote.
        path: of the copy.
        user_network: FILE.py:CLASS, for weights of a network of one's own.

    Returns:
        the largest difference between the pictures that the two make, in 0..1.

    Raises:
        InputError: as `load_model`; the file cannot be written, or its pictures differ by a grey level or more.
    """
    network, header = load_model(model, user_network)
    rounded = deepcopy(network)
    for tensor in rounded.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(tensor.half())
    difference = largest_difference(network, rounded)
    if not difference < 1 / 255:
        raise InputError(
            f"{path} is not written: with float16 weights pictures differ by {255 * difference:.1f} levels"
        )
    halves = {name: t.half() if t.is_floating_point() else t for name, t in rounded.state_dict().items()}
    write_tensors(path, halves, header)
    return difference


def load_official(
    name: str, state_dict: Mapping[str, Tensor], hyperparameters: Mapping[str, Any] | None = None
) -> Network:
    """The network `name` with weights in the layout of its official code, in eval mode, RGB in 0..1 like all others.

    Args:
        name: a network of NETWORKS for which an official layout is known; its file describes it.
        state_dict: tensors by their official names; their type (float32 or float64) is kept.
        hyperparameters: what the weights do not tell, such as `input_skip`.

    Raises:
        InputError: no official layout is known for `name`, or the weights do not fit it.
    """
    read = NETWORKS[known(name, NETWORKS, "network")].official
    refusal = f"these are no official weights of {name}"
    if read is None:
        raise InputError(f"no official layout of weights is known for {name}")
    try:
        found, weights = read(state_dict)
    except KeyError as error:
        raise InputError(f"{refusal}: {error.args[0]} is missing") from error
    except (IndexError, RuntimeError, ValueError) as error:
        raise InputError(f"{refusal}: their shapes do not fit together") from error
    network = build(name, {**found, **(hyperparameters or {})})
    network.to(next((tensor.dtype for tensor in weights.values() if tensor.is_floating_point()), torch.float32))
    load_weights(network, weights, refusal)
    return network.eval()


def average_into(average: Network, network: Network, decay: float) -> None:
    """average = decay * average + (1 - decay) * network, for the weights; buffers, and weights that are no floats, are
    copied."""
    averaged: list[tuple[Tensor, Tensor]] = []
    copied: list[tuple[Tensor, Tensor]] = list(zip(average.buffers(), network.buffers(), strict=True))
    for pair in zip(average.parameters(), network.parameters(), strict=True):
        (averaged if pair[0].is_floating_point() or pair[0].is_complex() else copied).append(pair)
    with torch.no_grad():
        torch._foreach_lerp_([ours for ours, _ in averaged], [theirs for _, theirs in averaged], 1.0 - decay)
        for ours, theirs in copied:
            ours.copy_(theirs)
