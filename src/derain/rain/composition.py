"""Laying rain on a picture, and finding it again."""

import torch
from jaxtyping import Bool, Float, Real
from torch import Tensor

from derain.support.choices import Residual


def compose(background: Real[Tensor, "*n c h w"], layer: Real[Tensor, "*n 1 h w"]) -> Float[Tensor, "*n c h w"]:
    """O = clip(B + R, 0, 255): the additive rain of the paper (section 3), one grey layer over all channels.

    Args:
        background: levels 0..255, of any type.
        layer: streaks, 0 and above.

    >>> compose(torch.tensor([[[100.0]], [[200.0]], [[250.0]]]), torch.tensor([[[30.0]]])).flatten()
    tensor([130., 230., 255.])
    """
    return (_floating(background) + layer).clamp_(0, 255)


def rain_mask(
    rainy: Real[Tensor, "*n 3 h w"], clean: Real[Tensor, "*n 3 h w"], threshold: float, residual: Residual = "rain"
) -> Bool[Tensor, "*n 1 h w"]:
    """The mask of rain: the largest of the three channel differences O - B exceeds `threshold` levels (of 0..255).

    It is taken from the pictures, after clipping, so that it means the same for synthetic and for real pairs. Under
    another degradation than rain, differences of either sign count.

    >>> clean = torch.zeros(3, 1, 2)
    >>> rainy = torch.tensor([[[10.0, 10.0]], [[0.0, 11.0]], [[0.0, 0.0]]])
    >>> rain_mask(rainy, clean, threshold=10.0)
    tensor([[[False,  True]]])
    """
    return largest_rise(rainy, clean, residual) > threshold


def largest_rise(
    rainy: Real[Tensor, "*n 3 h w"], clean: Real[Tensor, "*n 3 h w"], residual: Residual = "rain"
) -> Float[Tensor, "*n 1 h w"]:
    """The largest of the three channel differences O - B, which `rain_mask` compares with its threshold.

    Under another degradation than rain it is the largest difference of either sign.
    """
    difference = _floating(rainy) - clean
    return (difference if residual == "rain" else difference.abs()).amax(-3, keepdim=True)


def _floating(levels: Real[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """Sums and differences of 8-bit levels would wrap around."""
    return levels.to(torch.promote_types(levels.dtype, torch.float32))
