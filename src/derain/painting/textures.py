"""Surfaces seen from near: grey fields of mean 0 and standard deviation 1, each drawn by `rng` alone."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Float32, Shaped
from PIL import Image, ImageDraw

Field = Float32[np.ndarray, "h w"]


def log_uniform(low: float, high: float, rng: np.random.Generator) -> float:
    """A number whose logarithm is uniform: as many between 1 and 2 as between 10 and 20."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def direction_deg(rng: np.random.Generator) -> float:
    """Any direction; in a third of the cases level or upright, as in what people build and what gravity makes."""
    return float(rng.choice([0.0, 90.0]) + rng.normal(0, 1.5)) if rng.random() < 0.35 else float(rng.uniform(0, 180))


def soft(side: int, cells: int, rng: np.random.Generator) -> Field:
    """Smooth variation with about `cells` hills in a row: light, haze, clouds from far."""
    coarse = rng.normal(size=(cells + 3, cells + 3)).astype(np.float32)
    return np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))


def noise(side: int, rng: np.random.Generator) -> Field:
    """Noise with an amplitude of 1/f**exponent, often stretched in one direction: stone, cloud, wood, water, cloth."""
    exponent, stretch = rng.uniform(0.6, 1.6), log_uniform(1.0, 12.0, rng) if rng.random() < 0.5 else 1.0
    return power_law(side, exponent, stretch, direction_deg(rng), rng)


def power_law(side: int, exponent: float, stretch: float, angle_deg: float, rng: np.random.Generator) -> Field:
    """Gaussian noise with an amplitude of 1/f**exponent, `stretch` times as long along `angle_deg` as across."""
    y, x = np.fft.fftfreq(side).astype(np.float32)[:, None], np.fft.rfftfreq(side).astype(np.float32)
    cos, sin = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    radius = np.hypot((x * cos + y * sin) * np.float32(stretch), y * cos - x * sin)
    radius[0, 0] = np.inf
    white = rng.standard_normal((2, *radius.shape), dtype=np.float32)
    spectrum = (white[0] + 1j * white[1]) * np.maximum(radius, 1 / side) ** np.float32(-exponent)
    return standardised(np.fft.irfft2(spectrum.astype(np.complex64), (side, side)))


def creased(side: int, rng: np.random.Generator) -> Field:
    """Noise folded or cut at a level: cracks, veins, spots of fur and lichen, foam."""
    field = power_law(side, rng.uniform(1.0, 1.8), log_uniform(1.0, 6.0, rng), direction_deg(rng), rng)
    if rng.random() < 0.5:
        return standardised(-np.sqrt(np.abs(field)))
    return standardised(np.tanh((field - np.float32(rng.uniform(-1, 1.5))) * np.float32(rng.uniform(2, 10))))


def stripes(side: int, rng: np.random.Generator) -> Field:
    """Stripes, boards, slats and waves: straight or bent, soft or sharp, all directions."""
    return standardised(_wave(side, log_uniform(6.0, 60.0, rng), direction_deg(rng), rng))


def checks(side: int, rng: np.random.Generator) -> Field:
    """Two gratings across each other: nets, lattices, cloth, scales."""
    angle, period = direction_deg(rng), log_uniform(6.0, 50.0, rng)
    other = _wave(side, period * log_uniform(0.5, 2.0, rng), angle + rng.uniform(60, 120), rng)
    first = _wave(side, period, angle, rng)
    return standardised(np.maximum(first, other) if rng.random() < 0.5 else first * other)


def bricks(side: int, rng: np.random.Generator) -> Field:
    """Rows of bricks, tiles or stones of their own brightness, with joints."""
    height = log_uniform(6.0, 50.0, rng)
    width = height * rng.uniform(0.8, 3.5)
    bend = soft(side, 4, rng) * height * rng.choice([0.0, 0.0, 0.15, 0.4])
    y, x = (np.indices((side, side), dtype=np.float32) + bend) / np.float32(height)
    row = np.floor(y).astype(int)
    x = (x * height / width + np.where(row % 2, rng.choice([0.0, 0.5]), 0)).astype(np.float32)
    column = np.floor(x).astype(int)
    shade = rng.normal(size=(64, 64)).astype(np.float32)[row % 64, column % 64]
    joint = np.float32(rng.uniform(0.03, 0.15))
    in_joint = (y - row < joint) | (x - column < joint * height / width)
    return standardised(np.where(in_joint, rng.normal(0, 3), shade * rng.uniform(0.2, 1)).astype(np.float32))


def blades(side: int, rng: np.random.Generator) -> Field:
    """Short strokes on top of each other: grass, fur, straw, needles, hair."""
    return strokes(side, int(log_uniform(300.0, 4000.0, rng)), direction_deg(rng), rng)


