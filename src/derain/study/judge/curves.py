"""The cells of a study as curves over the number of backgrounds: what is drawn, and what is judged."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from statistics import fmean, variance
from typing import Any

import numpy as np

from derain.evaluation.metrics import METRIC
from derain.evaluation.statistics import pooled, standard_error
from derain.study.judge.luck import redrawn
from derain.study.judge.results import Cell
from derain.study.judge.turning import NotTested, turning_ends, turning_point
from derain.training.settings import SETTING_AXES


@dataclass(frozen=True)
class Point:
    """The trainings at one count.

    Attributes:
        by_seed: a figure of every seed.
        images: the same of every test image by name, of every seed of which it is known.
        parameters: of the network.
    """

    by_seed: Sequence[float]
    images: Mapping[str, Sequence[float]]
    parameters: int

    @cached_property
    def value(self) -> float:
        """Mean over seeds."""
        return fmean(self.by_seed)

    @cached_property
    def variance(self) -> float | None:
        """Over seeds (n - 1 in the denominator); None: there is one."""
        return variance(self.by_seed) if len(self.by_seed) > 1 else None

    @property
    def error(self) -> float | None:
        """Standard deviation over seeds (n - 1 in the denominator); with one seed, the standard error of the mean over
        test images; None: there are less than two of these.
        """
        if self.variance is not None:
            return math.sqrt(self.variance)
        return standard_error(list(self.image_means.values())) if len(self.images) > 1 else None

    @cached_property
    def image_means(self) -> dict[str, float]:
        """The mean over seeds of every test image, by name."""
        return {name: fmean(values) for name, values in self.images.items()}

    @property
    def seeds(self) -> int:
        """Their number."""
        return len(self.by_seed)


Curve = Mapping[int, Point]


@dataclass(frozen=True)
class Line:
    """Values that a curve's trainings have in common; "" on axes over which curves are compared."""

    family: str
    network: str
    category: str
    rain: str
    length: str
    test: str
    settings: tuple[str, ...]
    """Values of the settings that are axes."""

    def told_by(self, axis: str) -> str:
        """Its value on an axis."""
        of_settings = dict(zip(SETTING_AXES, self.settings, strict=True))
        value: str = of_settings[axis] if axis in of_settings else getattr(self, axis)
        return value


@dataclass(frozen=True)
class Figure:
    """One figure of merit of a whole study.

    Attributes:
        name: as in `derain.METRICS`.
        curves: over counts.
        perfect: what perfect removal would give of E_R, removal and controlled removal, by line; where it is known.
    """

    name: str
    curves: Mapping[Line, Curve]
    perfect: Mapping[Line, float]

    def text(self, value: float) -> str:
        return METRIC[self.name].text(value)


def turns_at(curve: Curve) -> float:
    """The turning point of a curve, as of `derain.study.judge.turning.turning_point`."""
    values = values_of(curve)
    high, low = turning_ends(values)
    return turning_point(values, spread(curve[high], curve[low]))


def turning_interval(curve: Curve) -> tuple[float, float]:
    """The ends between which the turning point lies in 95 % of 200 draws of seeds and images, with replacement."""
    high, low = turning_ends(values_of(curve))
    between = spread(curve[high], curve[low])
    draws = redrawn({count: (point.by_seed, point.images) for count, point in curve.items()})
    points = np.sort([turning_point(dict(zip(curve, values, strict=True)), between) for values in draws])
    return float(points[int(0.025 * len(points))]), float(points[int(0.975 * len(points))])


def place(curve: Curve) -> float:
    """The turning point, where there is a count between its ends: with none it is midway, whatever the values are.

    Raises:
        NotTested: there is no such count, or as of `turns_at`.
    """
    high, low = turning_ends(values_of(curve))
    if not any(high < count < low for count in curve):
        raise NotTested(f"a count between {high} and {low} is needed")
    return turns_at(curve)


def rises(points: Sequence[Point]) -> bool:
    """True where no point is above a later one by more than two spreads."""
    return not any(
        first.value > second.value and first.value - second.value > 2 * spread(first, second)
        for first, second in combinations(points, 2)
    )


