"""The section of a study in the report: how it was run, its figures, tables and pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import NamedTuple

from markupsafe import Markup

from derain.errors import InputError
from derain.pictures.images import encode_jpeg
from derain.study.judge.results import Cell, Results
from derain.study.judge.verdicts import Verdict
from derain.study.plan.given import SMOOTHING, TRIVIAL
from derain.study.plan.spec import Pictures, Plot
from derain.study.report.figures import (
    Drawn,
    Quantity,
    curves,
    draw_curves,
    draw_turning_points,
    panels,
    quantities,
    scaled,
    sensitivity,
    turning_points,
    varied,
)
from derain.study.report.folder import ReportFolder
from derain.study.report.matrix import MatrixSection, matrix_section
from derain.study.report.pictures import NOTES, Picture, draw_strips, strips
from derain.study.report.response import ResponseSection, response_section
from derain.study.report.tables import FindingTables, Table, axes_text, name_of, table2, told_apart, verdict_tables
from derain.support.pages import image_html

Rows = Mapping[str, Mapping[str, Sequence[Drawn]]]
"""Curves by the titles of rows and of the panels in them."""
_JPEG_QUALITY = 85


class CurvesPart(NamedTuple):
    """Figures of merit against the count, and the same at four thresholds."""

    figure: Markup
    legend: str
    sensitivity: list[Markup]


class ComplexityPart(NamedTuple):
    """Turning points against complexity."""

    figure: Markup
    table: Table


class PicturesPart(NamedTuple):
    """Titles of strips with their captions and pictures; or the reason why they are not shown."""

    absent: str
    note: str
    strips: list[tuple[str, list[tuple[str, Markup]]]]


@dataclass(frozen=True)
class Section:
    """A study as the page shows it; parts that it does not have are None or empty.

    Attributes:
        name: address of the section within the page.
        heading: such as "Figure 4: title (cpu scale)".
        facts: how the study was run, by what they are called.
        complexity: None where the complexity is not known, too.
    """

    name: str
    heading: str
    facts: Mapping[str, str]
    curves: CurvesPart | None
    needs_complexity: bool
    complexity: ComplexityPart | None
    table2: Table | None
    verdicts: list[FindingTables]
    response: ResponseSection | None
    matrix: MatrixSection | None
    pictures: PicturesPart | None


def make_section(
    results: Results, verdicts: Sequence[Verdict], complexity: Mapping[str, float], folder: ReportFolder
) -> Section:
    """The section of a study, with its figures written to the folder; call it within `derain.support.pages.drawing`.

    Args:
        results: of the study.
        verdicts: on its findings.
        complexity: structural complexity of its categories, by name; empty: not known.
        folder: of the report.
    """
    study, drawn = results.study, _with_short_names(results)
    plot = study.plot if results.cells else None
    needs_complexity = plot is not None and study.figure == "F6b"
    is_probed = study.probe and any(cell.response for cell in results.cells)
    return Section(
        name=name_of(results),
        heading=heading(results),
        facts=_facts(results),
        curves=None if plot is None or needs_complexity else _curves(drawn, plot, folder),
        needs_complexity=needs_complexity,
        complexity=_complexity(results, plot, complexity, folder) if plot and needs_complexity and complexity else None,
        table2=table2(results.cells, results.given) if results.cells and study.figure == "T2" else None,
        verdicts=verdict_tables(verdicts),
        response=response_section(drawn, folder.save, folder.save_png, folder.shown) if is_probed else None,
        matrix=matrix_section(results, folder.save) if _has_systems(results) else None,
        pictures=None if study.pictures is None else _pictures(results, study.pictures, folder),
    )


def _has_systems(results: Results) -> bool:
    """True for given systems beside those that learnt nothing, which stand among the study's own figures."""
    return any(cell.axes["network"] not in TRIVIAL for cell in results.given)


def heading(results: Results) -> str:
    """Such as "Figure 4: title (cpu scale)"."""
    figure = results.study.figure
    kind, number = ("Table", figure[1:]) if figure.startswith("T") else ("Figure", figure[1:])
    title = f"{results.study.title} ({results.scale.name} scale)" if results.study.grid else results.study.title
    return title if figure == "other" else f"{kind} {number}: {title}"


