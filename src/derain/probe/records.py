"""The results of a probe for programs: JSON and CSV."""

import csv
import io
from dataclasses import asdict
from typing import Any

import numpy as np

from derain.evaluation.statistics import mean_and_error
from derain.probe.maps import FAMILIES, RainMap
from derain.probe.measure import FIGURES, THRESHOLD
from derain.probe.response import plain
from derain.probe.results import Results
from derain.probe.space import FIXED

FORMAT = 1


def to_json(results: Results) -> dict[str, Any]:
    """Everything, per background too; what is not defined is null. Cells of a map are in one list, row by row."""
    patches = results.scene.patches
    return {
        "format": FORMAT,
        "space": asdict(results.space),
        "fixed": dict(FIXED),
        "seed": results.scene.seed,
        "threshold": THRESHOLD,
        "clean_bound": results.clean_bound,
        "backgrounds": {
            "count": len(patches.patches),
            "photos": patches.photos,
            "content_hash": patches.content_hash,
            "sources": [source._asdict() for source in patches.sources],
        },
        "maps": [_describe(rain_map) for rain_map in results.scene.maps],
        "networks": [_network(results, index) for index in range(len(results.networks))],
        "difference": _difference(results) if len(results.networks) == 2 else None,
        "notes": results.notes(),
    }


def to_csv(results: Results) -> str:
    """One line a network, cell and figure; the clean error stands in every cell, though it is the same in all."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["network", "map", "family", *FIXED, "figure", "mean", "standard_error", "backgrounds"])
    for title, probed in zip(results.titles, results.networks, strict=True):
        for rain_map in results.scene.maps:
            cells = len(rain_map.rains)
            figures = {
                **probed.answer.responses[rain_map.name].figures,
                "clean_error": np.tile(probed.answer.clean_error, (cells, 1)),
            }
            for cell in range(cells):
                parameters = {} if rain_map.name == FAMILIES else FIXED
                rain = {**parameters, **rain_map.place(cell)}
                place = [title, rain_map.name, *(rain.get(name) for name in ("family", *FIXED))]
                for figure, values in figures.items():
                    mean, error = mean_and_error(values[cell], probed.answer.spread)
                    known = int((~np.isnan(values[cell])).sum())
                    table.writerow([*place, figure, plain(mean), plain(error), known])
    return text.getvalue()


def _describe(rain_map: RainMap) -> dict[str, Any]:
    return {
        "name": rain_map.name,
        "x": rain_map.x,
        "columns": rain_map.columns,
        "y": rain_map.y,
        "rows": rain_map.rows,
        "cells": [rain.describe() for rain in rain_map.rains],
    }


def _network(results: Results, index: int) -> dict[str, Any]:
    probed = results.networks[index]
    error, of_error = mean_and_error(probed.answer.clean_error, probed.answer.spread)
    figures: dict[str, Any] = {}
    for figure in FIGURES:
        panel = results.panels(figure)[index]
        figures[figure] = {
            name: {
                "mean": plain(panel.means[name]),
                "standard_error": plain(panel.errors[name]),
                "backgrounds": plain(response.figures[figure]),
            }
            for name, response in probed.answer.responses.items()
        }
    return {
        "name": probed.name,
        "sha256": probed.sha256,
        "trained_on": None if probed.trained is None else [asdict(each) for each in probed.trained],
        "area": _areas(results, index),
        "clean_error": {
            "mean": plain(error),
            "standard_error": plain(of_error),
            "backgrounds": plain(probed.answer.clean_error),
        },
        "figures": figures,
    }


def _difference(results: Results) -> dict[str, Any]:
    figures = {}
    for figure in FIGURES:
        panel = results.panels(figure)[2]
        figures[figure] = {
            name: {"mean": plain(panel.means[name]), "standard_error": plain(panel.errors[name])}
            for name in panel.means
        }
    return {"area": _areas(results, 2), "figures": figures}


def _areas(results: Results, index: int) -> list[dict[str, float | None]]:
    return [{"clean_bound": bound, **results.areas(bound)[index]._asdict()} for bound in results.clean_bounds]
