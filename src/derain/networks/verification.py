"""The check that another form of a network gives the same pictures."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

_SIZES_PX = ((48, 64), (61, 70))


def largest_difference(
    network: Callable[[Float[Tensor, "1 3 _ _"]], Float[Tensor, "1 3 _ _"]],
    other: Callable[[Float[Tensor, "1 3 _ _"]], Float[Tensor, "1 3 _ _"]],
) -> float:
    """The largest difference of the two, in 0..1, on two pictures of different sizes; NaN where one gives NaN."""
    generator = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        pictures = [_picture(height, width, generator) for height, width in _SIZES_PX]
        differences = [(network(picture) - other(picture)).abs().max() for picture in pictures]
    return float(torch.stack(differences).max())


def _picture(height: int, width: int, generator: torch.Generator) -> Float[Tensor, "1 3 h w"]:
    """Octaves of noise, half as strong at half the size, as in photographs: SPDNet amplifies rounding a hundredfold
    where a picture is smoother or saturated.
    """
    octaves = [torch.rand(1, 3, 3 * 2**k, 4 * 2**k, generator=generator) / 2 ** (k + 1) for k in range(5)]
    enlarged = [nn.functional.interpolate(octave, (height, width), mode="bilinear") for octave in octaves]
    return torch.stack(enlarged).sum(0)
