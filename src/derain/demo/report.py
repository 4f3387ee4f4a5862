"""The demo's page: findings, pictures, curves and a table, in one file that needs no network."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from derain.metrics import METRICS, Figures

Curves = Mapping[str, Sequence[Mapping[str, Any]]]

COLOURS = {"few": "#c0392b", "many": "#2060a8"}
_CURVES = {"removal": "removal", "removal_controlled": "controlled removal", "clean_error": "clean error (grey levels)"}
_DECIMALS = {"share": 2, "grey levels": 1, "dB": 2, "none": 3}


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
) -> str:
    """The page as HTML text.

    Args:
        setup: what was trained and tested on what.
        findings: sentences on what is seen.
        notes: small print below the table.
        curves: figures along the training by the name of the network, each with its "iteration".
        rows: of the table: means at thresholds of 10 and 50.
        strips: pictures to show.
    """
    template = Template(files("derain.demo").joinpath("report.html").read_text(encoding="utf-8"))
    return template.substitute(
        setup=escape(setup),
        findings="".join(f"<p>{escape(finding)}</p>" for finding in findings),
        notes=escape(notes),
        strips="\n".join(map(_strip, strips)),
        curves=_curves(curves),
        table=_table(rows),
    )


def _strip(strip: Strip) -> str:
    figures = []
    for caption, path in strip.pictures.items():
        data = base64.b64encode(path.read_bytes()).decode()
        picture = f'<img alt="{escape(caption)}" src="data:image/png;base64,{data}">'
        figures.append(f"<figure>{picture}<figcaption>{escape(caption)}</figcaption></figure>")
    return f'<div class="strip">{"".join(figures)}</div>'


def _curves(curves: Curves) -> str:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "derain", "font.family": "sans-serif", "font.size": 10}):
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
        picture = io.StringIO()
        figure.savefig(picture, format="svg", metadata={"Date": None})
    svg = picture.getvalue()
    return svg[svg.index("<svg") :]


def _table(rows: Mapping[str, tuple[Figures, Figures]]) -> str:
    columns = [(metric.label, metric.name, 0, _DECIMALS[metric.unit]) for metric in METRICS]
    columns += [("E_R, t=50", "e_r", 1, 1), ("E_B, t=50", "e_b", 1, 1)]
    head = "".join(f"<th>{escape(label)}</th>" for label, *_ in columns)
    body = ""
    for name, figures in rows.items():
        cells = [(figures[threshold][key], places) for _, key, threshold, places in columns]
        texts = ["–" if value is None else f"{value:.{places}f}" for value, places in cells]
        body += f"<tr><td>{escape(name)}</td>{''.join(f'<td>{text}</td>' for text in texts)}</tr>"
    return f"<table><tr><th></th>{head}</tr>{body}</table>"
