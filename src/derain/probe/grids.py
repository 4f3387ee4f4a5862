"""Heat maps as HTML whose cells are buttons, in the colours of the figures.

Call the functions within `derain.support.pages.drawing`.
"""

from collections.abc import Sequence
from html import escape

import numpy as np

from derain.evaluation.metrics import METRIC
from derain.probe.figures import GREY, axis_label, cell_text, in_words, ink_on, scale, tick, title
from derain.probe.maps import RainMap
from derain.probe.results import Panel, Results
from derain.probe.trained import Box


def section(results: Results, figure: str) -> str:
    """A figure of merit on all maps, for every network and the difference of two.

    Cells have a number, counted through all maps, and their row and column: data-cell, data-row and data-column.
    """
    metric = METRIC[figure]
    unit = "grey levels, " if metric.unit == "grey levels" else ""
    heading = f"<h2>{escape(metric.label.capitalize())} ({unit}{metric.better} is better)</h2>"
    panels = []
    for panel in results.panels(figure):
        name = f"<h3>{escape(panel.title)}</h3>" if len(results.networks) == 2 else ""
        start, maps = 0, []
        for rain_map in results.scene.maps:
            maps.append(_map(rain_map, panel, figure, start))
            start += len(rain_map.rains)
        panels.append(f'<div>{name}{_bar(figure, panel.difference)}<div class="maps">{"".join(maps)}</div></div>')
    return f'{heading}<div class="panels">{"".join(panels)}</div>'


def _bar(figure: str, difference: bool) -> str:
    colours = scale(figure, difference)
    stops = ", ".join(_hex(colours.rgb(value)) for value in np.linspace(colours.low, colours.high, 9))
    bar = f'<i style="background: linear-gradient(to right, {stops})"></i>'
    return f'<div class="bar">{colours.low:g}{bar}{colours.high:g}</div>'


def _map(rain_map: RainMap, panel: Panel, figure: str, start: int) -> str:
    """A grid whose first row is at the bottom, as on the axes of a figure."""
    rows, columns = len(rain_map.rows), len(rain_map.columns)
    items = []
    for row, value in enumerate(rain_map.rows):
        items.append(f'<span class="row" style="grid-area: {rows - row} / 1">{escape(tick(value))}</span>')
        items += [_button(rain_map, panel, figure, start, row * columns + column) for column in range(columns)]
    if rain_map.x:
        for column, value in enumerate(rain_map.columns):
            items.append(f'<span style="grid-area: {rows + 1} / {column + 2}">{escape(tick(value))}</span>')
        items.append(f'<span class="label" style="grid-row: {rows + 2}">{escape(axis_label(rain_map.x))}</span>')
    items += [_box(box, rows) for box in panel.boxes[rain_map.name]]
    caption = f"{axis_label(rain_map.y)} by {axis_label(rain_map.x)}" if rain_map.x else title(rain_map)
    grid = (
        f'<div class="{"grid" if rain_map.x else "grid families"}" style="--columns: {columns}" role="group" '
        f'aria-label="{escape(caption)}">{"".join(items)}</div>'
    )
    return f'<figure class="map"><figcaption>{escape(caption)}</figcaption>{grid}</figure>'


def _button(rain_map: RainMap, panel: Panel, figure: str, start: int, cell: int) -> str:
    value = panel.means[rain_map.name][cell]
    row, column = divmod(cell, len(rain_map.columns))
    colour, ink = GREY, "#222222"
    if not np.isnan(value):
        rgb = scale(figure, panel.difference).rgb(value)
        colour, ink = _hex(rgb), ink_on(rgb)
    text = cell_text(figure, value, panel.difference)
    spoken = escape(f"{in_words(rain_map.place(cell))}: {METRIC[figure].label} {text}")
    place = f"grid-area: {len(rain_map.rows) - row} / {column + 2}"
    return (
        f'<button data-cell="{start + cell}" data-row="{row}" data-column="{column}" tabindex="{-(cell > 0)}" '
        f'aria-label="{spoken}" style="{place}; background: {colour}; color: {ink}">{text}</button>'
    )


def _box(box: Box, rows: int) -> str:
    area = f"{rows - box.last_row} / {box.first_column + 2} / {rows - box.first_row + 1} / {box.last_column + 3}"
    return f'<div class="{"box" if box.whole else "box part"}" style="grid-area: {area}"></div>'


def _hex(rgb: Sequence[float]) -> str:
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in rgb)
