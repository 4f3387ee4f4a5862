"""Statistics of pictures that a restoration network may lean on, for folders side by side.

    python -m benchmarks.generated generated photographs

prints, for each folder, mean and standard deviation over its pictures (the middle 256x256 of at most 200 of them).
Natural pictures are described by D. L. Ruderman, "The statistics of natural images", Network 5 (1994), and by
A. Torralba and A. Oliva, "Statistics of natural image categories", Network 14 (2003).
"""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float
from rich.console import Console
from rich.table import Table

from derain.pictures.images import list_images, read_image

SIZE_PX, BLOCK_PX, MOST = 256, 8, 200
LUMA = np.array([0.299, 0.587, 0.114])


def spectrum_slope(luma: Float[np.ndarray, "h w"]) -> float:
    """Slope of log power over log frequency between 1/32 and 1/3 cycles a pixel; -2 for edges of all sizes."""
    window = np.outer(np.hanning(len(luma)), np.hanning(luma.shape[1]))
    power = np.abs(np.fft.fft2((luma - luma.mean()) * window)) ** 2
    radius = np.hypot(np.fft.fftfreq(len(luma))[:, None], np.fft.fftfreq(luma.shape[1]))
    bins = np.geomspace(1 / 32, 1 / 3, 13)
    means = [power[(radius >= low) & (radius < high)].mean() for low, high in pairwise(bins)]
    return float(np.polyfit(np.log(np.sqrt(bins[1:] * bins[:-1])), np.log(np.array(means) + 1e-9), 1)[0])


def statistics(image: np.ndarray) -> dict[str, float]:
    """Figures of one picture (h, w, 3) of levels 0..255."""
    rgb = image.astype(np.float64)
    luma = rgb @ LUMA
    across, down = np.diff(luma, axis=1)[:-1], np.diff(luma, axis=0)[:, :-1]
    energy = np.hypot(across, down) ** 2
    angle = np.degrees(np.arctan2(np.abs(down), np.abs(across)))  # 0: the edge is upright
    ends = [side // BLOCK_PX * BLOCK_PX for side in luma.shape]
    blocks = luma[: ends[0], : ends[1]].reshape(ends[0] // BLOCK_PX, BLOCK_PX, ends[1] // BLOCK_PX, BLOCK_PX)
    means, stds = blocks.mean((1, 3)).ravel(), blocks.std((1, 3)).ravel()
    fine = luma - (np.roll(luma, 1, 0) + np.roll(luma, -1, 0) + np.roll(luma, 1, 1) + np.roll(luma, -1, 1)) / 4
    noise = 1e-3 * np.random.default_rng(0).normal(size=(3, luma.size))
    channels = np.asarray(np.corrcoef(rgb.reshape(-1, 3).T + noise))
    both = np.stack([means, np.log(stds + 0.5)])
    return {
        "spectrum, slope": spectrum_slope(luma),
        "gradient, kurtosis (log10)": float(np.log10((across**4).mean() / (across**2).mean() ** 2)),
        "gradient, RMS": float(np.sqrt(energy.mean())),
        "fine detail, RMS": float(fine[1:-1, 1:-1].std()),
        "share of edges within 15 deg of upright": float(energy[angle < 15].sum() / energy.sum()),
        "share of edges within 15 deg of level": float(energy[angle > 75].sum() / energy.sum()),
        "mean": float(luma.mean()),
        "standard deviation": float(luma.std()),
        "skewness": float(((luma - luma.mean()) ** 3).mean() / (luma.std() + 1e-9) ** 3),
        "block deviation, median (log2)": float(np.log2(np.median(stds) + 0.25)),
        "block deviation, spread (log2)": float(np.log2(stds + 0.25).std()),
        "block deviation and mean, correlation": float(np.corrcoef(both)[0, 1]) if both.std(1).min() > 0 else 0.0,
        "flat blocks (deviation < 2), share": float((stds < 2).mean()),
        "saturation (max - min) / max": float(((rgb.max(2) - rgb.min(2)) / (rgb.max(2) + 1)).mean()),
        "red and green, correlation": float(channels[0, 1]),
        "red and blue, correlation": float(channels[0, 2]),
        "share of black (< 5)": float((luma < 5).mean()),
        "share of white (> 250)": float((luma > 250).mean()),
    }


def middle(image: np.ndarray) -> np.ndarray:
    top, left = ((side - min(side, SIZE_PX)) // 2 for side in image.shape[:2])
    return image[top : top + SIZE_PX, left : left + SIZE_PX]


def main(folders: list[Path]) -> None:
    table = Table("figure", *("/".join(folder.parts[-2:]) for folder in folders), box=None)
    measured = [[statistics(middle(read_image(path))) for path in list_images(folder)[:MOST]] for folder in folders]
    for name in measured[0][0]:
        values = [np.array([each[name] for each in figures]) for figures in measured]
        table.add_row(name, *(f"{value.mean():.2f} ({value.std():.2f})" for value in values))
    console = Console(width=120)
    console.print(table)
    console.print("pictures:", *(str(len(figures)) for figures in measured))


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
