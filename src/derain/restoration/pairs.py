"""Pairs of pictures of any size, measured."""

import logging

import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from derain.evaluation.restorers import NetworkRestorer
from derain.restoration.restorer import TiledRestorer, needed_per_pixel
from derain.support.devices import available_bytes

_log = logging.getLogger("derain")


_LARGE_PIXELS = 4_000_000


class AnySizeRestorer(NetworkRestorer):
    """Restores pairs as `NetworkRestorer` does, and large pictures tile by tile.

    A picture is large from four megapixels on, where tiles change nothing but rounding, and for every network where
    half of the free memory cannot hold it, which the log says.

    Args, errors: as of `NetworkRestorer`.
    """

    def __init__(self, network: nn.Module, device: torch.device | str) -> None:
        super().__init__(network, device)
        self.network.to(self.device).eval()
        self._most_pixels = available_bytes(self.device) / 2 / needed_per_pixel(self.network, self.device)

    def picture(self, picture: UInt8[Tensor, "3 h w"]) -> UInt8[Tensor, "3 h w"]:
        """Restore one picture, 0..255."""
        _, height, width = picture.shape
        fits = height * width <= self._most_pixels
        if fits and height * width < _LARGE_PIXELS:
            return super().picture(picture)
        tiles = TiledRestorer(self.network, self.device)
        if fits and not tiles.is_exact:
            return super().picture(picture)
        if not fits:
            _log.warning("a picture of %d x %d pixels is restored tile by tile", width, height)
        restored = tiles.picture(picture.permute(1, 2, 0).contiguous().numpy())
        return torch.from_numpy(restored).permute(2, 0, 1)
