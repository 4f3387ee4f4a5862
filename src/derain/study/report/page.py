"""The report of a folder of results: one page that stands alone, its figures as files, and all of it as JSON."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from markupsafe import Markup

from derain.errors import InputError
from derain.evaluation.complexity import complexity_of_images
from derain.evaluation.test_sets import photos
from derain.study.judge.results import Results, load_results
from derain.study.judge.verdicts import Verdict, judge
from derain.study.plan.spec import FigureName, Plot
from derain.study.report.figures import quantities, sensitivity
from derain.study.report.folder import ReportFolder
from derain.study.report.sections import Section, make_section, rows_of
from derain.study.report.tables import all_figures, left_out, luck_overview, verdict_overview
from derain.study.run.store import FORMAT, Store
from derain.support.files import write_bytes, write_json
from derain.support.pages import drawing, render

_ORDER = get_args(FigureName)
_OPENING = Markup("<h1>Studies of generalisation in image deraining</h1>")


def write_report(
    results: Path,
    out: Path | None = None,
    complexity: Mapping[str, float] | None = None,
    device: str = "cpu",
    progress: Callable[[int, int], None] = lambda done, total: None,
    opening: Markup = _OPENING,
) -> Path:
    """Write the report of all studies that were run in a folder.

    Args:
        results: folder of results.
        out: the report goes into its subfolder "report": index.html, report.json and figures/; by default `results`.
        complexity: structural complexity of the categories by name, which Figure 6b needs; by default that of the
            training photos, where they are at hand.
        device: torch device that restores the pictures shown.
        progress: called with the number of studies done and their total.
        opening: HTML on top of the page, with its title.

    Returns:
        path of the page.

    Raises:
        InputError: there is no study, a file is damaged or of a newer version, the folder cannot be written, or
            matplotlib is not installed.
    """
    studies = sorted(load_results(Store(results)), key=lambda each: _ORDER.index(each.study.figure))
    if not studies:
        raise InputError(f"{results} holds no results of a study")
    folder = ReportFolder(Store(results), (out or results) / "report", device)
    sections: list[Section] = []
    found: list[tuple[Results, list[Verdict]]] = []
    with drawing():
        folder.claim()
        for done, each in enumerate(studies):
            progress(done, len(studies))
            known = complexity or _complexity(each)
            verdicts = judge(each, known)
            found.append((each, verdicts))
            sections.append(make_section(each, verdicts, known, folder))
    progress(len(studies), len(studies))
    every = (cell for each in studies for cell in (*each.cells, *each.further, *each.given))
    cells = list({(cell.identity, cell.test): cell for cell in every}.values())
    page = render(
        "study/report/report.html",
        {
            "opening": opening,
            "overview": verdict_overview(found),
            "luck": luck_overview(found),
            "sections": sections,
            "figures": all_figures(cells),
            "left_out": left_out(cells),
        },
    )
    folder.clear()
    write_json(
        folder.folder / "report.json",
        {"format": FORMAT, "figures": folder.figures, "studies": [_json(each, verdicts) for each, verdicts in found]},
    )
    write_bytes(folder.folder / "index.html", page.encode())
    return folder.folder / "index.html"


def _complexity(results: Results) -> Mapping[str, float]:
    """The complexity of the categories of a study that asks for it; empty where their photos are not at hand."""
    study = results.study
    if study.figure != "F6b" and "F6b" not in study.findings:
        return {}
    try:
        return {name: complexity_of_images(photos(category.train)).mean for name, category in study.data.items()}
    except InputError:
        return {}


def _json(results: Results, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The content of the page for programs."""
    study = results.study
    return {
        "name": study.name,
        "title": study.title,
        "figure": study.figure,
        "scale": asdict(results.scale),
        "kept": results.left_out,
        "trainings": {
            "done": results.done,
            "missing": results.missing,
            "failed": dict(results.failed),
        },
        "curves": _curves_json(results, study.plot) if study.plot is not None else [],
        "verdicts": [asdict(verdict) for verdict in verdicts],
    }


def _curves_json(results: Results, plot: Plot) -> list[dict[str, Any]]:
    wanted = [*quantities(plot.figures), *(quantity for row in sensitivity(plot.figures) for quantity in row)]
    return [
        {
            "panel": panel,
            **asdict(quantity),
            "label": drawn.label,
            "points": [
                {"count": count, "value": point.value, "error": point.error, "seeds": point.seeds}
                for count, point in drawn.curve.items()
            ],
            "reference": drawn.reference,
        }
        for quantity in dict.fromkeys(wanted)
        for panel, by_title in rows_of(results, plot, [quantity]).items()
        for drawn in by_title[quantity.title]
    ]