def rows_of(results: Results, plot: Plot, wanted: Sequence[Quantity]) -> Rows:
    """Curves by panel of the study and by quantity."""
    without = [plot.panels] if plot.panels else []
    return {
        title: {quantity.title: curves(cells, plot.lines, quantity, without) for quantity in wanted}
        for title, cells in panels(results.cells, plot.panels).items()
    }


def _with_filters(results: Results, plot: Plot, wanted: Sequence[Quantity]) -> Rows:
    """The curves, and the levels of filters that learnt nothing where all curves of a panel are on one test set."""
    rows = rows_of(results, plot, wanted)
    tests = {title: {cell.test for cell in cells} for title, cells in panels(results.cells, plot.panels).items()}
    filters = [cell for cell in results.given if cell.axes["network"] in SMOOTHING]
    return {
        title: {
            quantity.title: [
                *rows[title][quantity.title],
                *(
                    Drawn(cell.axes["network"], {}, None, level=value)
                    for cell in filters
                    if {cell.test} == tests[title]
                    and (value := cell.measured.value(quantity.figure, quantity.threshold)) is not None
                ),
            ]
            for quantity in wanted
        }
        for title in rows
    }


def _with_short_names(results: Results) -> Results:
    """For figures, which have little room: networks by what tells them apart."""
    names = told_apart(dict.fromkeys(cell.axes["network"] for cell in results.cells))
    cells = [replace(cell, axes={**cell.axes, "network": names[cell.axes["network"]]}) for cell in results.cells]
    return replace(results, cells=cells)


def _facts(results: Results) -> dict[str, str]:
    """Facts on how the study was run; none if it trains nothing."""
    cells, scale = results.cells, results.scale
    if not cells and not results.missing:
        return _given_facts(results) if results.given or results.failed else {}
    facts = {
        "scale": scale.name,
        "reduction": scale.reduction,
        "kept": results.left_out,
        "trainings": f"{results.done} done, {results.missing} missing ({len(results.failed)} failed)",
        "response to rain": _unmapped(results),
    }
    if results.failed:
        facts["failed"] = "; ".join(results.failed.values())
    if cells:
        same = [axis for axis in ("network", "category", "rain") if axis not in varied(cells)]
        facts["the same for all"] = ", ".join(f"{axis} {cells[0].axes[axis]}" for axis in same)
        networks = dict.fromkeys(cell.axes["network"] for cell in cells)
        facts["networks"] = "; ".join(networks) if len(networks) > 1 else ""
        facts["seeds"] = ", ".join(map(str, sorted({cell.axes["seed"] for cell in cells})))
        facts["backgrounds (photos)"] = "; ".join(map(_backgrounds, panels(cells, "category").items()))
        facts["tested on"] = _tested_on(cells)
        facts["made on"] = "; ".join(dict.fromkeys(map(_environment, cells)))
    return {name: text for name, text in facts.items() if text}


def _unmapped(results: Results) -> str:
    """The trainings whose response to rain the study asks for and is not mapped yet, as of one that was stopped."""
    left = {cell.identity: cell for cell in results.cells if results.study.probe and cell.response is None}
    axes = varied(results.cells) or ["count"]
    named = "; ".join(axes_text(cell, axes) for cell in left.values())
    return f"not mapped yet of {len(left)}, which derain study run makes up for: {named}" if left else ""


def _given_facts(results: Results) -> dict[str, str]:
    """Notes on the measurement of the given systems."""
    systems = results.study.systems
    wanted = sum(len(each.tests) for each in systems)
    facts = {
        "given systems": f"{len(systems)} ({len(results.failed)} failed)",
        "measurements": f"{len(results.given)} done, {wanted - len(results.given)} missing",
        "failed": "; ".join(results.failed.values()),
        "tested on": _tested_on(results.given),
        "made on": "; ".join(dict.fromkeys(map(_environment, results.given))),
    }
    return {name: text for name, text in facts.items() if text}


def _tested_on(cells: Sequence[Cell]) -> str:
    numbers = {cell.test: len(cell.measured.names) for cell in cells}
    return ", ".join(f"{test} ({number} pictures)" for test, number in numbers.items())


def _backgrounds(category: tuple[str, Sequence[Cell]]) -> str:
    """The counts of a category, and the number of distinct photos that each comes from."""
    name, cells = category
    counts = sorted({(cell.axes["count"], cell.photos) for cell in cells})
    return f"{name}: {', '.join(f'{count} ({photos})' for count, photos in counts)}"


def _environment(cell: Cell) -> str:
    made = cell.environment
    return f"{made.device}, CPU threads: {made.threads}, torch {made.torch}"


