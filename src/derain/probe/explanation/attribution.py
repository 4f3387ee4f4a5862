"""Local attribution maps: the input pixels on which the structure of a place of the result rests.

Gu and Dong, "Interpreting Super-Resolution Networks with Local Attribution Maps", CVPR 2021. A detector D sums the
gradient magnitudes of the result over a window. Its change along a path from the blurred picture to the picture, on
which the blur fades, is attributed to the input pixels by the chain rule:

    LAM_i = integral over a from 0 to 1 of  dD(f(path(a))) / dpath(a)_i  *  dpath(a)_i / da

The attributions of all pixels add up to D(f(picture)) - D(f(blurred)). The diffusion index is 100 (1 - G), with the
Gini coefficient G of their magnitudes: 0 where one pixel has it all, 100 where all have as much. As in the authors'
code the blur is a window of 9 pixels, whose sigma falls from 1.2 to 0 in 50 equal steps.
"""

import math
from dataclasses import asdict, dataclass

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor, nn

from derain.networks.filters import gaussian
from derain.rain import rain_mask

_THRESHOLD, _BATCH = 10.0, 10
_TINY = 1e-12  # under the root, whose slope at 0 is infinite


@dataclass(frozen=True, eq=False)
class Attribution:
    """The attribution of one place of one picture.

    Attributes:
        top: of the window, and `left`, in pixels.
        diffusion_index: 0..100; None: nothing is attributed to any pixel.
        rain_density: mean magnitude on rain pixels (O - B above 10 levels) over that on the others; None: one of them
            is 0 or has no pixels.
        missing: share of D(f(picture)) - D(f(blurred)) that the attributions do not add up to; None: it is 0.
        magnitudes: of the attributions, all channels added up.
    """

    top: int
    left: int
    diffusion_index: float | None
    rain_density: float | None
    missing: float | None
    magnitudes: Float[Tensor, "h w"]

    def to_json(self) -> dict[str, object]:
        """All attributes but the magnitudes."""
        return {name: value for name, value in asdict(self).items() if name != "magnitudes"}


def diffusion_index(magnitudes: Float[Tensor, "h w"]) -> float | None:
    """100 (1 - G) with the Gini coefficient of magnitudes; None where all are 0.

    >>> diffusion_index(torch.ones(4, 5)), diffusion_index(torch.eye(1, 100))
    (100.0, 1.0)
    """
    values = magnitudes.flatten().double().sort().values
    count, total = len(values), float(values.sum())
    if total == 0:
        return None
    ranks = torch.arange(1, count + 1, dtype=torch.float64)
    gini = float(((2 * ranks - count - 1) * values).sum()) / (count * total)
    return round(100 * (1 - gini), 9)


def structure(result: Float[Tensor, "n 3 h w"], top: int, left: int, window_px: int) -> Float[Tensor, " n"]:
    """The detector D: gradient magnitudes, by differences of neighbours, summed over a window and the channels."""
    place = result[..., top : top + window_px, left : left + window_px]
    down = place[..., 1:, :-1] - place[..., :-1, :-1]
    across = place[..., :-1, 1:] - place[..., :-1, :-1]
    return (down**2 + across**2 + _TINY).sqrt().sum((1, 2, 3))


def attribute(
    network: nn.Module,
    rainy: UInt8[Tensor, "3 h w"],
    clean: UInt8[Tensor, "3 h w"],
    window_px: int = 16,
    sigma_px: float = 1.2,
    steps: int = 50,
) -> Attribution:
    """Attribute the structure of the result, at the place with most rain, to the pixels of the rainy picture.

    Args:
        network: in evaluation mode, on the CPU.
        rainy: levels 0..255.
        clean: the same without rain.
        window_px: side of the place.
        sigma_px: blur at the beginning of the path.
        steps: of the path.
    """
    top, left = _place(rainy, clean, window_px)
    picture = rainy.float()[None] / 255
    path = torch.cat([blurred(picture, sigma_px * (1 - step / steps)) for step in range(steps + 1)])
    total = torch.zeros_like(picture[0])
    for points, moves in zip(path[1:].split(_BATCH), path.diff(dim=0).split(_BATCH), strict=True):
        inputs = points.clone().requires_grad_(True)
        [slopes] = torch.autograd.grad(structure(network(inputs), top, left, window_px).sum(), inputs)
        total += (slopes * moves).sum(0)
    with torch.no_grad():
        before, after = structure(network(path[[0, -1]]), top, left, window_px).tolist()
    change, magnitudes = after - before, total.abs().sum(0)
    missing = 1 - float(total.sum()) / change if change else None
    mask = rain_mask(rainy, clean, _THRESHOLD)[0]
    return Attribution(top, left, diffusion_index(magnitudes), _density(magnitudes, mask), missing, magnitudes)


def blurred(pictures: Float[Tensor, "n 3 h w"], sigma_px: float) -> Float[Tensor, "n 3 h w"]:
    """The pictures under a Gaussian of three sigmas to each side; themselves for a sigma of 0."""
    return gaussian(pictures, sigma_px, 2 * math.ceil(3 * sigma_px) + 1) if sigma_px else pictures


def _place(rainy: UInt8[Tensor, "3 h w"], clean: UInt8[Tensor, "3 h w"], window_px: int) -> tuple[int, int]:
    """Top and left of the window with most rain; of several, the first."""
    rain = (rainy.float() - clean.float()).sum(0)
    sums = nn.functional.avg_pool2d(rain[None, None], window_px, stride=1)[0, 0]
    top, left = divmod(int(sums.argmax()), sums.shape[1])
    return top, left


def _density(magnitudes: Float[Tensor, "h w"], mask: Bool[Tensor, "h w"]) -> float | None:
    if not mask.any() or mask.all() or not (elsewhere := float(magnitudes[~mask].mean())):
        return None
    return float(magnitudes[mask].mean()) / elsewhere
