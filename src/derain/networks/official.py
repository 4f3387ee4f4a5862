"""Weight files of the networks' official codes: known by the names of their tensors, and read without running code."""

import logging
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from derain.errors import InputError, one_of
from derain.networks.base import Network
from derain.networks.registry import NETWORKS, build, parse
from derain.networks.weights import HOW_TO_BRING_A_NETWORK, describe, load_weights
from derain.support.files import checked_readable

_log = logging.getLogger("derain")

_SUFFIXES = (".pth", ".pt", ".ckpt")
_WRAPPINGS = ("params_ema", "params", "state_dict")
_PREFIX = "module."


def is_official_file(path: Path) -> bool:
    """True for a file that torch.save wrote, as official codes do, by its suffix: .pth, .pt or .ckpt."""
    return path.suffix.lower() in _SUFFIXES


def load_official_file(path: Path, network: str | None = None) -> tuple[Network, dict[str, Any]]:
    """The network of a file of official weights, in eval mode and float32, RGB in 0..1, and a header that describes it.

    The names of the tensors tell which network it is (`recognise`). What they do not tell has its default; the log
    says how the file was read.

    Args:
        path: a file as torch.save writes it.
        network: NAME:key=value,..., for what the weights do not tell, as in prenet:iterations=4.

    Raises:
        InputError: as `read_official_file`; no official layout of the registry has such names; the weights do not fit
            the network; or `network` names another one.
    """
    state_dict = read_official_file(path)
    name = recognise(state_dict)
    if name is None:
        layouts = {name: entry.official_keys for name, entry in NETWORKS.items() if entry.official_keys}
        looked_for = "; ".join(f"{name} ({' or '.join(map(_listed, keys))})" for name, keys in layouts.items())
        raise InputError(
            f"{path} holds the official weights of no network that is known here: {looked_for}; "
            f"{HOW_TO_BRING_A_NETWORK}"
        )
    asked, hyperparameters = (name, {}) if network is None else parse(network)
    if asked != name:
        raise InputError(f"{path} holds official weights of {name}, not of {network}")
    try:
        loaded = load_official(name, state_dict, hyperparameters).float()
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    values = ",".join(f"{key}={value}" for key, value in asdict(loaded.hyperparameters).items())
    _log.info("%s is read as official weights of %s:%s", path, name, values.lower())
    return loaded, describe(name, loaded)


def recognise(state_dict: Mapping[str, Tensor]) -> str | None:
    """The network of the registry of which the weights have an official layout, or None.

    >>> recognise({"conv_first.weight": torch.zeros(4, 3, 3, 3)}) is None
    True
    """
    for name, entry in NETWORKS.items():
        if any(keys <= state_dict.keys() for keys in entry.official_keys):
            return name
    return None


def read_official_file(path: Path) -> dict[str, Tensor]:
    """The tensors of a file of torch.save by their names; nothing but tensors is unpickled, so that no code is run.

    A dictionary `params_ema`, `params` or `state_dict` is taken out of what surrounds it, and `module.`, which every
    name has after a training on several GPUs, is taken off.

    Raises:
        InputError: the file cannot be read, is no whole file of PyTorch, or holds something else than tensors by name.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = torch.load(checked_readable(path), map_location="cpu", weights_only=True)
    except InputError:
        raise
    except pickle.UnpicklingError as error:
        # The advice in torch's own sentence is to run the code.
        raise InputError(
            f"{path} holds more than tensors, which is not read, as code could be in it: save its state_dict(); "
            f"{HOW_TO_BRING_A_NETWORK}"
        ) from error
    except Exception as error:  # torch has no common class for its errors
        raise InputError(f"{path} is no whole file of PyTorch weights") from error
    while isinstance(content, dict) and (
        wrappings := [key for key in _WRAPPINGS if isinstance(content.get(key), dict)]
    ):
        content = content[wrappings[0]]
    tensors = isinstance(content, dict) and all(isinstance(tensor, Tensor) for tensor in content.values())
    if not tensors or not all(isinstance(name, str) for name in content):
        places = ", ".join(_WRAPPINGS)
        raise InputError(f"{path} holds no tensors by name, neither by themselves nor under one of {places}")
    while content and all(name.startswith(_PREFIX) for name in content):
        content = {name.removeprefix(_PREFIX): tensor for name, tensor in content.items()}
    return dict(content)


def _listed(keys: frozenset[str]) -> str:
    return ", ".join(sorted(keys))


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
    read = NETWORKS[one_of(name, NETWORKS, "network")].official
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
