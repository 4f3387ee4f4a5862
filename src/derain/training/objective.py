"""A training objective: batch k as a pure function of (seed, k)."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Real, UInt8
from torch import Tensor

from derain.pictures.degradation import Degradation
from derain.support.randomness import generator


@dataclass(frozen=True)
class Objective:
    """Backgrounds and a degradation, mixed into batches of training pairs on the training device (paper: O = B + R).

    Every sample is a square of `patch_size_px` cut from a background that is chosen at random, flipped left to right in
    half of the cases. It is laid at a random place of the background's area, which is degraded as a whole, and cut out
    again: so rain is rendered at the background's size, and background and rain are cut independently.

    Attributes:
        patches: the backgrounds, on the training device, 0..255.
        degradation: rain, or anything else that spoils pictures.
        batch_size: samples in a batch.
        patch_size_px: side of the samples; at most that of the patches.
        seed: with k all that a batch depends on.
    """

    patches: UInt8[Tensor, "count 3 size size"]
    degradation: Degradation
    batch_size: int
    patch_size_px: int
    seed: int

    def batch(self, k: int) -> tuple[Float[Tensor, "b 3 p p"], Float[Tensor, "b 3 p p"]]:
        """Batch k: degraded and clean pictures, RGB in 0..1, whole 8-bit levels."""
        count, _, size, _ = self.patches.shape
        side = self.patch_size_px
        rng = generator(self.seed, "batch", k)
        chosen = rng.integers(count, size=self.batch_size)
        corners, places = rng.integers(size - side + 1, size=(2, 2, self.batch_size))
        flipped = rng.random(self.batch_size) < 0.5
        # The rest of the area is what surrounds the square in the background, which goes on at its opposite borders.
        rows, columns = np.arange(size) - places[:, :, None]
        columns = np.where(flipped[:, None], side - 1 - columns, columns)
        rows, columns = ((corner[:, None] + at) % size for corner, at in zip(corners, (rows, columns), strict=True))
        clean = _cut(self.patches, chosen, rows, columns).float()
        degraded = self.degradation.degrade(clean, rng)
        samples, (rows, columns) = np.arange(self.batch_size), np.arange(side) + places[:, :, None]
        return _cut(degraded, samples, rows, columns) / 255, _cut(clean, samples, rows, columns) / 255


def _cut(
    pictures: Real[Tensor, "n c h w"], chosen: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> Real[Tensor, "b c y x"]:
    """Take from each chosen picture, (b,), its own rows, (b, y), and columns, (b, x)."""
    channels, device = pictures.shape[1], pictures.device
    samples, down, across = (torch.from_numpy(index).to(device) for index in (chosen, rows, columns))
    # Rows first: they are copied as a whole, many times as fast as pixel by pixel.
    kept = pictures[samples[:, None, None], torch.arange(channels, device=device)[:, None], down[:, None]]
    return kept.gather(3, across[:, None, None].expand(-1, channels, kept.shape[2], -1))
