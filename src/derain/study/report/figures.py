"""Figures of curves in the arrangement of the paper: figures of merit against the number of backgrounds."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, isfinite, log2
from textwrap import wrap
from typing import TYPE_CHECKING

from derain.evaluation.metrics import METRIC, RAIN_METRICS
from derain.study.judge.curves import Curve, curve_of, figure_of, perfect, place
from derain.study.judge.results import Cell
from derain.study.judge.turning import NotTested
from derain.study.plan.spec import AXES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

MASKED = tuple(metric.name for metric in RAIN_METRICS)
"""The figures that depend on the threshold."""

# Okabe and Ito's colours, which colour-blind readers tell apart; markers differ as well.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_LEVEL_STYLES = (("#777777", (0, (8, 2, 1, 2))), ("#999999", "-"), ("#b5b5b5", (0, (2.5, 1))))
_MOST_COLUMNS = 4
_LETTERS_A_PANEL = 36  # of the legend
_LETTERS_A_TITLE = 28  # of a panel, in full size

# Sizes in inches, at 10 points. Set by hand: a layout engine takes longer than the drawing.
_PANEL_IN, _GAP_IN = (2.15, 1.9), (0.6, 0.42)
_SQUARE_IN = (4.4, 4.4)
_LEFT_IN, _RIGHT_IN, _TOP_IN, _BOTTOM_IN = 0.8, 0.1, 0.32, 0.7
_LEGEND_LINE_IN = 0.2
_LEAST_GAP = 0.15  # of the axis, between two counts whose labels stand level


@dataclass(frozen=True)
class Quantity:
    """A figure of `derain.METRICS` at a threshold of the mask of rain, in grey levels: 5, 10, 25 or 50."""

    figure: str
    threshold: int = 10

    @property
    def title(self) -> str:
        """As it stands above a panel.

        >>> Quantity("e_r", 50).title, Quantity("clean_error").title
        ('E_R, t=50', 'clean error')
        """
        label = METRIC[self.figure].label
        return f"{label}, t={self.threshold}" if self.figure in MASKED else label

    def reference(self, cell: Cell) -> float | None:
        """The value that a curve is compared with: E_R of perfect removal, E_B of the untouched rainy pictures."""
        if self.figure == "e_r":
            return cell.measured.perfect_e_r.get(self.threshold)
        if self.figure == "e_b" and self.threshold in cell.measured.input:
            return cell.measured.input[self.threshold]["e_b"]
        return None

    def lost_below(self, cell: Cell) -> float | None:
        """Half of what perfect removal gives of E_R, removal and controlled removal (docs/concepts/verdicts.md)."""
        whole = perfect(cell, self.figure, self.threshold)
        return None if whole is None else whole / 2


@dataclass(frozen=True)
class Drawn:
    """A curve as it is drawn; the levels are those of `Quantity`."""

    label: str
    curve: Curve
    reference: float | None
    lost_below: float | None = None
    level: float | None = None
    """In place of a curve: the value of a system that was not trained."""


def quantities(figures: Sequence[str]) -> list[Quantity]:
    """The quantities to draw of a study's figures: E_R and E_B at thresholds of 50 and 10, the others at 10.

    >>> [quantity.title for quantity in quantities(["e_r", "removal"])]
    ['E_R, t=50', 'E_R, t=10', 'removal, t=10']
    """
    thresholds = {"e_r": (50, 10), "e_b": (50, 10)}
    return [Quantity(figure, threshold) for figure in figures for threshold in thresholds.get(figure, (10,))]


def sensitivity(figures: Sequence[str]) -> list[list[Quantity]]:
    """The figures that depend on the threshold, each at 5, 10, 25 and 50."""
    return [[Quantity(figure, threshold) for threshold in (5, 10, 25, 50)] for figure in figures if figure in MASKED]


def varied(cells: Sequence[Cell], without: Sequence[str] = ()) -> list[str]:
    """The axes on which cells differ."""
    return [axis for axis in AXES if axis not in without and len({cell.axes[axis] for cell in cells}) > 1]


def panels(cells: Sequence[Cell], axis: str | None) -> dict[str, list[Cell]]:
    """The cells of each panel by its title; without an axis there is one panel, and no title."""
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        found.setdefault("" if axis is None else str(cell.axes[axis]), []).append(cell)
    return found


def curves(cells: Sequence[Cell], axis: str, quantity: Quantity, without: Sequence[str] = ()) -> list[Drawn]:
    """A curve for each value of an axis.

    Cells that differ in other ways than by count and seed are never averaged: each such way has a curve of its own.

    Args:
        cells: of one panel.
        axis: whose values become curves.
        quantity: to draw.
        without: axes that tell panels apart.
    """
    return [
        Drawn(
            label,
            curve_of(group, quantity.figure, quantity.threshold),
            quantity.reference(group[0]),
            quantity.lost_below(group[0]),
        )
        for label, group in _groups(cells, axis, without).items()
    ]


def turning_points(cells: Sequence[Cell], quantity: Quantity) -> dict[str, float]:
    """The count at which the curve of each category turns, as `derain.study.judge.turning.turning_point` has it.

    inf: it does not turn. Categories that lack the counts needed, or have several curves, are left out.
    """
    figure = figure_of(cells, quantity.figure, quantity.threshold)
    categories = [line.category for line in figure.curves]
    found = {}
    for line, curve in figure.curves.items():
        with suppress(NotTested):
            if categories.count(line.category) == 1:
                found[line.category] = place(curve)
    return found


def _groups(cells: Sequence[Cell], axis: str, without: Sequence[str] = ()) -> dict[str, list[Cell]]:
    """Cells that differ only by count and seed, by what they have in common."""
    others = varied(cells, without=(axis, "count", "seed", *without))
    groups: dict[str, dict[str, list[Cell]]] = {}
    # A training that two grids ask for is there twice.
    for cell in {(cell.identity, cell.test): cell for cell in cells}.values():
        label = ", ".join([str(cell.axes[axis]), *(f"{other} {cell.axes[other]}" for other in others)])
        groups.setdefault(label, {}).setdefault(cell.test, []).append(cell)
    return {
        label if len(tests) == 1 else f"{label}, on {test}": group
        for label, tests in groups.items()
        for test, group in tests.items()
    }


def scaled(drawn: Drawn) -> Drawn:
    """A curve from its lowest value, 0, to its highest, 1, as in the paper's Figure 6a; a flat one loses its points.

    >>> from derain.study.judge.curves import Point
    >>> drawn = scaled(Drawn("faces", {8: Point([45.0, 55.0], {}, 0), 64: Point([30.0], {}, 0)}, 37.0))
    >>> [(count, point.by_seed) for count, point in drawn.curve.items()]
    [(8, [0.75, 1.25]), (64, [0.0])]
    """
    values = [point.value for point in drawn.curve.values()]
    low, span = min(values, default=0.0), max(values, default=0.0) - min(values, default=0.0)
    curve = {
        count: replace(
            point,
            by_seed=[(value - low) / span for value in point.by_seed],
            images={name: [(value - low) / span for value in values] for name, values in point.images.items()},
        )
        for count, point in drawn.curve.items()
        if span > 0
    }
    return Drawn(drawn.label, curve, None)


def draw_curves(
    rows: Mapping[str, Mapping[str, Sequence[Drawn]]], limits: tuple[float, float] | None = None
) -> "Figure":
    """Panels in rows by the rows' titles and in columns by the panels' titles; to be called within `page.drawing`.

    The axis of counts is logarithmic to the base of 2, with a tick at every count. References are dashed, in the colour
    of their curve; one that all curves share is grey. Levels are grey, each with dashes of its own.

    Args:
        rows: curves by the titles of rows and panels; a row that is too long goes on below.
        limits: of the vertical axes; by default they hold all curves and 0.
    """
    every = [drawn for row in rows.values() for panel in row.values() for drawn in panel]
    labels = list(dict.fromkeys(drawn.label for drawn in every))
    levels = [label for label in labels if any(drawn.level is not None for drawn in every if drawn.label == label)]
    counts = sorted({count for drawn in every for count in drawn.curve})
    most = max(len(row) for row in rows.values())
    columns = ceil(most / ceil(most / _MOST_COLUMNS))
    lines = [(title, chunk) for title, row in rows.items() for chunk in _chunks(list(row.items()), columns)]
    legend_columns = max(1, int(columns * _LETTERS_A_PANEL / (7 + max(map(len, labels), default=0))))
    legend_lines = ceil(len(labels) / legend_columns)

    figure, grid = _panels(len(lines), columns, 0.1 + _LEGEND_LINE_IN * legend_lines)
    handles = {}
    for index, (title, chunk) in enumerate(lines):
        for axes in grid[index][len(chunk) :]:
            axes.set_axis_off()
        panels_below = len(lines[index + 1][1]) if index + 1 < len(lines) else 0
        for column, (axes, (panel, shown)) in enumerate(zip(grid[index], chunk, strict=False)):
            for drawn in shown:
                if drawn.level is None:
                    handles[drawn.label] = _draw_curve(axes, drawn.curve, labels.index(drawn.label))
                else:
                    colour, style = _LEVEL_STYLES[levels.index(drawn.label) % len(_LEVEL_STYLES)]
                    handles[drawn.label] = axes.axhline(drawn.level, color=colour, linestyle=style, linewidth=1.5)
            _draw_levels(axes, {drawn.label: drawn.reference for drawn in shown}, labels, (0, (5, 3)))
            _draw_levels(axes, {drawn.label: drawn.lost_below for drawn in shown}, labels, (0, (1, 2)))
            axes.set_ylim(limits or _limits_with_zero(*axes.get_ylim()))
            _count_axis(axes, counts, labelled=column >= panels_below)
            _finish(axes, panel)
        grid[index][0].set_ylabel("\n".join(wrap(title.replace(",", ", "), 28)), fontsize=8)
    figure.legend(handles.values(), handles.keys(), loc="lower center", ncols=legend_columns, frameon=False, fontsize=9)
    return figure


def draw_turning_points(panels: Mapping[str, Mapping[str, tuple[float, float]]]) -> "Figure":
    """Structural complexity and turning point of each category; to be called within `page.drawing`.

    Args:
        panels: (complexity, turning point) by the name of the category, by the panels' titles. Turning points that are
            inf, later than every count, are left out.
    """
    names = list(dict.fromkeys(name for points in panels.values() for name in points))
    figure, [grid] = _panels(1, len(panels), 0.0)
    for axes, (title, points) in zip(grid, panels.items(), strict=True):
        for name, (complexity, count) in points.items():
            if isfinite(count):
                index = names.index(name)
                axes.plot(complexity, count, color=_colour(index), marker=_marker(index), ms=8, linestyle="none")
                axes.annotate(name, (complexity, count), xytext=(6, 6), textcoords="offset points", fontsize=8)
        axes.set_yscale("log", base=2)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.locator_params(axis="x", nbins=4)
        axes.set_xlabel("structural complexity", fontsize=9)
        axes.margins(0.25)
        _finish(axes, title)
    grid[0].set_ylabel("turning point (backgrounds)", fontsize=9)
    return figure


def draw_points(points: Mapping[str, tuple[float, float]], across: str, up: str) -> "Figure":
    """One named point each on equal axes from 0, with the line of equal values; to be called within `page.drawing`.

    Args:
        points: horizontal and vertical values by name.
        across, up: titles of the axes.
    """
    figure, [[axes]] = _panels(1, 1, _LEGEND_LINE_IN * ceil(len(points) / 2), _SQUARE_IN)
    high = 1.1 * max(max(point) for point in points.values())
    axes.plot([0, high], [0, high], color="#999999", linewidth=1, linestyle=(0, (5, 3)))
    for index, (name, point) in enumerate(points.items()):
        axes.plot(*point, color=_colour(index), marker=_marker(index), ms=8, linestyle="none", label=name)
    axes.set_xlim(0, high)
    axes.set_ylim(0, high)
    axes.set_xlabel(across, fontsize=9)
    axes.set_ylabel(up, fontsize=9)
    _finish(axes, "")
    figure.legend(loc="lower center", ncols=2, frameon=False, fontsize=8)
    return figure


def _draw_curve(axes: "Axes", curve: Curve, index: int) -> "Line2D":
    drawn = axes.errorbar(
        list(curve),
        [point.value for point in curve.values()],
        [point.error or 0.0 for point in curve.values()],
        color=_colour(index),
        marker=_marker(index),
        markersize=5,
        linewidth=1.4,
        elinewidth=1,
        capsize=2.5,
    )
    line: Line2D = drawn.lines[0]
    return line


def _draw_levels(
    axes: "Axes", levels: Mapping[str, float | None], labels: Sequence[str], dashes: tuple[int, tuple[int, int]]
) -> None:
    known = {label: level for label, level in levels.items() if level is not None}
    shared = len({f"{level:.4g}" for level in known.values()}) == 1  # results may have been rounded
    for label, level in known.items():
        colour = "#666666" if shared else _colour(labels.index(label))
        axes.axhline(level, color=colour, linestyle=dashes, linewidth=1)
        if shared:
            break


def _chunks(row: list[tuple[str, Sequence[Drawn]]], columns: int) -> list[list[tuple[str, Sequence[Drawn]]]]:
    return [row[start : start + columns] for start in range(0, len(row), columns)]


def _limits_with_zero(low: float, high: float) -> tuple[float, float]:
    """An axis that begins at 0 lets no change look larger than it is."""
    low = min(0.0, low)
    return low, high + 0.05 * (high - low)


def _panels(
    rows: int, columns: int, legend_in: float, panel_in: tuple[float, float] = _PANEL_IN
) -> "tuple[Figure, list[list[Axes]]]":
    """A figure with a grid of axes, and room for a legend below."""
    from matplotlib.figure import Figure

    (panel_width, panel_height), (gap_width, gap_height) = panel_in, _GAP_IN
    bottom = _BOTTOM_IN + legend_in
    width = _LEFT_IN + columns * panel_width + (columns - 1) * gap_width + _RIGHT_IN
    height = bottom + rows * panel_height + (rows - 1) * gap_height + _TOP_IN
    figure = Figure(figsize=(width, height))
    figure.subplots_adjust(
        left=_LEFT_IN / width,
        right=1 - _RIGHT_IN / width,
        bottom=bottom / height,
        top=1 - _TOP_IN / height,
        wspace=gap_width / panel_width,
        hspace=gap_height / panel_height,
    )
    return figure, figure.subplots(rows, columns, squeeze=False).tolist()


def _count_axis(axes: "Axes", counts: Sequence[int], labelled: bool) -> None:
    axes.set_xscale("log", base=2)
    labels = [str(count) if labelled else "" for count in counts]
    gaps = [log2(second / first) for first, second in pairwise(counts)]
    crowded = len(counts) > 5 or min(gaps, default=0) < _LEAST_GAP * sum(gaps)
    axes.set_xticks(counts, labels, rotation=45 if crowded else 0, fontsize=8)
    axes.minorticks_off()
    if counts:  # the same limits for panels that lack the first or the last one
        margin = 1.1 * (counts[-1] / counts[0]) ** 0.03
        axes.set_xlim(counts[0] / margin, counts[-1] * margin)
    if labelled:
        axes.set_xlabel("backgrounds", fontsize=9)


def _finish(axes: "Axes", title: str) -> None:
    axes.set_title(title, fontsize=10 * min(1.0, _LETTERS_A_TITLE / max(len(title), 1)))
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3)


def _colour(index: int) -> str:
    return _COLOURS[index % len(_COLOURS)]


def _marker(index: int) -> str:
    return _MARKERS[index % len(_MARKERS)]
