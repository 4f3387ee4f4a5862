"""Training losses: sums of simple terms that compare the network's last picture with the clean one, or your own."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from derain.errors import InputError
from derain.networks.similarity import ssim
from derain.support.user_code import UserCode, determined_class, names_class, parse_class, running
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


def loss_of(text: str, side_px: int = 64) -> Loss:
    """The loss that a text such as "l1+ssim:0.2" or FILE.py:CLASS names.

    Args:
        text: terms and grammar as of `derain.training.settings.read_loss`, or a class of your own.
        side_px: side of the samples that a loss of your own is tried on.

    Raises:
        InputError: an unknown term or a bad weight; or as `UserLoss`.

    >>> black, white = torch.zeros(1, 3, 16, 16), torch.ones(1, 3, 16, 16)
    >>> float(loss_of("l1:0.5")(black, white))
    0.5
    """
    if names_class(text):
        return UserLoss(text, side_px)
    terms = read_loss(text)

    def loss(restored: Tensor, clean: Tensor) -> Tensor:
        return torch.stack([weight * _TERMS[name](restored, clean) for name, weight in terms.items()]).sum()

    return loss


class UserLoss:
    """A loss of a file of the user's (docs/how-to/own-loss.md), which is tried on two samples when it is made.

    Its class is called with the restored and the clean samples, RGB in 0..1 as `(n, 3, h, w)`, and gives a tensor of a
    single number. A torch module is put on the samples' device, and its weights are not trained.

    Args:
        text: FILE.py:CLASS:key=value,...
        side_px: side of the samples that it is tried on.

    Raises:
        InputError: the code cannot be made or fails; or it gives no tensor of a single finite number that depends on
            the restored samples, or another number when it is called again.
    """

    def __init__(self, text: str, side_px: int) -> None:
        name, arguments = parse_class(text, "loss")
        code = UserCode(name, "loss")
        self._name, self._importing, self._loss = name, code.importing, code.make(arguments)
        if isinstance(self._loss, nn.Module):
            self._loss = self._loss.eval().requires_grad_(False)
        self._try(side_px)

    def __call__(self, restored: Tensor, clean: Tensor) -> Tensor:
        if isinstance(self._loss, nn.Module):
            self._loss = self._loss.to(restored.device)
        with running(self._importing, f"the loss {self._name}"):
            loss: Tensor = self._loss(restored, clean)
        if not isinstance(loss, Tensor) or loss.dim():
            raise InputError(f"the loss {self._name} gives no tensor of a single number")
        return loss

    def _try(self, side_px: int) -> None:
        rng = torch.Generator().manual_seed(0)
        restored, clean = torch.rand(2, 2, 3, side_px, side_px, generator=rng)
        values = []
        for _ in range(2):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                values.append(self(restored.requires_grad_(), clean))
        if not values[0].isfinite():
            raise InputError(f"the loss {self._name} of two pictures is {values[0].item()}")
        if not values[0].requires_grad:
            raise InputError(f"the loss {self._name} does not depend on the restored picture")
        if not torch.equal(*values):
            raise InputError(f"the loss {self._name} gives another number when it is called again with the same seed")


def determined_loss(text: str) -> str | dict[str, Any]:
    """All that determines a loss: its text, or the class, its code and its arguments. The file is run.

    Raises:
        InputError: the file cannot be read, or running it fails.

    >>> determined_loss("l1+ssim:0.2")
    'l1+ssim:0.2'
    """
    return determined_class(text, "loss") if names_class(text) else text
