"""Settings of a probe: rain and backgrounds. Free of torch, so that the command line answers at once."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from derain.errors import InputError
from derain.support.choices import Match, Recipe

Family = Literal["small", "medium", "large", "corrected", "lines", "wide", "heavy", "light"]

CLEAN_BOUND = 20.0
"""Default bound of the clean error in the generalisation area, in grey levels. Beyond it a network
rewrites pictures (PSNR below 22 dB on clean ones)."""

FIXED: Mapping[str, float] = {"quantity": 250.0, "width": 7, "length_px": 30, "angle_deg": 0.0, "brightness": 1.0}
"""Values that a map does not vary: the middle of the medium range (Table 1 of the paper)."""

MAPS = (("angle_deg", "length_px"), ("quantity", "width"), ("angle_deg", "brightness"))
"""The parameters of streaks that each map varies: along its columns, and along its rows."""


@dataclass(frozen=True)
class ProbeSpace:
    """Axes of three maps of streaks, families of rain, and the backgrounds below them (docs/how-to/probe.md).

    Raises:
        InputError: an axis is empty, does not ascend, or holds an angle beyond the horizontal; other values that cannot
            be rendered are refused, and named, by `derain.probe.maps.rain_maps`.

    >>> ProbeSpace(angles_deg=(0.0, 120.0))
    Traceback (most recent call last):
    ...
    derain.errors.InputError: angles_deg must lie within -90..90, not (0.0, 120.0)
    """

    lengths_px: tuple[int, ...] = (5, 10, 15, 20, 30, 40, 50, 60)
    """Lengths of streaks, in pixels as the recipe counts them."""
    angles_deg: tuple[float, ...] = (-80.0, -60.0, -40.0, -20.0, 0.0, 20.0, 40.0, 60.0, 80.0)
    """Angles from the vertical."""
    widths: tuple[int, ...] = (1, 3, 5, 7, 9, 13)
    """Windows, in odd pixels, of the blur that makes streaks wide."""
    quantities: tuple[float, ...] = (25.0, 50.0, 100.0, 200.0, 300.0, 500.0, 1000.0)
    """Densities: a pixel starts a streak with probability quantity/25600."""
    brightnesses: tuple[float, ...] = (0.2, 0.4, 0.6, 0.8, 1.0, 1.4)
    """Factors on the rain's levels."""
    families: tuple[Family, ...] = ("small", "medium", "large", "corrected", "lines", "wide", "heavy", "light")
    """Kinds of rain measured beside the maps."""
    recipe: Recipe = "paper"
    """Rendering of the streaks of the maps."""
    count: int = 16
    """Backgrounds."""
    size_px: int = 128
    """Side of the backgrounds; rain is rendered at this size."""

    def __post_init__(self) -> None:
        for name in ("lengths_px", "angles_deg", "widths", "quantities", "brightnesses"):
            values = getattr(self, name)
            if not values or not all(low < high for low, high in pairwise(values)):
                raise InputError(f"{name} must be values that ascend, not {values}")
        if not -90 <= self.angles_deg[0] <= self.angles_deg[-1] <= 90:
            raise InputError(f"angles_deg must lie within -90..90, not {self.angles_deg}")

    def axis(self, parameter: str) -> tuple[float, ...]:
        """The values of a parameter of streaks.

        >>> COARSE.axis("length_px")
        (10, 30, 50)
        """
        axes: Mapping[str, tuple[float, ...]] = {
            "length_px": self.lengths_px,
            "angle_deg": self.angles_deg,
            "width": self.widths,
            "quantity": self.quantities,
            "brightness": self.brightnesses,
        }
        return axes[parameter]


FULL = ProbeSpace()
"""176 cells on 16 backgrounds: under a minute for a small network on two cores."""

COARSE = ProbeSpace(
    lengths_px=(10, 30, 50),
    angles_deg=(-60.0, 0.0, 60.0),
    widths=(3, 7, 11),
    quantities=(50.0, 250.0, 600.0),
    brightnesses=(0.4, 1.0),
    families=("lines", "wide"),
    count=8,
)
"""26 cells on 8 backgrounds: seconds, for the time while a network trains."""


@dataclass(frozen=True)
class ProbeSettings:
    """The rain and the backgrounds on which networks are measured, and what the area counts.

    Raises:
        InputError: the bound of the clean error is negative or not finite.
    """

    backgrounds: Path
    """Folder of photos that the networks were not trained on."""
    space: ProbeSpace = FULL
    pairs: tuple[Path, Path] | None = None
    """Two folders of rainy and clean pictures, whose streaks become one more family of rain."""
    match: Match = "names"
    """Rule by which the pictures of the pairs find each other."""
    clean_bound: float = CLEAN_BOUND
    """Largest clean error, in grey levels, at which the generalisation area counts."""
    seed: int = 0
    """Seed of backgrounds, rain and bootstrap."""

    def __post_init__(self) -> None:
        if not 0 <= self.clean_bound < math.inf:
            raise InputError(
                f"the bound of the clean error must be finite and not negative, but is {self.clean_bound:g}"
            )