def strokes(side: int, number: int, angle_deg: float, rng: np.random.Generator) -> Field:
    """Bent strokes of random grey around one direction, the later ones lighter on the whole."""
    spread, thickness = log_uniform(2.0, 60.0, rng), rng.integers(1, 5)
    length = log_uniform(6.0, 70.0, rng) * rng.uniform(0.4, 1.4, number)
    angle = np.radians(rng.normal(angle_deg, spread, number))
    start = rng.uniform(-0.05, 1.05, (number, 2)) * side
    step = 0.5 * length[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    bend = step[:, ::-1] * rng.normal(0, 0.25, (number, 2))
    points = np.concatenate([start, start + step + bend, start + 2 * step], 1).tolist()
    grey = rng.normal(110 + np.linspace(-50, 50, number) * rng.random(), 40).clip(0, 255).astype(int).tolist()
    image = Image.new("L", (side, side), int(rng.integers(20, 120)))
    draw = ImageDraw.Draw(image)
    for path, level in zip(points, grey, strict=True):
        draw.line(path, fill=level, width=int(thickness))
    return standardised(np.asarray(image, np.float32))


def pebbles(side: int, rng: np.random.Generator) -> Field:
    """Small ellipses on top of each other: gravel, foliage, crowds, petals."""
    number = int(log_uniform(300.0, 2500.0, rng))
    radius = (rng.pareto(2.5, number) + 1) * log_uniform(2.0, 8.0, rng)
    flat = rng.uniform(0.4, 1.0, number)
    radii = np.stack([radius, radius * flat], 1)[:, :: rng.choice([-1, 1])].clip(max=60)
    centre = rng.uniform(0, side, (number, 2))
    image = Image.new("L", (side, side), int(rng.integers(0, 100)))
    draw = ImageDraw.Draw(image)
    grey = rng.normal(120, 55, number).clip(0, 255).astype(int).tolist()
    for box, level in zip(np.concatenate([centre - radii, centre + radii], 1).tolist(), grey, strict=True):
        draw.ellipse(box, fill=level)
    return standardised(np.asarray(image, np.float32))


TEXTURES: dict[Callable[[int, np.random.Generator], Field], float] = {
    noise: 5, creased: 2, stripes: 1.5, checks: 1, bricks: 1, blades: 2, pebbles: 1.5,
}  # fmt: skip
"""Textures, and how often each is drawn."""


def lit(field: Field, rng: np.random.Generator) -> Field:
    """A texture taken for heights and lit from one side: bright flanks, dark ones, and a rest of its own colour."""
    down, right = np.round(rng.normal(0, log_uniform(1.0, 4.0, rng), 2)).astype(int)
    flank = standardised(field - moved(field, int(down), int(right)))
    return standardised(np.tanh(np.float32(rng.uniform(0.3, 2)) * flank) + np.float32(rng.uniform(0.2, 1.5)) * field)


def any_texture(side: int, rng: np.random.Generator) -> Field:
    """One of `TEXTURES` or two together, lit from one side or not, stronger in some places than in others or not."""
    kinds = list(TEXTURES)
    weights = np.array([TEXTURES[kind] for kind in kinds])
    field, *others = [
        kinds[int(kind)](side, rng) for kind in rng.choice(len(kinds), rng.choice([1, 1, 2]), p=weights / weights.sum())
    ]
    if rng.random() < 0.3:
        field = lit(field, rng)
    for other in others:
        field = standardised(field + np.float32(rng.uniform(0.2, 0.8)) * other)
    if rng.random() < 0.5:
        field *= np.exp(0.5 * soft(side, int(rng.integers(1, 6)), rng))
    return field


def moved(field: Shaped[np.ndarray, "h w"], down_px: int, right_px: int) -> Shaped[np.ndarray, "h w"]:
    """The field moved; its border is repeated where nothing is known."""
    y = np.arange(len(field))[:, None] - down_px
    x = np.arange(field.shape[1]) - right_px
    return np.asarray(field[y.clip(0, len(field) - 1), x.clip(0, field.shape[1] - 1)])


def standardised(field: Float[np.ndarray, "h w"]) -> Field:
    """The field less its mean, by its standard deviation; a constant becomes 0."""
    scaled: Field = ((field - field.mean()) / (field.std() + 1e-6)).astype(np.float32)
    return scaled


def _wave(side: int, period_px: float, angle_deg: float, rng: np.random.Generator) -> Field:
    """A grating between -1 and 1, its profile between a sine and a rectangle of any duty cycle."""
    y, x = np.indices((side, side), dtype=np.float32)
    angle = np.radians(angle_deg)
    phase = (x * np.sin(angle) + y * np.cos(angle)).astype(np.float32) / np.float32(period_px)
    phase += soft(side, int(rng.integers(1, 5)), rng) * np.float32(rng.choice([0.0, 0.1, 0.5, 2.0]))
    sharpness, duty = log_uniform(0.7, 12.0, rng), rng.uniform(-0.7, 0.7)
    wave: Field = np.tanh(np.float32(sharpness) * (np.sin(2 * np.pi * phase) - np.float32(duty)))
    return wave
