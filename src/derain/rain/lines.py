"""Rain as straight lines: each a blurred rectangle of its own place, angle, length, thickness and brightness."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from derain.errors import InputError
from derain.rain.ranges import check_interval, log_uniform

# Lines drawn at once: bounds the memory on large photos.
_CHUNK = 256

# A line ends this many standard deviations of its blur beyond its edge.
_TAIL = 2.5


@dataclass(frozen=True)
class Lines:
    """Layers of lines, a family of our own: what a layer's lines share is drawn once a layer, the rest for every line.

    A line is a rectangle blurred by a Gaussian. In its own coordinates that is a product of two differences of error
    functions, so it is drawn at its exact place at any resolution. Where lines cross, the brighter one is seen.

    Attributes:
        number: lines in 128x128 pixels, log-uniform, once a layer.
        angle_deg: mean angle from vertical, once a layer; positive puts the lower end to the right.
        angle_spread_deg: standard deviation of the angles around it, once a layer.
        length_px: once a layer, times a factor of 0.5 to 1.3 for every line.
        thickness_px: once a layer, times a factor of 0.6 to 1.3 for every line.
        blur_px: standard deviation of the blur, once a layer.
        along: share of the layers that are blurred along the lines as well, by 0.6 of the length.
        contrast: brightness of the faintest and of the brightest line, before the layer is scaled.
        level: the layer's 99.9 % quantile is scaled to this share of white, once a layer.

    Raises:
        InputError: an interval runs from high to low or leaves its domain; the sentence names it.
    """

    number: tuple[float, float] = (40.0, 200.0)
    angle_deg: tuple[float, float] = (-30.0, 30.0)
    angle_spread_deg: tuple[float, float] = (0.0, 3.0)
    length_px: tuple[float, float] = (10.0, 40.0)
    thickness_px: tuple[float, float] = (0.8, 1.2)
    blur_px: tuple[float, float] = (0.3, 0.6)
    along: float = 0.0
    contrast: tuple[float, float] = (0.3, 1.0)
    level: tuple[float, float] = (0.3, 0.8)

    def __post_init__(self) -> None:
        # More lines, or larger ones, than these bounds would take more memory than there is.
        check_interval("number", self.number, above=0, below=128**2)
        check_interval("angle_deg", self.angle_deg)
        check_interval("angle_spread_deg", self.angle_spread_deg)
        check_interval("length_px", self.length_px, above=0, below=1000)
        check_interval("thickness_px", self.thickness_px, above=0, below=100)
        check_interval("blur_px", self.blur_px, below=50)
        check_interval("contrast", self.contrast, above=0)
        check_interval("level", self.level, above=0)
        for name in ("angle_spread_deg", "blur_px"):
            if getattr(self, name)[0] < 0:
                raise InputError(f"{name} must not be negative, as {getattr(self, name)[0]} is")
        if not 0 <= self.along <= 1:
            raise InputError(f"along must be a share between 0 and 1, not {self.along}")

    def layers(
        self, count: int, height: int, width: int, rng: np.random.Generator, device: torch.device | str = "cpu"
    ) -> Float[Tensor, "{count} 1 {height} {width}"]:
        """`count` layers, levels 0..255 and above."""
        layers = torch.zeros(count, height * width, device=device)
        level = torch.from_numpy(rng.uniform(*self.level, count)).float().to(device)
        lines = self._sample(count, height, width, rng)
        for start in range(0, len(lines["layer"]), _CHUNK):
            chunk = {name: torch.from_numpy(v[start : start + _CHUNK]).to(device) for name, v in lines.items()}
            _draw(layers, chunk, height, width)
        brightest = height * width - math.ceil(0.999 * height * width) + 1
        white = layers.topk(brightest, dim=1).values[:, -1]
        white = torch.where(white > 1e-3, white, layers.amax(1)).clamp(min=1e-3)
        return (layers * (255 * level / white)[:, None]).view(count, 1, height, width)

    def describe(self) -> dict[str, Any]:
        return {"kind": "lines", **asdict(self)}

    def _sample(self, count: int, height: int, width: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Every line of all layers: its layer and its own parameters."""
        number = log_uniform(self.number, count, rng)
        angle = rng.uniform(*self.angle_deg, count)
        spread = rng.uniform(*self.angle_spread_deg, count)
        length = rng.uniform(*self.length_px, count)
        thickness = rng.uniform(*self.thickness_px, count)
        blur = rng.uniform(*self.blur_px, count)
        along = rng.random(count) < self.along
        # Lines begin outside, too: a margin of the longest line keeps the density up to the border.
        margin = 1.3 * self.length_px[1] / 2
        area = (height + 2 * margin) * (width + 2 * margin)
        layer = np.repeat(np.arange(count), rng.poisson(number * area / 128**2))
        total = len(layer)
        lines = {
            "x": rng.uniform(-margin, width + margin, total),
            "y": rng.uniform(-margin, height + margin, total),
            "angle": np.radians(rng.normal(angle[layer], spread[layer])),
            "length": length[layer] * rng.uniform(0.5, 1.3, total),
            "thickness": thickness[layer] * rng.uniform(0.6, 1.3, total),
            "brightness": rng.uniform(*self.contrast, total),
            # A pixel averages over its own square, of variance 1/12.
            "blur": np.hypot(blur, 12**-0.5)[layer],
        }
        # Blurring by a box of 0.6 of the length adds the variance of that box.
        box = np.where(along[layer], 0.6 * lines["length"] / 12**0.5, 0.0)
        lines["blur_along"] = np.hypot(lines["blur"], box)
        reach = lines["length"] / 2 + _TAIL * lines["blur_along"] + lines["thickness"] / 2 + _TAIL * lines["blur"]
        aside, above = abs(lines["x"] - width / 2), abs(lines["y"] - height / 2)
        seen = (aside < width / 2 + reach) & (above < height / 2 + reach)
        # Lines of like size together: what is drawn at once takes as much room as its longest line.
        order = np.flatnonzero(seen)[np.argsort(reach[seen], kind="stable")]
        return {"layer": layer[order], **{name: values[order].astype(np.float32) for name, values in lines.items()}}


