"""A training objective: batch k as a pure function of (seed, k)."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from derain.errors import InputError
from derain.rain import Rain, compose
from derain.support.devices import gib
from derain.support.randomness import generator

_BANK_CHUNK = 64


@dataclass(frozen=True)
class Objective:
    """Backgrounds and rain, mixed into batches of training pairs on the training device (paper: O = B + R).

    Every sample is a background chosen at random, flipped left to right in half of the cases, and fresh rain rendered
    at the background's size; from each of the two a square of `patch_size_px` is cut, independently.

    Attributes:
        patches: the backgrounds, on the training device, 0..255.
        rain: where the layers come from.
        batch_size: samples in a batch.
        patch_size_px: side of the samples; at most that of the patches.
        seed: with k all that a batch depends on.
        bank: rain layers to draw from in place of fresh ones (see `render_bank`), or None.
    """

    patches: UInt8[Tensor, "count 3 size size"]
    rain: Rain
    batch_size: int
    patch_size_px: int
    seed: int
    bank: UInt8[Tensor, "layers 1 size size"] | None = None

    def batch(self, k: int) -> tuple[Float[Tensor, "b 3 p p"], Float[Tensor, "b 3 p p"]]:
        """Batch k: rainy and clean pictures, RGB in 0..1, whole 8-bit levels."""
        count, _, size, _ = self.patches.shape
        device, side = self.patches.device, self.patch_size_px
        rng = generator(self.seed, "batch", k)
        chosen = rng.integers(count, size=self.batch_size)
        corners = rng.integers(size - side + 1, size=(2, 2, self.batch_size))
        flipped = rng.random(self.batch_size) < 0.5
        if self.bank is None:
            layers = self.rain.layers(self.batch_size, size, size, rng, device)
        else:
            layers = self.bank[torch.from_numpy(rng.integers(len(self.bank), size=self.batch_size)).to(device)]
        clean = _cut(self.patches[torch.from_numpy(chosen).to(device)], corners[0], side, flipped).float()
        rainy = compose(clean, _cut(layers, corners[1], side, np.zeros_like(flipped)).float())
        return rainy / 255, clean / 255


def render_bank(
    rain: Rain, layers: int, size_px: int, seed: int, device: torch.device
) -> UInt8[Tensor, "layers 1 size size"]:
    """`layers` rain layers, a pure function of the seed, for training where rendering is dear.

    Cut at 255 so that they fit 8 bits; in O = clip(B + R) that changes nothing.
    """
    bank = torch.empty(layers, 1, size_px, size_px, dtype=torch.uint8, device=device)
    for start in range(0, layers, _BANK_CHUNK):
        rng = generator(seed, "bank", start)
        count = min(_BANK_CHUNK, layers - start)
        bank[start : start + count] = rain.layers(count, size_px, size_px, rng, device).clamp(max=255).to(torch.uint8)
    return bank


def _cut(pictures: Tensor, corners: np.ndarray, side: int, flipped: np.ndarray) -> Tensor:
    """From each of (n, c, size, size) the square with the given (top, left) corner, mirrored where asked."""
    span = np.arange(side)
    rows = corners[0][:, None] + span
    columns = corners[1][:, None] + np.where(flipped[:, None], span[::-1], span)
    on_device = [torch.from_numpy(index).to(pictures.device) for index in (rows, columns)]
    samples = torch.arange(len(pictures), device=pictures.device)[:, None, None]
    # Advanced indices around a slice put the channels last: (n, side, side, c).
    return pictures[samples, :, on_device[0][:, :, None], on_device[1][:, None, :]].movedim(-1, 1)


def refuse_too_large_bank(layers: int, size_px: int, available_bytes: float) -> None:
    """Raise InputError where a bank of rain does not fit.

    >>> refuse_too_large_bank(100_000_000, 64, available_bytes=64e9)
    Traceback (most recent call last):
    ...
    derain.errors.InputError: 100,000,000 layers of 64 x 64 pixels need 381.5 GiB of memory, but ...: --layers ... fits
    """
    if layers * size_px**2 > available_bytes:
        sentence = f"{layers:,} layers of {size_px} x {size_px} pixels need {gib(layers * size_px**2)} of memory"
        fits = int(available_bytes / size_px**2)
        raise InputError(f"{sentence}, but {gib(available_bytes)} are free: --layers {fits} fits")
