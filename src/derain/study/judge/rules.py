"""The rules by which a finding of the paper counts as borne out; docs/concepts/verdicts.md states them.

The findings are those of Gu et al., "Networks are Slacking Off", NeurIPS 2023.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Literal

from derain.evaluation.statistics import spearman
from derain.study.judge.curves import Curve, Figure, Line, Point, place, rises, spread, turns_at, values_of
from derain.study.judge.luck import orders
from derain.study.judge.paper import TABLE2, Table2Row
from derain.study.judge.turning import FEW, MANY, NotTested, doublings, turning_ends

Level = Literal["reproduced", "indicated", "not reproduced", "not tested"]
_REMOVAL = tuple((name, threshold) for name in ("e_r", "removal", "removal_controlled") for threshold in (50, 10))
_BACKGROUND = (("e_b", 50), ("e_b", 10), ("damage", 50), ("damage", 10), ("clean_error", None))
_PSNR = (("psnr_y", None), ("psnr_rgb", None))

# The column of Table 2 that stands beside each of our figures.
_COLUMNS = {
    "e_r": "e_r", "removal": "e_r", "removal_controlled": "e_r",
    "e_b": "e_b", "damage": "e_b", "clean_error": "e_b",
    "psnr_y": "psnr", "psnr_rgb": "psnr",
}  # fmt: skip
_ROWS = 5
_RAINS = ("small", "medium", "large")
_CATEGORIES = ("faces", "natural", "comics", "buildings")  # in the order in which removal is lost in the paper


@dataclass(frozen=True)
class Ruling:
    """The verdict of a rule on the curves that it was given.

    Attributes:
        met: the rule is met.
        right: at least the direction is right, within two spreads.
        numbers: that say so, in words.
    """

    met: bool
    right: bool
    numbers: str

    def level(self, seeds: int) -> Level:
        """The verdict, where every value rests on that many seeds at least.

        >>> Ruling(True, False, "").level(2), Ruling(True, False, "").level(1), Ruling(False, True, "").level(2)
        ('reproduced', 'indicated', 'indicated')
        """
        if self.met and seeds > 1:
            return "reproduced"
        return "indicated" if self.met or self.right else "not reproduced"


def _all_of(rulings: Sequence[Ruling]) -> Ruling:
    """The ruling on all of several counts."""
    return Ruling(
        all(each.met for each in rulings),
        all(each.right for each in rulings),
        "; ".join(each.numbers for each in rulings),
    )


# --- the rules --------------------------------------------------------------------------------------------------------

Curves = Mapping[Line, Curve]
Decide = Callable[[Figure, Curves], Ruling]


def _falls(figure: Figure, curves: Curves) -> Ruling:
    """F4: Spearman of at most -0.8, and a turning point."""
    curve = _only(curves)
    values = values_of(curve)
    point, (high, low) = turns_at(curve), turning_ends(values)
    rank = spearman(list(values), list(values.values())) or 0.0
    ordered = rank <= -0.8
    nearly_ordered = rank < 0 and rises([curve[count] for count in sorted(curve, reverse=True)])
    met, right = ordered and math.isfinite(point), (ordered or nearly_ordered) and values[high] > values[low]
    change = _change(figure, curve, high, low)
    return Ruling(met, right, f"{change}; Spearman {rank:.2f} over {len(curve)} counts; {_point_text(point)}")


def _lost_early(figure: Figure, curves: Curves) -> Ruling:
    """F4: the turning point is at 256 or before."""
    curve = _only(curves)
    point, limit = place(curve), _standing_for_256(curve)
    stands = "" if limit == 256 else f", {limit} standing for 256"
    return Ruling(point <= limit, False, f"{_point_text(point)}{stands}")


def _lost(figure: Figure, curves: Curves) -> Ruling:
    """F4: at 256, less than half of what perfect removal gives."""
    [(line, curve)] = curves.items()
    if line not in figure.perfect:
        raise NotTested("the figure of perfect removal is not known")
    limit, half = _standing_for_256(curve), figure.perfect[line] / 2
    numbers = f"{figure.text(curve[limit].value)} at {limit}; half of perfect removal is {figure.text(half)}"
    return Ruling(curve[limit].value < half, False, numbers)


def _flat_at_last(figure: Figure, curves: Curves) -> Ruling:
    """F4: from 1024 to every larger count, a change of less than a tenth of the range."""
    curve = _only(curves)
    larger = [count for count in curve if count > 1024]
    if 1024 not in curve or not larger:
        raise NotTested("1024 backgrounds and a larger count are needed")
    _check_flatness(figure, curve)
    values = values_of(curve)
    last = max(larger, key=lambda count: abs(values[count] - values[1024]))
    change, extent = abs(values[last] - values[1024]), max(values.values()) - min(values.values())
    right = change <= 2 * spread(curve[last], curve[1024])
    numbers = f"{_change(figure, curve, 1024, last)}; the range is {figure.text(extent)}"
    return Ruling(change < 0.1 * extent, right, numbers)


def _later_with_wider_rain(figure: Figure, curves: Curves) -> Ruling:
    """F5: turning points small <= medium <= large, the first and the last at least a doubling apart."""
    points = _turning_points(figure, _by("rain", curves), _RAINS)
    first, middle, last = points.values()
    ordered = first <= middle <= last
    _refuse_vacuous(ordered, points)
    return Ruling(ordered and doublings(first, last) >= 1, ordered and first < last, _points_text(points))


def _order_of_categories(figure: Figure, curves: Curves) -> Ruling:
    """F6a: turning points faces < natural < comics < buildings, neighbours at least half a doubling apart."""
    named = _by("category", curves)
    for category, curve in named.items():
        if lacking := [str(count) for count in (8, 16, 32, 64, 512) if count not in curve]:
            raise NotTested(f"{category} is not there with {', '.join(lacking)} backgrounds")
    points = _turning_points(figure, named, _CATEGORIES)
    least = min(doublings(first, second) for first, second in pairwise(points.values()))
    _refuse_vacuous(least > 0, points)
    return Ruling(least >= 0.5, least > 0, _points_text(points))


def _order_of_complexity(complexity: Mapping[str, float] | None, figure: Figure, curves: Curves) -> Ruling:
    """F6b: absolute Spearman between complexity and turning point of at least 0.8 over the four categories."""
    known = complexity or {}
    if lacking := [category for category in _CATEGORIES if category not in known]:
        raise NotTested(f"the structural complexity of {', '.join(lacking)} is needed")
    points = _turning_points(figure, _by("category", curves), _CATEGORIES)
    rank = spearman([known[category] for category in _CATEGORIES], list(points.values())) or 0.0
    _refuse_vacuous(abs(rank) >= 0.8, points)
    direction = f" (the more complex, the {'later' if rank > 0 else 'earlier'})" if rank else ""
    complexities = ", ".join(f"{category} {known[category]:.4f}" for category in _CATEGORIES)
    numbers = f"Spearman between complexity and turning point {rank:.2f}{direction}; {_points_text(points)}"
    return Ruling(abs(rank) >= 0.8, False, f"{numbers}; complexity: {complexities}")


def _error_falls(figure: Figure, curves: Curves) -> Ruling:
    """F7: E_B(8) - E_B(256) > 2 spreads."""
    curve = _only(curves)
    few, many = _eight_and_256(curve)
    fall = curve[few].value - curve[many].value
    return Ruling(fall > 2 * spread(curve[few], curve[many]), fall > 0, _change(figure, curve, few, many))


def _error_flat(figure: Figure, curves: Curves) -> Ruling:
    """F7: E_B(256) - E_B(1024) < a tenth of E_B(8) - E_B(256)."""
    curve = _only(curves)
    few, many = _eight_and_256(curve)
    if 1024 not in curve or many == 1024:
        raise NotTested("256 or a count that stands for it, and 1024, are needed")
    _check_flatness(figure, curve)
    fall, further = curve[few].value - curve[many].value, curve[many].value - curve[1024].value
    # Without a fall there is nothing after which the curve could be flat.
    met = fall > 0 and further < 0.1 * fall
    right = fall > 0 and further <= 2 * spread(curve[many], curve[1024])
    numbers = f"{_change(figure, curve, many, 1024)}; before, {_change(figure, curve, few, many)}"
    return Ruling(met, right, numbers)


def _comics_worst(figure: Figure, curves: Curves) -> Ruling:
    """F10: at counts from 256, comics are the worst by more than two spreads."""
    return _comics_apart(figure, curves, above=True)


def _comics_remove_least(figure: Figure, curves: Curves) -> Ruling:
    """F10, lower row: at counts from 256, comics are the lowest by more than two spreads."""
    return _comics_apart(figure, curves, above=False)


def _comics_apart(figure: Figure, curves: Curves, above: bool) -> Ruling:
    """At counts from 256, comics are above, or below, all other categories by more than two spreads."""
    at_many = _categories_at_many(curves)
    rulings, among = [], _all_points(at_many)
    extreme, word = (max, "highest") if above else (min, "lowest")
    for count, points in at_many.items():
        comics = points.pop("comics")
        nearest = extreme(points, key=lambda category: points[category].value)
        lead, between = comics.value - points[nearest].value, spread(comics, points[nearest], among)
        margin = lead if above else -lead
        numbers = (
            f"at {count} comics {figure.text(comics.value)}, the {word} other ({nearest}) "
            f"{figure.text(points[nearest].value)}, spread {between:.2g}"
        )
        rulings.append(Ruling(margin > 2 * between, margin > 0, numbers))
    return _all_of(rulings)


def _others_transfer(figure: Figure, curves: Curves) -> Ruling:
    """F10: at counts from 256, faces and buildings are within 15 % of natural."""
    at_many = _categories_at_many(curves)
    met, right, texts, among = True, True, [], _all_points(at_many)
    for count, points in at_many.items():
        natural, others = points["natural"], {each: points[each] for each in ("faces", "buildings")}
        for other in others.values():
            apart = abs(other.value - natural.value)
            near = apart <= 0.15 * natural.value
            met, right = met and near, right and (near or apart <= 2 * spread(other, natural, among))
        listed = ", ".join(f"{each} {figure.text(point.value)}" for each, point in others.items())
        texts.append(f"at {count} natural {figure.text(natural.value)}, {listed}")
    return Ruling(met, right, "; ".join(texts))


def _same_turning_point(figure: Figure, curves: Curves) -> Ruling:
    """F11: the turning points of all sizes are within one doubling."""
    sizes = _sizes(curves)
    points = _turning_points(figure, sizes, list(sizes))
    met = doublings(min(points.values()), max(points.values())) <= 1
    return Ruling(met, False, _points_text(points))


def _bigger_is_better_with_few(figure: Figure, curves: Curves) -> Ruling:
    """F11: biggest - smallest > 2 spreads at counts up to 16."""
    return _bigger(figure, curves, lambda count: count <= FEW, f"a count up to {FEW}", sign=1)


def _bigger_is_worse_with_many(figure: Figure, curves: Curves) -> Ruling:
    """F11: biggest - smallest < -2 spreads at counts from 512."""
    return _bigger(figure, curves, lambda count: count >= MANY, f"a count from {MANY}", sign=-1)


def _bigger(figure: Figure, curves: Curves, chosen: Callable[[int], bool], needed: str, sign: int) -> Ruling:
    """True where biggest - smallest, times the sign, exceeds two spreads at all chosen counts."""
    smallest, *_, biggest = _sizes(curves).values()
    counts = list(filter(chosen, sorted(smallest.keys() & biggest.keys())))
    among = [size[count] for count in counts for size in (smallest, biggest)]
    rulings = []
    for count in counts:
        gain, between = biggest[count].value - smallest[count].value, spread(biggest[count], smallest[count], among)
        numbers = f"at {count} biggest - smallest {figure.text(gain)}, spread {between:.2g}"
        rulings.append(Ruling(sign * gain > 2 * between, sign * gain > 0, numbers))
    if not rulings:
        raise NotTested(f"{needed} with the smallest and the biggest network is needed")
    return _all_of(rulings)


def _table2(figure: Figure, curves: Curves) -> Ruling:
    """T2: Spearman between the paper's column and ours of at least 0.8 over the rows that were run, five or more."""
    run = [(_row(line, count), point) for line, curve in curves.items() for count, point in curve.items()]
    rows = {row: point for row, point in run if row is not None}
    if len(rows) < len(run):
        raise NotTested("several networks stand for one row of the table")
    if len(rows) < _ROWS:
        raise NotTested(f"{_ROWS} rows of the table are needed, {len(rows)} of {len(TABLE2)} are there")
    column = _COLUMNS[figure.name]
    ordered = sorted(rows, key=lambda row: float(getattr(row, column)))
    points = [rows[row] for row in ordered]
    values = [point.value for point in points]
    rank = spearman([getattr(row, column) for row in ordered], values) or 0.0
    extent = f"values {figure.text(min(values))} to {figure.text(max(values))}"
    numbers = f"Spearman {rank:.2f} with the paper's column over {len(rows)} rows, {extent}"
    return Ruling(rank >= 0.8, rank > 0 and rises(points), numbers)


