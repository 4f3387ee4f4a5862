"""The generalisation area: one figure for how much of the probed rain a network removes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from derain.support.randomness import generator

LEAST_REMOVAL = 0.5
"""Share of the rain's energy that must go for a cell to count."""
DRAWS = 1000
Maps = Sequence[Float64[np.ndarray, "_ backgrounds"]]


class Area(NamedTuple):
    """A share of the probed rain, and the ends of its 95 % interval over backgrounds; None: not defined."""

    value: float | None
    low: float | None
    high: float | None


def generalisation_area(
    maps: Maps,
    clean_error: Float64[np.ndarray, "backgrounds"],
    clean_bound: float | None,
    seed: int = 0,
    minus: tuple[Maps, Float64[np.ndarray, "backgrounds"]] | None = None,
) -> Area:
    """The share of cells in which at least half of the rain is removed, if a picture without rain is kept.

    Of every map the share of cells counts whose controlled removal, the mean over backgrounds, is at least 0.5; the
    area is the mean of these shares over the maps. It is 0 where the mean clean error exceeds the bound. Cells without
    a value are left out. The interval is that of 1000 bootstrap draws of the backgrounds (2.5 % and 97.5 % quantiles;
    Efron, Annals of Statistics 1979), which are the same for networks measured on the same backgrounds.

    Args:
        maps: controlled removal of the cells of each map; NaN: no masked pixel.
        clean_error: on the backgrounds, in grey levels.
        clean_bound: in grey levels; None: the clean error does not matter.
        seed: of the draws.
        minus: maps and clean error of another network, on the same backgrounds, whose area is subtracted: the interval
            is that of the paired difference.

    >>> half = np.array([[0.9, 0.8], [0.2, 0.3]])
    >>> generalisation_area([half], np.array([4.0, 5.0]), clean_bound=10.0)
    Area(value=0.5, low=0.5, high=0.5)
    >>> generalisation_area([half], np.array([14.0, 15.0]), clean_bound=10.0).value
    0.0
    """
    backgrounds = len(clean_error)
    drawn = generator(seed, "probe", "bootstrap").integers(backgrounds, size=(DRAWS, backgrounds))
    times = np.stack([(drawn == background).sum(1) for background in range(backgrounds)], axis=1)
    weights = np.concatenate([np.ones((1, backgrounds)), times])  # the first row is the backgrounds as they are
    areas = _areas(maps, clean_error, clean_bound, weights)
    if minus is not None:
        areas = areas - _areas(*minus, clean_bound, weights)
    if np.isnan(areas[0]):
        return Area(None, None, None)
    low, high = np.nanquantile(areas[1:], (0.025, 0.975))
    return Area(float(areas[0]), float(low), float(high))


def area_text(area: Area) -> str:
    """An area with its interval.

    >>> area_text(Area(0.61, 0.59, 0.62))
    '0.61 (0.59 .. 0.62)'
    """
    if area.value is None:
        return "not defined"
    return f"{area.value:z.2f}" + ("" if area.low is None else f" ({area.low:z.2f} .. {area.high:z.2f})")


def mean_text(mean: float, error: float, decimals: int) -> str:
    """A mean with its standard error, where they are defined.

    >>> mean_text(0.718, 0.021, 2), mean_text(14.0, float("nan"), 1)
    ('0.72 ± 0.02', '14.0')
    """
    text = "-" if np.isnan(mean) else f"{mean:z.{decimals}f}"
    return text if np.isnan(error) else f"{text} ± {error:.{decimals}f}"


def _areas(
    maps: Maps,
    clean_error: Float64[np.ndarray, "backgrounds"],
    clean_bound: float | None,
    weights: Float64[np.ndarray, "draws backgrounds"],
) -> Float64[np.ndarray, "draws"]:
    """The area at each row of weights of the backgrounds; NaN where no cell of a map has a value."""
    shares = np.stack([_share(controlled, weights) for controlled in maps])
    defined = ~np.isnan(shares)
    number = defined.sum(0)
    areas = np.where(defined, shares, 0.0).sum(0) / np.where(number > 0, number, np.nan)
    if clean_bound is not None:
        areas = areas * (weights @ clean_error <= clean_bound * weights.sum(1))
    return np.asarray(areas)


def _share(
    controlled: Float64[np.ndarray, "cells backgrounds"], weights: Float64[np.ndarray, "draws backgrounds"]
) -> Float64[np.ndarray, "draws"]:
    known = ~np.isnan(controlled)
    removed = weights @ np.where(known, controlled, 0.0).T
    number = weights @ known.T
    passed = (removed >= LEAST_REMOVAL * number) & (number > 0)
    cells = (number > 0).sum(1)
    return np.asarray(passed.sum(1) / np.where(cells > 0, cells, np.nan))
