"""Weights as safetensors files that say in their header what they are; nothing is unpickled."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from derain.errors import InputError, MissingFileError, near_name
from derain.networks.base import Network
from derain.support.files import checked_readable, entry, write_bytes

_FORMAT = 1
_TORCH_SAVED = (b"PK\x03\x04", b"\x80\x02")
"""First bytes of files of torch.save: an archive, and before PyTorch 1.6 a pickle."""

HOW_TO_BRING_A_NETWORK = (
    "bring a network of your own as an ONNX file (--model FILE.onnx), as a folder of its results (derain evaluate "
    "--restored FOLDER), or as its class (--network FILE.py:CLASS --model FILE.pth, or NetworkRestorer in Python): "
    "docs/how-to/already-trained.md"
)


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
    tensors, header = _read(path)
    if not header:
        raise InputError(f"{path} holds weights without a network; {HOW_TO_BRING_A_NETWORK}")
    if not isinstance(header, dict) or header.get("format") != _FORMAT:
        raise InputError(f"{path} was not written by this version of derain: its header has no format {_FORMAT}")
    return tensors, header


def read_plain_tensors(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a safetensors file of any program.

    Raises:
        InputError: the file is missing, truncated or no safetensors file.
    """
    return _read(path)[0]


def _read(path: Path) -> tuple[dict[str, Tensor], Any]:
    if entry(path) == "folder":
        inside = f": its model is {path / 'model.safetensors'}" if (path / "model.safetensors").is_file() else ""
        raise InputError(f"{path} is a folder{inside}")
    if not os.path.lexists(path):
        raise MissingFileError(f"there is no file {path}{near_name(path)}")
    try:
        with safetensors.safe_open(checked_readable(path), framework="pt") as file:
            header = json.loads((file.metadata() or {}).get("derain", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, json.JSONDecodeError, OSError) as error:
        with path.open("rb") as file:
            beginning = file.read(4)
        if beginning.startswith(_TORCH_SAVED):
            sentence = (
                "was written by torch.save and is no safetensors file; official weights are known by the suffix .pth"
            )
            raise InputError(f"{path} {sentence}") from error
        raise InputError(f"{path} is no whole safetensors file ({error})") from error
    return tensors, header


def describe(name: str, network: Network) -> dict[str, Any]:
    """The part of a header that rebuilds the network."""
    return {"network": {"name": name, "hyperparameters": asdict(network.hyperparameters)}}


def load_weights(network: nn.Module, tensors: Mapping[str, Tensor], refusal: str) -> None:
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
