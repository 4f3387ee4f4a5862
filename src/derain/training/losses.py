"""Training losses: sums of simple terms that compare the network's last picture with the clean one."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from derain.networks.similarity import ssim
from derain.training.settings import read_loss

Loss = Callable[[Tensor, Tensor], Tensor]


def _one_minus_ssim(restored: Tensor, clean: Tensor) -> Tensor:
    return 1 - ssim(restored, clean)


_TERMS: Mapping[str, Loss] = {
    "l1": nn.functional.l1_loss,
    "l2": nn.functional.mse_loss,
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