def _curves(results: Results, plot: Plot, folder: ReportFolder) -> CurvesPart:
    name, title = name_of(results), heading(results)
    is_scaled, limits = results.study.figure == "F6a", None
    rows = _with_filters(results, plot, quantities(plot.figures))
    if is_scaled:
        limits = (-0.2, 1.2)  # error bars of a curve that is nearly flat are longer
        rows = {
            panel_title: {panel: [scaled(each) for each in drawn if each.level is None] for panel, drawn in row.items()}
            for panel_title, row in rows.items()
        }
    figure = folder.save(draw_curves(rows, limits), name, f"{title}: curves against the number of backgrounds")
    at_thresholds = [
        folder.save(
            draw_curves(_with_filters(results, plot, row)),
            f"{name}.sensitivity-{row[0].figure}",
            f"{title}: {'; '.join(quantity.title for quantity in row)}",
        )
        for row in sensitivity(plot.figures)
    ]
    return CurvesPart(figure, _legend(rows, is_scaled), at_thresholds)


def _legend(rows: Rows, is_scaled: bool) -> str:
    drawn = [(title, each) for row in rows.values() for title, panel in row.items() for each in panel]
    seeds = {point.seeds for _, each in drawn for point in each.curve.values() if point.error is not None}
    bars = []
    if seeds - {1}:
        bars.append(f"standard deviation over {' or '.join(map(str, sorted(seeds - {1})))} seeds")
    if 1 in seeds:
        bars.append("with one seed, standard error of the mean over the test pictures")
    sentences = [f"Error bars: {'; '.join(bars)}."] if bars else []
    if is_scaled:
        sentences.append("Every curve is scaled from its lowest value, 0, to its highest, 1.")
    dashed = {"E_R": "E_R of perfect removal", "E_B": "E_B of the untouched rainy pictures"}
    referred = {title[:3] for title, each in drawn if each.reference is not None}
    if referred:
        sentences.append(f"Dashed: {' and '.join(dashed[label] for label in sorted(referred, reverse=True))}.")
    if filters := dict.fromkeys(each.label for _, each in drawn if each.level is not None):
        sentences.append(f"{', '.join(filters)}: filters that learnt nothing.")
    if any(each.lost_below is not None for _, each in drawn):
        sentences.append("Dotted: half of perfect removal, below which removal counts as lost.")
    return " ".join(sentences)


def _complexity(results: Results, plot: Plot, complexity: Mapping[str, float], folder: ReportFolder) -> ComplexityPart:
    apart = varied(results.cells, without=("category", "count", "seed"))
    groups: dict[str, list[Cell]] = {}
    for cell in results.cells:
        groups.setdefault("".join(f", {cell.axes[axis]}" for axis in apart), []).append(cell)
    found = {
        f"{quantity.title}{label}": turning_points(group, quantity)
        for label, group in groups.items()
        for quantity in quantities(plot.figures)
    }
    shown = {
        title: {name: (complexity[name], count) for name, count in points.items() if name in complexity}
        for title, points in found.items()
    }
    text = f"{heading(results)}: turning points against complexity"
    rows = [
        [name, f"{value:.4f}", *(_count(points[name]) if name in points else "-" for points in found.values())]
        for name, value in complexity.items()
    ]
    head = ["category", "complexity", *(f"turning point, {title}" for title in found)]
    figure = folder.save(draw_turning_points(shown), name_of(results), text)
    return ComplexityPart(figure, Table(head, rows))


def _count(turning_point: float) -> str:
    return f"{turning_point:.0f}" if isfinite(turning_point) else "none"


def _pictures(results: Results, pictures: Pictures, folder: ReportFolder) -> PicturesPart:
    try:
        shown = strips(results, pictures, folder.store, folder.device)
    except InputError as error:
        return PicturesPart(str(error), "", [])
    folder.save_png(draw_strips(shown), f"{name_of(results)}.pictures", heading(results))
    found = [(strip.title, [(each.caption, _picture(each)) for each in strip.pictures]) for strip in shown]
    return PicturesPart("", NOTES[pictures.kind], found)


def _picture(picture: Picture) -> Markup:
    if isinstance(picture.content, str):
        return Markup('<div class="absent">{}</div>').format(picture.content)
    return image_html(encode_jpeg(picture.content, _JPEG_QUALITY), "jpeg", picture.caption)
