"""The map as one page that needs nothing but itself: a cell shows its pictures when it is pointed at or focused."""

from io import BytesIO
from math import ceil
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from derain.evaluation.metrics import METRIC
from derain.evaluation.statistics import mean_and_error
from derain.probe.area import area_text, mean_text
from derain.probe.figures import in_words
from derain.probe.grids import section
from derain.probe.measure import FIGURES
from derain.probe.results import Results
from derain.probe.space import FIXED
from derain.support.pages import data_url, render

_SHEET_COLUMNS = 16
_JPEG_QUALITY = 85


def probe_page(results: Results) -> str:
    """The page as HTML text. To be called within `derain.support.pages.drawing`."""
    first_map, pictures = results.scene.maps[0], _pictures(results)
    cells = _cell_data(results)
    bounds = results.clean_bounds
    within = ["area, any clean\xa0error" if b is None else f"area, clean\xa0error\xa0≤\xa0{b:g}" for b in bounds]
    return render(
        "probe/page.html",
        {
            "summary_head": ["", "clean error", *within],
            "summary": _summary(results),
            "recipe": results.space.recipe,
            "fixed": in_words(FIXED),
            "networks": len(results.networks),
            "sections": [section(results, figure) for figure in FIGURES],
            "pictures": {caption: _sheet(cut, _SHEET_COLUMNS) for caption, cut in pictures.items()},
            "clean": _sheet(results.scene.patches.patches[:1], 1),
            "sheet_columns": _SHEET_COLUMNS,
            "sheet_rows": ceil(len(cells) / _SHEET_COLUMNS),
            "heads": ["mean"] if len(results.networks) == 1 else ["A", "B", "B - A"],
            "figures": [METRIC[figure].label for figure in (*FIGURES, "clean_error")],
            "notes": results.notes(),
            "cells": cells,
            "first": len(first_map.rows) // 2 * len(first_map.columns) + len(first_map.columns) // 2,
        },
    )


def _summary(results: Results) -> list[list[str]]:
    """Names, clean error and areas of the networks."""
    labels = [each.label for each in results.networks]
    if len(labels) == 2:
        labels = [f"A: {labels[0]}", f"B: {labels[1]}", "B - A"]
    areas = [map(area_text, row) for row in zip(*map(results.areas, results.clean_bounds), strict=True)]
    return [[label, error, *row] for label, error, row in zip(labels, _clean_errors(results), areas, strict=True)]


def _clean_errors(results: Results) -> list[str]:
    """The clean error of every network, and the difference of two."""
    errors = [each.answer.clean_error for each in results.networks]
    if len(errors) == 2:
        errors.append(errors[1] - errors[0])
    spread = results.networks[0].answer.spread
    means = [mean_and_error(error, spread) for error in errors]
    return [mean_text(float(mean), float(error), 1) for mean, error in means]


def _cell_data(results: Results) -> list[dict[str, Any]]:
    """The place of every cell, and the values of the table beside its pictures, row by row."""
    panels = [(2 - (figure == "damage"), panel) for figure in FIGURES for panel in results.panels(figure)]
    clean_errors = _clean_errors(results)
    found = []
    for rain_map in results.scene.maps:
        for cell in range(len(rain_map.rains)):
            values = [
                mean_text(panel.means[rain_map.name][cell], panel.errors[rain_map.name][cell], decimals)
                for decimals, panel in panels
            ]
            found.append({"place": in_words(rain_map.place(cell)), "values": values + clean_errors})
    return found


def _pictures(results: Results) -> dict[str, UInt8[np.ndarray, "cells 3 size size"]]:
    """The first background of every cell, rainy and restored, by caption."""
    names = [rain_map.name for rain_map in results.scene.maps]
    responses = [[each.answer.responses[name] for name in names] for each in results.networks]
    captions = ["restored"] if len(responses) == 1 else [f"restored by {title}" for title in results.titles]
    shown = {"rainy": np.concatenate([response.rainy for response in responses[0]])}
    for caption, of_network in zip(captions, responses, strict=True):
        shown[caption] = np.concatenate([response.restored for response in of_network])
    return shown


def _sheet(pictures: UInt8[np.ndarray, "cells 3 size size"], columns: int) -> str:
    """The address of pictures in rows and columns as one JPEG: far fewer bytes than a file each."""
    cells, _, size, _ = pictures.shape
    rows = ceil(cells / columns)
    tiles = np.zeros((rows * columns, 3, size, size), np.uint8)
    tiles[:cells] = pictures
    sheet = tiles.reshape(rows, columns, 3, size, size).transpose(0, 3, 1, 4, 2).reshape(rows * size, columns * size, 3)
    file = BytesIO()
    Image.fromarray(sheet).save(file, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return data_url(file.getvalue(), "jpeg")
