"""Laying rain on a picture, and finding it again."""

from jaxtyping import Bool, Float
from torch import Tensor


def compose(background: Float[Tensor, "*n c h w"], layer: Float[Tensor, "*n 1 h w"]) -> Float[Tensor, "*n c h w"]:
    """O = clip(B + R, 0, 255): the additive rain of the paper (section 3), one grey layer over all channels.

    Args:
        background: levels 0..255.
        layer: streaks, 0 and above.

    >>> import torch
    >>> compose(torch.tensor([[[100.0]], [[200.0]], [[250.0]]]), torch.tensor([[[30.0]]])).flatten()
    tensor([130., 230., 255.])
    """
    return (background + layer).clamp_(0, 255)


def rain_mask(
    rainy: Float[Tensor, "*n 3 h w"], clean: Float[Tensor, "*n 3 h w"], threshold: float
) -> Bool[Tensor, "*n 1 h w"]:
    """Where it rains: the largest of the three channel differences O - B exceeds `threshold` levels (of 0..255).

    It is taken from the pictures, after clipping, so that it means the same for synthetic and for real pairs.

    >>> import torch
    >>> clean = torch.zeros(3, 1, 2)
    >>> rainy = torch.tensor([[[10.0, 10.0]], [[0.0, 11.0]], [[0.0, 0.0]]])
    >>> rain_mask(rainy, clean, threshold=10.0)
    tensor([[[False,  True]]])
    """
    return (rainy - clean).amax(-3, keepdim=True) > threshold
