"""Streak layers by the public recipe of the paper's footnote 3: sparse noise, each grain drawn out to one streak."""

from dataclasses import asdict, dataclass
from typing import Any, get_args

import numpy as np
import torch
from jaxtyping import Complex64, Float, Int
from torch import Tensor
from torch.nn.functional import pad

from derain.errors import one_of
from derain.rain.kernels import streak_kernels
from derain.rain.ranges import RainRange, StreakParameters, check_interval
from derain.support.choices import Recipe

# White of a "corrected" layer lies this many standard deviations above its mean: so chosen that medium rain at 128 x
# 128 has the same mean R as with the recipe "paper".
WHITE_DEVIATIONS = 5.55

# Grains times taps that are added up at once, and pixels of the layers held at once while they are drawn: both bound
# the memory on large photos, and small batches stay in the processor's cache.
_CHUNK, _GROUP = 2**20, 2**18


@dataclass(frozen=True)
class Grains:
    """The pixels of a batch of sparse noise layers that are not 0, in the order of their layers."""

    layer: Int[np.ndarray, "grains"]
    row: Int[np.ndarray, "grains"]
    column: Int[np.ndarray, "grains"]
    value: Float[np.ndarray, "grains"]


def sample_grains(quantity: Float[np.ndarray, "n"], height: int, width: int, rng: np.random.Generator) -> Grains:
    """Step 1 of the recipe: uniform noise of 0..256 a pixel, of which only values from 256 - 0.01 quantity up are kept.

    The grains that are kept are a Bernoulli process with p = quantity / 25600. So only they are drawn: geometric gaps
    from one to the next, and values uniform in [256 - 0.01 quantity, 256). This happens on the CPU: every device
    renders the same grains.
    """
    pixels = height * width
    rate = -np.log1p(-quantity[:, None] / 25600)
    expected = pixels * quantity.max(initial=0) / 25600
    draws = int(expected + 6 * expected**0.5) + 8  # nearly always enough to pass the last pixel
    position = np.full((len(quantity), 1), -1)
    while position[:, -1].min(initial=pixels) < pixels:
        # Beyond the last pixel all gaps are alike; of next to no rain they would be larger than integers are.
        gaps = np.minimum(rng.standard_exponential((len(quantity), draws)) / rate, pixels).astype(np.int64) + 1
        position = np.concatenate([position, position[:, -1:] + gaps.cumsum(1)], axis=1)
    position = position[:, 1:]
    inside = position < pixels
    layer = np.nonzero(inside)[0]
    row, column = np.divmod(position[inside], width)
    value = 256 - 0.01 * quantity[layer] * rng.random(len(layer))
    return Grains(layer, row, column, value.astype(np.float32))


def sample_noise(
    quantity: Float[np.ndarray, "n"], height: int, width: int, rng: np.random.Generator
) -> Float[np.ndarray, "n {height} {width}"]:
    """The grains of `sample_grains` as float32 layers that are 0 elsewhere.

    >>> noise = sample_noise(np.array([256.0]), 100, 100, np.random.default_rng(0))
    >>> bool(80 < (noise > 0).sum() < 120), bool(noise[noise > 0].min() >= 253.44)
    (True, True)
    """
    grains = sample_grains(quantity, height, width, rng)
    noise = np.zeros((len(quantity), height, width), np.float32)
    noise[grains.layer, grains.row, grains.column] = grains.value
    return noise


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
    - "corrected": 255 X / white, rounded, clipped at 255, with a white that follows from the parameters alone. X is
      shot noise: grains of probability p and value a, each leaving the streak h = cross * kernel. Campbell's theorem
      (for independent pixels in place of a Poisson process) gives its mean p E[a] sum(h) and its variance
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
    layer, row, column = np.nonzero(noise)
    grains = Grains(layer, row, column, noise[layer, row, column])
    _, height, width = noise.shape
    return render_grains(parameters, grains, height, width, recipe, device)


