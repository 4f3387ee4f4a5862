"""The section of a report on the response to rain of a study's networks."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from derain.evaluation.metrics import METRIC
from derain.probe.area import area_text
from derain.probe.figures import draw_panels
from derain.probe.maps import rain_maps
from derain.probe.space import CLEAN_BOUND, FULL
from derain.study.judge.curves import Point
from derain.study.judge.response import panel_of, within_and_beyond
from derain.study.judge.results import Cell, Results, of_first_seeds
from derain.study.report.figures import Drawn, draw_curves, varied
from derain.study.report.tables import Table, axes_text, name_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Save = Callable[["Figure", str, str], Markup]
"""Writes a figure under a name, with a text in its place, and gives the HTML that shows it."""


class Maps(NamedTuple):
    """The maps of a group of trainings and their table; or the name of the section that holds them already."""

    title: str
    elsewhere: str
    maps: Markup | None
    table: Table | None


class ResponseSection(NamedTuple):
    """Removal within and beyond the range trained on, and the groups; new if another section lacks some of its maps."""

    parted: Markup | None
    groups: list[Maps]
    is_new: bool


def response_section(results: Results, save: Save, shown: dict[frozenset[str], str]) -> ResponseSection:
    """Removal within and beyond the range trained on; maps of the response to rain, count below count, of the first
    seed; and the generalisation areas.

    Args:
        results: of one study.
        save: for the figures.
        shown: names of the sections that hold the maps of a group of trainings, which are not drawn again; this
            section's are added.
    """
    name = name_of(results)
    cells = list({cell.identity: cell for cell in results.cells if cell.response}.values())
    named = [axis for axis in varied(cells) if axis not in ("count", "seed")] or ["rain"]
    groups: dict[str, list[Cell]] = {}
    for cell in sorted(cells, key=lambda cell: (cell.axes["seed"], cell.axes["count"])):
        groups.setdefault(axes_text(cell, named), []).append(cell)
    trainings = {title: frozenset(cell.identity for cell in group) for title, group in groups.items()}
    is_new = not shown.keys() >= set(trainings.values())
    parted = {title: curves for title, group in groups.items() if (curves := _within_and_beyond(group))}
    figure = None
    if parted and is_new:
        text = "controlled removal of streaks within and beyond the range trained on"
        drawn = draw_curves({"controlled removal": parted}, limits=(0.0, 1.0))
        figure = save(drawn, f"{name}.within-and-beyond", text)
    found = []
    for number, (title, group) in enumerate(groups.items()):
        if (section := shown.setdefault(trainings[title], name)) != name:
            found.append(Maps(title, section, None, None))
        else:
            text = f"controlled removal of every rain: {title}"
            maps = save(_draw_maps(group), f"{name}.response{number or ''}", text)
            found.append(Maps(title, "", maps, _table(group)))
    return ResponseSection(figure, found, is_new)


def _draw_maps(cells: Sequence[Cell]) -> "Figure":
    maps = [
        panel_of(f"{cell.axes['count']} backgrounds", cell.response, cell.trained)
        for cell in of_first_seeds(cells)
        if cell.response is not None
    ]
    return draw_panels(maps, rain_maps(FULL), "removal_controlled", FULL.recipe)


def _table(cells: Sequence[Cell]) -> Table:
    """Controlled removal of every training within and beyond the range trained on, and its generalisation area."""
    rows, bound = [], CLEAN_BOUND
    for cell in cells:
        if (response := cell.response) is None:
            continue
        bound = response.clean_bound
        areas = [area_text(area) for area in (response.area, response.area_unbounded)]
        parts = within_and_beyond(response, cell.trained)
        removal = ["-", "-"] if parts is None else [METRIC["removal_controlled"].text(part) for part in parts]
        axes = [str(cell.axes["count"]), str(cell.axes["seed"])]
        rows.append([*axes, *removal, *areas, f"{response.clean_error:.1f}"])
    removal = ["removal within the range trained on", "beyond it"]
    head = ["backgrounds", "seed", *removal, f"area, clean error up to {bound:g}", "area", "clean error"]
    return Table(head, rows)


def _within_and_beyond(cells: Sequence[Cell]) -> list[Drawn]:
    """Two curves over the count; none where the networks were not trained on streaks of the maps."""
    by_count: dict[int, list[tuple[float, float]]] = {}
    for cell in cells:
        if cell.response is not None and (parts := within_and_beyond(cell.response, cell.trained)) is not None:
            by_count.setdefault(cell.axes["count"], []).append(parts)
    if not by_count:
        return []
    parameters = cells[0].parameters or 0
    return [
        Drawn(
            label,
            {count: Point([each[side] for each in by_count[count]], {}, parameters) for count in sorted(by_count)},
            None,
        )
        for side, label in enumerate(("within the range trained on", "beyond it"))
    ]
