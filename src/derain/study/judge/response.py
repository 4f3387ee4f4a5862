"""The response to rain of a study's networks (docs/how-to/probe.md), and how it shrinks as backgrounds grow."""

from collections.abc import Sequence
from statistics import fmean

import numpy as np

from derain.probe.maps import FAMILIES, rain_maps
from derain.probe.response import ResponseMap
from derain.probe.results import Panel
from derain.probe.space import FULL
from derain.probe.trained import TrainedStreaks, boxes


def panel_of(title: str, response: ResponseMap, trained: Sequence[TrainedStreaks] | None) -> Panel:
    """Make the map a panel of `derain.probe.figures`, with the range trained on as boxes."""
    drawn = {rain_map.name: boxes(trained, rain_map, FULL.recipe) for rain_map in rain_maps(FULL)}
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
    beyond: list[float] = []
    for rain_map in rain_maps(FULL):
        if trained is None or rain_map.name == FAMILIES:
            continue
        inside = np.zeros((len(rain_map.rows), len(rain_map.columns)), bool)
        for box in boxes(trained, rain_map, FULL.recipe):
            if box.whole:
                inside[box.first_row : box.last_row + 1, box.first_column : box.last_column + 1] = True
        means = response.means[rain_map.name].reshape(inside.shape)
        for part, chosen in ((within, inside), (beyond, ~inside)):
            if chosen.any():
                part.append(float(np.nanmean(means[chosen])))
    return (fmean(within), fmean(beyond)) if within and beyond else None
