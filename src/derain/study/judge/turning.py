"""Turning points, spreads and ranks: the pieces of the rules that judge a finding (docs/concepts/verdicts.md)."""

import math
from collections.abc import Mapping
from itertools import pairwise

FEW, MANY = 16, 512
"""A falling curve starts at counts up to the first and ends at counts from the second."""


class NotTested(Exception):
    """Error: something that a rule needs is not there."""


def turning_ends(curve: Mapping[int, float]) -> tuple[int, int]:
    """The counts between which a curve is to fall: of its highest value up to 16, of its lowest from 512.

    Raises:
        NotTested: there are no such counts.

    >>> turning_ends({8: 50.0, 16: 52.0, 64: 40.0, 512: 33.0, 1024: 30.0})
    (16, 1024)
    """
    few, many = [count for count in curve if count <= FEW], [count for count in curve if count >= MANY]
    if not few or not many:
        run = ", ".join(map(str, sorted(curve)))
        raise NotTested(f"a count up to {FEW} and one from {MANY} are needed, there are {run}")
    return max(few, key=curve.__getitem__), min(many, key=curve.__getitem__)


def turning_point(curve: Mapping[int, float], spread: float) -> float:
    """The turning point of a falling curve: the count, on log2, at which it last crosses the middle of its ends.

    Args:
        curve: value by count.
        spread: if the ends (`turning_ends`) are no more than two of it apart, there is no turning point.

    Returns:
        inf: there is none, which is later than every count.

    Raises:
        NotTested: as `turning_ends`.

    >>> turning_point({8: 50.0, 32: 50.0, 128: 30.0, 1024: 30.0}, spread=1.0)
    64.0
    >>> turning_point({8: 50.0, 32: 50.0, 128: 30.0, 1024: 30.0}, spread=10.0)
    inf
    """
    high, low = turning_ends(curve)
    if curve[high] - curve[low] <= 2 * spread:
        return math.inf
    middle = (curve[high] + curve[low]) / 2
    left, right = [
        (left, right) for left, right in pairwise(sorted(curve)) if (curve[left] > middle) != (curve[right] > middle)
    ][-1]
    share = (curve[left] - middle) / (curve[left] - curve[right])
    return float(2 ** (math.log2(left) + share * doublings(left, right)))


def doublings(first: float, second: float) -> float:
    """The number of doublings from the first count to the second; 0 between two that are inf.

    >>> doublings(16, 64), doublings(64, math.inf), doublings(math.inf, math.inf)
    (2.0, inf, 0.0)
    """
    return 0.0 if first == second else math.log2(second) - math.log2(first)
