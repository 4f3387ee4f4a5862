"""Figures of merit that tell the removal of rain from the keeping of the picture.

A picture is measured from up to four: the rainy one O, the clean one B, what a network f made of the rainy one,
X = f(O), and what it made of the clean one, f(B). All are RGB, `(3, h, w)`, whole numbers 0..255 (uint8 or float);
every sum is taken in float64, strip by strip. R = O - B is the rain, and the mask holds the pixels where the largest
channel of R exceeds a threshold.

R of other degradations than rain has either sign; `derain.support.choices.Residual` tells which figures that changes.

E_R and E_B are those of Gu et al., NeurIPS 2023. They count every change, so four more figures ask whether what is gone
was rain (removal, controlled removal) and what else was changed (damage, clean error).

A figure that is not defined is None, never NaN: what needs the mask where it is empty, E_B where it is full, the PSNR
of equal pictures, the SSIM of a picture with a side under 11 pixels, what needs f(B) where f(B) is not given, and E_B
where a degradation changes every pixel.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Literal, Protocol, get_args, runtime_checkable

import torch
from jaxtyping import Float64, Real
from torch import Tensor

from derain.errors import InputError, one_of
from derain.evaluation.statistics import mean_defined
from derain.networks.similarity import RADIUS_PX, WINDOW
from derain.rain.composition import largest_rise
from derain.support.choices import Residual

_STRIP_PIXELS = 1 << 18  # the maps of larger strips leave the processor's cache

# Sizes that differ are bad input rather than a wrong type: the functions look at them themselves.
Picture = Real[Tensor, "3 _ _"]
Figures = dict[str, float | None]
Better = Literal["higher", "lower"]
Unit = Literal["grey levels", "share", "dB", "none"]


@dataclass(frozen=True)
class Metric:
    """A figure of merit: its name, the way to read it, and the values that it can take."""

    name: str
    label: str
    better: Better
    range: tuple[float, float]
    unit: Unit

    def text(self, value: float | None) -> str:
        """A value as it stands in tables; "-" where it is not defined."""
        decimals = {"grey levels": 1, "share": 2, "dB": 2, "none": 4}[self.unit]
        return "-" if value is None else f"{value:.{decimals}f}"


METRICS = (
    Metric("e_r", "E_R", "higher", (0.0, 255.0), "grey levels"),
    Metric("e_b", "E_B", "lower", (0.0, 255.0), "grey levels"),
    Metric("removal", "removal", "higher", (0.0, 1.0), "share"),
    Metric("damage", "damage", "lower", (0.0, 255.0), "grey levels"),
    Metric("removal_controlled", "controlled removal", "higher", (-math.inf, math.inf), "share"),
    Metric("clean_error", "clean error", "lower", (0.0, 255.0), "grey levels"),
    Metric("psnr_rgb", "PSNR RGB", "higher", (0.0, math.inf), "dB"),
    Metric("psnr_y", "PSNR Y", "higher", (0.0, math.inf), "dB"),
    Metric("ssim_rgb", "SSIM RGB", "higher", (-1.0, 1.0), "none"),
    Metric("ssim_y", "SSIM Y", "higher", (-1.0, 1.0), "none"),
)

METRIC = {metric.name: metric for metric in METRICS}
"""The same by name."""

RAIN_METRICS = METRICS[:5]
"""Those that depend on the threshold of the rain mask."""


@runtime_checkable
class OwnMetric(Protocol):
    """A figure of merit of your own: an object that says how it is read, and is called as `measure` is.

    It is given uint8 tensors, `(3, h, w)`; `restored_clean` is None where it is not known. It gives a number within its
    range, or None where it is not defined.
    """

    name: str
    better: Better
    range: tuple[float, float]
    unit: Unit

    def __call__(
        self, rainy: Picture, clean: Picture, restored: Picture, restored_clean: Picture | None, /
    ) -> float | None: ...


def described(own: Any) -> Metric:
    """The way to read a figure of your own.

    Raises:
        InputError: it lacks one of the attributes, or one makes no sense.
    """
    for attribute in ("name", "better", "range", "unit"):
        if not hasattr(own, attribute):
            raise InputError(f"the metric {type(own).__name__} needs {attribute}: see docs/how-to/own-loss.md")
    called = f"the metric {own.name!r}"
    if not isinstance(own.name, str) or own.name in METRIC:
        raise InputError(f"{called} needs a name of its own")
    one_of(own.better, get_args(Better), f"better of {called}")
    one_of(own.unit, get_args(Unit), f"unit of {called}")
    if not own.range[0] < own.range[1]:
        raise InputError(f"range of {called} must go from low to high, not be {own.range}")
    return Metric(own.name, own.name, own.better, (float(own.range[0]), float(own.range[1])), own.unit)


def luma(rgb: Real[Tensor, "3 h w"]) -> Float64[Tensor, "h w"]:
    """Y of YCbCr (ITU-R BT.601, 16..235), not rounded: 16 + 65.481 R + 128.553 G + 24.966 B with R, G, B in 0..1.

    >>> [round(y, 3) for y in luma(torch.tensor([[0, 255], [0, 255], [0, 255]]).view(3, 1, 2)).flatten().tolist()]
    [16.0, 235.0]
    """
    red, green, blue = (rgb.double() / 255).unbind()
    return 16 + 65.481 * red + 128.553 * green + 24.966 * blue


@dataclass(frozen=True)
class RainSums:
    """Sums over the pixels of one picture, or of many added up, and the figures that follow from them.

    "Inside" is the mask, "outside" the other pixels; each pixel counts with its three channels. Where a channel of the
    rainy picture is darker than the clean one (in pairs that are not O = B + R), removal and damage take max(R, 0) for
    R: nothing is to be removed there, the interval [B, O] shrinks to B alone, and every distance from B is damage. Of
    other degradations than rain |R| stands for R, and the interval lies between B and O, whichever is higher.
    """

    inside: float = 0.0
    """Number of values inside: three times the pixels."""
    outside: float = 0.0
    """Number of values outside."""
    changed: float = 0.0
    """(X - O)^2 inside."""
    error: float = 0.0
    """(X - B)^2 outside."""
    rain: float = 0.0
    """max(R, 0)^2 inside; R^2 of other degradations than rain."""
    kept: float = 0.0
    """r max(R, 0) inside, with r = clip(X - B, 0, max(R, 0))."""
    beyond: float = 0.0
    """Squared distance of X from [B, B + max(R, 0)] inside."""
    signed_rain: float = 0.0
    """R^2 inside."""
    passed: float | None = 0.0
    """(f(O) - f(B)) R inside; None where f(B) is not known."""

    def __add__(self, other: "RainSums") -> "RainSums":
        pairs = zip(astuple(self), astuple(other), strict=True)
        totals: list[Any] = [None if None in pair else pair[0] + pair[1] for pair in pairs]
        return RainSums(*totals)

    def figures(self, residual: Residual = "rain") -> Figures:
        """The five figures that depend on the mask, by name."""
        any_inside = self.inside > 0
        has_background = residual != "everywhere"
        return {
            "e_r": _root_mean(self.changed, self.inside),
            "e_b": _root_mean(self.error, self.outside) if has_background else None,
            "removal": (self.rain - self.kept) / self.rain if any_inside else None,
            "damage": _root_mean(self.beyond, self.inside),
            "removal_controlled": (
                (self.signed_rain - self.passed) / self.signed_rain if any_inside and self.passed is not None else None
            ),
        }


def rain_sums(
    rainy: Picture,
    clean: Picture,
    restored: Picture,
    restored_clean: Picture | None,
    thresholds: Sequence[float],
    residual: Residual = "rain",
) -> list[RainSums]:
    """The sums of one picture at each of the thresholds (grey levels), made from the same maps.

    Raises:
        InputError: the pictures differ in size, or a threshold is not within 0..255.
    """
    _check_thresholds(thresholds)
    totals = [RainSums() for _ in thresholds]
    pictures = [rainy, clean, restored, *([] if restored_clean is None else [restored_clean])]
    for strip in _strips(*pictures):
        sums = _strip_sums(*strip, thresholds=thresholds, residual=residual)
        totals = [total + each for total, each in zip(totals, sums, strict=True)]
    return totals


def _strip_sums(
    o: Tensor, b: Tensor, x: Tensor, *of_clean: Tensor, thresholds: Sequence[float], residual: Residual
) -> list[RainSums]:
    """The sums of a strip of O, B, X and, where it is known, f(B)."""
    rain = o - b
    remains = x - b
    if residual == "rain":
        size = rain.clamp(min=0)
        kept = remains.clamp(min=0).minimum(size)
        beyond_map = (remains - kept) ** 2
    else:
        size, sign = rain.abs(), rain.sign()
        kept = (remains * sign).clamp(min=0).minimum(size)
        beyond_map = (remains - kept * sign) ** 2
    maps = [(x - o) ** 2, size**2, kept * size, beyond_map, rain**2]
    maps += [(x - c) * rain for c in of_clean]
    # The channels are added up first: what is left is one product of all masks with all maps.
    rise = largest_rise(o, b, residual).flatten()
    inside = torch.stack([rise > threshold for threshold in thresholds]).double()
    outside = 1 - inside
    inside_sums = inside @ torch.stack([each.sum(0).flatten() for each in maps]).T
    errors = outside @ (remains**2).sum(0).flatten()
    columns = (each.tolist() for each in (3 * inside.sum(1), 3 * outside.sum(1), errors, inside_sums))
    return [
        RainSums(
            inside=values_inside,
            outside=values_outside,
            changed=changed,
            error=error,
            rain=energy,
            kept=kept_energy,
            beyond=beyond,
            signed_rain=signed_energy,
            passed=passed[0] if passed else None,
        )
        for values_inside, values_outside, error, (changed, energy, kept_energy, beyond, signed_energy, *passed) in zip(
            *columns, strict=True
        )
    ]


def e_r(restored: Picture, rainy: Picture, clean: Picture, threshold: float) -> float | None:
    """E_R of Gu et al. 2023: root mean square of X - O over the mask, in grey levels. None: the mask is empty.

    Higher: more was changed where it rains. What was changed it does not tell: a black picture is above a perfect one.

    >>> clean = torch.full((3, 1, 2), 100)
    >>> rainy, restored = clean.clone(), clean.clone()
    >>> rainy[:, 0, 0], restored[:, 0, 0] = 150, 120
    >>> e_r(restored, rainy, clean, threshold=10.0)
    30.0
    """
    return _rain_figures(restored, rainy, clean, threshold)["e_r"]


def e_b(restored: Picture, rainy: Picture, clean: Picture, threshold: float) -> float | None:
    """E_B of Gu et al. 2023: root mean square of X - B outside the mask, in grey levels. None: the mask is full.

    Lower: more of the background is kept.

    >>> clean = torch.full((3, 1, 2), 100)
    >>> e_b(clean - 4, clean, clean, threshold=10.0)
    4.0
    """
    return _rain_figures(restored, rainy, clean, threshold)["e_b"]


def removal(restored: Picture, rainy: Picture, clean: Picture, threshold: float) -> float | None:
    """The share of the rain's energy that is gone, 0..1: 1 - sum(r R) / sum(R^2) over the mask, r = clip(X - B, 0, R).

    Where R < 0, max(R, 0) stands for R. It says nothing about what else was changed (see `damage`), and darkening
    passes for removal (see `removal_controlled`). None: the mask is empty.

    >>> clean = torch.full((3, 1, 1), 100)
    >>> removal(clean + 20, clean + 50, clean, threshold=10.0)
    0.6
    """
    return _rain_figures(restored, rainy, clean, threshold)["removal"]


def damage(restored: Picture, rainy: Picture, clean: Picture, threshold: float) -> float | None:
    """Root mean square, over the mask, of the distance of X from the interval [B, O]: what is neither rain nor picture.

    In grey levels, per pixel and channel: B - X below the interval, X - O above it. Every partial removal, uniform or
    streak by streak, has damage 0. Where R < 0 the interval is B alone, since max(R, 0) stands for R: a channel that
    is darker in the rainy picture is not rain, and leaving it so is damage. None: the mask is empty.

    >>> clean = torch.full((3, 1, 1), 100)
    >>> [damage(clean + change, clean + 50, clean, threshold=10.0) for change in (-7, 20, 53)]
    [7.0, 0.0, 3.0]
    """
    return _rain_figures(restored, rainy, clean, threshold)["damage"]


def removal_controlled(
    restored: Picture, restored_clean: Picture, rainy: Picture, clean: Picture, threshold: float
) -> float | None:
    """1 minus the share of the rain that reaches the output: 1 - <f(O) - f(B), R> / <R, R> over the mask.

    What the network also does to the clean picture cancels, so darkening does not count. Doing nothing has 0, perfect
    removal 1; it may lie outside 0..1. None: the mask is empty.

    >>> clean = torch.full((3, 1, 1), 100)
    >>> rainy = clean + 50
    >>> removal(rainy - 10, rainy, clean, threshold=10.0)
    0.2
    >>> removal_controlled(rainy - 10, clean - 10, rainy, clean, threshold=10.0)
    0.0
    """
    [sums] = rain_sums(rainy, clean, restored, restored_clean, [threshold])
    return sums.figures()["removal_controlled"]


def clean_error(restored_clean: Picture, clean: Picture) -> float:
    """Root mean square of f(B) - B over all pixels, in grey levels: what the network does to a picture without rain.

    >>> clean_error(torch.full((3, 2, 2), 97), torch.full((3, 2, 2), 100))
    3.0
    """
    return math.sqrt(_mean_square(restored_clean, clean))


def psnr_rgb(restored: Picture, clean: Picture) -> float | None:
    """Peak signal-to-noise ratio over the three channels together, in dB; peak 255. None: the pictures are equal.

    >>> psnr_rgb(torch.zeros(3, 1, 1), torch.full((3, 1, 1), 25.5))
    20.0
    """
    return _psnr(_mean_square(restored, clean))


def psnr_y(restored: Picture, clean: Picture) -> float | None:
    """Peak signal-to-noise ratio of `luma`, in dB; peak 255, as the field quotes it. None: the pictures are equal.

    >>> round(psnr_y(torch.full((3, 1, 1), 110), torch.full((3, 1, 1), 100)), 2)
    29.45
    """
    return _psnr(_mean_square(restored, clean, luma))


def ssim_rgb(restored: Picture, clean: Picture) -> float | None:
    """Structural similarity (Wang et al., IEEE TIP 2004), mean over the three channels, -1..1.

    11x11 Gaussian window of sigma 1.5 px, only where it lies inside the picture; K 0.01 and 0.03, range 255, population
    covariance. None: a side is under 11 pixels.

    >>> ssim_rgb(torch.full((3, 11, 11), 100), torch.full((3, 11, 11), 100))
    1.0
    """
    return _ssim(restored, clean, list)


def ssim_y(restored: Picture, clean: Picture) -> float | None:
    """Structural similarity of `luma`, as `ssim_rgb` and with the same range of 255. None: a side is under 11 pixels.

    >>> ssim_y(torch.zeros(3, 10, 11), torch.zeros(3, 10, 11)) is None
    True
    """
    return _ssim(restored, clean, lambda rgb: [luma(rgb)])


def picture_figures(clean: Picture, restored: Picture, restored_clean: Picture | None) -> Figures:
    """The five figures that need no mask, by name."""
    return {
        "clean_error": None if restored_clean is None else clean_error(restored_clean, clean),
        "psnr_rgb": psnr_rgb(restored, clean),
        "psnr_y": psnr_y(restored, clean),
        "ssim_rgb": ssim_rgb(restored, clean),
        "ssim_y": ssim_y(restored, clean),
    }


def measure(
    rainy: Picture,
    clean: Picture,
    restored: Picture,
    restored_clean: Picture | None,
    threshold: float,
    residual: Residual = "rain",
) -> Figures:
    """All figures of one picture, by the names and in the order of METRICS.

    Args:
        restored_clean: what the network makes of `clean`; without it controlled removal and clean error are None.
        threshold: of the rain mask, in grey levels.
        residual: what the degradation leaves of a picture.

    Raises:
        InputError: the pictures differ in size, or the threshold is not within 0..255.

    >>> clean = torch.full((3, 16, 16), 100)
    >>> figures = measure(clean + 50, clean, clean + 20, None, threshold=10.0)
    >>> figures["removal"], figures["e_r"], figures["clean_error"]
    (0.6, 30.0, None)
    """
    [sums] = rain_sums(rainy, clean, restored, restored_clean, [threshold], residual)
    return sums.figures(residual) | picture_figures(clean, restored, restored_clean)


class MetricSums:
    """The figures of a set of pictures, which are added one by one.

    Args:
        threshold: of the rain mask, in grey levels.
        sensitivity: further thresholds at which `mean` and `left_out` can be asked for.
        own: figures of your own, beside those of METRICS.
        residual: what the degradation leaves of a picture.

    Attributes:
        metrics: METRICS, and those of your own.

    Raises:
        InputError: a threshold is not within 0..255; or as `described`.

    >>> clean = torch.full((3, 16, 16), 100)
    >>> sums = MetricSums(threshold=10.0)
    >>> for left in (0, 20):
    ...     figures = sums.add(clean + 40, clean, clean + left, None)
    >>> sums.mean()["removal"], sums.left_out()["psnr_rgb"]
    (0.75, 1)
    """

    def __init__(
        self,
        threshold: float,
        sensitivity: Sequence[float] = (),
        own: Sequence[OwnMetric] = (),
        residual: Residual = "rain",
    ) -> None:
        _check_thresholds([threshold, *sensitivity])
        self.threshold, self.residual = threshold, residual
        self._own = {described(each): each for each in own}
        self.metrics = (*METRICS, *self._own)
        self._images: dict[float, list[Figures]] = {each: [] for each in (threshold, *sensitivity)}
        self._total = RainSums()
        self._clean_error: float | None = 0.0  # (f(B) - B)^2, added up

    def add(self, rainy: Picture, clean: Picture, restored: Picture, restored_clean: Picture | None) -> Figures:
        """Take in one picture and give its figures; arguments and errors as of `measure`."""
        sums = rain_sums(rainy, clean, restored, restored_clean, list(self._images), self.residual)
        unmasked = picture_figures(clean, restored, restored_clean)
        for metric, own in self._own.items():
            value = own(rainy, clean, restored, restored_clean)
            if value is not None and not metric.range[0] <= value <= metric.range[1]:
                raise InputError(f"the metric {metric.name!r} is {value}, which is outside its range {metric.range}")
            unmasked[metric.name] = value if value is None else float(value)
        for images, each in zip(self._images.values(), sums, strict=True):
            images.append(each.figures(self.residual) | unmasked)
        self._total += sums[0]
        if self._clean_error is not None:
            error = unmasked["clean_error"]
            self._clean_error = None if error is None else self._clean_error + error**2 * clean.numel()
        return self.images()[-1]

    def images(self, threshold: float | None = None) -> list[Figures]:
        """The figures of every picture, in the order in which they were added, at `threshold` or at that of the set."""
        return self._images[self.threshold if threshold is None else threshold]

    def mean(self, threshold: float | None = None) -> Figures:
        """The mean over images of every figure, without those where it is None; None if it is None everywhere."""
        columns = {metric.name: [row[metric.name] for row in self.images(threshold)] for metric in self.metrics}
        return {name: mean_defined(column) for name, column in columns.items()}

    def left_out(self, threshold: float | None = None) -> dict[str, int]:
        """The number of images that the mean of every figure leaves out."""
        return {metric.name: sum(row[metric.name] is None for row in self.images(threshold)) for metric in self.metrics}

    def pooled(self) -> Figures:
        """The figures that depend on the mask, at the threshold of the set, and the clean error, over all pixels of the
        set together.
        """
        values = self._total.inside + self._total.outside
        error = None if self._clean_error is None else _root_mean(self._clean_error, values)
        return {**self._total.figures(self.residual), "clean_error": error}


def _check_thresholds(thresholds: Sequence[float]) -> None:
    for threshold in thresholds:
        if not 0 <= threshold <= 255:
            raise InputError(f"the threshold of the rain mask must be within 0..255, not {threshold}")


def _strips(*pictures: Picture, overlap_px: int = 0) -> Iterator[list[Float64[Tensor, "3 _ w"]]]:
    """Strips of pictures of one size, from top to bottom, in float64, in which sums and differences of whole numbers
    are exact; a strip begins with the last `overlap_px` rows of the one above.

    Raises:
        InputError: the pictures differ in size.
    """
    sizes = dict.fromkeys(tuple(picture.shape[-2:]) for picture in pictures)
    if len(sizes) > 1:
        height_width = " and ".join(f"{height} x {width}" for height, width in sizes)
        raise InputError(f"the pictures to compare differ in size (height x width): {height_width}")
    [(height, width)] = sizes
    step = max(_STRIP_PIXELS // max(width, 1), 1)
    for top in range(0, max(height - overlap_px, 1), step):
        yield [picture[:, top : top + step + overlap_px].double().contiguous() for picture in pictures]


def _rain_figures(restored: Picture, rainy: Picture, clean: Picture, threshold: float) -> Figures:
    [sums] = rain_sums(rainy, clean, restored, None, [threshold])
    return sums.figures()


def _root_mean(total: float, count: float) -> float | None:
    return math.sqrt(total / count) if count else None


def _mean_square(a: Picture, b: Picture, planes: Callable[[Tensor], Tensor] = lambda rgb: rgb) -> float:
    """The mean of (a - b)^2 over what `planes` makes of a picture."""
    total, number = 0.0, 0
    for strips in _strips(a, b):
        x, y = map(planes, strips)
        total += ((x - y) ** 2).sum().item()
        number += x.numel()
    return total / number


def _psnr(mean_square: float) -> float | None:
    return 10 * math.log10(255**2 / mean_square) if mean_square else None


def _ssim(restored: Picture, clean: Picture, planes: Callable[[Tensor], Sequence[Tensor]]) -> float | None:
    """Mean structural similarity of what `planes` makes of a picture; None where a side is shorter than the window."""
    margin_px = 2 * RADIUS_PX
    total, number = 0.0, 0
    for strips in _strips(restored, clean, overlap_px=margin_px):
        # One plane at a time stays in the processor's cache.
        for x, b in zip(*map(planes, strips), strict=True):
            if min(b.shape) > margin_px:
                similarity = _ssim_map(x, b)
                total += similarity.sum().item()
                number += similarity.numel()
    return total / number if number else None


def _ssim_map(x: Float64[Tensor, "h w"], b: Float64[Tensor, "h w"]) -> Float64[Tensor, "h-10 w-10"]:
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_x, mean_b = _window_mean(x), _window_mean(b)
    product, squares = mean_x * mean_b, mean_x**2 + mean_b**2
    covariance = _window_mean(x * b) - product
    variances = _window_mean(x**2 + b**2) - squares
    return (2 * product + c1) * (2 * covariance + c2) / ((squares + c1) * (variances + c2))


def _window_mean(plane: Float64[Tensor, "h w"]) -> Float64[Tensor, "h-10 w-10"]:
    """Mean under the Gaussian window, wherever that lies inside: separable, and equal weights are added up first."""
    for side in (0, 1):
        size = plane.shape[side] - 2 * RADIUS_PX
        total = plane.narrow(side, RADIUS_PX, size) * WINDOW[0]
        for offset in range(1, RADIUS_PX + 1):
            before = plane.narrow(side, RADIUS_PX - offset, size)
            after = plane.narrow(side, RADIUS_PX + offset, size)
            total.add_(before + after, alpha=WINDOW[offset])
        plane = total
    return plane
