"""The one door to a network: a model in the box, a filter, a model file, an ONNX file or official weights."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from torch import Tensor

from derain.errors import InputError
from derain.models import find_model
from derain.networks.base import Network
from derain.networks.export import translate
from derain.networks.filters import FILTERS
from derain.networks.official import is_official_file, load_official_file, read_official_file, recognise
from derain.networks.onnx import OnnxNetwork, is_onnx, weights_beside
from derain.networks.registry import build, determined, parse
from derain.networks.weights import describe, load_weights, read_tensors
from derain.support.choices import Engine
from derain.support.files import checked_readable
from derain.support.user_code import names_class

Loaded = tuple[Network, dict[str, Any]]
"""A network ready to run, and the header of its file."""


def load_model(model: str | Path, named: str | None = None, engine: Engine = "auto") -> Loaded:
    """The network of a model in eval mode, in float32, and the header of its file, empty where there is none.

    Args:
        model: a name in `derain.models.NAMES` or `derain.networks.filters.FILTERS`, or a model file; by its suffix an
            ONNX file, or a file of weights as torch.save writes it (`derain.networks.official`).
        named: FILE.py:CLASS:key=value,..., for the model of a network of your own: its code runs only when it is named
            here; or NAME:key=value,..., which the model must be of, and for what official weights do not tell.
        engine: "onnxruntime" translates a model file, which takes seconds.

    Raises:
        InputError: neither a name nor a file; the file holds no network that can be run, or another one than is
            `named`; a network of your own has changed since it was trained; an ONNX file is `named`, or torch is asked
            to run it; or ONNX Runtime is asked for and the extra derain[onnx] is not installed or torch cannot
            translate the network.

    >>> network, header = load_model("balanced")
    >>> network.parameter_count(), header["objective"]["batch_size"]
    (482067, 8)
    """
    if str(model) in FILTERS:
        return FILTERS[str(model)]().eval(), {}
    path = find_model(model)
    if is_onnx(path):
        if named is not None:
            raise InputError(f"{path} is an ONNX file, which holds its network whole: leave out --network")
        if engine == "torch":
            raise InputError(f"{path} runs in ONNX Runtime, not in torch; give the model file that it was written from")
        exported = OnnxNetwork(path, str(path))
        return exported, exported.header
    if not is_official_file(path):
        network, header = _load_model_file(path, named)
    elif named is not None and names_class(named):
        network, header = _load_into(path, named)
    else:
        network, header = load_official_file(path, named)
    if engine == "onnxruntime":
        return OnnxNetwork(translate(network, header, f"{path} cannot run in ONNX Runtime"), str(path)), header
    return network, header


def load_models(models: Sequence[str | Path], named: Sequence[str] = ()) -> list[Loaded]:
    """The networks of several models. Args, errors: as of `names_for`, and of `load_model`."""
    return [load_model(model, name) for model, name in zip(models, names_for(models, named), strict=True)]


def names_for(models: Sequence[str | Path], named: Sequence[str]) -> list[str | None]:
    """The name with which each of several models is loaded: of those that it may need the first that fits, or None.

    Args:
        models: as of `load_model`.
        named: names as of `load_model`. If there is one alone, and none needs it, it is given to all, which refuse it.

    Raises:
        InputError: of several names, one fits no model; or a model or a network cannot be read.
    """
    chosen = [_name_for(model, named) for model in models]
    unused = [name for name in named if name not in chosen]
    if unused and len(named) > 1:
        raise InputError(f"none of the models is of the network {unused[0]}")
    return [unused[0] if unused else name for name in chosen]


def _name_for(model: str | Path, named: Sequence[str]) -> str | None:
    needed = [name for name in named if _needs(model, name)]
    for name in needed if len(needed) > 1 else ():
        with suppress(InputError):
            load_model(model, name)
            return name
    return needed[0] if needed else None


def model_hash(model: str | Path, named: str | None = None) -> str:
    """SHA-256 of the content of a model file, of an ONNX file with the files beside it, or of official weights.

    Args:
        model: as of `load_model`.
        named: as of `load_model`; with its code it counts for files of torch.save, as another network can be made of
            them.

    Raises:
        InputError: an ONNX file, and the extra derain[onnx] is not installed; or a network of your own cannot be made.
    """
    if str(model) in FILTERS:
        return sha256(f"the filter {model}".encode()).hexdigest()
    path = find_model(model)
    content = sha256(checked_readable(path).read_bytes())
    for beside in weights_beside(path) if is_onnx(path) else []:
        content.update(checked_readable(beside).read_bytes())
    if named is not None and is_official_file(path):
        content.update((json.dumps(determined(named)) if names_class(named) else named).encode())
    return content.hexdigest()


def _load_into(path: Path, named: str) -> Loaded:
    """A network of your own with the weights of a file of torch.save, which must fit exactly."""
    name, arguments = parse(named)
    try:
        network = build(name, arguments)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    tensors = {f"module.{key}": tensor for key, tensor in read_official_file(path).items()}
    load_weights(network, tensors, f"{path} does not hold the weights of {named}")
    return network.eval(), describe(name, network)


def _load_model_file(path: Path, named: str | None) -> Loaded:
    tensors, header = read_tensors(path)
    return network_of(tensors, header, path, named, path), header


def network_of(
    tensors: Mapping[str, Tensor], header: Mapping[str, Any], path: Path, named: str | None, describing: Path
) -> Network:
    """The network that a header describes, in eval mode, with weights that must fit exactly.

    Args:
        tensors: weights.
        header: what describes the network, under "network".
        path: file of the weights.
        named: as of `load_model`.
        describing: file of the header.

    Raises:
        InputError: as of `load_model`.
    """
    name, hyperparameters = described(header)
    if not name:
        raise InputError(f"{describing} holds no model: its header names no network")
    if named is not None:
        asked, values = parse(named)
        alike = names_class(asked) == names_class(name) and _class(asked) == _class(name)
        if not alike or not values.items() <= hyperparameters.items():
            raise InputError(f"{path} holds the weights of {name}, not of {named}")
        name = asked
    elif names_class(name):
        raise InputError(
            f"{path} holds the weights of {name}, whose code is not run here; it runs only in a command that names it: "
            f"--network {name}; the ONNX file that derain export --model {path} makes with it runs everywhere"
        )
    try:
        network = build(name, hyperparameters)
    except InputError as error:
        raise InputError(f"{describing}: {error}") from error
    if not hyperparameters.items() <= asdict(network.hyperparameters).items():
        raise InputError(f"{path} was trained with other code than {name} has now (its SHA-256 is another)")
    by = "" if describing == path else f", which {describing} names"
    load_weights(network, tensors, f"{path} does not hold the weights of {name}{by}")
    return network.eval()


def described(header: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The name and the hyperparameters of the network that a header describes; empty where it describes none."""
    match header.get("network"):
        case {"name": str(name), "hyperparameters": dict(hyperparameters)}:
            return name, hyperparameters
    return "", {}


def _class(name: str) -> str:
    """The class of a network of your own; of the registry, the name itself."""
    return name.rpartition(":")[2]


def _needs(model: str | Path, named: str) -> bool:
    if str(model) in FILTERS:
        return False
    path = find_model(model)
    if is_official_file(path):
        return not (names_class(named) and recognise(read_official_file(path)))
    return not is_onnx(path) and names_class(described(read_tensors(path)[1])[0])
