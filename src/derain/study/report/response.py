"""The section of a report on the response to rain of a study's networks."""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from markupsafe import Markup

from derain.evaluation.metrics import METRIC
from derain.probe.area import area_text
from derain.probe.figures import draw_panels
from derain.probe.response import ResponseMap
from derain.probe.space import CLEAN_BOUND, FULL
from derain.probe.trained import TrainedStreaks
from derain.study.judge.curves import Point
from derain.study.judge.response import PARAMETERS, WITHIN, Part, by_parameter, panel_of, probed, within_and_beyond
from derain.study.judge.results import Cell, Results, of_first_seeds
from derain.study.report.figures import Drawn, draw_curves, varied
from derain.study.report.tables import Table, axes_text, name_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Save = Callable[["Figure", str, str], Markup]
"""Writes a figure under a name, with a text in its place, and gives the HTML that shows it."""
Trained = Sequence[TrainedStreaks] | None
Parts = TypeVar("Parts")
ByCount = Mapping[int, Sequence[Mapping[str, Part]]]
"""The parts of every seed's map (`by_parameter`), by count."""


class Maps(NamedTuple):
    """The maps of a group of trainings and their tables; or the name of the section that holds them already."""

    title: str
    elsewhere: str
    maps: Markup | None
    table: Table | None
    parameters: Table | None


class ResponseSection(NamedTuple):
    """Removal within and beyond the range trained on, and the groups; new if another section lacks some of its maps."""

    parted: Markup | None
    groups: list[Maps]
    is_new: bool


def response_section(results: Results, save: Save, save_map: Save, shown: dict[frozenset[str], str]) -> ResponseSection:
    """Removal within and beyond the range trained on; maps of the response to rain, count below count, of the first
    seed; and the generalisation areas.

    Args:
        results: of one study.
        save: for the curves.
        save_map: for the maps.
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
    parts = {title: _by_count(group, by_parameter) for title, group in groups.items()} if is_new else {}
    parted = {title: curves for title in parts if (curves := _within_and_beyond(groups[title]))}
    figure = None
    if parted:
        text = "controlled removal of streaks within and beyond the range trained on, and beyond it by one parameter"
        rows = {
            "controlled removal": {f"{title} ({_cells_within(parts[title])})": each for title, each in parted.items()},
            "controlled removal beyond the range by one parameter": {
                title: _beyond_by_parameter(parts[title], groups[title]) for title in parted
            },
        }
        figure = save(draw_curves(rows, limits=(0.0, 1.0)), f"{name}.within-and-beyond", text)
    systems = {cell.axes["network"]: cell.response for cell in results.given if cell.response}
    found = []
    for number, (title, group) in enumerate(groups.items()):
        if (section := shown.setdefault(trainings[title], name)) != name:
            found.append(Maps(title, section, None, None, None))
        else:
            text = f"controlled removal of every rain: {title}"
            maps = save_map(_draw_maps(group), f"{name}.response{number or ''}", text)
            of_systems = {each: by_parameter(response, group[0].trained) for each, response in systems.items()}
            found.append(Maps(title, "", maps, _table(group), _parameters_table(parts[title], of_systems)))
    return ResponseSection(figure, found, is_new)


def _draw_maps(cells: Sequence[Cell]) -> "Figure":
    maps = [
        panel_of(f"{cell.axes['count']} backgrounds", cell.response, cell.trained)
        for cell in of_first_seeds(cells)
        if cell.response is not None
    ]
    return draw_panels(maps, probed(), "removal_controlled", FULL.recipe)


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


def _parameters_table(parts: ByCount, systems: Mapping[str, Mapping[str, Part]]) -> Table | None:
    """Controlled removal of the streaks that are beyond the range trained on by the same parameters, by count; and what
    given systems make of the same streaks.
    """
    names = list(dict.fromkeys(name for seeds in parts.values() for found in seeds for name in found))
    if not names:
        return None
    rows = []
    for name in names:
        numbers = {found[name].cells for seeds in parts.values() for found in seeds}
        means = [fmean(found[name].removal for found in seeds) for seeds in parts.values()]
        means += [of_system[name].removal for of_system in systems.values()]
        rows.append([name, *map(str, numbers), *map(METRIC["removal_controlled"].text, means)])
    columns = [*(f"{count} backgrounds" for count in parts), *systems]
    return Table(["streaks beyond the range by", "cells", *columns], rows)


def _cells_within(parts: ByCount) -> str:
    """Such as "2 of 168 cells within": the number of cells within the range trained on, of one training."""
    [first, *_] = [found for seeds in parts.values() for found in seeds]
    return f"{first[WITHIN].cells} of {sum(part.cells for part in first.values())} cells within"


def _within_and_beyond(cells: Sequence[Cell]) -> list[Drawn]:
    """Two curves over the count; none where the networks were not trained on streaks of the maps."""
    sides = {"within the range trained on": 0, "beyond it": 1}
    parts = _by_count(cells, within_and_beyond)
    return [
        _drawn(label, {count: [each[side] for each in seeds] for count, seeds in parts.items()}, cells)
        for label, side in sides.items()
        if parts
    ]


def _beyond_by_parameter(parts: ByCount, cells: Sequence[Cell]) -> list[Drawn]:
    """A curve over the count for every parameter by which alone streaks are beyond the range trained on."""
    values = {
        name: {count: [each[name].removal for each in seeds if name in each] for count, seeds in parts.items()}
        for name in PARAMETERS
    }
    return [_drawn(name, by_count, cells) for name, by_count in values.items() if all(by_count.values())]


def _by_count(cells: Sequence[Cell], part: Callable[[ResponseMap, Trained], Parts | None]) -> dict[int, list[Parts]]:
    """The parts of every seed's map by count, where there are any."""
    found: dict[int, list[Parts]] = {}
    for cell in sorted(cells, key=lambda cell: cell.axes["count"]):
        if cell.response is not None and (parts := part(cell.response, cell.trained)):
            found.setdefault(cell.axes["count"], []).append(parts)
    return found


def _drawn(label: str, by_count: Mapping[int, Sequence[float]], cells: Sequence[Cell]) -> Drawn:
    parameters = cells[0].parameters or 0
    return Drawn(label, {count: Point(values, {}, parameters) for count, values in by_count.items()}, None)
