"""Heat maps, with limits that do not depend on the network, so that those of different networks compare."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from derain.evaluation.metrics import METRIC
from derain.evaluation.statistics import mean_and_error
from derain.probe.maps import RainMap
from derain.probe.results import Panel, Results
from derain.probe.space import FIXED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.path import Path

GREY = "#b8b8b8"
"""Colour of cells without a value."""
UNITS = {"length_px": "px", "angle_deg": "°", "width": "px"}

# Sizes in inches.
_CELL_IN, _LEFT_IN, _RIGHT_IN, _TOP_IN, _BOTTOM_IN, _GAP_IN = 0.36, 0.7, 0.9, 0.55, 0.6, 0.75
_WORD_PT = 6.5


@dataclass(frozen=True)
class Scale:
    """Values by colour: both maps of colours are told apart by colour-blind readers."""

    low: float
    high: float
    colours: str

    def rgb(self, value: float) -> tuple[float, float, float]:
        """Red, green and blue, 0..1, of a value; beyond the ends, those of the ends."""
        from matplotlib import colormaps

        share = (value - self.low) / (self.high - self.low)
        red, green, blue, _ = colormaps[self.colours](min(max(share, 0.0), 1.0))
        return red, green, blue


def scale(figure: str, difference: bool) -> Scale:
    """The scale of a figure of merit, or of the difference of two.

    >>> scale("removal", difference=True)
    Scale(low=-0.5, high=0.5, colours='PuOr')
    """
    largest = 40.0 if figure == "damage" else 1.0
    return Scale(-largest / 2, largest / 2, "PuOr") if difference else Scale(0.0, largest, "cividis")


def cell_text(figure: str, value: float, difference: bool) -> str:
    """A value in as few letters as a cell has room for; without its sign where it rounds to 0.

    >>> cell_text("removal", 0.718, False), cell_text("removal", -0.05, True), cell_text("damage", 12.3, False)
    ('.72', '-.05', '12')
    """
    if np.isnan(value):
        return "–"
    decimals = 0 if figure == "damage" else 2
    text = f"{value:{'+' if difference and round(value, decimals) else 'z'}.{decimals}f}"
    return text.replace("0.", ".", 1) if abs(value) < 0.995 else text[:-1] if decimals else text


def title(rain_map: RainMap) -> str:
    """The title of a map, in words.

    >>> from derain.probe.maps import rain_maps
    >>> from derain.probe.space import COARSE
    >>> [title(each) for each in rain_maps(COARSE)]
    ['length and angle', 'width and quantity', 'brightness and angle', 'families of rain']
    """
    if rain_map.x == "":
        return "families of rain"
    return " and ".join(parameter.split("_")[0] for parameter in (rain_map.y, rain_map.x))


def axis_label(parameter: str) -> str:
    """The name of a parameter with its unit.

    >>> axis_label("length_px"), axis_label("quantity"), axis_label("angle_deg")
    ('length (px)', 'quantity', 'angle (°)')
    """
    return parameter.split("_")[0] + (f" ({UNITS[parameter]})" if parameter in UNITS else "")


def tick(value: float | str) -> str:
    """The value of a row or column."""
    return value if isinstance(value, str) else f"{value:g}"


def in_words(parameters: Mapping[str, float | str]) -> str:
    """Parameters with their values and units.

    >>> in_words({"length_px": 30, "angle_deg": -20.0}), in_words({"family": "lines"})
    ('length 30 px, angle -20°', 'family lines')
    """
    units = {name: f" {unit}" if unit == "px" else unit for name, unit in UNITS.items()}
    return ", ".join(f"{name.split('_')[0]} {tick(value)}{units.get(name, '')}" for name, value in parameters.items())


def draw(results: Results, figure: str) -> "Figure":
    """Draw the maps of a figure of merit: every network, and the difference of two.

    Call it within `derain.support.pages.drawing`.
    """
    return draw_panels(results.panels(figure), results.scene.maps, figure, results.space.recipe)


def draw_panels(panels: Sequence[Panel], maps: Sequence[RainMap], figure: str, recipe: str) -> "Figure":
    """A row of maps for every panel, one below the other. Within `derain.support.pages.drawing`.

    Args:
        panels: networks, or the difference of two.
        maps: what their cells are.
        figure: the name of what is shown.
        recipe: by which the maps' streaks are rendered.
    """
    from matplotlib.figure import Figure

    heights = [_CELL_IN * max(len(rain_map.rows) for rain_map in maps)] * len(panels)
    widths = [_CELL_IN * max(len(rain_map.columns), 2) for rain_map in maps]
    width = _LEFT_IN + sum(widths) + _GAP_IN * (len(maps) - 1) + _RIGHT_IN
    height = _TOP_IN + sum(heights) + (_BOTTOM_IN + _TOP_IN) * (len(panels) - 1) + _BOTTOM_IN + 0.15
    drawn = Figure(figsize=(width, height))
    top = height - _TOP_IN
    for panel in panels:
        left = _LEFT_IN
        for rain_map, across in zip(maps, widths, strict=True):
            tall = _CELL_IN * len(rain_map.rows)
            axes = drawn.add_axes((left / width, (top - tall) / height, across / width, tall / height))
            _heat_map(axes, rain_map, panel, figure)
            left += across + _GAP_IN
        bar = drawn.add_axes(
            ((width - _RIGHT_IN + 0.2) / width, (top - heights[0]) / height, 0.13 / width, heights[0] / height)
        )
        _colour_bar(bar, scale(figure, panel.difference))
        drawn.text(
            0.1 / width, (top + 0.35) / height, f"{METRIC[figure].label}: {panel.title}", weight="bold", fontsize=10
        )
        top -= heights[0] + _BOTTOM_IN + _TOP_IN
    drawn.text(
        0.1 / width,
        0.1 / height,
        f"recipe {recipe}; what a map does not vary: {in_words(FIXED)}",
        fontsize=7,
        color="#555555",
    )
    return drawn


def draw_clean_error(results: Results) -> "Figure":
    """The clean error on every background, its mean, and the bound of the area. To be called within `page.drawing`."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(5.5, 0.9 + 0.45 * len(results.networks)), layout="constrained")
    axes = drawn.subplots()
    for row, probed in enumerate(results.networks):
        errors = probed.answer.clean_error
        axes.plot(errors, np.full(len(errors), row), "o", ms=6, mfc="none", color="#0072b2")
        axes.plot(mean_and_error(errors)[0], row, "D", ms=8, color="#d55e00")
    axes.axvline(results.clean_bound, color="#666666", linestyle=(0, (5, 3)), linewidth=1)
    axes.set_yticks(range(len(results.networks)), results.titles if len(results.networks) == 2 else [""])
    axes.set_ylim(len(results.networks) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.set_xlabel(
        "clean error (grey levels): backgrounds, their mean (filled), the area's bound (dashed)", fontsize=8
    )
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)
    return drawn


