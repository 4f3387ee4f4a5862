"""Streak kernels: a diagonal line of ones, turned into the rain's direction, blurred inside its own window."""

from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from derain.errors import InputError
from derain.rain.ranges import StreakParameters
from derain.support.choices import Recipe

# The windows of up to 9 taps for which OpenCV's Gaussian takes fixed tables; longer ones follow its formula for sigma.
GAUSSIAN_TABLES = {
    1: (1.0,),
    3: (0.25, 0.5, 0.25),
    5: (0.0625, 0.25, 0.375, 0.25, 0.0625),
    7: (0.03125, 0.109375, 0.21875, 0.28125, 0.21875, 0.109375, 0.03125),
    9: tuple(tap / 256 for tap in (4, 13, 30, 51, 60, 51, 30, 13, 4)),
}


def streak_kernels(parameters: StreakParameters, recipe: Recipe) -> Float[Tensor, "n size size"]:
    """The kernels of all layers, on the CPU, in one frame as large as the longest; anchors lie at size // 2.

    "paper" is the public recipe: the line is turned by angle - 45 degrees about (length/2, length/2) and shrunk by
    1 - length/100, with the source coordinates of OpenCV's `warpAffine`: fixed point of 10 bits, rounded to 1/32 pixel.
    "corrected" turns it about its true centre, (length-1)/2, at scale 1 and with exact coordinates. Both sample the
    line bilinearly, zero outside, and blur with OpenCV's Gaussian of `width` taps, reflected (101) inside its window.

    Raises:
        InputError: "paper" with a length of 100 or more, at which the public recipe shrinks the line to nothing.

    >>> one = StreakParameters(np.array([250.0]), np.array([1]), np.array([3]), np.array([45.0]))
    >>> streak_kernels(one, "corrected")
    tensor([[[1., 0., 0.],
             [0., 1., 0.],
             [0., 0., 1.]]])
    """
    length = parameters.length_px
    if recipe == "paper" and length.max(initial=0) >= 100:
        raise InputError(f"length_px must stay under 100 with the recipe 'paper', not {length.max()}")
    size = int(length.max(initial=1))
    offset = size // 2 - length // 2  # aligns the anchors length // 2
    frame = np.arange(size) - offset[:, None]
    source_x, source_y = _fixed_point_source(parameters, frame) if recipe == "paper" else _source(parameters, frame)
    column = source_x.floor()
    along, across = source_x - column, source_y - column
    # Only the diagonal's ones of columns `column` and `column + 1` reach a sample, if they exist.
    count = torch.from_numpy(length).float()[:, None, None]
    line = torch.where((column >= 0) & (column < count), _hat(across) * (1 - along), 0)
    line += torch.where((column >= -1) & (column < count - 1), _hat(across - 1) * along, 0)
    blur = torch.zeros(len(length), size, size)
    for matrix, start, stop, width in zip(blur, offset, offset + length, parameters.width, strict=True):
        matrix[start:stop, start:stop] = _blur_matrix(int(stop - start), int(width))
    return blur @ line @ blur.mT


def gaussian_window(width: int) -> Float[np.ndarray, "width"]:
    """OpenCV's Gaussian of `width` taps (odd) where no sigma is given."""
    if width in GAUSSIAN_TABLES:
        return np.array(GAUSSIAN_TABLES[width])
    taps = np.exp(-(((np.arange(width) - width // 2) / (0.3 * ((width - 1) * 0.5 - 1) + 0.8)) ** 2) / 2)
    return np.asarray(taps / taps.sum())


def _hat(distance: Tensor) -> Tensor:
    return (1 - distance.abs()).clamp_(min=0)


def _fixed_point_source(
    parameters: StreakParameters, frame: Int[np.ndarray, "n size"]
) -> tuple[Float[Tensor, "n size size"], Float[Tensor, "n size size"]]:
    """The source of a kernel's pixel in the line, in 1/32 pixel exactly as OpenCV rounds it."""
    centre = parameters.length_px / 2
    scale = 1 - parameters.length_px / 100
    turn = (parameters.angle_deg - 45) * np.pi / 180
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    # The matrix of getRotationMatrix2D and its inverse, in OpenCV's order of operations: the last bit counts.
    shift_x = (1 - cos) * centre - sin * centre
    shift_y = sin * centre + (1 - cos) * centre
    inverse = 1 / (cos * cos - sin * -sin)
    a, b, c, d = cos * inverse, sin * -inverse, -sin * -inverse, cos * inverse
    from_x = -a * shift_x - b * shift_y
    from_y = -c * shift_x - d * shift_y

    def source(over_x: np.ndarray, over_y: np.ndarray, start: np.ndarray) -> Tensor:
        # Whole numbers far below 2^24, so that float32 is exact.
        x = torch.from_numpy(np.rint(over_x[:, None] * frame * 1024)).float()
        y = torch.from_numpy(np.rint((over_y[:, None] * frame + start[:, None]) * 1024) + 16).float()
        return (x[:, None, :] + y[:, :, None]).div_(32).floor_().div_(32)

    return source(a, b, from_x), source(c, d, from_y)


def _source(
    parameters: StreakParameters, frame: Int[np.ndarray, "n size"]
) -> tuple[Float[Tensor, "n size size"], Float[Tensor, "n size size"]]:
    """The source of a kernel's pixel in the line: a rotation about the true centre."""
    centre = (parameters.length_px[:, None] - 1) / 2
    turn = np.radians(parameters.angle_deg[:, None] - 45)
    cos = torch.from_numpy(np.cos(turn) * (frame - centre)).float()
    sin = torch.from_numpy(np.sin(turn) * (frame - centre)).float()
    middle = torch.from_numpy(centre).float()[:, :, None]
    return cos[:, None, :] - sin[:, :, None] + middle, sin[:, None, :] + cos[:, :, None] + middle


@lru_cache(maxsize=512)
def _blur_matrix(length: int, width: int) -> Float[Tensor, "length length"]:
    """The Gaussian of `width` taps over `length` samples, reflected at both ends, as a matrix."""
    samples = np.pad(np.eye(length), ((width // 2, width // 2), (0, 0)), mode="reflect")
    matrix = sum(weight * samples[tap : tap + length] for tap, weight in enumerate(gaussian_window(width)))
    return torch.from_numpy(matrix).float()
