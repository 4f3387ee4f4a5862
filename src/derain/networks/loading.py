"""The one door to a network: a model file, an ONNX file, a file of official weights or a model in the box."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from derain.errors import InputError
from derain.networks.base import Network
from derain.networks.export import translate
from derain.networks.official import is_official_file, load_official_file
from derain.networks.onnx import OnnxNetwork, is_onnx, weights_beside
from derain.networks.weights import load_model
from derain.support.choices import Engine


def load_network(
    path: Path, named: str | None = None, engine: Engine = "auto"
) -> tuple[Network | OnnxNetwork, Mapping[str, Any]]:
    """Load the network of a model file, an ONNX file or official weights, and its header (empty where there is none).

    Args:
        path: a model file; by its suffix an ONNX file, or a file of official weights (`derain.networks.official`).
        named: FILE.py:CLASS, for the model of a network of one's own; or NAME:key=value,..., for what official weights
            do not tell.
        engine: "onnxruntime" translates a model file, which takes seconds.

    Raises:
        InputError: the file holds no network that can be run; an ONNX file is `named`, or torch is
            asked to run it; or ONNX Runtime is asked for and the extra derain[onnx] is not installed or torch cannot
            translate the network.
    """
    if is_onnx(path):
        if named is not None:
            raise InputError(f"{path} is an ONNX file, which holds its network whole: leave out --network")
        if engine == "torch":
            raise InputError(f"{path} runs in ONNX Runtime, not in torch; give the model file that it was written from")
        exported = OnnxNetwork(path, str(path))
        return exported, exported.header
    network, header = load_official_file(path, named) if is_official_file(path) else load_model(path, named)
    if engine == "onnxruntime":
        return OnnxNetwork(translate(network, header, f"{path} cannot run in ONNX Runtime"), str(path)), header
    return network, header


def model_hash(path: Path, named: str | None = None) -> str:
    """SHA-256 of the content of a model file, of an ONNX file with the files beside it, or of official weights.

    Args:
        path: as of `load_network`.
        named: as of `load_network`; it counts for official weights, as another network can be made of them.

    Raises:
        InputError: an ONNX file, and the extra derain[onnx] is not installed.
    """
    content = sha256(path.read_bytes())
    for beside in weights_beside(path) if is_onnx(path) else []:
        content.update(beside.read_bytes())
    if named is not None and is_official_file(path):
        content.update(named.encode())
    return content.hexdigest()
