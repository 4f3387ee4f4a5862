"""Effect of smoothing over time on restored videos: flicker and PSNR-Y on a still and on a panning clip.

    python -m benchmarks.smoothing --model runs/campaign/runs/ID/model.safetensors

Clips of generated pictures under wide rain that is new in every frame, by a camera that stands still, and by one that
pans by two pixels a frame. Flicker is the root mean square, over pixels and frames, of the change of the error from one
frame to the next, in grey levels.
"""

from pathlib import Path

import numpy as np
import torch
import tyro

from derain import TiledRestorer, compose, generator, load_model, load_rain
from derain.evaluation.metrics import psnr_y
from derain.painting import generate
from derain.restoration.smoothing import Smoothing

FRAMES, SIZE_PX, PICTURES = 24, 192, 4


def main(model: Path) -> None:
    restorer = TiledRestorer(load_model(model)[0])
    for pan_px in (0, 2):
        clips = [clip(picture, pan_px) for picture in range(PICTURES)]
        restored = [[restorer.picture(rainy) for rainy, _ in frames] for frames in clips]
        for strength in (0.0, 0.5, 0.8, 0.95):
            figures = [figures_of(pictures, frames, strength) for pictures, frames in zip(restored, clips, strict=True)]
            flicker, decibels = np.mean(figures, axis=0)
            print(f"pan {pan_px} px, smoothing {strength}: flicker {flicker:.2f}, PSNR-Y {decibels:.2f}")


def clip(index: int, pan_px: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rainy and clean frames."""
    picture = torch.from_numpy(generate(index, SIZE_PX + FRAMES * pan_px).copy()).movedim(-1, 0)
    layers = load_rain("wide").layers(FRAMES, SIZE_PX, SIZE_PX, generator(0, "clip", index))
    frames = []
    for number, layer in enumerate(layers):
        left = number * pan_px
        clean = picture[:, :SIZE_PX, left : left + SIZE_PX]
        rainy = compose(clean.float()[None], layer[None])[0].to(torch.uint8)
        frames.append((rainy.movedim(0, -1).numpy().copy(), clean.movedim(0, -1).numpy().copy()))
    return frames


def figures_of(
    restored: list[np.ndarray], frames: list[tuple[np.ndarray, np.ndarray]], strength: float
) -> tuple[float, float]:
    """Flicker, and mean PSNR-Y of the second half of the clip."""
    smooth = Smoothing(strength)
    errors, decibels = [], []
    for number, (picture, (_, clean)) in enumerate(zip(restored, frames, strict=True)):
        smoothed = smooth(picture)
        errors.append(smoothed.astype(float) - clean)
        if number >= FRAMES // 2:
            decibels.append(psnr_y(*(torch.from_numpy(each).movedim(-1, 0) for each in (smoothed, clean))) or np.inf)
    return float(np.sqrt(np.mean(np.square(np.diff(errors, axis=0))))), float(np.mean(decibels))


if __name__ == "__main__":
    tyro.cli(main)