def render_grains(
    parameters: StreakParameters,
    grains: Grains,
    height: int,
    width: int,
    recipe: Recipe,
    device: torch.device | str = "cpu",
) -> Float[Tensor, "n 1 {height} {width}"]:
    """`render_streaks` for noise that is given by its grains."""
    kernels = streak_kernels(parameters, recipe)
    layers = _cross(_draw_out(grains, kernels, height, width, device))
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
        InputError: an unknown recipe, an interval from high to low, or a brightness of 0 or less.
    """

    range: RainRange
    recipe: Recipe = "paper"
    brightness: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        one_of(self.recipe, get_args(Recipe), "recipe")
        check_interval("brightness", self.brightness, above=0)
        if self.recipe == "paper":
            check_interval("length_px with the recipe 'paper'", self.range.length_px, above=0, below=100)

    def layers(
        self, count: int, height: int, width: int, rng: np.random.Generator, device: torch.device | str = "cpu"
    ) -> Float[Tensor, "{count} 1 {height} {width}"]:
        """`count` layers, levels 0..255 times their brightness."""
        parameters = self.range.sample(count, rng)
        brightness = torch.from_numpy(rng.uniform(*self.brightness, count)).float().to(device)
        grains = sample_grains(parameters.quantity, height, width, rng)
        layers = render_grains(parameters, grains, height, width, self.recipe, device)
        return layers.mul_(brightness[:, None, None, None])

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
    """The value that becomes 255 in a "corrected" layer; `render_streaks` derives it."""
    streaks = _cross(pad(kernels, (2, 2, 2, 2))).double()
    grains = torch.from_numpy(quantity)
    p, lowest = grains / 25600, 256 - 0.01 * grains
    mean = (lowest + 256) / 2
    mean_square = mean**2 + (256 - lowest) ** 2 / 12
    level = p * mean * streaks.sum((1, 2))
    deviation = ((p * mean_square - (p * mean) ** 2) * streaks.square().sum((1, 2))).sqrt()
    return torch.maximum(level + WHITE_DEVIATIONS * deviation, mean * streaks.amax((1, 2))).float()


def _draw_out(
    grains: Grains, kernels: Float[Tensor, "n size size"], height: int, width: int, device: torch.device | str
) -> Float[Tensor, "n {height}+2 {width}+2"]:
    """The noise correlated with the kernels, continued by reflection at its border; one pixel larger on every side.

    Grains are few and streaks narrow, so the taps of each streak are added up where they fall: at the recipe's
    densities of about 1 % that takes less time than Fourier transforms, and where it does not rain the result is 0.
    Two neighbouring pixels are one complex number, which halves the number of places to add at; grains in odd columns
    go to a plane of their own, one pixel further left, so that their streaks start at a whole number too.
    """
    count = len(kernels)
    streaks, row_shift, pair_shift = _footprints(kernels)
    # The margin holds the grains beyond the border whose streaks reach the picture, and the pixel more on every side.
    top, bottom = 1 + max(row_shift + streaks.shape[1] - 1, 0), 1 + max(-row_shift, 0)
    left, right = 2 + max(2 * (pair_shift + streaks.shape[2]) - 1, 0), 1 + max(-2 * pair_shift, 0)
    right += (left + width + right) % 2
    rows, columns = top + height + bottom, left + width + right
    of_row, row = _mirror(grains.row, height, top, bottom)
    of_column, column = _mirror(grains.column[of_row], width, left, right)
    grain, row = of_row[of_column], row[of_column]

    # Streaks that leave their layer end in the margin of the next row, or in spare rows: all that is cut off.
    spare, pairs = (top + bottom) * columns // 2, rows * columns // 2
    group = max(1, min(count, _GROUP // pairs))
    planes = torch.empty(2, group * (spare + pairs) + spare, dtype=torch.complex64, device=device)
    layer = grains.layer[grain]
    place = column % 2 * planes.shape[1] + layer % group * (spare + pairs) + spare + (row * columns + column) // 2
    # Places are added up and read often: 32 bits hold them for any picture.
    places = torch.from_numpy(place.astype(np.int32))[:, None].to(device)
    values = torch.from_numpy(grains.value[grain]).to(device)
    of_tap, tap_row, tap_pair = streaks.nonzero(as_tuple=True)
    taps = torch.view_as_real(streaks[of_tap, tap_row, tap_pair]).to(device)
    shifts = ((tap_row + row_shift) * (columns // 2) + tap_pair + pair_shift).to(device, torch.int32)
    first_grain = np.searchsorted(layer, np.arange(count + 1)).tolist()
    first_tap = np.searchsorted(of_tap.numpy(), np.arange(count + 1)).tolist()

    layers = torch.empty(count, height + 2, width + 2, device=device)
    for start in range(0, count, group):
        planes.zero_()
        for index in range(start, min(start + group, count)):
            streak = slice(first_tap[index], first_tap[index + 1])
            shift, tap = shifts[streak], taps[streak].flatten()
            step = max(1, _CHUNK // max(len(shift), 1))
            for first in range(first_grain[index], first_grain[index + 1], step):
                some = slice(first, min(first + step, first_grain[index + 1]))
                light = torch.view_as_complex(torch.outer(values[some], tap).view(-1, 2))
                planes.view(-1).scatter_add_(0, (places[some] + shift).view(-1), light)
        drawn = torch.view_as_real(planes[:, :-spare].unflatten(1, (group, -1))[:, :, spare:]).flatten(2)
        even, odd = drawn.unflatten(2, (rows, columns))[:, : count - start, top - 1 : top + height + 1]
        inner, one_less = slice(left - 1, left + width + 1), slice(left - 2, left + width)
        torch.add(even[:, :, inner], odd[:, :, one_less], out=layers[start : start + group])
    return layers


def _mirror(
    position: Int[np.ndarray, "grains"], size: int, before: int, after: int
) -> tuple[Int[np.ndarray, "images"], Int[np.ndarray, "images"]]:
    """Places of grains on an axis that goes on by reflection (101) at both ends, `before` pixels before its start.

    The first array says which grain an image is of; it ascends. The second is where it lies, from 0.
    """
    source = size - 1 - abs(np.arange(-before, size + after) % max(2 * size - 2, 1) - (size - 1))
    images = np.argsort(source, kind="stable")
    number = np.bincount(source, minlength=size)
    first = number.cumsum() - number
    times = number[position]
    which = np.repeat(np.arange(len(position)), times)
    nth = np.arange(len(which)) - np.repeat(times.cumsum() - times, times)
    return which, images[first[position][which] + nth]


def _footprints(
    kernels: Float[Tensor, "n size size"],
) -> tuple[Complex64[Tensor, "n rows pairs"], int, int]:
    """The trace of a grain: the kernel mirrored at its anchor, cut to what is lit, two neighbours as a complex number.

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
