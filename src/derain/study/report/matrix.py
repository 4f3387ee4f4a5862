"""The section of a report on given systems: systems by test sets, figure by figure, and seen against unseen rain."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from derain.evaluation.metrics import METRIC
from derain.study.judge.results import Cell, Results
from derain.study.plan.given import TRIVIAL, Given
from derain.study.report.figures import Quantity, draw_points
from derain.study.report.tables import Table, name_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FIRST = ("psnr_y", "removal_controlled", "clean_error")
_FURTHER = ("psnr_rgb", "ssim_y", "e_r", "e_b")
_FIGURE = "removal_controlled"


class MatrixSection(NamedTuple):
    """Seen against unseen rain, None where no system tells; what is said of each system; tables by their titles."""

    points: Markup | None
    unseen: str
    systems: Table
    first: list[tuple[str, Table]]
    further: list[tuple[str, Table]]


def matrix_section(results: Results, save: Callable[["Figure", str, str], Markup]) -> MatrixSection:
    """The section of a study's given systems.

    Args:
        results: of the study, with given cells.
        save: for the figure: it, its name and a text in its place.
    """
    systems = {each.name: each for each in results.study.systems}
    cells: dict[str, dict[str, Cell]] = {name: {} for name in systems}
    for cell in results.given:
        cells[cell.axes["network"]][cell.test] = cell
    unseen = _unseen_by_all(systems.values())
    points = _seen_and_unseen(systems, cells, unseen)
    figure = None
    if points:
        label = METRIC[_FIGURE].label
        drawn = draw_points(points, f"{label}, seen rain", f"{label}, unseen rain")
        figure = save(drawn, f"{name_of(results)}.unseen", f"{label} on rain of the training's kind and on unseen rain")
    first, further = ([_table(Quantity(each), systems, cells) for each in part] for part in (_FIRST, _FURTHER))
    return MatrixSection(figure, ", ".join(unseen), _said(systems, cells), first, further)


def _unseen_by_all(systems: Iterable[Given]) -> list[str]:
    """The test sets whose rain no system was trained on."""
    tests = dict.fromkeys(test for each in systems for test in each.tests)
    known = {test for each in systems for test in each.seen}
    return [test for test in tests if test not in known]


def _seen_and_unseen(
    systems: Mapping[str, Given], cells: Mapping[str, Mapping[str, Cell]], unseen: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Means over test sets, by system; systems that saw none of them, or are not measured on all, are left out."""
    found = {}
    for name, given in systems.items():
        sides = [
            [cells[name][test].measured.value(_FIGURE, 10) for test in tests if test in cells[name]]
            for tests in (given.seen, unseen)
        ]
        defined = [[value for value in side if value is not None] for side in sides]
        if defined[0] and len(defined[1]) == len(unseen) > 0:
            found[name] = (fmean(defined[0]), fmean(defined[1]))
    return found


def _said(systems: Mapping[str, Given], cells: Mapping[str, Mapping[str, Cell]]) -> Table:
    rows = []
    for name, given in systems.items():
        parameters = next((cell.parameters for cell in cells[name].values()), None)
        rows.append(
            [
                name,
                given.trained_on or ("nothing" if given.model in TRIVIAL else "-"),
                f"{parameters:,}" if parameters else "-",
                ", ".join(given.seen) or "-",
                ", ".join(given.shares) or "-",
            ]
        )
    return Table(["system", "trained on", "parameters", "rain seen", "backgrounds shared"], rows)


def _table(
    quantity: Quantity, systems: Mapping[str, Given], cells: Mapping[str, Mapping[str, Cell]]
) -> tuple[str, Table]:
    """One figure: a row for each system, a column for each test set."""
    metric = METRIC[quantity.figure]
    tests = list(dict.fromkeys(test for each in systems.values() for test in each.tests))
    best = {test: _best(quantity, systems, cells, test) for test in tests}
    rows = []
    for name, given in systems.items():
        row = [name]
        for test in tests:
            if test not in cells[name]:
                row.append("")
                continue
            text = metric.text(cells[name][test].measured.value(quantity.figure, quantity.threshold))
            text += "†" if test in given.shares else ""
            if test in given.seen:
                text = Markup('<span class="seen">{}</span>').format(text)
            elif best[test] == name:
                text = Markup("<b>{}</b>").format(text)
            row.append(text)
        rows.append(row)
    return quantity.title, Table(["", *tests], rows)


def _best(
    quantity: Quantity, systems: Mapping[str, Given], cells: Mapping[str, Mapping[str, Cell]], test: str
) -> str | None:
    """The system with the best value on a test set among those that have not seen its rain."""
    values = {
        name: value
        for name, given in systems.items()
        if given.model not in TRIVIAL and test not in given.seen and test in cells[name]
        if (value := cells[name][test].measured.value(quantity.figure, quantity.threshold)) is not None
    }
    if not values:
        return None
    return (max if METRIC[quantity.figure].better == "higher" else min)(values, key=values.__getitem__)
