"""Streak layers by the public recipe of the paper's footnote 3: sparse noise, each grain drawn out to one streak."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Complex64, Float
from torch import Tensor
from torch.nn.functional import pad

from derain.rain.kernels import Recipe, streak_kernels
from derain.rain.ranges import RainRange, StreakParameters, check_interval

# White of a "corrected" layer lies this many standard deviations above its mean: so chosen that medium rain at 128 x 128
# has the same mean R as with the recipe "paper".
WHITE_DEVIATIONS = 5.55

# Grains times taps that are added up at once: bounds the memory on large photos.
_CHUNK = 2**20


def sample_noise(
    quantity: Float[np.ndarray, "n"], height: int, width: int, rng: np.random.Generator
) -> Float[np.ndarray, "n {height} {width}"]:
    """Step 1 of the recipe: uniform noise of 0..256 a pixel, of which only values from 256 - 0.01 quantity up are kept.

    The grains that are kept are a Bernoulli process with p = quantity / 25600. So only they are drawn: geometric gaps
    from one to the next, and values uniform in [256 - 0.01 quantity, 256). This happens on the CPU, float32: every
    device renders the same grains.

    >>> noise = sample_noise(np.array([256.0]), 100, 100, np.random.default_rng(0))
    >>> bool(80 < (noise > 0).sum() < 120), bool(noise[noise > 0].min() >= 253.44)
    (True, True)
    """
    pixels = height * width
    rate = -np.log1p(-quantity[:, None] / 25600)
    expected = pixels * quantity.max(initial=0) / 25600
    draws = int(expected + 6 * expected**0.5) + 8  # nearly always enough to pass the last pixel
    position = np.full((len(quantity), 1), -1)
    while position[:, -1].min(initial=pixels) < pixels:
        gaps = (rng.standard_exponential((len(quantity), draws)) / rate).astype(np.int64) + 1
        position = np.concatenate([position, position[:, -1:] + gaps.cumsum(1)], axis=1)
    position = position[:, 1:]
    inside = position < pixels
    layer = np.nonzero(inside)[0]
    noise = np.zeros((len(quantity), pixels), np.float32)
    noise[layer, position[inside]] = 256 - 0.01 * quantity[layer] * rng.random(len(layer))
    return noise.reshape(-1, height, width)


def render_streaks(
    parameters: StreakParameters,
    noise: Float[np.ndarray, "n h w"],
    recipe: Recipe,
    device: torch.device | str = "cpu",
) -> Float[Tensor, "n 1 h w"]:
    """Draw every grain of the noise out to the streak of its layer.

    Both recipes filter the noise with the 3x3 cross [0, .1, 0; .1, 8, .1; 0, .1, 0] and correlate it with the layer's
    kernel (`streak_kernels`), with reflection (101) at the border. They differ in how the result X becomes levels:

    - "paper": minimum to maximum of each layer become 0..255, cut to whole levels, as in the public recipe. So the
      brightness depends on the size that is rendered. Equal to OpenCV's result up to one level.
    - "corrected": 255 X / white, rounded, clipped at 255, with a white that follows from the parameters alone. X is shot
      noise: grains of probability p and value a, each leaving the streak h = cross * kernel. Campbell's theorem (for
      independent pixels in place of a Poisson process) gives its mean p E[a] sum(h) and its variance
      (p E[a^2] - p^2 E[a]^2) sum(h^2). White is the mean plus `WHITE_DEVIATIONS` standard deviations, but at least the
      peak E[a] max(h) of a lone streak. No size enters, so a crop looks like a layer rendered at the size of the crop.

    Args:
        parameters: of the n layers.
        noise: step 1, from `sample_noise`.
        recipe: see above and `streak_kernels`.
        device: where to render. The order of summation differs between devices, so single levels may differ by one.

    Returns:
        whole numbers 0..255; a layer without any grain is all zero.

    Raises:
        InputError: the recipe cannot render a length.
    """
    kernels = streak_kernels(parameters, recipe)
    layers = _draw_out(noise, kernels, device)
    if recipe == "paper":
        darkest = layers.amin((1, 2), keepdim=True)
        span = layers.amax((1, 2), keepdim=True) - darkest
        levels = layers.sub_(darkest).mul_(255 / span.clamp_(min=1e-6)).floor_()
    else:
        white = _white(parameters.quantity, kernels).to(device)
        levels = layers.mul_(255 / white[:, None, None]).round_().clamp_(max=255)
    return levels[:, None]


@dataclass(frozen=True)
class Streaks:
    """A family of rain: streaks with the parameters of a range, times a brightness drawn uniformly for each layer.

    Raises:
        InputError: an interval from high to low, or a brightness of 0 or less.
    """

    range: RainRange
    recipe: Recipe = "paper"
    brightness: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        check_interval("brightness", self.brightness, above=0)
        if self.recipe == "paper":
            check_interval("length_px with the recipe 'paper'", self.range.length_px, above=0, below=100)

    def layers(
        self, count: int, height: int, width: int, rng: np.random.Generator, device: torch.device | str = "cpu"
    ) -> Float[Tensor, "{count} 1 {height} {width}"]:
        """`count` layers, levels 0..255 times their brightness."""
        parameters = self.range.sample(count, rng)
        brightness = torch.from_numpy(rng.uniform(*self.brightness, count)).float().to(device)
        noise = sample_noise(parameters.quantity, height, width, rng)
        return render_streaks(parameters, noise, self.recipe, device).mul_(brightness[:, None, None, None])

    def describe(self) -> dict[str, Any]:
        """All that determines the layers, JSON-able."""
        return {"kind": "streaks", "recipe": self.recipe, **asdict(self.range), "brightness": self.brightness}


def _cross(pictures: Float[Tensor, "n hh ww"]) -> Float[Tensor, "n h w"]:
    """The recipe's 3x3 filter; the result lacks the outermost rows and columns."""
    around = pictures[:, :-2, 1:-1] + pictures[:, 2:, 1:-1]
    around += pictures[:, 1:-1, :-2]
    around += pictures[:, 1:-1, 2:]
    return around.mul_(0.1).add_(pictures[:, 1:-1, 1:-1], alpha=8)