class _Word(NamedTuple):
    """A short text at a place of the axes."""

    x: float
    y: float
    text: str
    ink: str = "#000000"
    align: float = 0.5
    """Share of its width that is left of the place."""


def _heat_map(axes: "Axes", rain_map: RainMap, panel: Panel, figure: str) -> None:
    from matplotlib.patches import Rectangle

    rows, columns = len(rain_map.rows), len(rain_map.columns)
    colours = scale(figure, panel.difference)
    means = panel.means[rain_map.name].reshape(rows, columns)
    axes.set(facecolor=GREY, xticks=[], yticks=[])
    # Drawn as rectangles: a picture would be scaled, and blurred, by what shows the SVG.
    axes.pcolormesh(
        np.arange(columns + 1) - 0.5, np.arange(rows + 1) - 0.5, np.ma.masked_invalid(means),
        cmap=colours.colours, vmin=colours.low, vmax=colours.high, edgecolors="face", linewidth=0.3,
    )  # fmt: skip
    words = [
        _Word(column, row, cell_text(figure, value, panel.difference), _ink(value, colours))
        for (row, column), value in np.ndenumerate(means)
    ]
    words += [_Word(place, -0.72, tick(value)) for place, value in enumerate(rain_map.columns) if value != ""]
    words += [_Word(-0.62, place, tick(value), align=1.0) for place, value in enumerate(rain_map.rows)]
    _write(axes, words)
    for box in panel.boxes[rain_map.name]:
        size = (box.last_column - box.first_column + 1, box.last_row - box.first_row + 1)
        corner = (box.first_column - 0.5, box.first_row - 0.5)
        for colour, line in (("white", 4.0), ("#d62728", 2.2)):
            style = "-" if box.whole else (0, (3, 1.5))
            axes.add_patch(Rectangle(corner, *size, fill=False, ec=colour, lw=line, ls=style, clip_on=False, zorder=3))
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(-0.5, rows - 0.5)
    axes.set_xlabel(axis_label(rain_map.x), fontsize=8, labelpad=14)
    axes.set_ylabel("" if rain_map.x == "" else axis_label(rain_map.y), fontsize=8, labelpad=24)
    axes.set_title(title(rain_map), fontsize=8.5)
    axes.spines[:].set_visible(False)


def _write(axes: "Axes", words: Sequence[_Word]) -> None:
    """Draw short texts as one collection of outlines: as a text each they take most of the time of the figure."""
    from matplotlib.collections import PathCollection
    from matplotlib.transforms import Affine2D

    figure = axes.get_figure(root=True)
    assert figure is not None
    written = PathCollection(
        [_outline(word.text, word.align) for word in words],
        offsets=[(word.x, word.y) for word in words], offset_transform=axes.transData,
        facecolors=[word.ink for word in words], linewidths=0, clip_on=False,
    )  # fmt: skip
    written.set_transform(Affine2D().scale(1 / 72) + figure.dpi_scale_trans)
    axes.add_artist(written)


@cache
def _outline(text: str, align: float) -> "Path":
    """The outline of a text in points: the middle of its digits at 0, and what lies left of 0 is its share `align`."""
    from matplotlib.textpath import TextPath
    from matplotlib.transforms import Affine2D

    drawn, digit = (TextPath((0, 0), each, size=_WORD_PT) for each in (text, "0"))
    shift = -align * drawn.get_extents().width, -digit.get_extents().height / 2
    return Affine2D().translate(*shift).transform_path(drawn)


def _ink(value: float, colours: Scale) -> str:
    return "#222222" if np.isnan(value) else ink_on(colours.rgb(value))


def ink_on(rgb: Sequence[float]) -> str:
    """Black or white, whichever is easier to read on a colour."""
    red, green, blue = rgb
    return "#000000" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "#ffffff"


def _colour_bar(axes: "Axes", colours: Scale) -> None:
    steps = np.linspace(0, 1, 64)[:, None]
    extent = (0.0, 1.0, colours.low, colours.high)
    axes.imshow(steps, cmap=colours.colours, aspect="auto", origin="lower", extent=extent)
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.tick_params(labelsize=7.5)
