"""Outlines of things, and maps that say which of them is seen at a pixel."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int32
from PIL import Image, ImageDraw

from derain.painting.textures import direction_deg, log_uniform

Outline = Float[np.ndarray, "_ 2"]
Labels = Int32[np.ndarray, "h w"]
_BOX = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


def ellipse(rng: np.random.Generator) -> Outline:
    """A disc, or a flattened one."""
    return _round(24) * [1, rng.uniform(0.25, 1) if rng.random() < 0.6 else 1]


def polygon(rng: np.random.Generator) -> Outline:
    """Three to eight corners at random distances."""
    corners = int(rng.integers(3, 9))
    return _round(corners, rng.uniform(-0.3, 0.3, corners)) * rng.uniform(0.5, 1.1, (corners, 1))


def box(rng: np.random.Generator) -> Outline:
    """A rectangle of any proportion up to 1 : 12."""
    return _BOX * [1, log_uniform(1.0 / 12.0, 1.0, rng)]


def blob(rng: np.random.Generator) -> Outline:
    """A closed curve with a few bulges: stones, animals, heads, bushes."""
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    radius = np.ones_like(angle)
    for wave in range(2, 8):
        radius += rng.normal(0, 0.4 / wave) * np.cos(wave * angle + rng.uniform(0, 2 * np.pi))
    return _round(40) * np.maximum(radius, 0.1)[:, None] * [1, rng.uniform(0.4, 1)]


def blade(rng: np.random.Generator) -> Outline:
    """Pointed at both ends and bent: a leaf, a feather, a blade of grass."""
    x = np.linspace(-1, 1, 12)
    width, bend = log_uniform(0.04, 0.5, rng) * (1 - x**2), rng.normal(0, 0.3) * x**2
    return np.concatenate([np.stack([x, bend + width], 1), np.stack([x, bend - width], 1)[::-1]])


def rod(rng: np.random.Generator) -> Outline:
    """Long and thin, straight or winding: a branch, a limb, a cable, a road."""
    x = np.linspace(-1, 1, 16)
    width = log_uniform(0.01, 0.1, rng) * np.linspace(1, rng.uniform(0.3, 1), 16)
    bend = np.interp(x, np.linspace(-1, 1, 5), rng.normal(0, rng.choice([0.0, 0.05, 0.2]), 5))
    return np.concatenate([np.stack([x, bend + width], 1), np.stack([x, bend - width], 1)[::-1]])


SHAPES: tuple[Callable[[np.random.Generator], Outline], ...] = (ellipse, polygon, box, blob, blade, rod)


def placed(outline: Outline, centre: Float[np.ndarray, "2"], size_px: float, angle_deg: float) -> Outline:
    """The outline turned, made `size_px` in radius, and moved to `centre` (x, y)."""
    cos, sin = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    moved: Outline = size_px * outline @ np.array([[cos, sin], [-sin, cos]]) + centre
    return moved


def draw(outlines: list[Outline], labels: Labels) -> Labels:
    """`labels` with the outlines drawn over it in turn, numbered on from its highest label."""
    first = int(labels.max()) + 1
    image = Image.fromarray(labels)
    canvas = ImageDraw.Draw(image)
    for label, outline in enumerate(outlines, start=first):
        canvas.polygon(outline.ravel().tolist(), fill=label)
    return np.asarray(image)


def scattered(side: int, number: int, smallest_px: float, power: float, rng: np.random.Generator) -> list[Outline]:
    """Outlines of a few kinds and directions all over a square, their radii from a power law (density r**-power)."""
    kinds = rng.choice(len(SHAPES), size=rng.integers(1, 4))
    models = [SHAPES[kind](rng) for kind in rng.choice(kinds, 24)]
    radius = (smallest_px * rng.random(number) ** (-1 / (power - 1))).clip(max=0.7 * side)
    centre = rng.uniform(-0.1, 1.1, (number, 2)) * side
    main, spread = direction_deg(rng), rng.choice([1.0, 10.0, 40.0, 180.0])
    angle = rng.normal(main, spread, number) + rng.choice([0, 90], number)
    return [placed(models[index % len(models)], centre[index], radius[index], angle[index]) for index in range(number)]


def bars(side: int, rng: np.random.Generator) -> list[Outline]:
    """Fences, railings, masts, cables, reeds: thin, long, parallel or not, at equal distances or not."""
    number, angle = int(log_uniform(1.0, 30.0, rng)), direction_deg(rng)
    spread = rng.choice([0.0, 1.0, 8.0, 40.0])
    place = np.linspace(-0.6, 0.6, number + 2)[1:-1] if rng.random() < 0.5 else rng.uniform(-0.6, 0.6, number)
    angles = angle + rng.normal(0, spread, number)
    whole = rng.random() < 0.6
    reach = np.full(number, 0.8) if whole else rng.uniform(0.05, 0.4, number)
    along = np.zeros(number) if whole else rng.uniform(-0.4, 0.4, number)
    thickness = log_uniform(1.0, 10.0, rng) / side * rng.uniform(0.6, 1.4, number)
    # Places of the bars, along their direction and across it.
    centres = placed(np.stack([along, place], 1), np.full(2, side / 2), float(side), angle)
    return [
        placed(_BOX * [reach[index], thickness[index]], centres[index], float(side), angles[index])
        for index in range(number)
    ]


def twigs(side: int, rng: np.random.Generator) -> list[Outline]:
    """A tree or shrub without leaves: every branch carries thinner ones."""
    start, angle = np.array([rng.uniform(0, 1), rng.choice([1.0, 0.9, 0.0])]) * side, rng.normal(-90, 40)
    growing = [(start, angle, log_uniform(60.0, 250.0, rng), log_uniform(2.0, 20.0, rng))]
    outlines: list[Outline] = []
    while growing and len(outlines) < 250:
        foot, direction, length, width = growing.pop(0)
        along = length * np.array([np.cos(np.radians(direction)), np.sin(np.radians(direction))])
        across = width / 2 * np.array([-along[1], along[0]]) / length
        tip = foot + along
        outlines.append(np.array([foot - across, foot + across, tip + 0.6 * across, tip - 0.6 * across]))
        if width > 1.2:
            for _ in range(rng.integers(2, 4)):
                at = foot + along * rng.uniform(0.4, 1.0)
                growing.append((at, direction + rng.normal(0, 35), length * rng.uniform(0.5, 0.9), width * 0.65))
    return outlines


def _round(points: int, shift: Float[np.ndarray, "points"] | float = 0.0) -> Outline:
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False) + shift
    return np.stack([np.cos(angle), np.sin(angle)], 1)
