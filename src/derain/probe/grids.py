"""Heat maps for a page whose cells are buttons, in the colours of the figures.

Call the functions within `derain.support.pages.drawing`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from derain.evaluation.metrics import METRIC
from derain.probe.figures import GREY, axis_label, cell_text, in_words, ink_on, scale, tick, title
from derain.probe.maps import RainMap
from derain.probe.results import Panel, Results
from derain.probe.trained import Box


class Cell(NamedTuple):
    """A button: its number, counted through all maps, its place in its map, and its look."""

    number: int
    row: int
    column: int
    in_words: str
    text: str
    colour: str
    ink: str


class Grid(NamedTuple):
    """A map: ticks of rows and columns (none where it is a list of families), the label of the columns, and boxes."""

    caption: str
    rows: list[str]
    columns: list[str]
    label: str
    cells: list[Cell]
    boxes: list[Box]


class Bar(NamedTuple):
    """The colours from the lowest value to the highest."""

    low: str
    high: str
    stops: str


class Maps(NamedTuple):
    """One figure of merit of one network, or of the difference of two."""

    title: str
    bar: Bar
    grids: list[Grid]


class Section(NamedTuple):
    """A figure of merit on all maps, for every network and the difference of two."""

    heading: str
    panels: list[Maps]


def section(results: Results, figure: str) -> Section:
    """The maps of a figure of merit."""
    metric = METRIC[figure]
    unit = "grey levels, " if metric.unit == "grey levels" else ""
    heading = f"{metric.label.capitalize()} ({unit}{metric.better} is better)"
    panels = []
    for panel in results.panels(figure):
        start, grids = 0, []
        for rain_map in results.scene.maps:
            grids.append(_grid(rain_map, panel, figure, start))
            start += len(rain_map.rains)
        panels.append(Maps(panel.title, _bar(figure, panel.difference), grids))
    return Section(heading, panels)


def _bar(figure: str, difference: bool) -> Bar:
    colours = scale(figure, difference)
    stops = ", ".join(_hex(colours.rgb(value)) for value in np.linspace(colours.low, colours.high, 9))
    return Bar(f"{colours.low:g}", f"{colours.high:g}", stops)


def _grid(rain_map: RainMap, panel: Panel, figure: str, start: int) -> Grid:
    is_plane = rain_map.x != ""
    return Grid(
        f"{axis_label(rain_map.y)} by {axis_label(rain_map.x)}" if is_plane else title(rain_map),
        [tick(value) for value in rain_map.rows],
        [tick(value) for value in rain_map.columns] if is_plane else [],
        axis_label(rain_map.x),
        [_cell(rain_map, panel, figure, start, cell) for cell in range(len(rain_map.rains))],
        panel.boxes[rain_map.name],
    )


def _cell(rain_map: RainMap, panel: Panel, figure: str, start: int, cell: int) -> Cell:
    value = panel.means[rain_map.name][cell]
    row, column = divmod(cell, len(rain_map.columns))
    colour, ink = GREY, "#222222"
    if not np.isnan(value):
        rgb = scale(figure, panel.difference).rgb(value)
        colour, ink = _hex(rgb), ink_on(rgb)
    text = cell_text(figure, value, panel.difference)
    spoken = f"{in_words(rain_map.place(cell))}: {METRIC[figure].label} {text}"
    return Cell(start + cell, row, column, spoken, text, colour, ink)


def _hex(rgb: Sequence[float]) -> str:
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in rgb)
