"""Networks as ONNX files: written from a model, verified against it, and read from any program's export; and the door
to networks in files of all kinds."""

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import asdict
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from derain.errors import InputError
from derain.files import readable, write_bytes
from derain.networks.base import Descriptor, Network
from derain.networks.official import is_official_file, load_official_file
from derain.networks.verification import largest_difference
from derain.networks.weights import load_model

TOLERANCE = 1e-4
"""Largest difference, in 0..1, that an exported network may show."""

Engine = Literal["auto", "torch", "onnxruntime"]
"""What runs a network; "auto" is torch for model files and ONNX Runtime for ONNX files."""

UNKNOWN = Descriptor("unknown", (0.0, 1.0), smallest_size_px=1, size_multiple_px=1, receptive_field_px=0, stages=1)
"""What is assumed of a network that does not say what it needs."""

_INPUT, _OUTPUT = "rainy", "derained"


class OnnxNetwork(nn.Module):
    """An ONNX file as a module: RGB in 0..1, (n, 3, h, w), in and out; it runs on the CPU in ONNX Runtime.

    Attributes:
        header: of the model that it was written from; empty where derain did not write it.
        descriptor: what it needs, as far as the file tells.

    Args:
        source: the file, or its bytes.
        name: what error messages call it.

    Raises:
        InputError: onnxruntime is not installed; no whole ONNX file; or its input is not one RGB picture of any size.
            When it is called: it fails on a picture of that size, or does not give one of the same size.
    """

    def __init__(self, source: Path | bytes, name: str) -> None:
        super().__init__()
        try:
            import onnxruntime
        except ImportError as error:
            raise InputError(f"{name} needs ONNX Runtime: install derain[onnx]") from error
        self._name = name
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 4  # what goes wrong is raised, too
        # By its path, as weights may lie in files beside it.
        model = source if isinstance(source, bytes) else readable(source)
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime has no common class for its errors
            raise InputError(f"{name} is no whole ONNX file ({str(error).splitlines()[0]})") from error
        inputs = self._session.get_inputs()
        shape = inputs[0].shape if inputs else []
        fits = len(inputs) == 1 and inputs[0].type == "tensor(float)" and len(shape) == 4 and shape[1] == 3
        if not fits or isinstance(shape[2], int) or isinstance(shape[3], int):
            found = "; ".join(f"{each.name}: {each.type} {each.shape}" for each in inputs) or "nothing"
            raise InputError(
                f"{name} must take one RGB picture of any size, float32 (1, 3, height, width), not {found}"
            )
        metadata = self._session.get_modelmeta().custom_metadata_map
        try:
            self.header: Mapping[str, Any] = json.loads(metadata.get("derain", "{}"))
            self.descriptor = _descriptor(metadata["derain_descriptor"]) if "derain_descriptor" in metadata else UNKNOWN
        except (json.JSONDecodeError, TypeError, KeyError) as error:
            raise InputError(f"{name} was not written by this version of derain ({error})") from error

    def forward(self, rainy: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 h w"]:
        # One picture at a time: files of other programs often fix the number to 1.
        return torch.cat([self._derained(one) for one in rainy.cpu().split(1)])

    def _derained(self, rainy: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 3 h w"]:
        [name] = [each.name for each in self._session.get_inputs()]
        height, width = rainy.shape[-2:]
        try:
            derained = self._session.run(None, {name: rainy.contiguous().numpy()})[0]
        except Exception as error:  # ONNX Runtime has no common class for its errors
            cause = str(error).splitlines()[0]
            raise InputError(f"{self._name} fails on a picture of {width} x {height} pixels ({cause})") from error
        if derained.shape != rainy.shape or derained.dtype != np.float32:
            found = f"{derained.dtype} {derained.shape}"
            raise InputError(f"{self._name} must give float32 {tuple(rainy.shape)} for a picture of that, not {found}")
        return torch.from_numpy(derained)


def load_network(
    path: Path, named: str | None = None, engine: Engine = "auto"
) -> tuple[Network | OnnxNetwork, Mapping[str, Any]]:
    """The network of a model file, of an ONNX file or of official weights, ready to run, and its header, empty where
    there is none.

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
        return OnnxNetwork(_translate(network, header, f"{path} cannot run in ONNX Runtime"), str(path)), header
    return network, header


def model_hash(path: Path, named: str | None = None) -> str:
    """SHA-256 of what a model file, an ONNX file with the files beside it, or a file of official weights holds.

    Args:
        path: as of `load_network`.
        named: as of `load_network`; it counts for official weights, as another network can be made of them.

    Raises:
        InputError: an ONNX file, and the extra derain[onnx] is not installed.
    """
    content = sha256(path.read_bytes())
    for beside in _weights_beside(path) if is_onnx(path) else []:
        content.update(beside.read_bytes())
    if named is not None and is_official_file(path):
        content.update(named.encode())
    return content.hexdigest()


def export_onnx(network: Network, header: Mapping[str, Any], path: Path) -> float:
    """Write a network as ONNX with free height and width; its header and its descriptor become metadata.

    Before it is written the file is run in ONNX Runtime on pictures of two sizes.

    Returns:
        the largest difference from the network, in 0..1.

    Raises:
        InputError: the extra derain[onnx] is not installed, torch cannot translate the network, the file cannot be
            written, or the result differs by more than 1e-4.
    """
    refusal = f"{path} is not written"
    data = _translate(network, header, refusal)
    difference = largest_difference(network, OnnxNetwork(data, path.name))
    if not difference <= TOLERANCE:
        raise InputError(f"{refusal}: in ONNX Runtime the network's result differs by {difference:.1e}")
    write_bytes(path, data)
    return difference


def _translate(network: Network, header: Mapping[str, Any], refusal: str) -> bytes:
    """The network as the content of an ONNX file; where torch cannot do that InputError: `refusal` and the cause."""
    try:
        import onnx
        import onnxscript  # noqa: F401  (the exporter needs it)
    except ImportError as error:
        raise InputError("exporting to ONNX needs its packages: install derain[onnx]") from error
    network = network.cpu().eval()
    sizes = {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    try:
        with _quiet():
            program = torch.onnx.export(
                network, (torch.rand(1, 3, 48, 64),), dynamo=True, dynamic_shapes=(sizes,), verbose=False,
                input_names=[_INPUT], output_names=[_OUTPUT],
            )  # fmt: skip
    except torch.onnx.OnnxExporterError as error:
        cause = str(error.__cause__ or error).splitlines()[0]
        raise InputError(f"{refusal}: torch cannot translate the code of the network ({cause})") from error
    assert program is not None
    model = program.model_proto
    metadata = {"derain": json.dumps(header), "derain_descriptor": json.dumps(asdict(network.descriptor))}
    onnx.helper.set_model_props(model, metadata)
    data: bytes = model.SerializeToString()
    return data


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


def is_onnx(path: Path) -> bool:
    """Whether a file is an ONNX file, by its suffix."""
    return path.suffix.lower() == ".onnx"


def _weights_beside(path: Path) -> list[Path]:
    try:
        import onnx
    except ImportError as error:
        raise InputError(f"{path} needs the packages for ONNX: install derain[onnx]") from error
    tensors = onnx.load(path, load_external_data=False).graph.initializer
    names = {entry.value for tensor in tensors for entry in tensor.external_data if entry.key == "location"}
    return [path.parent / name for name in sorted(names)]


def _descriptor(text: str) -> Descriptor:
    values = json.loads(text)
    low, high = values.pop("value_range")
    return Descriptor(value_range=(low, high), **values)