def _draw(layers: Tensor, lines: dict[str, Tensor], height: int, width: int) -> None:
    """Draw lines into `layers`, (n, height * width); each is walked along the axis that it is closer to."""
    upright = lines["angle"].cos().abs() >= 0.5**0.5
    for chosen, swapped in ((upright, False), (~upright, True)):
        if chosen.any():
            _walk(layers, {name: values[chosen] for name, values in lines.items()}, (height, width), swapped)


def _walk(layers: Tensor, lines: dict[str, Tensor], extent: tuple[int, int], swapped: bool) -> None:
    height, width = extent
    sin, cos = lines["angle"].sin(), lines["angle"].cos()
    major, minor, major_px, minor_px = lines["y"], lines["x"], height, width
    if swapped:
        sin, cos, major, minor, major_px, minor_px = cos, sin, lines["x"], lines["y"], width, height
    across = lines["thickness"] / 2 + _TAIL * lines["blur"]
    reach = (lines["length"] / 2 + _TAIL * lines["blur_along"]) * cos.abs() + across * sin.abs()
    side = across / cos.abs()
    steps = torch.arange(int(2 * reach.max()) + 3, device=layers.device)
    aside = torch.arange(int(2 * side.max()) + 3, device=layers.device)
    rows = (major - reach).floor()[:, None] + steps
    starts = (minor[:, None] + (rows - major[:, None]) * (sin / cos)[:, None] - side[:, None]).floor()
    # Only the rows in which a line crosses the picture are drawn.
    crossed = (rows >= 0) & (rows < major_px) & (starts > -len(aside)) & (starts < minor_px)
    line = crossed.nonzero()[:, 0]
    row = rows[crossed]
    column = starts[crossed][:, None] + aside
    sin, cos = sin[line][:, None], cos[line][:, None]

    def each(name: str) -> Tensor:
        return lines[name][line][:, None]

    from_major, from_minor = (row - major[line])[:, None], column - minor[line][:, None]
    u = (from_minor * cos).sub_(from_major * sin)
    v = (from_minor * sin).add_(from_major * cos)
    brightness = _box(u, each("thickness"), each("blur")).mul_(each("brightness"))
    brightness.mul_(_box(v, each("length"), each("blur_along")))
    brightness.mul_((column >= 0) & (column < minor_px))
    # As integers: a float32 counts no more than 2^24 pixels.
    row, column = row.long()[:, None], column.long().clamp_(0, minor_px - 1)
    pixel = column * width + row if swapped else column + row * width
    place = pixel.add_(lines["layer"][line][:, None] * (height * width))
    # The maximum does not depend on the order, so the result is the same on every device.
    layers.view(-1).scatter_reduce_(0, place.view(-1), brightness.view(-1), "amax")


def _box(distance: Tensor, size: Tensor, blur: Tensor) -> Tensor:
    """A box of height 1 and the given size, blurred by a Gaussian of standard deviation `blur`."""
    scale = 0.5**0.5 / blur
    upper = torch.add(distance, size / 2).mul_(scale).erf_()
    return upper.sub_(torch.sub(distance, size / 2).mul_(scale).erf_()).mul_(0.5)
