"""Networks as ONNX files: written from a model, verified against it, and read from any program's export."""

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from derain.errors import InputError
from derain.files import write_bytes
from derain.networks.base import Network

TOLERANCE = 1e-4
"""Largest difference, in 0..1, that an exported network may show."""

_SIZES_PX = ((48, 64), (61, 70))
_INPUT, _OUTPUT = "rainy", "derained"


class OnnxNetwork(nn.Module):
    """An ONNX file as a module: RGB in 0..1, (n, 3, h, w), in and out; it runs on the CPU in ONNX Runtime.

    Args:
        source: the file, or its bytes.
        name: what error messages call it.

    Raises:
        InputError: onnxruntime is not installed; no whole ONNX file; or its input is not one RGB picture of any size.
    """

    def __init__(self, source: Path | bytes, name: str) -> None:
        super().__init__()
        try:
            import onnxruntime
        except ImportError as error:
            raise InputError(f"{name} needs ONNX Runtime: install derain[onnx]") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        data = source if isinstance(source, bytes) else _read(source)
        try:
            self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime has no common class for its errors
            raise InputError(f"{name} is no whole ONNX file ({str(error).splitlines()[0]})") from error
        inputs = self._session.get_inputs()
        shape = inputs[0].shape
        fits = len(inputs) == 1 and inputs[0].type == "tensor(float)" and len(shape) == 4 and shape[1] == 3
        if not fits or isinstance(shape[2], int) or isinstance(shape[3], int):
            found = "; ".join(f"{each.name}: {each.type} {each.shape}" for each in inputs)
            raise InputError(
                f"{name} must take one RGB picture of any size, float32 (1, 3, height, width), not {found}"
            )

    def forward(self, rainy: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 h w"]:
        [name] = [each.name for each in self._session.get_inputs()]
        # One picture at a time: files of other programs often fix the number to 1.
        return torch.cat(
            [torch.from_numpy(self._session.run(None, {name: one.numpy()})[0]) for one in rainy.cpu().split(1)]
        )


def export_onnx(network: Network, header: Mapping[str, Any], path: Path) -> float:
    """Write a network as ONNX with free height and width, and its header as metadata.

    Before it is written the file is run in ONNX Runtime on pictures of two sizes.

    Returns:
        the largest difference from the network, in 0..1.

    Raises:
        InputError: the extra derain[onnx] is not installed, the file cannot be written, or the result differs by more
            than 1e-4.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401  (the exporter needs it)
    except ImportError as error:
        raise InputError("exporting to ONNX needs its packages: install derain[onnx]") from error
    network = network.cpu().eval()
    example = torch.rand(1, 3, *_SIZES_PX[0])
    sizes = {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's own making, about torch's own code
        program = torch.onnx.export(
            network, (example,), dynamo=True, dynamic_shapes=(sizes,), verbose=False,
            input_names=[_INPUT], output_names=[_OUTPUT],
        )  # fmt: skip
    assert program is not None
    model = program.model_proto
    onnx.helper.set_model_props(model, {"derain": json.dumps(header)})
    data = model.SerializeToString()
    difference = _difference(network, OnnxNetwork(data, path.name))
    if not difference <= TOLERANCE:
        raise InputError(f"{path} is not written: in ONNX Runtime the network's result differs by {difference:.1e}")
    write_bytes(path, data)
    return difference


def _difference(network: Network, exported: OnnxNetwork) -> float:
    generator = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        pictures = [_picture(height, width, generator) for height, width in _SIZES_PX]
        return max(float((network(picture) - exported(picture)).abs().max()) for picture in pictures)


def _picture(height: int, width: int, generator: torch.Generator) -> Float[Tensor, "1 3 h w"]:
    """Octaves of noise, half as strong at half the size, as in photographs: SPDNet amplifies rounding a hundredfold
    where a picture is smoother or saturated."""
    octaves = [torch.rand(1, 3, 3 * 2**k, 4 * 2**k, generator=generator) / 2 ** (k + 1) for k in range(5)]
    enlarged = [nn.functional.interpolate(octave, (height, width), mode="bilinear") for octave in octaves]
    return torch.stack(enlarged).sum(0)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
