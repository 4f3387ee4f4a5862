"""From what stands before the lens to a picture: light, tone curve, lens, sensor, compression."""

from io import BytesIO

import numpy as np
from jaxtyping import Float32, Shaped, UInt8
from PIL import Image

from derain.painting.textures import log_uniform, soft
from derain.pictures.images import encode_jpeg

# Directions of colour beside grey, in logarithms of red, green and blue: yellow against blue, red against green.
YELLOW = np.array([0.55, 0.3, -1.0], np.float32)
RED = np.array([0.8, -0.45, -0.1], np.float32)
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
Colours = Float32[np.ndarray, "h w 3"]


def blurred(field: Shaped[np.ndarray, "h w *c"], sigma_px: float) -> Float32[np.ndarray, "h w *c"]:
    """The field under a Gaussian, continued by reflection.

    By NumPy's Fourier transform, so that the result does not depend on a number of threads.
    """
    margin = min(int(3 * sigma_px + 1), min(field.shape[:2]) - 1)
    around = [(margin, margin)] * 2 + [(0, 0)] * (field.ndim - 2)
    padded = np.pad(field.astype(np.float32), around, "reflect")
    height, width = padded.shape[:2]
    # The transform of a Gaussian of standard deviation sigma is exp(-2 (pi sigma f)^2).
    down = np.exp(-2 * (np.pi * sigma_px * np.fft.fftfreq(height)) ** 2).astype(np.float32)
    across = np.exp(-2 * (np.pi * sigma_px * np.fft.rfftfreq(width)) ** 2).astype(np.float32)
    kernel = np.outer(down, across).reshape(height, -1, *[1] * (field.ndim - 2))
    smooth = np.fft.irfft2(np.fft.rfft2(padded, axes=(0, 1)) * kernel, (height, width), axes=(0, 1))
    inside: Float32[np.ndarray, "h w *c"] = smooth[margin : height - margin, margin : width - margin]
    return inside.astype(np.float32)


def exposed(scene: Colours, rng: np.random.Generator) -> Colours:
    """Logarithms of light become display values 0..1: uneven light, exposure, white balance and an S-shaped curve."""
    side = len(scene)
    light = np.float32(rng.uniform(0, 0.5)) * soft(side, int(rng.integers(1, 5)), rng)
    warmth = np.float32(rng.uniform(0, 0.2)) * (soft(side, int(rng.integers(1, 5)), rng) + np.float32(rng.normal()))
    lit = scene + light[:, :, None] + warmth[:, :, None] * YELLOW
    luminance = lit @ LUMA
    centred = lit - luminance.mean()
    contrast = np.float32(rng.uniform(0.6, 2.0) / max(float(luminance.std()), 0.25))
    balance = (rng.normal(-0.5, 0.6) + rng.normal(0, rng.choice([0.1, 0.3]), 3)).astype(np.float32)
    display = 0.5 + 0.5 * np.tanh(0.5 * (contrast * centred + balance))  # the logistic function
    black, white = rng.uniform(0, 0.06), rng.uniform(0.9, 1.06)
    if rng.random() < 0.03:
        display = np.repeat((display @ LUMA)[:, :, None], 3, axis=2)
    values: Colours = (black + (white - black) * display).astype(np.float32)
    return values


def recorded(display: Colours, factor: int, rng: np.random.Generator) -> UInt8[np.ndarray, "_ _ 3"]:
    """Averages `factor` x `factor` values into each pixel, as a sensor does, and adds what lens, sensor and file add:
    defocus, sharpening, noise, JPEG.
    """
    side = len(display) // factor
    picture = display.reshape(side, factor, side, factor, 3).mean((1, 3))
    if rng.random() < 0.6:
        picture = blurred(picture, rng.uniform(0.2, 0.7) if rng.random() < 0.8 else rng.uniform(0.7, 1.4))
    if rng.random() < 0.6:
        picture = picture + rng.uniform(0.2, 1.2) * (picture - blurred(picture, rng.uniform(0.5, 1.2)))
    if rng.random() < 0.7:
        grain = rng.standard_normal(picture.shape, dtype=np.float32)
        grain = 0.6 * grain + 0.4 * grain.mean(2, keepdims=True) * 3**0.5
        grain = blurred(grain, rng.choice([0.0, 0.6]))
        picture = picture + log_uniform(0.3, 6.0, rng) / 255 * grain * np.sqrt(picture.clip(0.05, 1))
    levels = (255 * picture).round().clip(0, 255).astype(np.uint8)
    return _as_jpeg(levels, int(rng.integers(60, 97))) if rng.random() < 0.6 else levels


def _as_jpeg(levels: UInt8[np.ndarray, "h w 3"], quality: int) -> UInt8[np.ndarray, "h w 3"]:
    return np.asarray(Image.open(BytesIO(encode_jpeg(levels, quality))))
