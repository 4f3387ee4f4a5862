"""Materials of things: colour, texture, shading, shadows."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from derain.painting.camera import RED, YELLOW, Colours, blurred
from derain.painting.shapes import Labels, Outline, draw
from derain.painting.textures import Field, any_texture, log_uniform, moved


@dataclass(frozen=True)
class Materials:
    """Properties of `n` surfaces: arrays that a scene may change where it knows better.

    Attributes:
        colour: logarithm of red, green and blue.
        texture: index of the texture.
        strength: standard deviation that the texture gives to the logarithm of light.
        tint: how much of it every channel gets; about 1.
        slope: change of the logarithm of light over the picture's width and height, from shading.
    """

    colour: Float[np.ndarray, "n 3"]
    texture: Int[np.ndarray, "n"]
    strength: Float[np.ndarray, "n"]
    tint: Float[np.ndarray, "n 3"]
    slope: Float[np.ndarray, "n 2"]

    def of(self, index: Int[np.ndarray, "m"]) -> "Materials":
        """Materials for `m` surfaces that are made of these."""
        return Materials(
            self.colour[index], self.texture[index], self.strength[index], self.tint[index], self.slope[index]
        )


def materials(count: int, textures: int, rng: np.random.Generator) -> Materials:
    """Materials of one place: a few families of colour, more alike in some places than in others."""
    families, colourful = int(rng.integers(1, 7)), log_uniform(0.2, 1.5, rng)
    spread = rng.uniform(0.4, 1.1)
    light = rng.normal(0, spread, families)
    yellow, red = rng.laplace(0.1, 0.4 * colourful, families), rng.laplace(0, 0.28 * colourful, families)
    family = rng.choice(families, size=count, p=rng.dirichlet(np.ones(families)))
    within = rng.uniform(0.1, 0.7)

    def varied(values: Float[np.ndarray, "families"], scale: float) -> Float[np.ndarray, "count 1"]:
        each: Float[np.ndarray, "count 1"] = (values[family] + rng.normal(0, scale * within, count))[:, None]
        return each

    colour = varied(light, spread) + varied(yellow, 0.4 * colourful) * YELLOW + varied(red, 0.25 * colourful) * RED
    rough = log_uniform(0.2, 1.1, rng)
    strength = rough * np.exp(rng.normal(-0.6, 0.5, families))[family] * (rng.random(families) < 0.85)[family]
    return Materials(
        colour.astype(np.float32),
        ((family + (rng.random(count) < 0.2)) % textures).astype(np.int64),
        strength.astype(np.float32),
        (1 + rng.normal(0, 0.12, (families, 3))[family]).astype(np.float32),
        rng.normal(0, rng.choice([0.0, 0.5, 1.5]), (count, 2)).astype(np.float32),
    )


def dressed(labels: Labels, made_of: Materials, textures: list[Field], rng: np.random.Generator) -> Colours:
    """The scene of a map of labels: colour, texture and shading of each, darker seams, and shadows on what is behind.

    Labels must be numbered from the back to the front.
    """
    side = len(labels)
    stacked = np.stack(textures)
    y, x = np.indices(labels.shape, dtype=np.float32) / side - 0.5
    relief = stacked[made_of.texture[labels], *np.indices(labels.shape)] * made_of.strength[labels]
    shade = made_of.slope[labels, 0] * x + made_of.slope[labels, 1] * y
    seams = (labels != moved(labels, 1, 0)) | (labels != moved(labels, 0, 1))
    shade -= rng.uniform(0, 0.8) * blurred(seams, log_uniform(1.0, 12.0, rng))
    if rng.random() < 0.5:
        down, right = (rng.uniform(-0.03, 0.03, 2) * side).astype(int)
        behind = moved(labels, int(down), int(right)) > labels
        shade -= rng.uniform(0.2, 1.2) * blurred(behind, log_uniform(0.5, 6.0, rng))
    colours: Colours = made_of.colour[labels] + relief[:, :, None] * made_of.tint[labels] + shade[:, :, None]
    return colours


def over(picture: Colours, outlines: list[Outline], defocus_px: float, rng: np.random.Generator) -> Colours:
    """`picture` with things in front of it, whose edges are as soft as `defocus_px` says."""
    labels = draw(outlines, np.zeros(picture.shape[:2], np.int32))
    made_of = materials(len(outlines) + 1, 2, rng)
    front = dressed(labels, made_of, [any_texture(len(picture), rng) for _ in range(2)], rng)
    cover = (labels > 0).astype(np.float32)
    if defocus_px > 0.3:
        front, cover = blurred(front, defocus_px), blurred(cover, defocus_px)
    return mixed(picture, front, cover)


def mixed(behind: Colours, front: Colours, cover: Float[np.ndarray, "h w"]) -> Colours:
    """`front` where `cover` is 1, `behind` where it is 0."""
    mixture: Colours = behind + cover[:, :, None] * (front - behind)
    return mixture
