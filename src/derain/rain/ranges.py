"""Ranges of streaks, and drawing from them: the parameters are sampled apart from their rendering."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from derain.errors import InputError


@dataclass(frozen=True)
class StreakParameters:
    """One entry a layer, as arrays of equal length n."""

    quantity: Float[np.ndarray, "n"]
    width: Int[np.ndarray, "n"]
    length_px: Int[np.ndarray, "n"]
    angle_deg: Float[np.ndarray, "n"]


@dataclass(frozen=True)
class RainRange:
    """A range of streak rain, as in Table 1 of the paper; each value is drawn once a layer.

    Attributes:
        quantity: lowest and highest density: a pixel is a seed with probability quantity / 25600.
        width: the windows to choose from (odd pixels) of the Gaussian blur that makes a streak wide.
        length_px: shortest and longest kernel, integers, both ends included.
        angle_deg: from vertical; positive puts the lower end of a streak to the right.
        log_quantity: draw the quantity uniformly on a logarithmic scale.

    Raises:
        InputError: low > high, an even width, a value out of its domain; the sentence names the setting.

    >>> RainRange(width=(5, 7, 9)).sample(4, np.random.default_rng(0)).width
    array([5, 9, 7, 9])
    >>> RainRange(width=(4,))
    Traceback (most recent call last):
    ...
    derain.errors.InputError: width must be odd integers from 1 to 999, not (4,)
    """

    quantity: tuple[float, float] = (200.0, 300.0)
    width: tuple[int, ...] = (5,)
    length_px: tuple[int, int] = (30, 31)
    angle_deg: tuple[float, float] = (-5.0, 5.0)
    log_quantity: bool = False

    def __post_init__(self) -> None:
        check_interval("quantity", self.quantity, above=0, below=25600)
        check_interval("length_px", self.length_px, above=0, below=1000)
        check_interval("angle_deg", self.angle_deg)
        if not self.width or any(not 1 <= width < 1000 or width % 2 == 0 for width in self.width):
            raise InputError(f"width must be odd integers from 1 to 999, not {self.width}")

    def sample(self, count: int, rng: np.random.Generator) -> StreakParameters:
        """Draw the parameters of `count` layers: quantity and angle real, length an integer, width from its list."""
        quantity = log_uniform(self.quantity, count, rng) if self.log_quantity else rng.uniform(*self.quantity, count)
        return StreakParameters(
            quantity=quantity,
            width=rng.choice(self.width, count),
            length_px=rng.integers(*self.length_px, count, endpoint=True),
            angle_deg=rng.uniform(*self.angle_deg, count),
        )


def check_interval(setting: str, interval: tuple[float, float], above: float = -1e6, below: float = 1e6) -> None:
    """Raise InputError naming `setting` unless above < low <= high < below."""
    low, high = interval
    if not low <= high:
        raise InputError(f"{setting} must go from low to high, not from {low} to {high}")
    if not above < low or not high < below:
        raise InputError(f"{setting} must lie between {above:g} and {below:g} (both excluded), not {low} to {high}")


def log_uniform(interval: tuple[float, float], count: int, rng: np.random.Generator) -> Float[np.ndarray, "count"]:
    """Draw uniformly on a logarithmic scale."""
    return np.exp(rng.uniform(math.log(interval[0]), math.log(interval[1]), count))


SMALL = RainRange()
MEDIUM = RainRange(width=(5, 7, 9), length_px=(20, 40), angle_deg=(-30.0, 30.0))
LARGE = RainRange(width=(1, 3, 5, 7, 9), length_px=(5, 60), angle_deg=(-70.0, 70.0))
