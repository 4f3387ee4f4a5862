"""Training objectives: batch k as a pure function of (seed, k)."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Real, UInt8
from torch import Tensor

from derain.pictures.degradation import Degradation
from derain.support.randomness import generator

Batch = tuple[Float[Tensor, "b 3 p p"], Float[Tensor, "b 3 p p"]]
"""Degraded and clean pictures, RGB in 0..1, whole 8-bit levels."""


@runtime_checkable
class Batches(Protocol):
    """All that the loop asks of an objective."""

    def batch(self, k: int) -> Batch: ...


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

    def batch(self, k: int) -> Batch:
        """Batch k."""
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


@dataclass(frozen=True)
class PairObjective:
    """Pairs as they are: every sample is one square cut from both pictures of a pair, flipped in half of the cases.

    Attributes:
        degraded: patches of the degraded pictures, on the training device, 0..255.
        clean: what is behind them, patch for patch.
        batch_size: samples in a batch.
        patch_size_px: side of the samples; at most that of the patches.
        seed: with k all that a batch depends on.
    """

    degraded: UInt8[Tensor, "count 3 size size"]
    clean: UInt8[Tensor, "count 3 size size"]
    batch_size: int
    patch_size_px: int
    seed: int

    def batch(self, k: int) -> Batch:
        """Batch k."""
        count, _, size, _ = self.clean.shape
        side = self.patch_size_px
        rng = generator(self.seed, "pairs", k)
        chosen = rng.integers(count, size=self.batch_size)
        rows, columns = rng.integers(size - side + 1, size=(2, self.batch_size, 1)) + np.arange(side)
        flipped = rng.random(self.batch_size) < 0.5
        columns = np.where(flipped[:, None], columns[:, ::-1], columns)
        return _cut(self.degraded, chosen, rows, columns) / 255, _cut(self.clean, chosen, rows, columns) / 255


@dataclass(frozen=True)
class Mixed:
    """Batches of two objectives, one behind the other."""

    first: Batches
    second: Batches

    def batch(self, k: int) -> Batch:
        """Batch k."""
        (degraded, clean), (more_degraded, more_clean) = self.first.batch(k), self.second.batch(k)
        return torch.cat([degraded, more_degraded]), torch.cat([clean, more_clean])


def _cut(
    pictures: Real[Tensor, "n c h w"], chosen: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> Real[Tensor, "b c y x"]:
    """Take from each chosen picture, (b,), its own rows, (b, y), and columns, (b, x)."""
    channels, device = pictures.shape[1], pictures.device
    samples, down, across = (torch.from_numpy(index).to(device) for index in (chosen, rows, columns))
    # Rows first: they are copied as a whole, many times as fast as pixel by pixel.
    kept = pictures[samples[:, None, None], torch.arange(channels, device=device)[:, None], down[:, None]]
    return kept.gather(3, across[:, None, None].expand(-1, channels, kept.shape[2], -1))
