"""Training losses: sums of simple terms that compare the network's last picture with the clean one."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from derain.networks.similarity import ssim
from derain.training.settings import read_loss

Loss = Callable[[Tensor, Tensor], Tensor]


_EPSILON = 1e-3


def charbonnier(restored: Tensor, clean: Tensor) -> Tensor:
    """The mean of sqrt(difference^2 + 0.001^2): L1 with a round bottom (Lai et al., CVPR 2017, section 3.3).

    >>> round(float(charbonnier(torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8))), 4)
    1.0
    """
    return ((restored - clean).square() + _EPSILON**2).sqrt().mean()


def frequency(restored: Tensor, clean: Tensor) -> Tensor:
    """The mean difference of the pictures' Fourier coefficients, real and imaginary parts apart.

    After Cho et al., ICCV 2021, equation 6, at one scale. The transform keeps the sum of squares, so that the size of
    the samples does not change the weight of the term.

    >>> float(frequency(torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8)))  # 8 in one of 2 * 64 parts
    0.0625
    """
    return torch.view_as_real(torch.fft.fft2(restored - clean, norm="ortho")).abs().mean()


def _one_minus_ssim(restored: Tensor, clean: Tensor) -> Tensor:
    return 1 - ssim(restored, clean)


_TERMS: Mapping[str, Loss] = {
    "l1": nn.functional.l1_loss,
    "l2": nn.functional.mse_loss,
    "charbonnier": charbonnier,
    "frequency": frequency,
    "ssim": _one_minus_ssim,
}


def loss_of(text: str) -> Loss:
    """The loss that a text such as "l1+ssim:0.2" names.

    `derain.training.settings.read_loss` has the terms and the grammar.

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
