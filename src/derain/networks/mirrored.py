"""A network asked twice: for the picture and for its mirror image."""

from jaxtyping import Float
from torch import Tensor, nn

from derain.networks.base import UNKNOWN


class Mirrored(nn.Module):
    """The mean of what a network makes of a picture and, mirrored back, of its left-right mirror image.

    It costs twice the time. Lim et al., "Enhanced Deep Residual Networks for Single Image Super-Resolution", CVPR
    Workshops 2017, section 3.4, take the mean over eight flips and turns. Rain does not lie down, so one mirror
    is left.

    Args:
        network: maps RGB 0..1, `(n, 3, h, w)`, to the same.

    >>> import torch
    >>> shift = nn.Conv2d(3, 3, (1, 3), padding=(0, 1), bias=False)
    >>> _ = shift.weight.data.zero_()
    >>> _ = shift.weight.data[:, :, 0, 0].copy_(torch.eye(3))
    >>> Mirrored(shift)(torch.tensor([1.0, 0, 0, 3]).expand(1, 3, 1, 4))[0, 0, 0].tolist()
    [0.0, 0.5, 1.5, 0.0]
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.descriptor = getattr(network, "descriptor", UNKNOWN)

    def forward(self, rainy: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 h w"]:
        """The mean of both pictures."""
        restored: Tensor = self.network(rainy)
        mirrored: Tensor = self.network(rainy.flip(-1))
        return (restored + mirrored.flip(-1)) / 2
