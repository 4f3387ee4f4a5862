"""Structural complexity: how much a picture, or a layer of rain, loses from scale to scale as it is made coarser.

The picture A_0 is made coarser step by step: A_k holds nothing finer than factor**k pixels. What is lost from one scale
to the next is C_k = 1/2 <(A_k - A_(k+1))^2>, with <> the mean over pixels, and the complexity is the sum over k. A
picture is made coarser by averages over blocks (Bagrov et al., PNAS 2020) or by filters in Fourier space (Kravchenko et
al., arXiv 2408.04076). docs/concepts/complexity.md says what the figures depend on and what they cannot tell.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Float64
from rich.markup import escape
from rich.table import Table
from torch import Tensor
from torch.nn import functional

from derain.errors import InputError, one_of
from derain.evaluation.metrics import luma
from derain.pictures.images import list_images, read_image
from derain.rain import Rain
from derain.support.choices import ComplexityMethod
from derain.support.randomness import generator

SIZE_PX, FACTOR, LEVELS = 128, 2, 7
"""Patches of 128x128 are made coarser to 2, 4, ... 128 px, where one value is left."""
_LAYERS_AT_ONCE = 50  # so that many layers take little memory
_ROUNDING = 1e-13  # of the mean square; less than this is none, so that flat pictures have exactly none
_BLUR = 0.3  # of the filters' edges, in radii: the filters of the authors' program (github.com/ankravchenko/mssc)


def structural_complexity(
    pictures: Float[Tensor, "n h w"], factor: int = FACTOR, levels: int = LEVELS
) -> Float64[Tensor, "n {levels}"]:
    """C_0 ... C_(levels-1) of every picture, made coarser by averaging blocks (Bagrov et al., PNAS 2020).

    A_k is the mean over square blocks with a side of factor**k pixels. Blocks are nested, so every level is averaged
    from the one before, and C_k is half of what the mean square loses. The sum is half of what the variance loses from
    the picture to its coarsest level: half the variance, where that is a single block.

    Args:
        pictures: of any value range, on whose square the result depends; usually 0..1.
        factor: from one side of the blocks to the next.
        levels: number of steps.

    Raises:
        InputError: factor < 2, levels < 1, or a side that is no multiple of factor**levels.

    >>> board = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).repeat(1, 2, 2)  # single pixels: all is lost at the first step
    >>> structural_complexity(board, levels=2)
    tensor([[0.1250, 0.0000]], dtype=torch.float64)
    """
    _check(pictures, factor, levels)
    level = pictures.double()
    mean_squares = [_mean_square(level)]
    for _ in range(levels):
        level = functional.avg_pool2d(level[:, None], factor)[:, 0]
        mean_squares.append(_mean_square(level))
    kept = torch.stack(mean_squares, 1)
    lost = kept[:, :-1] - kept[:, 1:]
    return 0.5 * lost.where(lost > _ROUNDING * kept[:, :1], 0)


def fourier_complexity(
    pictures: Float[Tensor, "n h w"], factor: int = FACTOR, levels: int = LEVELS
) -> Float64[Tensor, "n {levels}"]:
    """C_0 ... C_(levels-1) of every picture, made coarser by low-pass filters (Kravchenko et al., arXiv 2408.04076).

    A_0 is the picture; A_k keeps its mean and the frequencies that blocks of factor**k pixels could carry: those in a
    disc with a radius of 1 / (2 factor**k) cycles a pixel, whose edge is blurred by a Gaussian of 0.3 radii. By
    Parseval's theorem C_k is a weighted sum of the power spectrum. Edges being blurred, the sum is less than half the
    variance. The picture is continued periodically: a step between opposite borders counts as structure.

    Args, errors: as of `structural_complexity`.

    >>> x = torch.arange(32) / 32
    >>> slow, fast = (torch.cos(2 * torch.pi * waves * x).expand(1, 32, 32) for waves in (1, 12))
    >>> fourier_complexity(torch.cat([slow, fast]), levels=5).argmax(1)
    tensor([4, 0])
    """
    _check(pictures, factor, levels)
    height, width = pictures.shape[1:]
    filters = [torch.ones(height, width, dtype=torch.float64)]
    filters += [_low_pass(height, width, 0.5 / factor**k) for k in range(1, levels + 1)]
    weights = 0.5 * torch.stack(filters).diff(dim=0).square()
    power = torch.fft.fft2(pictures.double(), norm="forward").abs().square()
    lost = torch.einsum("nhw,khw->nk", power, weights.to(power.device))
    return lost.where(lost > _ROUNDING * power.sum((1, 2))[:, None], 0)


METHODS: Mapping[ComplexityMethod, Callable[[Tensor, int, int], Tensor]] = {
    "bagrov": structural_complexity,
    "fourier": fourier_complexity,
}


@dataclass(frozen=True, eq=False)
class Complexity:
    """The complexity of a set of pictures, or of layers of rain.

    Attributes:
        names: of the pictures; layers are numbered.
        patches: number of patches of each.
        scales: C_k of each, the mean over its patches.
    """

    names: list[str]
    patches: list[int]
    scales: Float64[Tensor, "n levels"]

    @property
    def complexities(self) -> Float64[Tensor, "n"]:
        """The sum of C_k of each."""
        return self.scales.sum(1)

    @property
    def mean(self) -> float:
        return float(self.complexities.mean())

    @property
    def spread(self) -> float | None:
        """Standard deviation between pictures or layers; None where there is but one."""
        return float(self.complexities.std()) if len(self.names) > 1 else None

    @property
    def shares(self) -> list[float] | None:
        """The share of every scale, on average; None where nothing has structure."""
        return [float(share) for share in self.scales.mean(0) / self.mean] if self.mean > 0 else None

    def to_json(self) -> dict[str, Any]:
        """Keys: "mean", "spread" and "shares", null where not defined."""
        return {"mean": self.mean, "spread": self.spread, "shares": self.shares}


def complexity_of_images(
    paths: Sequence[Path],
    method: ComplexityMethod = "bagrov",
    report: Callable[[int], None] = lambda done: None,
) -> Complexity:
    """The complexity of photos: of the mean over their patches of 128x128, cut without overlap around the middle.

    Values are Y of YCbCr (ITU-R BT.601, not rounded), black 0 and white 1, so that r levels of grey rain on a picture
    add r / 255.

    Args:
        paths: at least one picture; one at a time is in memory.
        report: called with the number of pictures done.

    Raises:
        InputError: a picture is missing, broken or smaller than a patch.
    """
    one_of(method, METHODS, "method")
    if not paths:
        raise InputError("there is no picture to measure")
    patches, scales = [], []
    for done, path in enumerate(paths, start=1):
        cut = _patches(path)
        patches.append(len(cut))
        scales.append(METHODS[method](cut, FACTOR, LEVELS).mean(0))
        report(done)
    return Complexity([path.name for path in paths], patches, torch.stack(scales))


def complexity_of_rain(rain: Rain, layers: int = 500, seed: int = 0, method: ComplexityMethod = "bagrov") -> Complexity:
    """The complexity of layers of rain of 128x128, levels / 255 clipped to 0..1. Layers without rain count, with 0.

    Raises:
        InputError: layers < 1 or a negative seed.

    >>> from derain.rain import load_rain
    >>> small, large = (complexity_of_rain(load_rain(name), layers=50) for name in ("small", "large"))
    >>> small.spread < large.spread
    True
    """
    one_of(method, METHODS, "method")
    if layers < 1:
        raise InputError(f"the number of layers must be at least 1, not {layers}")
    scales = []
    for start in range(0, layers, _LAYERS_AT_ONCE):
        rng = generator(seed, "complexity", start)
        rendered = rain.layers(min(_LAYERS_AT_ONCE, layers - start), SIZE_PX, SIZE_PX, rng)
        scales.append(METHODS[method](rendered[:, 0].clamp(0, 255).double() / 255, FACTOR, LEVELS))
    return Complexity([str(number) for number in range(layers)], [1] * layers, torch.cat(scales))


@dataclass(frozen=True, eq=False)
class Comparison:
    """The complexity of folders of pictures and of rains, measured in one way."""

    method: ComplexityMethod
    layers: int
    seed: int
    folders: list[tuple[Path, Complexity]]
    rains: list[tuple[Rain, Complexity]]

    def to_json(self) -> dict[str, Any]:
        """Keys: "settings", all that the figures depend on; "folders", each with its "images"; "rains"."""
        return {
            "settings": {
                "method": self.method,
                "values": "Y of YCbCr (ITU-R BT.601), black 0, white 1; rain: levels / 255, clipped to 0..1",
                "size_px": SIZE_PX,
                "patches": "without overlap, around the middle of the picture",
                "factor": FACTOR,
                "levels": LEVELS,
                "rain_layers": self.layers,
                "rain_seed": self.seed,
            },
            "folders": [
                {"folder": str(folder), **measured.to_json(), "images": _images(measured)}
                for folder, measured in self.folders
            ],
            "rains": [
                {"rain": rain.name, **measured.to_json(), "description": rain.describe()}
                for rain, measured in self.rains
            ],
        }

    def table(self) -> Table:
        """One row a folder and a rain: the mean, the spread between pictures or layers, the shares of the scales."""
        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, caption_justify="left")
        table.add_column("", overflow="fold")
        for column in ("pictures", "patches", "complexity", "spread", *(str(FACTOR**k) for k in range(1, LEVELS + 1))):
            table.add_column(column, justify="right", no_wrap=True)
        for folder, measured in self.folders:
            table.add_row(escape(str(folder)), str(len(measured.names)), str(sum(measured.patches)), *_cells(measured))
        for rain, measured in self.rains:
            table.add_row(escape(f"{rain.name} rain"), "-", str(len(measured.names)), *_cells(measured))
        table.caption = f"Method: {self.method}. Last columns: share (%) of what is lost on the way to so many pixels."
        return table


def compare(
    folders: Sequence[Path],
    rains: Sequence[Rain],
    method: ComplexityMethod = "bagrov",
    layers: int = 500,
    seed: int = 0,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Comparison:
    """Measure folders of pictures and kinds of rain in the same way.

    Args:
        layers: of every rain.
        seed: of the layers.
        report: called with the number of pictures and rains done and their total.

    Raises:
        InputError: nothing to measure, a folder without pictures, a picture that is broken or smaller than a patch.
    """
    if not folders and not rains:
        raise InputError("give at least one folder of pictures or one rain")
    paths = [list_images(folder) for folder in folders]
    total, done = sum(map(len, paths)) + len(rains), count(1)
    measured = [complexity_of_images(pictures, method, lambda _: report(next(done), total)) for pictures in paths]
    rained = []
    for rain in rains:
        rained.append((rain, complexity_of_rain(rain, layers, seed, method)))
        report(next(done), total)
    return Comparison(method, layers, seed, list(zip(folders, measured, strict=True)), rained)


def _check(pictures: Float[Tensor, "n h w"], factor: int, levels: int) -> None:
    if factor < 2 or levels < 1:
        raise InputError(f"the factor must be at least 2 and the levels at least 1, not {factor} and {levels}")
    height, width = pictures.shape[1:]
    if height % factor**levels or width % factor**levels:
        raise InputError(f"{width} x {height} pixels are no multiple of blocks of {factor**levels} x {factor**levels}")


def _mean_square(pictures: Float64[Tensor, "n h w"]) -> Float64[Tensor, "n"]:
    # By the norm: squares would need memory of the size of the pictures, and getting it takes longer than the sum.
    norms: Tensor = torch.linalg.vector_norm(pictures, dim=(1, 2))
    return norms.square() / pictures.shape[1:].numel()


def _low_pass(height: int, width: int, radius: float) -> Float64[Tensor, "{height} {width}"]:
    """A disc of `radius` cycles a pixel with a blurred edge, which keeps the mean."""
    rows, columns = (torch.fft.fftfreq(side, dtype=torch.float64) for side in (height, width))
    disc = (rows[:, None].square() + columns.square() <= radius**2).double()
    blurred: Tensor = _gaussian(rows, _BLUR * radius) @ disc @ _gaussian(columns, _BLUR * radius).T
    blurred[0, 0] = 1
    return blurred


def _gaussian(frequencies: Float64[Tensor, "n"], sigma: float) -> Float64[Tensor, "n n"]:
    """The matrix that blurs a function of the frequencies by a standard deviation of `sigma`."""
    weights = torch.exp(-0.5 * ((frequencies[:, None] - frequencies) / sigma).square())
    return weights / weights[0].sum()


def _patches(path: Path) -> Float64[Tensor, "n size size"]:
    y = (luma(torch.from_numpy(read_image(path)).permute(2, 0, 1)) - 16) / 219
    height, width = y.shape
    rows, columns = height // SIZE_PX, width // SIZE_PX
    if not rows or not columns:
        raise InputError(f"{path} has {width} x {height} pixels, less than a patch of {SIZE_PX} x {SIZE_PX}")
    top, left = (height - rows * SIZE_PX) // 2, (width - columns * SIZE_PX) // 2
    cut = y[top : top + rows * SIZE_PX, left : left + columns * SIZE_PX]
    return cut.reshape(rows, SIZE_PX, columns, SIZE_PX).transpose(1, 2).reshape(-1, SIZE_PX, SIZE_PX)


def _images(measured: Complexity) -> list[dict[str, Any]]:
    rows = zip(measured.names, measured.complexities.tolist(), measured.patches, measured.scales.tolist(), strict=True)
    return [{"name": name, "complexity": c, "patches": patches, "scales": scales} for name, c, patches, scales in rows]


def _cells(measured: Complexity) -> list[str]:
    spread = "-" if measured.spread is None else f"{measured.spread:.4f}"
    shares = ["-"] * LEVELS if measured.shares is None else [f"{100 * share:.0f}" for share in measured.shares]
    return [f"{measured.mean:.4f}", spread, *shares]
