"""Networks from ONNX files, of this package or of any program's export."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from derain.errors import InputError, needs_extra
from derain.networks.base import UNKNOWN, Descriptor, Hyperparameters, Network
from derain.support.files import checked_readable


class OnnxNetwork(Network):
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

    hyperparameters = Hyperparameters()

    def __init__(self, source: Path | bytes, name: str) -> None:
        super().__init__()
        with needs_extra("onnx", f"{name} needs ONNX Runtime"):
            import onnxruntime
        self._name = name
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 4  # what goes wrong is raised, too
        # By its path, as weights may lie in files beside it.
        model = source if isinstance(source, bytes) else checked_readable(source)
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
            self.header: dict[str, Any] = json.loads(metadata.get("derain", "{}"))
            self.descriptor = _descriptor(metadata["derain_descriptor"]) if "derain_descriptor" in metadata else UNKNOWN
        except (json.JSONDecodeError, TypeError, KeyError) as error:
            raise InputError(f"{name} was not written by this version of derain ({error})") from error

    def _stages(self, rainy: Float[Tensor, "n 3 h w"]) -> list[Float[Tensor, "n 3 h w"]]:
        # One picture at a time: files of other programs often fix the number to 1.
        return [torch.cat([self._derained(one) for one in rainy.cpu().split(1)])]

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


def is_onnx(path: Path) -> bool:
    """True for an ONNX file, by its suffix."""
    return path.suffix.lower() == ".onnx"


def weights_beside(path: Path) -> list[Path]:
    with needs_extra("onnx", f"{path} needs onnx"):
        import onnx
    tensors = onnx.load(path, load_external_data=False).graph.initializer
    names = {entry.value for tensor in tensors for entry in tensor.external_data if entry.key == "location"}
    return [path.parent / name for name in sorted(names)]


def _descriptor(text: str) -> Descriptor:
    values = json.loads(text)
    values.pop("value_range", None)  # in files of earlier versions
    return Descriptor(**values)
