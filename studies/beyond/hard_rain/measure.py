r"""Measure what the rain of pairs looks like, and beside it the rain of a file that is meant to look alike.

    python studies/beyond/hard_rain/measure.py --pairs "$DERAIN_DATA/rain/rain100h" \
        --rain studies/beyond/rain/rain100h.toml --out docs/results/hard_rain/statistics.json

The figures of a layer R = O - B (its largest channel, levels 0..255), and over the layers their 10 %, 50 % and 90 %
quantiles:

    coverage        share of the pixels above 10 levels
    mean            of all pixels
    level           99.9 % quantile, as a share of white
    angle_deg       of the streaks, from the vertical: the direction in which R changes least (structure tensor)
    spread_deg      standard deviation of the local direction around it, weighted by how clear it is
    along_px        length, along the angle, over which the autocorrelation of R falls to a half
    across_px       the same across the angle
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tyro
from jaxtyping import Float64
from scipy import ndimage

from derain.pictures.images import read_image
from derain.pictures.pairs import match_pairs
from derain.rain import load_rain
from derain.support.files import write_json
from derain.support.randomness import generator

Layer = Float64[np.ndarray, "h w"]
_SIDE_PX = 256
_QUANTILES = (0.1, 0.5, 0.9)


def main(pairs: tuple[Path, ...] = (), rain: tuple[Path, ...] = (), number: int = 40, out: Path | None = None) -> None:
    """
    Args:
        pairs: folders with rainy/ and clean/.
        rain: files of rain.
        number: layers measured of each, the first by name or by number.
        out: file for the quantiles as JSON.
    """
    found = {}
    for folder in pairs:
        matched = match_pairs(folder / "rainy", folder / "clean", "names")[:number]
        found[folder.name] = [figures(_middle(_recovered(pair.rainy, pair.clean))) for pair in matched]
    for path in rain:
        layers = load_rain(str(path)).layers(number, _SIDE_PX, _SIDE_PX, generator(0, "hard rain"))
        found[path.name] = [figures(layer.astype(float)) for layer in layers[:, 0].clamp(0, 255).numpy()]
    summary = {name: {key: _quantiles([each[key] for each in rows]) for key in rows[0]} for name, rows in found.items()}
    for name, rows in summary.items():
        print(name)
        for key, values in rows.items():
            print(f"  {key:10}", *(f"{value:8.3g}" for value in values))
    if out is not None:
        write_json(out, summary)


def figures(layer: Layer) -> dict[str, float]:
    """The figures of a layer, as the head of this file defines them."""
    angle_deg, spread_deg = _direction(layer)
    upright = ndimage.rotate(layer, -angle_deg, reshape=False, order=1, mode="reflect")
    margin = _SIDE_PX // 6
    upright = upright[margin:-margin, margin:-margin]
    return {
        "coverage": float((layer > 10).mean()),
        "mean": float(layer.mean()),
        "level": float(np.quantile(layer, 0.999)) / 255,
        "angle_deg": angle_deg,
        "spread_deg": spread_deg,
        "along_px": _half_width(upright, 0),
        "across_px": _half_width(upright, 1),
    }


def _quantiles(values: Sequence[float]) -> list[float]:
    return [round(float(np.quantile(values, quantile)), 3) for quantile in _QUANTILES]


def _recovered(rainy: Path, clean: Path) -> Layer:
    return np.clip(read_image(rainy).astype(float) - read_image(clean), 0, None).max(axis=-1)


def _middle(layer: Layer) -> Layer:
    top, left = ((side - _SIDE_PX) // 2 for side in layer.shape)
    return layer[top : top + _SIDE_PX, left : left + _SIDE_PX]


def _direction(layer: Layer) -> tuple[float, float]:
    """The angle from the vertical of the structures of a layer, and the spread around it."""
    down, right = (ndimage.gaussian_filter(layer, 1.0, order=order) for order in ((1, 0), (0, 1)))
    products = [ndimage.gaussian_filter(product, 4.0) for product in (down * down, right * right, down * right)]
    energy, cos2, sin2 = products[0] + products[1], products[1] - products[0], 2 * products[2]
    mean = np.arctan2(sin2.mean(), cos2.mean())
    local = np.arctan2(sin2, cos2)
    difference = np.angle(np.exp(1j * (local - mean)))
    weight = np.hypot(cos2, sin2)
    spread = np.sqrt((weight * difference**2).sum() / weight.sum()) if energy.any() else 0.0
    return float(np.degrees(-mean / 2)), float(np.degrees(spread / 2))


def _half_width(layer: Layer, axis: int) -> float:
    """Distance over which the autocorrelation along an axis falls to a half."""
    centred = layer - layer.mean()
    spectrum = np.abs(np.fft.fft(centred, 2 * layer.shape[axis], axis=axis)) ** 2
    correlation = np.fft.ifft(spectrum.sum(axis=1 - axis)).real[: layer.shape[axis] // 2]
    overlap = layer.shape[axis] - np.arange(correlation.size)
    correlation = correlation / overlap
    below = np.nonzero(correlation < correlation[0] / 2)[0]
    return float(below[0]) if below.size else float(correlation.size)


if __name__ == "__main__":
    tyro.cli(main)