def _rows_of_table2(curves: Curves) -> Curves:
    """Points of the curves that stand for rows of the table."""
    kept = {
        line: {count: point for count, point in curve.items() if _row(line, count)} for line, curve in curves.items()
    }
    return {line: curve for line, curve in kept.items() if curve}


def _row(line: Line, count: int) -> Table2Row | None:
    """The row of the table that a training stands for."""
    found = (row for row in TABLE2 if (row.network, row.rain, row.count) == (line.family, line.rain, count))
    return next(found, None)


# --- what chance alone would do ---------------------------------------------------------------------------------------

_Shuffled = Callable[[Curves], Iterator[Curves]]


def _counts_shuffled(curves: Curves) -> Iterator[Curves]:
    """The curves as they would be if the count did not matter: each with its points at shuffled counts."""
    shuffled = [orders(curve, seed) for seed, curve in enumerate(curves.values())]
    for every in zip(*shuffled, strict=False):
        yield dict(zip(curves, every, strict=True))


def _curves_shuffled(curves: Curves) -> Iterator[Curves]:
    """The curves as they would be if it did not matter by what they are told apart: under shuffled names."""
    sizes = {line: next(iter(curve.values())).parameters for line, curve in curves.items()}
    for order in orders(curves):
        yield {
            line: {count: replace(point, parameters=sizes[line]) for count, point in curve.items()}
            for line, curve in order.items()
        }


