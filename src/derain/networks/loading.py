"""The one door to a network: a model file, an ONNX file or a model in the box."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from derain.errors import InputError
from derain.networks.base import Network
from derain.networks.export import translate
from derain.networks.onnx import OnnxNetwork, is_onnx, weights_beside
from derain.networks.weights import load_model
from derain.support.choices import Engine


def load_network(
    path: Path, user_network: str | None = None, engine: Engine = "auto"
) -> tuple[Network | OnnxNetwork, Mapping[str, Any]]:
    """The network of a model file or of an ONNX file, ready to run, and its header, empty where there is none.

    Args:
        path: a model file, or an ONNX file by its suffix.
        user_network: FILE.py:CLASS, for the model of a network of one's own.
        engine: "onnxruntime" translates a model file, which takes seconds.

    Raises:
        InputError: the file holds no network that can be run; an ONNX file is given a `user_network`, or torch is
            asked to run it; or ONNX Runtime is asked for and the extra derain[onnx] is not installed or torch cannot
            translate the network.
    """
    if is_onnx(path):
        if user_network is not None:
            raise InputError(f"{path} is an ONNX file, which holds its network whole: leave out --network")
        if engine == "torch":
            raise InputError(f"{path} runs in ONNX Runtime, not in torch; give the model file that it was written from")
        exported = OnnxNetwork(path, str(path))
        return exported, exported.header
    network, header = load_model(path, user_network)
    if engine == "onnxruntime":
        return OnnxNetwork(translate(network, header, f"{path} cannot run in ONNX Runtime"), str(path)), header
    return network, header


def model_hash(path: Path) -> str:
    """SHA-256 of a model file or an ONNX file, together with the files beside it that hold the ONNX file's weights.

    Raises:
        InputError: an ONNX file, and the extra derain[onnx] is not installed.
    """
    content = sha256(path.read_bytes())
    for beside in weights_beside(path) if is_onnx(path) else []:
        content.update(beside.read_bytes())
    return content.hexdigest()
