"""Training losses: sums of simple terms that compare the network's last picture with the clean one."""

from collections.abc import Callable, Mapping
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor, nn

from derain.metrics import WINDOW
from derain.settings import read_loss

Loss = Callable[[Tensor, Tensor], Tensor]


def ssim(restored: Float[Tensor, "n c h w"], clean: Float[Tensor, "n c h w"]) -> Float[Tensor, ""]:
    """Mean structural similarity of pictures in 0..1, differentiable (Wang et al., TIP 2004).

    The definition is that of the metric: an 11x11 Gaussian window of sigma 1.5 in the valid region, K of 0.01 and 0.03,
    the mean over pixels, channels and samples. A side has at least 11 pixels.

    >>> flat = torch.full((1, 3, 16, 16), 0.5)
    >>> float(ssim(flat, flat))
    1.0
    """
    c1, c2 = 0.01**2, 0.03**2
    stacked = torch.stack([restored, clean, restored * clean, restored**2 + clean**2])
    mean_x, mean_b, mean_product, mean_squares = _window_mean(stacked)
    product, squares = mean_x * mean_b, mean_x**2 + mean_b**2
    luminance = (2 * product + c1) / (squares + c1)
    structure = (2 * (mean_product - product) + c2) / (mean_squares - squares + c2)
    similarity: Tensor = (luminance * structure).mean()
    return similarity


def _one_minus_ssim(restored: Tensor, clean: Tensor) -> Tensor:
    return 1 - ssim(restored, clean)


_TERMS: Mapping[str, Loss] = {
    "l1": nn.functional.l1_loss,
    "l2": nn.functional.mse_loss,
    "ssim": _one_minus_ssim,
}


def loss_of(text: str) -> Loss:
    """The loss that a text such as "l1+ssim:0.2" names; terms and grammar are those of `derain.settings.read_loss`.

    Raises:
        InputError: an unknown term or a bad weight.

    >>> black, white = torch.zeros(1, 3, 16, 16), torch.ones(1, 3, 16, 16)
    >>> float(loss_of("l1:0.5")(black, white))
    0.5
    """
    terms = read_loss(text)

    def loss(restored: Tensor, clean: Tensor) -> Tensor:
        return torch.stack([weight * _TERMS[name](restored, clean) for name, weight in terms.items()]).sum()

    return loss


def _window_mean(planes: Float[Tensor, "*n h w"]) -> Float[Tensor, "*n h-10 w-10"]:
    """The mean under the Gaussian window wherever it lies inside, as products with two banded matrices."""
    rows, columns = (_band(size, planes.device, planes.dtype) for size in planes.shape[-2:])
    means: Tensor = rows @ planes @ columns.T
    return means


@cache
def _band(size: int, device: torch.device, dtype: torch.dtype) -> Float[Tensor, "rows columns"]:
    window = torch.tensor([*WINDOW[:0:-1], *WINDOW], device=device, dtype=dtype)
    band = torch.zeros(size - len(window) + 1, size, device=device, dtype=dtype)
    for row, values in enumerate(band):
        values[row : row + len(window)] = window
    return band
