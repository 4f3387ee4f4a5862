"""Figures of what was found in networks. All are to be called within `derain.support.pages.drawing`."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from derain.probe.explanation.results import Explained
from derain.probe.explanation.scene import Scene

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = ("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Told apart by colour-blind readers."""
_SIDE_IN = 2.2
_FigureOf = Callable[[Explained], float | None]
_FAINTEST = 1e-3  # of the largest magnitude, on the logarithmic scale of a map


def draw_separation(explained: Sequence[Explained], rains: Sequence[str]) -> "Figure":
    """The features after t-SNE, a row a network: coloured by rain, and by content."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    parted = [(each, each.separation) for each in explained if each.separation is not None]
    drawn = Figure(figsize=(3 * _SIDE_IN, 0.4 + _SIDE_IN * len(parted)), layout="constrained")
    grid = drawn.subplots(len(parted), 2, squeeze=False)
    for (each, found), (left, right) in zip(parted, grid, strict=True):
        for column, rain in enumerate(rains):
            colour = _COLOURS[column % len(_COLOURS)]
            left.plot(*found.points[:, column].T, "o", ms=4, mfc="none", color=colour, label=rain)
        for row, points in enumerate(found.points):
            right.plot(*points.T, "o", ms=4, color=colormaps["turbo"](row / len(found.points)))
        left.set_title(f"{_short(each)}: rains, index {found.index_of_rain:.1f}", fontsize=8)
        right.set_title(f"contents, index {found.index_of_content:.1f}", fontsize=8)
        for axes in (left, right):
            axes.set_xticks([])
            axes.set_yticks([])
    drawn.legend(*grid[0][0].get_legend_handles_labels(), loc="outside right upper", fontsize=8, frameon=False)
    return drawn


def draw_attribution(explained: Sequence[Explained], scene: Scene, window_px: int) -> "Figure":
    """The first background under every rain, and below it a row of maps for each network; the window is marked."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    rains = scene.rains[1:]
    rows = len(explained) + 1
    drawn = Figure(figsize=(_SIDE_IN * len(rains), 0.2 + 1.1 * _SIDE_IN * rows), layout="constrained")
    grid = drawn.subplots(rows, len(rains), squeeze=False)
    for column, rain in enumerate(rains):
        grid[0][column].imshow(scene.pictures[0, column + 1].permute(1, 2, 0).numpy())
        grid[0][column].set_title(rain, fontsize=8)
        for row, each in enumerate(explained, start=1):
            found, axes = each.attributions[rain][0], grid[row][column]
            magnitudes = found.magnitudes.numpy()
            faint = magnitudes.max() * _FAINTEST or 1.0
            axes.imshow(np.log(np.maximum(magnitudes, faint) / faint), cmap="magma")
            index = "–" if found.diffusion_index is None else f"{found.diffusion_index:.1f}"
            axes.set_title(f"{_short(each)}: {index}", fontsize=7)
        for axes in grid[:, column]:
            corner = (found.left - 0.5, found.top - 0.5)
            axes.add_patch(Rectangle(corner, window_px, window_px, fill=False, ec="#00c000", lw=1))
            axes.set_axis_off()
    return drawn


def draw_counts(explained: Sequence[Explained]) -> "Figure":
    """Every figure against the number of backgrounds of the training: a mark a network, a line for the means."""
    from matplotlib.figure import Figure

    trained = [each for each in explained if each.backgrounds is not None]
    drawn = Figure(figsize=(9.5, 6), layout="constrained")
    shares, index, diffusion, density = drawn.subplots(2, 2).flat
    _curves(shares, trained, _parted(content="of_content", rain="of_rain", both="of_both"), "share of the variance")
    _curves(index, trained, _parted(rains="index_of_rain", contents="index_of_content"), "Calinski-Harabasz index")
    rains = trained[0].attributions
    _curves(diffusion, trained, {rain: _mean("diffusion_index", rain) for rain in rains}, "diffusion index")
    _curves(density, trained, {rain: _mean("rain_density", rain) for rain in rains}, "attribution: rain / elsewhere")
    return drawn


def _parted(**attributes: str) -> dict[str, _FigureOf]:
    """Attributes of the separation by the names of their curves."""
    return {name: partial(_of_separation, attribute) for name, attribute in attributes.items()}


def _of_separation(attribute: str, each: Explained) -> float | None:
    return None if each.separation is None else float(getattr(each.separation, attribute))


def _mean(figure: str, rain: str) -> _FigureOf:
    return lambda each: each.means(figure)[rain]


def _curves(axes: "Axes", trained: Sequence[Explained], figures: Mapping[str, _FigureOf], label: str) -> None:
    counts = sorted({each.backgrounds for each in trained if each.backgrounds is not None})
    for (name, figure), colour in zip(figures.items(), _COLOURS[1:] * len(figures), strict=False):
        values = [
            [value for each in trained if each.backgrounds == count and (value := figure(each)) is not None]
            for count in counts
        ]
        known = [(count, found) for count, found in zip(counts, values, strict=True) if found]
        axes.plot([count for count, _ in known], [np.mean(found) for _, found in known], color=colour, label=name)
        for count, found in known:
            axes.plot([count] * len(found), found, "o", ms=5, mfc="none", color=colour)
    axes.set_xscale("log", base=2)
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    axes.set_xlabel("backgrounds trained on", fontsize=8)
    axes.set_ylabel(label, fontsize=8)
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=7, frameon=False)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _short(explained: Explained) -> str:
    """A model file by its folder, as every run calls its own model.safetensors, and its number of backgrounds."""
    path = Path(explained.name)
    short = path.parent.name if path.name == "model.safetensors" else path.name
    return short if explained.backgrounds is None else f"{short}, {explained.backgrounds} backgrounds"
