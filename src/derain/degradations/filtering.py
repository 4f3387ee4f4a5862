"""Filters: every picture under a kernel of its own."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad


def filtered(pictures: Float[Tensor, "n c h w"], kernels: Float[Tensor, "n k k"]) -> Float[Tensor, "n c h w"]:
    """Convolve every picture with its kernel; beyond the border the picture's last pixel goes on.

    The transform of a whole picture takes as long for a large kernel as for a small one.

    Args:
        kernels: of odd size, with their origin in the middle.
    """
    radius = kernels.shape[-1] // 2
    wide = pad(pictures, (radius,) * 4, mode="replicate")
    height, width = wide.shape[-2:]
    origin = torch.zeros(len(kernels), height, width, device=pictures.device)
    origin[:, : kernels.shape[-1], : kernels.shape[-1]] = kernels
    origin = origin.roll((-radius, -radius), (1, 2))
    product = torch.fft.rfft2(wide) * torch.fft.rfft2(origin)[:, None]
    through: Tensor = torch.fft.irfft2(product, s=(height, width))
    return through[..., radius : height - radius, radius : width - radius]


def plane(radius: int, device: torch.device) -> tuple[Float[Tensor, "1 k"], Float[Tensor, "k 1"]]:
    """Distances of a kernel's pixels from its middle: to the right, and down."""
    line = torch.arange(-radius, radius + 1, device=device).float()
    return line[None, :], line[:, None]


def normalised(kernels: Float[Tensor, "n k k"]) -> Float[Tensor, "n k k"]:
    """Kernels of sum 1."""
    return kernels / kernels.sum((1, 2), keepdim=True)
