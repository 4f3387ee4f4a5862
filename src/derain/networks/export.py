"""Exports of a network: ONNX, and weights in half precision, each verified against it."""

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from copy import deepcopy
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import Any

import torch

from derain.errors import InputError, needs_extra
from derain.networks.base import Network
from derain.networks.onnx import OnnxNetwork
from derain.networks.verification import largest_difference
from derain.networks.weights import read_tensors, write_tensors
from derain.support.files import write_bytes
from derain.support.records import claim_file

TOLERANCE = 1e-4
"""Largest difference, in 0..1, that an exported network may show."""
_INPUT, _OUTPUT = "rainy", "derained"
_OPSET, _IR_VERSION = 18, 8
"""The oldest that torch writes, so that programs with an ONNX Runtime from 1.14 on read the files."""


def export_onnx(network: Network, header: Mapping[str, Any], path: Path) -> float:
    """Write a network as ONNX with free height and width; its header and its descriptor become metadata.

    Before it is written the file is run in ONNX Runtime on pictures of two sizes.

    Returns:
        the largest difference from the network, in 0..1.

    Raises:
        InputError: the extra derain[onnx] is not installed, torch cannot translate the network, the file cannot be
            written, or the result differs by more than 1e-4.
    """
    claim_file(path, "derain export", _is_exported)
    refusal = f"{path} is not written"
    data = translate(network, header, refusal)
    difference = largest_difference(network, OnnxNetwork(data, path.name))
    if not difference <= TOLERANCE:
        raise InputError(f"{refusal}: in ONNX Runtime the network's result differs by {difference:.1e}")
    write_bytes(path, data)
    return difference


def translate(network: Network, header: Mapping[str, Any], refusal: str) -> bytes:
    """The network as the content of an ONNX file; where torch cannot do that InputError: `refusal` and the cause."""
    with needs_extra("onnx", "ONNX files need onnx and onnxscript"):
        import onnx
        import onnxscript  # noqa: F401  (the exporter needs it)
    network = network.cpu().eval()
    try:
        with _quiet():
            program = torch.onnx.export(
                network, (torch.rand(1, 3, 48, 64),), dynamo=True, verbose=False, opset_version=_OPSET,
                dynamic_shapes=({2: "height", 3: "width"},), input_names=[_INPUT], output_names=[_OUTPUT],
            )  # fmt: skip
    except torch.onnx.OnnxExporterError as error:
        cause = str(error.__cause__ or error).splitlines()[0]
        raise InputError(f"{refusal}: torch cannot translate the code of the network ({cause})") from error
    assert program is not None
    model = program.model_proto
    model.ir_version = _IR_VERSION
    for noted in (model.graph, *model.graph.node, *model.graph.input, *model.graph.output, *model.graph.value_info):
        del noted.metadata_props[:]  # torch notes where the code lies on this disk
    metadata = {"derain": json.dumps(header), "derain_descriptor": json.dumps(asdict(network.descriptor))}
    onnx.helper.set_model_props(model, metadata)
    data: bytes = model.SerializeToString()
    return data


def _is_exported(path: Path) -> bool:
    """True for an ONNX file that derain wrote."""
    with needs_extra("onnx", "ONNX files need onnx"):
        import onnx
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception:  # onnx has no common class for its errors
        return False
    return any(entry.key == "derain" for entry in model.metadata_props)


def _is_halved(path: Path) -> bool:
    """True for a model file with float16 weights."""
    try:
        tensors, header = read_tensors(path)
    except InputError:
        return False
    return "network" in header and any(tensor.dtype == torch.float16 for tensor in tensors.values())


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what torch says about its own code and about packages that nobody asked for."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        # A network that it cannot translate is printed, line by line.
        with warnings.catch_warnings(), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def export_float16(network: Network, header: Mapping[str, Any], path: Path) -> float:
    """Write a network as a model file with float16 weights, half as large; `load_model` reads it.

    Returns:
        the largest difference between the pictures that the two make, in 0..1.

    Raises:
        InputError: the file cannot be written, or its pictures differ by a grey level or more.
    """
    claim_file(path, "derain export", _is_halved)
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
