"""The demo's page: findings, pictures, curves and a table, in one file that needs no network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from derain.evaluation.metrics import METRICS, Figures
from derain.probe.figures import draw_panels
from derain.probe.maps import rain_maps
from derain.probe.results import Panel
from derain.probe.space import COARSE
from derain.support.pages import drawing, image_html, strip_html, table_html, to_svg

Curves = Mapping[str, Sequence[Mapping[str, Any]]]
COLOURS = {"few": "#c0392b", "many": "#2060a8"}
_CURVES = {"removal": "removal", "removal_controlled": "controlled removal", "clean_error": "clean error (grey levels)"}


@dataclass(frozen=True)
class Strip:
    """One test picture in several versions: caption and PNG file of each."""

    pictures: Mapping[str, Path]


def report_page(
    setup: str,
    findings: Sequence[str],
    notes: str,
    curves: Curves,
    rows: Mapping[str, tuple[Figures, Figures]],
    strips: Sequence[Strip],
    maps: Sequence[Panel],
) -> str:
    """The page as HTML text.

    Args:
        setup: what was trained and tested on what.
        findings: sentences on what is seen.
        notes: small print below the table.
        curves: figures along the training by the name of the network, each with its "iteration".
        rows: of the table: means at thresholds of 10 and 50.
        strips: pictures to show.
        maps: the responses to the rain of `derain.probe.space.COARSE`.
    """
    template = Template(files("derain.demo").joinpath("report.html").read_text(encoding="utf-8"))
    return template.substitute(
        setup=escape(setup),
        findings="".join(f"<p>{escape(finding)}</p>" for finding in findings),
        notes=escape(notes),
        strips="\n".join(map(_strip, strips)),
        curves=_curves(curves),
        maps=_maps(maps),
        table=_table(rows),
    )


def _strip(strip: Strip) -> str:
    return strip_html(
        [(caption, image_html(path.read_bytes(), "png", caption)) for caption, path in strip.pictures.items()]
    )


def _maps(maps: Sequence[Panel]) -> str:
    with drawing():
        return to_svg(draw_panels(maps, rain_maps(COARSE), "removal_controlled", COARSE.recipe))


def _curves(curves: Curves) -> str:
    with drawing():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(11, 3.2), layout="constrained")
        for axes, (key, label) in zip(figure.subplots(1, len(_CURVES)), _CURVES.items(), strict=True):
            for name, points in curves.items():
                shown = [(point["iteration"], point[key]) for point in points if point[key] is not None]
                axes.plot(*zip(*shown, strict=True), color=COLOURS[name], marker="o", markersize=3, label=name)
            axes.set_title(label, fontsize=11)
            axes.set_xlabel("iteration")
            axes.set_ylim(bottom=0)
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(alpha=0.3)
        axes.legend(frameon=False)
        return to_svg(figure)


def _table(rows: Mapping[str, tuple[Figures, Figures]]) -> str:
    columns = [(metric.label, metric, 0) for metric in METRICS]
    columns += [(f"{metric.label}, t=50", metric, 1) for metric in METRICS if metric.name in ("e_r", "e_b")]
    body = [
        [escape(name), *(metric.text(figures[threshold][metric.name]) for _, metric, threshold in columns)]
        for name, figures in rows.items()
    ]
    return table_html(["", *(label for label, *_ in columns)], body)
