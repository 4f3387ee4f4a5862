"""Memory that a network needs for every pixel that it sees, counted on a small picture."""

import weakref
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

_PROBE_PX = 64

# Convolutions need a workspace beside their tensors; measured, one to two times these (docs/how-to/restore.md).
_MARGIN = 2.0


def bytes_per_pixel(network: nn.Module, device: torch.device | str) -> float:
    """Memory that `network`, which is on `device`, needs for a pixel while it restores, in bytes.

    What runs outside of torch is not seen: for ONNX the result is far too small.

    >>> round(bytes_per_pixel(nn.Conv2d(3, 8, 1), "cpu"))
    64
    """
    picture = torch.zeros(1, 3, _PROBE_PX, _PROBE_PX, device=device)
    live = _LiveTensors()
    with torch.inference_mode(), live:
        network(picture)
    return _MARGIN * live.peak_bytes / _PROBE_PX**2


class _LiveTensors(TorchFunctionMode):
    """Adds up the storages of all tensors that are made, until they are freed."""

    def __init__(self) -> None:
        super().__init__()
        self.peak_bytes: int = 0
        self._bytes: int = 0
        self._users: Counter[int] = Counter()

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor):
                self._count(tensor)
        return made

    def _count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        address, size = storage.data_ptr(), storage.nbytes()
        if not self._users[address]:
            self._bytes += size
        self._users[address] += 1
        weakref.finalize(tensor, self._release, address, size)
        self.peak_bytes = max(self.peak_bytes, self._bytes)

    def _release(self, address: int, size: int) -> None:
        self._users[address] -= 1
        if not self._users[address]:
            self._bytes -= size
