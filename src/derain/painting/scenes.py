"""Scenes of several kinds, as logarithms of reflected light: what is where, of what colour, made of what."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from derain.painting.camera import RED, YELLOW, Colours, blurred
from derain.painting.materials import dressed, materials, mixed, over
from derain.painting.shapes import Labels, Outline, bars, blade, blob, box, draw, placed, polygon, scattered, twigs
from derain.painting.textures import Field, any_texture, log_uniform, power_law, soft, standardised, strokes


def leaves(side: int, rng: np.random.Generator) -> Colours:
    """Dead leaves: shapes of all sizes on top of each other, hiding what is behind (Lee, Mumford, Huang, "Occlusion
    models for natural images", IJCV 2001).
    """
    number, smallest = int(log_uniform(30.0, 2500.0, rng)), log_uniform(3.0, 25.0, rng)
    labels = draw(scattered(side, number, smallest, rng.uniform(2.0, 3.2), rng), np.zeros((side, side), np.int32))
    return dressed(labels, materials(number + 1, 5, rng), [any_texture(side, rng) for _ in range(5)], rng)


def surface(side: int, rng: np.random.Generator) -> Colours:
    """One or two surfaces from near, seen head on or from the side."""
    parts = (soft(side, int(rng.integers(1, 5)), rng) > rng.uniform(-0.5, 1.5)).astype(np.int32)
    textures = [any_texture(side, rng) for _ in range(3)]
    if rng.random() < 0.5:
        textures = [_receding(texture, rng.uniform(-0.6, 0.0)) for texture in textures]
    made_of = materials(2, 2, rng)
    made_of.strength[:] = rng.uniform(0.1, 0.8, 2)
    detail = textures[2][:, :, None] * np.float32(rng.uniform(0, 0.3))
    return dressed(parts, made_of, textures, rng) + detail


def landscape(side: int, rng: np.random.Generator) -> Colours:
    """Sky, ridges in haze, ground in perspective, and things on it that are smaller the farther they are."""
    horizon, ridges = rng.uniform(0.1, 0.75), int(rng.integers(1, 6))
    labels = np.zeros((side, side), np.int32)
    y = np.arange(side)[:, None]
    for ridge in range(ridges):
        profile = power_law(side, rng.uniform(1.2, 2.0), 1.0, 0.0, rng)[0]
        crest = side * (horizon + 0.12 * ridge * rng.random() + 0.06 * profile * (ridge + 1 < ridges))
        labels[y > crest] = ridge + 1
    number = int(log_uniform(3.0, 300.0, rng))
    depth = np.sort(rng.random(number)) ** 1.5
    foot = side * (horizon + 0.05 + (0.95 - horizon) * depth)
    near = side * log_uniform(0.03, 0.25, rng) * (depth + 0.08) * rng.uniform(0.4, 1.4, number)
    kinds = (blob, box, blade, blob)
    upright = rng.choice([0.0, 90.0], number) + rng.normal(0, 4, number)
    things = [
        placed(kinds[rng.integers(4)](rng), np.array([rng.uniform(0, side), at - size]), size, angle)
        for at, size, angle in zip(foot, near, upright, strict=True)
    ]
    labels = draw(things, labels)
    textures = [any_texture(side, rng) for _ in range(4)] + [_receding(any_texture(side, rng), horizon)]
    textures += [standardised(power_law(side, rng.uniform(1.3, 2.0), rng.uniform(1, 4), 0.0, rng))]
    made_of = materials(int(labels.max()) + 1, 4, rng)
    sky, ground = 0, ridges
    made_of.texture[ground], made_of.texture[sky] = 4, 5
    made_of.strength[sky] = rng.choice([0.0, 0.02, 0.15, 0.4])
    made_of.colour[sky] = rng.uniform(0.3, 1.8) + rng.normal(-0.25, 0.3) * YELLOW + rng.normal(0, 0.08) * RED
    made_of.slope[sky] = [rng.normal(0, 0.3), rng.uniform(-0.5, 2)]
    haze = rng.uniform(0, 0.9) ** np.arange(1, ridges)[:, None]
    made_of.colour[1:ridges] += (haze * (made_of.colour[sky] - made_of.colour[1:ridges])).astype(np.float32)
    made_of.strength[1:ridges] *= 1 - haze[:, 0]
    return dressed(labels, made_of, textures, rng)


def street(side: int, rng: np.random.Generator) -> Colours:
    """Fronts of houses with rows of windows, doors and ledges, seen at an angle, before the sky."""
    labels = np.zeros((side, side), np.int32)
    outlines: list[Outline] = []
    left, materials_of = -0.1 * side, [0]
    while left < 1.1 * side:
        width, top = side * log_uniform(0.15, 1.0, rng), side * rng.uniform(-0.5, 0.6)
        outlines.append(_rectangle(left, top, left + width, float(side)))
        materials_of.append(int(rng.integers(1, 4)))
        step = side * log_uniform(0.03, 0.2, rng) * np.array([rng.uniform(0.5, 1.5), 1.0])
        share, frame = rng.uniform(0.3, 0.9, 2), rng.choice([0.0, rng.uniform(1, 5)])
        pane = int(rng.integers(4, 8))
        for row in np.arange(top + 0.3 * step[1], side, step[1])[:30]:
            for column in np.arange(left + 0.2 * step[0], left + width - step[0], step[0])[:30]:
                window = np.array([column, row, column + share[0] * step[0], row + share[1] * step[1]])
                if frame:
                    outlines.append(_rectangle(*(window + frame * np.array([-1, -1, 1, 1]))))
                    materials_of.append(8)
                outlines.append(_rectangle(*window))
                materials_of.append(pane if rng.random() < 0.8 else int(rng.integers(4, 8)))
            if rng.random() < 0.15:
                outlines.append(_rectangle(left, row - 3, left + width, row - rng.uniform(0, 2)))
                materials_of.append(8)
        left += width
    labels = _tilted(draw(outlines, labels), rng)
    made_of = materials(9, 4, rng)
    made_of.colour[0] += 0.8
    made_of.strength[0] = rng.choice([0.0, 0.1])
    each = made_of.of(np.array(materials_of))
    each.colour[:] += rng.normal(0, rng.choice([0.0, 0.15, 0.5]), (len(materials_of), 1))
    return dressed(labels, each, [any_texture(side, rng) for _ in range(4)], rng)


def plants(side: int, rng: np.random.Generator) -> Colours:
    """Blades and leaves around one direction, darker the deeper, with twigs between them."""
    number, size = int(log_uniform(150.0, 2500.0, rng)), log_uniform(8.0, 80.0, rng)
    models = [blade(rng) for _ in range(12)]
    angle = rng.normal(rng.uniform(0, 180), rng.choice([8.0, 25.0, 90.0]), number)
    centre = rng.uniform(-0.05, 1.05, (number, 2)) * side
    outlines = [
        placed(models[index % 12], centre[index], size * rng.uniform(0.4, 1.4), angle[index]) for index in range(number)
    ]
    if rng.random() < 0.4:
        outlines[number // 2 : number // 2] = twigs(side, rng)
    made_of = materials(len(outlines) + 1, 3, rng)
    made_of.colour[:] += (rng.uniform(0, 2.0) * np.linspace(-0.5, 0.5, len(made_of.colour)))[:, None]
    made_of.strength[:] *= 0.5
    labels = draw(outlines, np.zeros((side, side), np.int32))
    textures = [any_texture(side, rng), strokes(side, 800, 90.0, rng), any_texture(side, rng)]
    return dressed(labels, made_of, textures, rng)


def portrait(side: int, rng: np.random.Generator) -> Colours:
    """A few large things, sharp before what is out of focus."""
    picture = blurred(leaves(side, rng), log_uniform(2.0, 10.0, rng))
    number = int(rng.integers(1, 7))
    centre, angle = rng.normal(0.5, 0.22, (number, 2)) * side, rng.uniform(0, 180, number)
    outlines = [
        placed(blob(rng), centre[index], side * rng.uniform(0.05, 0.35), angle[index]) for index in range(number)
    ]
    if rng.random() < 0.5:
        small = scattered(side, 60, 4.0, 2.2, rng)
        outlines += [outline for outline in small if np.ptp(outline, axis=0).max() < side / 6]
    return over(picture, outlines, 0.0, rng)


KINDS: dict[str, Callable[[int, np.random.Generator], Colours]] = {
    "leaves": leaves,
    "surface": surface,
    "landscape": landscape,
    "street": street,
    "plants": plants,
    "portrait": portrait,
}


def scene(kind: str, side: int, rng: np.random.Generator) -> Colours:
    """A scene of a kind; often with a part of another one, or seen through a fence, cables, masts or twigs."""
    picture = KINDS[kind](side, rng)
    if rng.random() < 0.35:
        cover = draw([_anywhere(side, rng)], np.zeros((side, side), np.int32)).astype(np.float32)
        other = KINDS[str(rng.choice(list(KINDS)))](side, rng)
        picture = mixed(picture, other, blurred(cover, log_uniform(0.3, 4.0, rng)))
    if rng.random() < 0.35:
        outlines = twigs(side, rng) if rng.random() < 0.3 else bars(side, rng)
        picture = over(picture, outlines, rng.choice([0.0, 0.0, rng.uniform(1, 6)]), rng)
    return picture


def _anywhere(side: int, rng: np.random.Generator) -> Outline:
    """A large outline that covers some part of the picture."""
    outline = (blob, box, polygon)[rng.integers(3)](rng)
    return placed(outline, rng.uniform(0.1, 0.9, 2) * side, side * rng.uniform(0.25, 0.8), rng.uniform(0, 180))


def _receding(texture: Field, horizon: float) -> Field:
    """A texture on the ground, seen by someone who stands on it; `horizon` is 0 at the upper border, 1 at the lower."""
    side = len(texture)
    y, x = np.indices(texture.shape, dtype=np.float32) / side
    near = np.maximum(y - np.float32(horizon), 0.02)
    nearest = 1 - horizon
    row = (nearest * nearest / near * side).astype(int) % side
    column = ((x - 0.5) * nearest / near * side).astype(int) % side
    seen: Field = texture[row, column]
    return seen


def _rectangle(left: float, top: float, right: float, bottom: float) -> Outline:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])


def _tilted(labels: Labels, rng: np.random.Generator) -> Labels:
    """A front seen from below or from the side: its corners are moved inwards."""
    side = len(labels)
    shift = rng.uniform(0, 0.25, 8) * rng.choice([0.0, 1.0])
    sign = np.array([1, 1, 1, -1, -1, -1, -1, 1])
    corners = np.array([0, 0, 0, 1, 1, 1, 1, 0]) + sign * shift
    image = Image.fromarray(labels)
    return np.asarray(
        image.transform((side, side), Image.Transform.QUAD, tuple(side * corners), Image.Resampling.NEAREST)
    )
