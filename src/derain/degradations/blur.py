"""Blur: by a Gaussian, along a line, and out of focus."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from derain.degradations.filtering import filtered, normalised, plane
from derain.degradations.kind import Kind, column
from derain.rain.ranges import check_interval


@dataclass(frozen=True)
class GaussianBlur(Kind):
    """Blur by an isotropic Gaussian, cut off at four deviations.

    Attributes:
        sigma_px: standard deviation; drawn uniformly for every sample.

    Raises:
        InputError: a range from high to low, or a deviation that is not between 0 and 100 pixels.
    """

    sigma_px: tuple[float, float] = (1.0, 3.0)

    kind = "blur"

    def __post_init__(self) -> None:
        check_interval("sigma_px", self.sigma_px, above=0, below=100)

    def _spoil(self, clean: Float[Tensor, "n 3 h w"], rng: np.random.Generator) -> Float[Tensor, "n 3 h w"]:
        sigma_px = rng.uniform(*self.sigma_px, len(clean))
        return filtered(clean, gaussian_kernels(sigma_px, clean))


def gaussian_kernels(sigma_px: Float[np.ndarray, "n"], like: Tensor) -> Float[Tensor, "n k k"]:
    """Gaussians of sum 1, in one frame of four times the largest deviation."""
    right, down = plane(math.ceil(4 * sigma_px.max()), like.device)
    return normalised(torch.exp(-(right**2 + down**2) / (2 * column(sigma_px, like)[:, 0] ** 2)))


@dataclass(frozen=True)
class MotionBlur(Kind):
    """Blur of a camera that moves straight on while it exposes: the mean along a line one pixel wide.

    Attributes:
        length_px: of the line; drawn uniformly for every sample, and so is `angle_deg`.
        angle_deg: of the line from horizontal, counter-clockwise.

    Raises:
        InputError: a range from high to low, or a length that is not between 0 and 500 pixels.
    """

    length_px: tuple[float, float] = (7.0, 21.0)
    angle_deg: tuple[float, float] = (-45.0, 45.0)

    kind = "motion"

    def __post_init__(self) -> None:
        check_interval("length_px", self.length_px, above=0, below=500)
        check_interval("angle_deg", self.angle_deg)

    def _spoil(self, clean: Float[Tensor, "n 3 h w"], rng: np.random.Generator) -> Float[Tensor, "n 3 h w"]:
        length_px, angle_deg = (rng.uniform(*interval, len(clean)) for interval in (self.length_px, self.angle_deg))
        return filtered(clean, line_kernels(length_px, angle_deg, clean))


def line_kernels(
    length_px: Float[np.ndarray, "n"], angle_deg: Float[np.ndarray, "n"], like: Tensor
) -> Float[Tensor, "n k k"]:
    """Lines of sum 1, one pixel wide: their edges and ends fall off over a pixel."""
    right, down = plane(math.ceil(length_px.max() / 2), like.device)
    length, angle = (column(values, like)[:, 0] for values in (length_px, np.deg2rad(angle_deg)))
    along = right * angle.cos() - down * angle.sin()
    across = right * angle.sin() + down * angle.cos()
    return normalised((length / 2 + 0.5 - along.abs()).clamp(0, 1) * (1 - across.abs()).clamp(min=0))


@dataclass(frozen=True)
class DefocusBlur(Kind):
    """Blur of a lens that is out of focus: the mean over a disc, as geometrical optics has it.

    Attributes:
        radius_px: of the disc; drawn uniformly for every sample.

    Raises:
        InputError: a range from high to low, or a radius that is not between 0 and 200 pixels.
    """

    radius_px: tuple[float, float] = (1.5, 4.0)

    kind = "defocus"

    def __post_init__(self) -> None:
        check_interval("radius_px", self.radius_px, above=0, below=200)

    def _spoil(self, clean: Float[Tensor, "n 3 h w"], rng: np.random.Generator) -> Float[Tensor, "n 3 h w"]:
        return filtered(clean, disc_kernels(rng.uniform(*self.radius_px, len(clean)), clean))


def disc_kernels(radius_px: Float[np.ndarray, "n"], like: Tensor) -> Float[Tensor, "n k k"]:
    """Discs of sum 1, whose edge falls off over a pixel."""
    right, down = plane(math.ceil(radius_px.max()), like.device)
    return normalised((column(radius_px, like)[:, 0] + 0.5 - (right**2 + down**2).sqrt()).clamp(0, 1))


BLUR = {
    "small": GaussianBlur("blur:small", (1.5, 2.0)),
    "medium": GaussianBlur("blur:medium", (1.0, 3.0)),
    "large": GaussianBlur("blur:large", (0.4, 4.0)),
    "unseen": GaussianBlur("blur:unseen", (5.0, 7.0)),
}
MOTION = {
    "small": MotionBlur("motion:small", (12.0, 14.0), (-5.0, 5.0)),
    "medium": MotionBlur("motion:medium", (7.0, 21.0), (-45.0, 45.0)),
    "large": MotionBlur("motion:large", (3.0, 31.0), (-90.0, 90.0)),
    "unseen": MotionBlur("motion:unseen", (37.0, 51.0), (-90.0, 90.0)),
}
DEFOCUS = {
    "small": DefocusBlur("defocus:small", (2.5, 3.0)),
    "medium": DefocusBlur("defocus:medium", (1.5, 4.0)),
    "large": DefocusBlur("defocus:large", (0.7, 6.0)),
    "unseen": DefocusBlur("defocus:unseen", (7.5, 10.0)),
}
