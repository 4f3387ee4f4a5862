"""The report of a folder of results: one page that stands alone, its figures as files, and all of it as JSON."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from html import escape
from importlib.metadata import version
from importlib.resources import files
from math import isfinite
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, get_args

from derain.errors import InputError
from derain.evaluation.complexity import complexity_of_images
from derain.evaluation.test_sets import photos
from derain.pictures.images import encode_jpeg
from derain.study.judge.results import Cell, Results, load_results
from derain.study.judge.verdicts import Verdict, judge
from derain.study.plan.spec import FigureName, Pictures, Plot
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
from derain.study.report.pictures import NOTES, Picture, draw_strips, strips
from derain.study.report.response import response_section
from derain.study.report.tables import (
    all_figures,
    left_out,
    name_of,
    table2,
    told_apart,
    verdict_overview,
    verdict_tables,
)
from derain.study.run.store import FORMAT, Store, read_json
from derain.support.files import make_folder, write_bytes, write_json
from derain.support.pages import drawing, image_html, strip_html, table_html, to_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Rows = Mapping[str, Mapping[str, Sequence[Drawn]]]
"""Curves by the titles of rows and of the panels in them."""
_ORDER = get_args(FigureName)
_DPI = 150
_JPEG_QUALITY = 85

_NOTES = (
    "Figures are means over the test pictures, of 8-bit pictures with levels 0..255. E_R and E_B are those of Gu et "
    "al. (NeurIPS 2023); t is the threshold of the mask of rain, in grey levels. Higher is better for E_R, removal, "
    "controlled removal, PSNR and SSIM, lower for E_B, damage and clean error; - stands where a figure is not defined."
)


@dataclass(frozen=True)
class _Page:
    """Where the files of the report go, whose weights it shows, which trainings' maps are on it already, and the names
    of its figures' files."""

    store: Store
    folder: Path
    device: str
    shown: dict[frozenset[str], str] = field(default_factory=dict)
    figures: list[str] = field(default_factory=list)

    def save(self, figure: "Figure", name: str, text: str) -> str:
        """Write a figure as PNG and SVG, and give the HTML that holds it."""
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=_DPI)
        self.write(f"{name}.png", picture.getvalue())
        svg = to_svg(figure).encode()
        self.write(f"{name}.svg", svg)
        return f'<div class="scroll">{image_html(svg, "svg+xml", text)}</div>'

    def write(self, name: str, content: bytes) -> None:
        """Write a file of a figure."""
        write_bytes(self.folder / "figures" / name, content)
        self.figures.append(name)

    def clear(self) -> None:
        """Remove the files of figures that an earlier report wrote and this one did not."""
        try:
            earlier = read_json(self.folder / "report.json", "figures")["figures"]
        except InputError:
            return  # there is none, or it does not say what it wrote
        for path in (self.folder / "figures").iterdir():
            if path.name in earlier and path.name not in self.figures:
                path.unlink()


