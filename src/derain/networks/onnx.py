"""Networks from ONNX files, of this package or of any program's export."""

import json
import math
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from derain.errors import InputError, needs_extra
from derain.networks.base import UNKNOWN, Descriptor, Hyperparameters, Network, pad_to_multiple
from derain.support.files import checked_readable

_MULTIPLES_PX = (1, 2, 4, 8, 16, 32, 64)
_LEAST_TRIED_PX = 64

_NEWER = re.compile(r"Opset (\d+) is under development.* till opset (\d+)", re.DOTALL)
"""The complaint of ONNX Runtime about an opset that it does not know."""


class OnnxNetwork(Network):
    """An ONNX file as a module: RGB in 0..1, (n, 3, h, w), in and out; it runs on the CPU in ONNX Runtime.

    A file that takes pictures of one size only sees larger ones tile by tile, blended where they overlap. The multiple
    of pixels that the sides of pictures must be is found by trying where the file does not tell it.

    Attributes:
        header: of the model that it was written from; empty where derain did not write it.
        descriptor: what it needs, as far as the file tells.

    Args:
        source: the file, or its bytes.
        name: what error messages call it.

    Raises:
        InputError: onnxruntime is not installed; no whole ONNX file; or its input is not one RGB picture.
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
            if newer := _NEWER.search(str(error)):
                known = f"the ONNX Runtime that is installed knows those up to {newer[2]}"
                sentence = f"{name} is of opset {newer[1]}, and {known}: export the network with an earlier one"
                raise InputError(sentence) from error
            raise InputError(f"{name} is no whole ONNX file ({str(error).splitlines()[0]})") from error
        inputs = self._session.get_inputs()
        shape = inputs[0].shape if inputs else []
        fits = len(inputs) == 1 and inputs[0].type == "tensor(float)" and len(shape) == 4 and shape[1] == 3
        fixed = [side for side in shape[2:] if isinstance(side, int)]
        if not fits or len(fixed) == 1:
            found = "; ".join(f"{each.name}: {each.type} {each.shape}" for each in inputs) or "nothing"
            raise InputError(
                f"{name} must take one RGB picture of any size or of one, float32 (1, 3, height, width), not {found}"
            )
        self._fixed_px = (fixed[0], fixed[1]) if fixed else None
        metadata = self._session.get_modelmeta().custom_metadata_map
        try:
            self.header: dict[str, Any] = json.loads(metadata.get("derain", "{}"))
            self.descriptor = _descriptor(metadata["derain_descriptor"]) if "derain_descriptor" in metadata else UNKNOWN
        except (json.JSONDecodeError, TypeError, KeyError) as error:
            raise InputError(f"{name} was not written by this version of derain ({error})") from error
        self._padded_px = 1  # what derain wrote pads its pictures itself
        if self.descriptor == UNKNOWN and not fixed:
            self._padded_px = self._multiple_px()
            self.descriptor = replace(UNKNOWN, size_multiple_px=self._padded_px)

    def _multiple_px(self) -> int:
        """The smallest multiple of which the file takes pictures; 1 where it takes none of those that are tried."""
        for multiple in _MULTIPLES_PX:
            side = multiple * (_LEAST_TRIED_PX // multiple + 1)
            with suppress(InputError):
                self._run(torch.zeros(1, 3, side, side + 2 * multiple))
                return multiple
        return 1

    def _stages(self, rainy: Float[Tensor, "n 3 h w"]) -> list[Float[Tensor, "n 3 h w"]]:
        # One picture at a time: files of other programs often fix the number to 1.
        return [torch.cat([self._derained(one) for one in rainy.cpu().split(1)])]

    def _derained(self, rainy: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 3 h w"]:
        height, width = rainy.shape[-2:]
        if self._fixed_px is None:
            padded = pad_to_multiple(rainy, self._padded_px)
            return self._run(padded)[..., :height, :width]
        tile_height, tile_width = self._fixed_px
        missing = (0, max(tile_width - width, 0), 0, max(tile_height - height, 0))
        padded = nn.functional.pad(rainy, missing, mode="replicate")
        # A tile counts less and less towards its border.
        weight = torch.minimum(_rise(tile_height)[:, None], _rise(tile_width))
        total, weights = torch.zeros_like(padded), torch.zeros(padded.shape[-2:])
        for top in _starts(padded.shape[-2], tile_height):
            for left in _starts(padded.shape[-1], tile_width):
                place = slice(top, top + tile_height), slice(left, left + tile_width)
                total[..., *place] += weight * self._run(padded[..., *place])
                weights[place] += weight
        return (total / weights)[..., :height, :width]

    def _run(self, rainy: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 3 h w"]:
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


def _starts(size_px: int, tile_px: int) -> list[int]:
    """Starts of tiles of one size along a side, evenly, so that they overlap by a quarter at least.

    >>> _starts(100, 64), _starts(64, 64)
    ([0, 36], [0])
    """
    count = 1 + math.ceil((size_px - tile_px) / (tile_px - tile_px // 4))
    return [round(start) for start in np.linspace(0, size_px - tile_px, count)]


def _rise(tile_px: int) -> Float[Tensor, " tile_px"]:
    """Distance to the nearer end, from 1 up."""
    place = torch.arange(tile_px) + 1.0
    return torch.minimum(place, place.flip(0))


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
