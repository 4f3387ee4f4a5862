"""Means, standard errors, spreads and rank correlations."""

import math
from collections.abc import Iterable, Sequence
from statistics import StatisticsError, correlation, fmean, stdev, variance
from typing import Any

import numpy as np
from jaxtyping import Float64


def mean_defined(values: Iterable[float | None]) -> float | None:
    """Mean of the values that are defined; None where none is.

    >>> mean_defined([1.0, None, 2.0]), mean_defined([None])
    (1.5, None)
    """
    defined = [value for value in values if value is not None]
    return fmean(defined) if defined else None


def standard_error(differences: Sequence[float]) -> float:
    """Standard error, over images, of the mean of a paired difference; unknown, inf, below two images.

    >>> standard_error([1.0, 3.0, 1.0, 3.0]) == (4 / 3) ** 0.5 / 4 ** 0.5
    True
    """
    return stdev(differences) / math.sqrt(len(differences)) if len(differences) > 1 else math.inf


def error_of_means(groups: Sequence[Sequence[float]]) -> float:
    """Standard error of the mean over groups of their means; a group of one value has none of its own.

    >>> error_of_means([[1.0, 3.0], [2.0, 4.0]])
    0.7071067811865476
    """
    return math.sqrt(sum(variance(group) / len(group) for group in groups if len(group) > 1)) / len(groups)


def mean_and_error(
    values: Float64[np.ndarray, "*cells backgrounds"], spread: bool = True
) -> tuple[Float64[np.ndarray, "*cells"], Float64[np.ndarray, "*cells"]]:
    """Mean over backgrounds and its standard error (n - 1), both NaN where they are not defined.

    Args:
        values: NaN is left out.
        spread: False: no standard error is to be told.

    >>> mean_and_error(np.array([[0.0, 1.0, np.nan], [np.nan, np.nan, np.nan]]))
    (array([0.5, nan]), array([0.5, nan]))
    """
    known = ~np.isnan(values)
    number = known.sum(-1).astype(np.float64)
    mean = _divide(np.where(known, values, 0.0).sum(-1), number)
    squares = np.where(known, (values - mean[..., None]) ** 2, 0.0).sum(-1)
    error = np.sqrt(_divide(squares, number * (number - 1)))
    return np.asarray(mean), np.asarray(error if spread else np.full_like(error, np.nan))


def _divide(total: Any, number: Any) -> Any:
    """NaN where `number` is 0."""
    return total / np.where(number > 0, number, np.nan)


def seed_spread(cells: Iterable[Sequence[float]]) -> float | None:
    """Spread of a figure: root mean square, over its cells, of the standard deviation over seeds (ddof 1).

    Args:
        cells: values of each cell's seeds; cells of one seed do not count.

    Returns:
        None: no cell has two seeds.

    >>> seed_spread([[1.0, 3.0], [5.0, 5.0], [7.0]])
    1.0
    """
    return pooled(variance(values) for values in cells if len(values) > 1)


def pooled(variances: Iterable[float | None]) -> float | None:
    """The root of the mean of the variances that are known; None where none is.

    >>> pooled([2.0, None, 0.0]), pooled([None])
    (1.0, None)
    """
    mean = mean_defined(variances)
    return None if mean is None else math.sqrt(mean)


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Spearman's rank correlation; ties share the mean of their ranks. None: one of the two does not vary.

    Rounded to nine decimals, so that what is -0.8 is not a little more.

    >>> spearman([8, 64, 256, 1024], [52.0, 50.0, 40.0, 41.0])
    -0.8
    """
    try:
        return round(correlation(_ranks(first), _ranks(second)), 9)
    except StatisticsError:
        return None


def _ranks(values: Sequence[float]) -> list[float]:
    ordered = sorted(values)
    return [ordered.index(value) + (ordered.count(value) - 1) / 2 for value in values]