def _rows_shuffled(curves: Curves) -> Iterator[Curves]:
    """The points of all curves, shuffled."""
    slots = {(line, count): point for line, curve in curves.items() for count, point in curve.items()}
    for order in orders(slots):
        yield {line: {count: order[line, count] for count in curve} for line, curve in curves.items()}


# --- the findings -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """A part of a finding: its rule, and the curves among which it would be met by luck.

    Attributes:
        decide: the rule.
        shuffled: the curves as they might be if the finding were not true.
        turns: turning points decide.
    """

    decide: Decide
    shuffled: _Shuffled
    turns: bool = False


def _all(curves: Curves) -> Curves:
    return curves


@dataclass(frozen=True)
class Rule:
    """The judgement of a finding: its figures, the axes over which curves are compared, the rule of each part, and
    what of the curves.
    """

    figures: Sequence[tuple[str, int | None]]
    over: Sequence[str]
    parts: Mapping[str, Part]
    chosen: Callable[[Curves], Curves] = _all


def rules(complexity: Mapping[str, float] | None) -> Mapping[str, Rule]:
    """The rules by finding.

    Args:
        complexity: structural complexity of the categories, by name.
    """
    categories = ("category", "test")  # each is tested on photos of its own
    f4 = {
        "falls": Part(_falls, _counts_shuffled, turns=True),
        "by 256": Part(_lost_early, _counts_shuffled, turns=True),
        "lost": Part(_lost, _counts_shuffled),
        "flat": Part(_flat_at_last, _counts_shuffled),
    }
    f6b = Part(partial(_order_of_complexity, complexity), _curves_shuffled, turns=True)
    f7 = {"falls": Part(_error_falls, _counts_shuffled), "flat": Part(_error_flat, _counts_shuffled)}
    f10 = {
        "comics worst": Part(_comics_worst, _curves_shuffled),
        "others transfer": Part(_others_transfer, _curves_shuffled),
    }
    f11 = {
        "same turning point": Part(_same_turning_point, _counts_shuffled, turns=True),
        "bigger better with few": Part(_bigger_is_better_with_few, _curves_shuffled),
        "bigger worse with many": Part(_bigger_is_worse_with_many, _curves_shuffled),
    }
    return {
        "F4": Rule(_REMOVAL, (), f4),
        "F5": Rule(_REMOVAL, ("rain",), {"": Part(_later_with_wider_rain, _curves_shuffled, turns=True)}),
        "F6a": Rule(_REMOVAL, categories, {"": Part(_order_of_categories, _curves_shuffled, turns=True)}),
        "F6b": Rule(_REMOVAL, categories, {"": f6b}),
        "F7": Rule(_BACKGROUND, (), f7),
        "F10": Rule(_BACKGROUND, ("category",), f10),
        "F10-removal": Rule(
            _REMOVAL, ("category",), {"comics remove least": Part(_comics_remove_least, _curves_shuffled)}
        ),
        "F11": Rule(_REMOVAL, ("network",), f11),
        "T2": Rule(
            (*_REMOVAL, *_BACKGROUND, *_PSNR),
            ("family", "network", "rain"),
            {"": Part(_table2, _rows_shuffled)},
            chosen=_rows_of_table2,
        ),
    }


# --- what the rules have in common ------------------------------------------------------------------------------------


def _only(curves: Curves) -> Curve:
    [curve] = curves.values()
    return curve


def _by(axis: str, curves: Curves) -> dict[str, Curve]:
    named = {getattr(line, axis): curve for line, curve in curves.items()}
    if len(named) < len(curves):
        raise NotTested(f"there are several curves of one {axis}")
    return named


def _sizes(curves: Curves) -> dict[str, Curve]:
    """Curves by network, the smallest first."""
    named = _by("network", curves)
    parameters = {network: next(iter(curve.values())).parameters for network, curve in named.items()}
    if (there := len(set(parameters.values()))) < 3:
        raise NotTested(f"three sizes of a network are needed, not {there}")
    return {network: named[network] for network in sorted(named, key=parameters.__getitem__)}


def _turning_points(figure: Figure, named: Mapping[str, Curve], names: Sequence[str]) -> dict[str, float]:
    """The turning points of the curves of some names, in the order of the names."""
    if lacking := [name for name in names if name not in named]:
        raise NotTested(f"there is no curve of {', '.join(lacking)}")
    points = {}
    for name in names:
        try:
            points[name] = place(named[name])
        except NotTested as missing:
            raise NotTested(f"{name}: {missing}") from missing
    if math.isinf(min(points.values())):
        raise NotTested("no curve has a turning point")
    return points


def _refuse_vacuous(ordered: bool, points: Mapping[str, float]) -> None:
    """A curve that does not turn is later than every count: it bears out an order by showing nothing.

    Raises:
        NotTested: the order is right, and a curve does not turn.
    """
    if ordered and math.isinf(max(points.values())):
        raise NotTested(f"the order rests on a curve that does not turn; {_points_text(points)}")


def _categories_at_many(curves: Curves) -> dict[int, dict[str, Point]]:
    """The four categories at every count from 256 that all of them have."""
    named = _by("category", curves)
    if lacking := [category for category in _CATEGORIES if category not in named]:
        raise NotTested(f"there is no curve of {', '.join(lacking)}")
    counts = set.intersection(*(set(named[category]) for category in _CATEGORIES))
    found = {
        count: {category: named[category][count] for category in _CATEGORIES}
        for count in sorted(counts)
        if count >= 256
    }
    if not found:
        raise NotTested("a count from 256 that all four categories have is needed")
    return found


def _all_points(by_count: Mapping[int, Mapping[str, Point]]) -> list[Point]:
    return [point for points in by_count.values() for point in points.values()]


def _check_flatness(figure: Figure, curve: Curve) -> None:
    """Flat is what has two counts beyond its turning point; where there is none, nothing is beyond it."""
    point = turns_at(curve)
    if sum(count > point for count in curve) < 2:
        raise NotTested(f"two counts beyond the turning point are needed; {_point_text(point)}")


def _eight_and_256(curve: Curve) -> tuple[int, int]:
    if 8 not in curve:
        raise NotTested("8 backgrounds are needed")
    return 8, _standing_for_256(curve)


def _standing_for_256(curve: Curve) -> int:
    """256, or the smallest larger count that was run."""
    counts = [count for count in curve if count >= 256]
    if not counts:
        raise NotTested("a count from 256 is needed")
    return min(counts)


# --- words ------------------------------------------------------------------------------------------------------------


def _change(figure: Figure, curve: Curve, first: int, last: int) -> str:
    before, after = curve[first].value, curve[last].value
    return (
        f"{'falls' if after < before else 'rises'} by {figure.text(abs(after - before))}, "
        f"from {figure.text(before)} at {first} to {figure.text(after)} at {last} "
        f"(spread {spread(curve[first], curve[last]):.2g})"
    )


def _point_text(point: float) -> str:
    return "no turning point" if math.isinf(point) else f"turning point {point:.0f}"


def _points_text(points: Mapping[str, float]) -> str:
    listed = (f"{name} {'none' if math.isinf(point) else f'{point:.0f}'}" for name, point in points.items())
    return f"turning points: {', '.join(listed)}"