def _white(quantity: Float[np.ndarray, "n"], kernels: Float[Tensor, "n size size"]) -> Float[Tensor, "n"]:
    """What becomes 255 in a "corrected" layer; the derivation is in `render_streaks`."""
    streaks = _cross(pad(kernels, (2, 2, 2, 2))).double()
    grains = torch.from_numpy(quantity)
    p, lowest = grains / 25600, 256 - 0.01 * grains
    mean = (lowest + 256) / 2
    mean_square = mean**2 + (256 - lowest) ** 2 / 12
    level = p * mean * streaks.sum((1, 2))
    deviation = ((p * mean_square - (p * mean) ** 2) * streaks.square().sum((1, 2))).sqrt()
    return torch.maximum(level + WHITE_DEVIATIONS * deviation, mean * streaks.amax((1, 2))).float()


def _draw_out(
    noise: Float[np.ndarray, "n h w"], kernels: Float[Tensor, "n size size"], device: torch.device | str
) -> Float[Tensor, "n h w"]:
    """The noise filtered by the cross and correlated with the kernels, continued by reflection at its border.

    Grains are few and streaks narrow, so the taps of each streak are added up where they fall: at the recipe's densities
    of about 1 % that takes less time than Fourier transforms, and where there is no rain the result is exactly zero.
    Two neighbouring pixels are one complex number, which halves the number of places to add at; grains in odd columns
    go to a plane of their own, one pixel further left, so that their streaks start at a whole number too.
    """
    count, height, width = noise.shape
    streaks, row_shift, pair_shift = _footprints(kernels)
    # The margin holds the grains beyond the border whose streaks reach the picture, and one pixel more for the cross.
    top, bottom = 1 + max(row_shift + streaks.shape[1] - 1, 0), 1 + max(-row_shift, 0)
    left, right = 2 + max(2 * (pair_shift + streaks.shape[2]) - 1, 0), 1 + max(-2 * pair_shift, 0)
    right += (left + width + right) % 2
    grains = _reflect(noise, top, bottom, left, right)
    rows, columns = grains.shape[1:]
    position = np.flatnonzero(grains > 0)
    value = torch.from_numpy(grains.reshape(-1)[position]).to(device)

    # Streaks that leave their layer end in the margin of the next row or layer, or in spare rows: all that is cut off.
    spare, pairs = (top + bottom) * columns // 2, grains.size // 2
    planes = torch.zeros(2, spare + pairs + spare, dtype=torch.complex64, device=device)
    place = torch.from_numpy(position // 2 + position % 2 * planes.shape[1] + spare).to(device)[:, None]
    layer, row, pair = streaks.nonzero(as_tuple=True)
    tap = torch.view_as_real(streaks[layer, row, pair].to(device)).flatten()
    shift = ((row + row_shift) * (columns // 2) + pair + pair_shift).to(device)
    of_grains = np.searchsorted(position, np.arange(1, count) * rows * columns)
    of_taps = np.searchsorted(layer.numpy(), np.arange(1, count))
    for places, values, shifts, taps in zip(
        place.tensor_split(of_grains.tolist()),
        value.tensor_split(of_grains.tolist()),
        shift.tensor_split(of_taps.tolist()),
        tap.tensor_split((2 * of_taps).tolist()),
        strict=True,
    ):
        step = _CHUNK // max(len(shifts), 1)
        for some, theirs in zip(places.split(step), values.split(step), strict=True):
            levels = torch.view_as_complex(torch.outer(theirs, taps).view(-1, 2))
            planes.view(-1).scatter_add_(0, (some + shifts).view(-1), levels)

    even, odd = torch.view_as_real(planes[:, spare : spare + pairs]).view(2, count, rows, columns)
    around = slice(top - 1, top + height + 1)
    return _cross(even[:, around, left - 1 : left + width + 1] + odd[:, around, left - 2 : left + width])


def _reflect(noise: Float[np.ndarray, "n h w"], top: int, bottom: int, left: int, right: int) -> np.ndarray:
    """Continue the noise by reflection that does not repeat the border."""
    if max(top, bottom) < noise.shape[1] and max(left, right) < noise.shape[2]:
        return pad(torch.from_numpy(noise), (left, right, top, bottom), mode="reflect").numpy()
    return np.pad(noise, ((0, 0), (top, bottom), (left, right)), mode="reflect")  # slower, but as often as needed


def _footprints(
    kernels: Float[Tensor, "n size size"],
) -> tuple[Complex64[Tensor, "n rows pairs"], int, int]:
    """What a grain leaves: the kernel mirrored at its anchor, cut to what is lit, two neighbours as a complex number.

    The integers are where its first row and its first pair lie as seen from the grain.
    """
    size = kernels.shape[-1]
    grain = size - 1 - size // 2
    streaks = kernels.flip(-2, -1)
    lit = streaks.amax(0)
    # (A kernel of a few shrunken samples may be empty: then a single pixel is kept.)
    rows = lit.amax(1).nonzero().flatten().tolist() or [grain]
    columns = lit.amax(0).nonzero().flatten().tolist() or [grain]
    before = (columns[0] - grain) % 2
    after = (columns[-1] + 1 - columns[0] + before) % 2
    streaks = pad(streaks[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], (before, after))
    return torch.view_as_complex(streaks.unflatten(-1, (-1, 2))), rows[0] - grain, (columns[0] - before - grain) // 2
