"""The response to rain of a study's networks (docs/probe.md), and how it shrinks as backgrounds grow."""

from collections.abc import Mapping
from statistics import fmean
from typing import Any

import numpy as np

from derain.probe.area import Area
from derain.probe.maps import FAMILIES, rain_maps
from derain.probe.results import Panel
from derain.probe.space import FULL
from derain.probe.trained import boxes, trained_streaks


def panel_of(title: str, response: Mapping[str, Any], header: Mapping[str, Any]) -> Panel:
    """The map as a panel of `derain.probe.figures`.

    Args:
        title: above it.
        response: from `respond`.
        header: of the weights, which names the rain that was trained on.
    """
    trained = trained_streaks(header)
    drawn = {rain_map.name: boxes(trained, rain_map, FULL.recipe) for rain_map in rain_maps(FULL)}
    means, errors = (
        {name: np.array(values, np.float64) for name, values in response[key].items()} for key in ("means", "errors")
    )
    return Panel(title, means, errors, drawn, difference=False)


def area_of(response: Mapping[str, Any], *, bounded: bool) -> Area:
    """The generalisation area, within the default bound of the clean error or without one."""
    return Area(**response["area" if bounded else "area_unbounded"])


def within_and_beyond(response: Mapping[str, Any], header: Mapping[str, Any]) -> tuple[float, float] | None:
    """Mean controlled removal of the probed streaks that lie in the range trained on, by every parameter, and of all
    others; maps weigh the same. None: there are none of the one or the other, or it is not known.

    Args:
        response: from `respond`.
        header: of the weights, which names the rain that was trained on.
    """
    trained = trained_streaks(header)
    within: list[float] = []
    beyond: list[float] = []
    for rain_map in rain_maps(FULL):
        if trained is None or rain_map.name == FAMILIES:
            continue
        inside = np.zeros((len(rain_map.rows), len(rain_map.columns)), bool)
        for box in boxes(trained, rain_map, FULL.recipe):
            if box.whole:
                inside[box.first_row : box.last_row + 1, box.first_column : box.last_column + 1] = True
        means = np.array(response["means"][rain_map.name], np.float64).reshape(inside.shape)
        for part, chosen in ((within, inside), (beyond, ~inside)):
            if chosen.any():
                part.append(float(np.nanmean(means[chosen])))
    return (fmean(within), fmean(beyond)) if within and beyond else None
