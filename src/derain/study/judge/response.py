"""The response to rain of a study's networks (docs/how-to/probe.md), and how it shrinks as backgrounds grow."""

from collections.abc import Sequence
from functools import cache
from statistics import fmean
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from derain.probe.maps import FAMILIES, RainMap, rain_maps
from derain.probe.response import ResponseMap
from derain.probe.results import Panel
from derain.probe.space import FULL
from derain.probe.trained import TrainedStreaks, beyond, boxes

WITHIN = "within"
"""Name of the cells within the range trained on."""
PARAMETERS = ("length", "width", "quantity", "angle", "brightness")
"""Names of the cells that are beyond it by one parameter."""


class Part(NamedTuple):
    """Cells of the three maps of streaks: the mean of their controlled removal, and their number."""

    removal: float
    cells: int


@cache
def probed() -> tuple[RainMap, ...]:
    """The maps of every network of a study."""
    return rain_maps(FULL)


def panel_of(title: str, response: ResponseMap, trained: Sequence[TrainedStreaks] | None) -> Panel:
    """Make the map a panel of `derain.probe.figures`, with the range trained on as boxes."""
    drawn = {rain_map.name: boxes(trained, rain_map, FULL.recipe) for rain_map in probed()}
    return Panel(title, response.means, response.errors, drawn, difference=False)


def within_and_beyond(response: ResponseMap, trained: Sequence[TrainedStreaks] | None) -> tuple[float, float] | None:
    """Average the controlled removal of the probed streaks that lie in the range trained on, by every parameter, and
    that of all others; maps weigh the same.

    Args:
        response: of a network.
        trained: streaks that it was trained on; None: not known.

    Returns:
        None: it is not known, or there are no streaks of the one or the other.
    """
    within: list[float] = []
    outside: list[float] = []
    for causes, means in _maps(response, trained):
        for part, chosen in ((within, causes == ""), (outside, causes != "")):
            if chosen.any():
                part.append(float(np.nanmean(means[chosen])))
    return (fmean(within), fmean(outside)) if within and outside else None


def by_parameter(response: ResponseMap, trained: Sequence[TrainedStreaks] | None) -> dict[str, Part]:
    """Part the cells by the parameters by which they lie beyond the range trained on; cells weigh the same.

    Args:
        response: of a network.
        trained: streaks that it was trained on; None: not known.

    Returns:
        parts by `WITHIN`, `PARAMETERS` and pairs such as "length and angle", in this order, as far as there are cells;
        of `derain.probe.trained.beyond`. Cells without a value are left out.
    """
    maps = _maps(response, trained)
    if not maps:
        return {}
    causes, means = (np.concatenate(each) for each in zip(*maps, strict=True))
    causes, means = causes[~np.isnan(means)], means[~np.isnan(means)]
    names = [WITHIN, *PARAMETERS, *sorted({str(cause) for cause in causes} - {"", *PARAMETERS})]
    chosen = {name: means[causes == ("" if name == WITHIN else name)] for name in names}
    return {name: Part(float(values.mean()), len(values)) for name, values in chosen.items() if len(values)}


def _maps(
    response: ResponseMap, trained: Sequence[TrainedStreaks] | None
) -> list[tuple[np.ndarray, Float64[np.ndarray, "cells"]]]:
    """The parameters by which every cell of a map of streaks is beyond the range, and its controlled removal."""
    return [
        (np.array(beyond(trained, rain_map, FULL.recipe)), response.means[rain_map.name])
        for rain_map in probed()
        if trained and rain_map.name != FAMILIES
    ]