def spread(first: Point, second: Point, among: Sequence[Point] = ()) -> float:
    """The spread between seeds of two points, or of all that a rule compares.

    Args:
        first, second: with one seed, the standard error over images of their difference stands for it.
        among: all points that the rule compares; none: the two.

    Raises:
        NotTested: one of the two has one seed, and they have no two images to compare.
    """
    between_seeds = pooled(point.variance for point in among or (first, second))
    if between_seeds is not None and min(first.seeds, second.seeds) > 1:
        return between_seeds
    of_first, of_second = first.image_means, second.image_means
    common = of_first.keys() & of_second
    if len(common) < 2:
        raise NotTested("one seed, and no two images of which the figures were kept: the spread is not known")
    return standard_error([of_first[name] - of_second[name] for name in common])


def figure_of(cells: Sequence[Cell], name: str, threshold: int | None) -> Figure:
    """Sort the cells into lines, each a curve of one figure.

    Args:
        cells: of one study.
        name: of the figure, as in `derain.METRICS`.
        threshold: 10 or 50; None: the figure does not depend on it.
    """
    lines: dict[Line, list[Cell]] = {}
    for cell in cells:
        axes = cell.axes
        line = Line(
            axes["network"].partition(":")[0],
            axes["network"],
            axes["category"],
            axes["rain"],
            f"{axes['length']:g}",
            cell.test,
            tuple(str(axes[name]) for name in SETTING_AXES),
        )
        lines.setdefault(line, []).append(cell)
    found = {line: curve_of(group, name, threshold or 10) for line, group in lines.items()}
    curves = {line: curve for line, curve in found.items() if curve}
    wholes = {line: perfect(lines[line][0], name, threshold or 10) for line in curves}
    return Figure(name, curves, {line: whole for line, whole in wholes.items() if whole is not None})


def perfect(cell: Cell, name: str, threshold: int) -> float | None:
    """Figure of perfect removal, for E_R, removal and controlled removal; None of others, or where it is not known."""
    if name == "e_r":
        return cell.measured.perfect_e_r.get(threshold)
    return 1.0 if name in ("removal", "removal_controlled") else None


def curve_of(cells: Sequence[Cell], name: str, threshold: int) -> Curve:
    """The curve of one figure over the count; counts at which it is not defined are left out.

    Args:
        cells: that differ by count and seed alone; a training that two grids ask for counts once.
        name: of the figure, as in `derain.METRICS`.
        threshold: 5, 10, 25 or 50; figures that do not depend on it stand at 10 and 50.
    """
    counts: dict[int, dict[int, Cell]] = {}
    for cell in cells:
        if cell.measured.value(name, threshold) is not None:
            counts.setdefault(cell.axes["count"], {})[cell.axes["seed"]] = cell
    return {count: _point(list(seeds.values()), name, threshold) for count, seeds in sorted(counts.items())}


def _point(cells: Sequence[Cell], name: str, threshold: int) -> Point:
    images: dict[str, list[float]] = {}
    for cell in cells:
        values = cell.measured.values(name, threshold)
        names = cell.measured.names if values else []  # a result may have been published with its means alone
        for image, value in zip(names, values, strict=True):
            if value is not None:
                images.setdefault(image, []).append(value)
    by_seed = [value for cell in cells if (value := cell.measured.value(name, threshold)) is not None]
    return Point(by_seed, images, cells[0].parameters or 0)


def compared(figure: Figure, over: Sequence[str]) -> Iterator[tuple[str, Mapping[Line, Curve]]]:
    """The curves that are judged together, those that differ only on some axes, with what they have in common."""
    groups: dict[Line, dict[Line, Curve]] = {}
    common: dict[str, Any] = dict.fromkeys(over, "")
    for line, curve in figure.curves.items():
        groups.setdefault(replace(line, **common), {})[line] = curve
    if not groups:
        yield "", {}
    for shared, curves in groups.items():
        yield _label(shared, list(groups)), curves


def _label(line: Line, lines: Sequence[Line]) -> str:
    """Network and category, and what else tells the line from the others."""
    networks = {other.network for other in lines if other.family == line.family}
    label = [line.family if len(networks) == 1 else line.network, line.category]
    told_apart_by = ["network", "category"]
    for axis in ("rain", "length", *SETTING_AXES, "test"):
        if _distinct(lines, [*told_apart_by, axis]) > _distinct(lines, told_apart_by):
            told_apart_by.append(axis)
            label.append(line.told_by(axis))
    return ", ".join(filter(None, label))


def _distinct(lines: Sequence[Line], axes: Sequence[str]) -> int:
    return len({tuple(line.told_by(axis) for axis in axes) for line in lines})


def values_of(curve: Curve) -> dict[int, float]:
    return {count: point.value for count, point in curve.items()}
