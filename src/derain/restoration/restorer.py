"""One picture in, the restored picture out, in bounded memory."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from jaxtyping import Float, UInt8, UInt16
from torch import Tensor, nn

from derain.errors import InputError
from derain.networks.base import UNKNOWN
from derain.networks.mirrored import Mirrored
from derain.networks.onnx import OnnxNetwork
from derain.networks.running import channels_last, quantise, run
from derain.networks.tile_memory import bytes_per_pixel
from derain.restoration.tiles import overlap, part_size, spans, tiled
from derain.support.devices import available_bytes, is_out_of_memory, usable_device

Picture = UInt8[np.ndarray, "h w 3"] | UInt16[np.ndarray, "h w 3"]

STRONGEST = 1.5
"""The largest strength."""

# Memory of a tile, where half of what is free allows it: a photo of two megapixels is one tile of the models in the
# box. Larger tiles gain nothing on a CPU: what is seen twice is little by then.
_TILE_BYTES = 1.6e9
_ONNX_BYTES_PER_PIXEL = 1000.0  # the UNet of base 16 needs 520, that of base 32 about twice as much
_BAND_PX = 256
_SMALLEST_TILE_PX, _LARGEST_TILE_PX = 256, 4096


class TiledRestorer:
    """Restores pictures of any size with a network that maps RGB 0..1, `(n, 3, h, w)`, to the same.

    A network that says how far it sees (`Descriptor.receptive_field_px`) gives what it would give for the whole
    picture; tiles of others are blended (`derain.restoration.tiles.overlap`).

    Args:
        network: moved to `device`, and put into evaluation mode and the channels_last format for good.
        device: of the computation; ONNX files run on the CPU, whatever it says.
        tile_px: side of a square with as many pixels as a tile has at most; None: chosen by memory.
        strength: of what the network takes away, the share that is taken: 0..1.5, X = O - strength (O - f(O)).

    Raises:
        InputError: a strength outside 0..1.5, a tile too small for the network, or an unusable device.

    >>> import torch
    >>> darker = nn.Conv2d(3, 3, 1, bias=False)
    >>> _ = darker.weight.data.copy_(0.5 * torch.eye(3)[..., None, None])
    >>> photo = np.full((5, 7, 3), 100, np.uint8)
    >>> [int(TiledRestorer(darker, strength=each).picture(photo).max()) for each in (0.0, 0.5, 1.0, 1.5)]
    [100, 75, 50, 25]
    """

    def __init__(
        self,
        network: nn.Module,
        device: torch.device | str = "cpu",
        tile_px: int | None = None,
        strength: float = 1.0,
    ) -> None:
        _refuse(strength)
        self.strength = strength
        self._device = usable_device("cpu" if _is_onnx(network) else device)
        self._network = channels_last(network.to(self._device)).eval()
        self._descriptor = getattr(network, "descriptor", UNKNOWN)
        self._tile_px = self._auto_tile_px() if tile_px is None else tile_px
        self._overlap = overlap(self._descriptor, self._tile_px)

    @property
    def is_exact(self) -> bool:
        """True where tiles give what the whole picture would; False: they are blended."""
        return not self._overlap.ramp_px

    def picture(
        self,
        picture: Picture,
        report: Callable[[int, int], None] = lambda done, total: None,
    ) -> Picture:
        """The restored picture; levels 0..255, or 0..65535 of a picture of 16 bits, upright.

        Args:
            picture: a side may be 1 px long.
            report: called after every tile with the number done and their total.

        Raises:
            InputError: the network gives NaN, the code of a network of your own fails, or the device has too little
                memory.
        """
        result = np.empty_like(picture)
        for first, derained in self._finished(picture, report):
            rows = slice(first, first + len(derained))
            result[rows] = _weighed(picture[rows], derained, self.strength)
        return result

    def derained(self, picture: UInt8[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w 3"]:
        """The network's output on the picture, f(O): 12 bytes a pixel, for `at_strength`.

        Raises:
            InputError: as of `picture`.
            MemoryError: there is not so much.
        """
        result = np.empty(picture.shape, np.float32)
        for first, derained in self._finished(picture, lambda done, total: None):
            result[first : first + len(derained)] = derained.cpu().numpy()
        return result

    def _finished(
        self, picture: Picture, report: Callable[[int, int], None]
    ) -> Iterator[tuple[int, Float[Tensor, "_ w 3"]]]:
        """f(O) row of tiles by row of tiles, and where each begins."""
        height, width = picture.shape[:2]
        missing = [max(self._descriptor.smallest_size_px - side, 0) for side in (height, width)]
        if any(missing):
            picture = np.pad(picture, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
        sides = picture.shape[0], picture.shape[1]
        part = part_size(*sides, self._tile_px, self._overlap.margin_px, self._descriptor.size_multiple_px)
        rows, columns = (spans(side, length, self._overlap) for side, length in zip(sides, part, strict=True))
        done = 0

        def see(tile: UInt8[np.ndarray, "_ _ 3"] | UInt16[np.ndarray, "_ _ 3"]) -> Float[Tensor, "_ _ 3"]:
            nonlocal done
            derained = self._tile(tile)
            done += 1
            report(done, len(rows) * len(columns))
            return derained

        for first, derained in tiled(picture, rows, columns, see, self._device):
            yield first, derained[: max(height - first, 0), :width]

    def _tile(self, tile: Picture) -> Float[Tensor, "h w 3"]:
        levels = torch.from_numpy(tile).to(self._device).movedim(-1, 0)[None]
        rainy = levels.float() / torch.iinfo(levels.dtype).max
        try:
            derained = run(self._network, rainy.contiguous(memory_format=torch.channels_last))[0]
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            size = f"tiles of {tile.shape[1]} x {tile.shape[0]} px"
            raise InputError(f"{self._device} has too little memory for {size}: give a smaller --tile") from error
        return derained.movedim(0, -1)

    def _auto_tile_px(self) -> int:
        needed = needed_per_pixel(self._network, self._device)
        available = available_bytes(self._device) / 2
        side = int((min(available, _TILE_BYTES if self._device.type == "cpu" else available) / needed) ** 0.5)
        return min(max(side, _SMALLEST_TILE_PX), _LARGEST_TILE_PX)


def needed_per_pixel(network: nn.Module, device: torch.device) -> float:
    """Memory that a network, which is on `device`, needs for a pixel while it restores, in bytes."""
    if _is_onnx(network):
        return _ONNX_BYTES_PER_PIXEL
    return max(bytes_per_pixel(network, device), 1.0)  # a network may keep nothing


def _is_onnx(network: nn.Module) -> bool:
    return isinstance(network.network if isinstance(network, Mirrored) else network, OnnxNetwork)


def at_strength(
    picture: UInt8[np.ndarray, "h w 3"], derained: Float[np.ndarray, "h w 3"], strength: float
) -> UInt8[np.ndarray, "h w 3"]:
    """O - strength (O - f(O)), of a picture O and what a network makes of it (`TiledRestorer.derained`).

    Raises:
        InputError: a strength outside 0..1.5.

    >>> at_strength(np.full((1, 1, 3), 100, np.uint8), np.full((1, 1, 3), 50 / 255, np.float32), strength=0.5)[0, 0]
    array([75, 75, 75], dtype=uint8)
    """
    _refuse(strength)
    result = np.empty_like(picture)
    for first in range(0, len(picture), _BAND_PX):
        rows = slice(first, first + _BAND_PX)
        result[rows] = _weighed(picture[rows], torch.from_numpy(derained[rows]), strength)
    return result


def _weighed(picture: Picture, derained: Float[Tensor, "h w 3"], strength: float) -> Picture:
    levels = torch.from_numpy(picture).to(derained.device)
    rainy = levels.float().div_(torch.iinfo(levels.dtype).max)
    restored = quantise(torch.lerp(rainy, derained, strength).movedim(-1, 0), levels.dtype)
    return restored.movedim(0, -1).cpu().numpy()


def _refuse(strength: float) -> None:
    if not 0 <= strength <= STRONGEST:
        raise InputError(f"the strength must lie between 0 and {STRONGEST}, not {strength}")
