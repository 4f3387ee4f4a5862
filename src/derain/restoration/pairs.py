"""Pairs of pictures of any size, measured."""

import logging

import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from derain.evaluation.restorers import NetworkRestorer
from derain.restoration.restorer import TiledRestorer, needed_per_pixel
from derain.support.devices import available_bytes

_log = logging.getLogger("derain")


class AnySizeRestorer(NetworkRestorer):
    """Restores pairs as `NetworkRestorer` does, and pictures that half of the free memory cannot hold tile by tile.

    Tiles change nothing but the rounding of a network that says how far it sees; those of others are blended, which the
    log says.

    Args, errors: as of `NetworkRestorer`.
    """

    def __init__(self, network: nn.Module, device: torch.device | str) -> None:
        super().__init__(network, device)
        self.network.to(self.device).eval()
        self._most_pixels = available_bytes(self.device) / 2 / needed_per_pixel(self.network, self.device)

    def picture(self, picture: UInt8[Tensor, "3 h w"]) -> UInt8[Tensor, "3 h w"]:
        """Restore one picture, 0..255."""
        _, height, width = picture.shape
        if height * width <= self._most_pixels:
            return super().picture(picture)
        _log.warning("a picture of %d x %d pixels is restored tile by tile", width, height)
        restored = TiledRestorer(self.network, self.device).picture(picture.permute(1, 2, 0).contiguous().numpy())
        return torch.from_numpy(restored).permute(2, 0, 1)
