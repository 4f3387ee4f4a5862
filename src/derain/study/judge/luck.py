"""Curves under chance alone: redrawn seeds and images, and shuffled labels."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from math import factorial
from typing import TypeVar

import numpy as np
from jaxtyping import Float64

_DRAWS = 200
_MOST_ORDERS, _DRAWN_ORDERS = 24, 100
_SEED = 0

Label = TypeVar("Label")
Value = TypeVar("Value")


def redrawn(
    points: Mapping[int, tuple[Sequence[float], Mapping[str, Sequence[float]]]],
) -> Float64[np.ndarray, "draws counts"]:
    """The values of a curve in 200 draws with replacement (Efron, Annals of Statistics 1979).

    Every count draws its seeds. All counts share the draw of images, as all were measured on the same ones. Where not
    every seed of every count has two common images, seeds alone are drawn.

    Args:
        points: by count, the figure of every seed, and of every image by name that of every seed.

    >>> redrawn({8: ([1.0, 1.0], {}), 64: ([0.0, 1.0], {})}).mean(0).round(1).tolist()
    [1.0, 0.5]
    """
    rng = np.random.default_rng(_SEED)
    known = [
        {name for name, values in images.items() if len(values) == len(by_seed)} for by_seed, images in points.values()
    ]
    common = sorted(set.intersection(*known))
    if len(common) > 1:
        image_weights = _weights(rng, len(common))
        tables = [np.array([images[name] for name in common]) for _, images in points.values()]
        of_seeds = [image_weights @ table for table in tables]
    else:
        of_seeds = [np.tile(by_seed, (_DRAWS, 1)) for by_seed, _ in points.values()]
    return np.stack([(_weights(rng, each.shape[1]) * each).sum(1) for each in of_seeds], axis=1)


def _weights(rng: np.random.Generator, number: int) -> Float64[np.ndarray, "draws number"]:
    """The weights of so many things in every draw of as many with replacement."""
    return rng.multinomial(number, [1 / number] * number, _DRAWS) / number


def orders(values: Mapping[Label, Value], seed: int = 0) -> Iterator[dict[Label, Value]]:
    """The values under shuffled labels: every order where there are 24 at most, else 100 random ones.

    >>> [list(each.values()) for each in orders({"few": 1, "many": 2})]
    [[1, 2], [2, 1]]
    """
    every: Iterator[tuple[Value, ...]] = permutations(values.values())
    if factorial(len(values)) > _MOST_ORDERS:
        rng, kept = np.random.default_rng(seed), list(values.values())
        every = (tuple(kept[index] for index in rng.permutation(len(kept))) for _ in range(_DRAWN_ORDERS))
    for order in every:
        yield dict(zip(values, order, strict=True))
