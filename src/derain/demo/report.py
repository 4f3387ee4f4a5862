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

from derain.metrics import METRICS

COLOURS = {"few": "#c0392b", "many": "#2060a8"}
_CURVES = {"removal": "removal", "removal_controlled": "controlled removal", "clean_error": "clean error (grey levels)"}
_DECIMALS = {"share": 2, "grey levels": 1, "dB": 2, "none": 3}


@dataclass(frozen=True)
class Strip:
    """One test picture in several versions: caption and PNG file of each."""

    pictures: Mapping[str, Path]


def report_page(
    setup: str, findings: Sequence[str], notes: str, results: Mapping[str, Any], strips: Sequence[Strip]
) -> str:
    """The page as HTML text.

    Args:
        setup: what was trained and tested on what.
        findings: sentences on what is seen.
        notes: small print below the table.
        results: "few" and "many" as `Evaluation.to_json` gives them; "curves": for both, a list of figures along the
            training, each with its "iteration".
        strips: pictures to show.
    """
    template = Template(files("derain.demo").joinpath("report.html").read_text(encoding="utf-8"))
    return template.substitute(
        setup=escape(setup),
        findings="".join(f"<p>{escape(finding)}</p>" for finding in findings),
        notes=escape(notes),
        strips="\n".join(map(_strip, strips)),
        curves=_curves(results["curves"]),
        table=_table(results),
    )


def _strip(strip: Strip) -> str:
    figures = []
    for caption, path in strip.pictures.items():
        data = base64.b64encode(path.read_bytes()).decode()
        picture = f'<img alt="{escape(caption)}" src="data:image/png;base64,{data}">'
        figures.append(f"<figure>{picture}<figcaption>{escape(caption)}</figcaption></figure>")
    return f'<div class="strip">{"".join(figures)}</div>'


def _curves(curves: Mapping[str, Sequence[Mapping[str, float | None]]]) -> str:
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


def _table(results: Mapping[str, Any]) -> str:
    rows = {
        "rainy input": (results["few"]["input"], None),
        "few": (results["few"]["mean"], results["few"]["sensitivity"]["50"]),
        "many": (results["many"]["mean"], results["many"]["sensitivity"]["50"]),
    }
    columns = [(metric.label, metric.name, False, _DECIMALS[metric.unit]) for metric in METRICS]
    columns += [("E_R (t=50)", "e_r", True, 1), ("E_B (t=50)", "e_b", True, 1)]
    head = "".join(f"<th>{escape(label)}</th>" for label, *_ in columns)
    body = ""
    for name, (mean, at_50) in rows.items():
        cells = [(at_50 or {}).get(key) if second else mean[key] for _, key, second, _ in columns]
        texts = [
            "–" if value is None else f"{value:.{places}f}" for value, (*_, places) in zip(cells, columns, strict=True)
        ]
        body += f"<tr><td>{name}</td>{''.join(f'<td>{text}</td>' for text in texts)}</tr>"
    return f"<table><tr><th></th>{head}</tr>{body}</table>"