def write_report(
    results: Path,
    out: Path | None = None,
    complexity: Mapping[str, float] | None = None,
    device: str = "cpu",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Write the report of all studies that were run in a folder.

    Args:
        results: folder of results.
        out: the report goes into its subfolder "report": index.html, report.json and figures/; by default `results`.
        complexity: structural complexity of the categories by name, which Figure 6b needs; by default that of the
            training photos, where they are at hand.
        device: torch device that restores the pictures shown.
        progress: called with the number of studies done and their total.

    Returns:
        path of the page.

    Raises:
        InputError: there is no study, a file is damaged or of a newer version, the folder cannot be written, or
            matplotlib is not installed.
    """
    studies = sorted(load_results(Store(results)), key=lambda each: _ORDER.index(each.study.figure))
    if not studies:
        raise InputError(f"{results} holds no results of a study")
    page = _Page(Store(results), (out or results) / "report", device)
    sections: list[str] = []
    found: list[tuple[Results, list[Verdict]]] = []
    with drawing():
        make_folder(page.folder / "figures")
        for done, each in enumerate(studies):
            progress(done, len(studies))
            known = complexity or _complexity(each)
            verdicts = judge(each, known)
            found.append((each, verdicts))
            sections.append(_section(each, verdicts, known, page))
    progress(len(studies), len(studies))
    every = (cell for each in studies for cell in (*each.cells, *each.further))
    cells = list({(cell.identity, cell.test): cell for cell in every}.values())
    contents = {"verdicts": "Verdicts"} if any(verdicts for _, verdicts in found) else {}
    contents |= {name_of(each): _heading(each) for each in studies}
    contents |= {"figures": "All figures"}
    template = Template(files("derain.study.report").joinpath("report.html").read_text(encoding="utf-8"))
    text = template.substitute(
        title="Studies of generalisation in image deraining",
        contents="".join(f'<li><a href="#{escape(name)}">{escape(entry)}</a></li>' for name, entry in contents.items()),
        overview=verdict_overview(found),
        sections="\n".join(sections),
        figures=all_figures(cells),
        left_out=left_out(cells),
        version=version("derain"),
        notes=_NOTES,
    )
    page.clear()
    write_json(
        page.folder / "report.json",
        {"format": FORMAT, "figures": page.figures, "studies": [_json(each, verdicts) for each, verdicts in found]},
    )
    write_bytes(page.folder / "index.html", text.encode())
    return page.folder / "index.html"


def _heading(results: Results) -> str:
    """Such as "Figure 4: title (cpu scale)"."""
    figure = results.study.figure
    kind, number = ("Table", figure[1:]) if figure.startswith("T") else ("Figure", figure[1:])
    title = f"{results.study.title} ({results.scale.name} scale)"
    return title if figure == "other" else f"{kind} {number}: {title}"


def _section(results: Results, verdicts: list[Verdict], complexity: Mapping[str, float], page: _Page) -> str:
    study, drawn = results.study, _with_short_names(results)
    parts = [f'<h2 id="{escape(name_of(results))}">{escape(_heading(results))}</h2>', _facts(results)]
    if results.cells and study.plot is not None:
        if study.figure == "F6b":
            parts.append(_complexity_figure(results, study.plot, complexity, page))
        else:
            parts.append(_curves(drawn, study.plot, page))
    if results.cells and study.figure == "T2":
        parts.append(table2(results.cells))
    if verdicts:
        parts.append(verdict_tables(verdicts))
    if study.probe and any(cell.response for cell in results.cells):
        parts.append(response_section(drawn, page.save, page.shown))
    if study.pictures is not None:
        parts.append(_pictures(results, study.pictures, page))
    return "\n".join(parts)


def _with_short_names(results: Results) -> Results:
    """For figures, which have little room: networks by what tells them apart."""
    names = told_apart(dict.fromkeys(cell.axes["network"] for cell in results.cells))
    cells = [replace(cell, axes={**cell.axes, "network": names[cell.axes["network"]]}) for cell in results.cells]
    return replace(results, cells=cells)


def _facts(results: Results) -> str:
    """How the study was run; nothing where it trains nothing."""
    cells, scale = results.cells, results.scale
    if not cells and not results.missing:
        return ""
    facts = {
        "scale": scale.name,
        "reduction": scale.reduction,
        "kept": results.left_out,
        "trainings": f"{results.done} done, {results.missing} missing ({len(results.failed)} failed)",
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
        facts["tested on"] = ", ".join(
            f"{test} ({number} pictures)" for test, number in {c.test: len(c.measured.names) for c in cells}.items()
        )
        facts["made on"] = "; ".join(dict.fromkeys(map(_environment, cells)))
    entries = (f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts.items() if text)
    return f"<dl>{''.join(entries)}</dl>"


def _backgrounds(category: tuple[str, Sequence[Cell]]) -> str:
    """The counts of a category, and the number of distinct photos that each comes from."""
    name, cells = category
    counts = sorted({(cell.axes["count"], cell.photos) for cell in cells})
    return f"{name}: {', '.join(f'{count} ({photos})' for count, photos in counts)}"


def _environment(cell: Cell) -> str:
    made = cell.environment
    return f"{made.device}, CPU threads: {made.threads}, torch {made.torch}"


def _curves(results: Results, plot: Plot, page: _Page) -> str:
    name, heading = name_of(results), _heading(results)
    is_scaled, limits = results.study.figure == "F6a", None
    rows = _rows(results, plot, quantities(plot.figures))
    if is_scaled:
        limits = (-0.2, 1.2)  # error bars of a curve that is nearly flat are longer
        rows = {
            title: {panel: [scaled(each) for each in drawn] for panel, drawn in row.items()}
            for title, row in rows.items()
        }
    figure = page.save(draw_curves(rows, limits), name, f"{heading}: curves against the number of backgrounds")
    at_thresholds = "".join(
        page.save(
            draw_curves(_rows(results, plot, row)),
            f"{name}.sensitivity-{row[0].figure}",
            f"{heading}: {'; '.join(quantity.title for quantity in row)}",
        )
        for row in sensitivity(plot.figures)
    )
    return (
        f'{figure}<p class="note">{_legend(rows, is_scaled)}</p>'
        f"<details><summary>Sensitivity to the threshold t</summary>{at_thresholds}</details>"
    )


def _rows(results: Results, plot: Plot, wanted: Sequence[Quantity]) -> Rows:
    """Curves by panel of the study and by quantity."""
    without = [plot.panels] if plot.panels else []
    return {
        title: {quantity.title: curves(cells, plot.lines, quantity, without) for quantity in wanted}
        for title, cells in panels(results.cells, plot.panels).items()
    }


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
    return escape(" ".join(sentences))


def _complexity(results: Results) -> Mapping[str, float]:
    """Of the categories of a study that asks for it; empty where their photos are not at hand."""
    study = results.study
    if study.figure != "F6b" and "F6b" not in study.findings:
        return {}
    try:
        return {name: complexity_of_images(photos(category.train)).mean for name, category in study.data.items()}
    except InputError:
        return {}


def _complexity_figure(results: Results, plot: Plot, complexity: Mapping[str, float], page: _Page) -> str:
    if not complexity:
        return '<p class="absent">The structural complexity is not known: the training photos are not at hand.</p>'
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
    text = f"{_heading(results)}: turning points against complexity"
    rows = [
        [escape(name), f"{value:.4f}", *(_count(points[name]) if name in points else "-" for points in found.values())]
        for name, value in complexity.items()
    ]
    head = ["category", "complexity", *(f"turning point, {title}" for title in found)]
    return (
        page.save(draw_turning_points(shown), name_of(results), text)
        + f'<div class="scroll">{table_html(head, rows)}</div>'
        + '<p class="note">Turning point: the number of backgrounds at which a curve last crosses the middle between '
        "its highest value up to 16 and its lowest from 512 on; none where these are within two spreads.</p>"
    )


def _count(turning_point: float) -> str:
    return f"{turning_point:.0f}" if isfinite(turning_point) else "none"


def _pictures(results: Results, pictures: Pictures, page: _Page) -> str:
    try:
        shown = strips(results, pictures, page.store, page.device)
    except InputError as error:
        return f'<p class="absent">The pictures are not shown: {escape(str(error))}.</p>'
    picture = io.BytesIO()
    draw_strips(shown).savefig(picture, format="png", dpi=_DPI)
    page.write(f"{name_of(results)}.pictures.png", picture.getvalue())
    note = f'<p class="note">{escape(NOTES[pictures.kind])}</p>'
    return note + "".join(
        f"<h3>{escape(strip.title)}</h3>{strip_html([(each.caption, _picture(each)) for each in strip.pictures])}"
        for strip in shown
    )


def _picture(picture: Picture) -> str:
    if isinstance(picture.content, str):
        return f'<div class="absent">{escape(picture.content)}</div>'
    return image_html(encode_jpeg(picture.content, _JPEG_QUALITY), "jpeg", picture.caption)


def _json(results: Results, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """What stands on the page, for programs."""
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
        for panel, by_title in _rows(results, plot, [quantity]).items()
        for drawn in by_title[quantity.title]
    ]
