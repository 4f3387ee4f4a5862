"""The figures of merit once more, slowly and independently: plain loops, from their definitions alone.

Pictures are (h, w, 3) arrays of whole numbers 0..255. What is not defined is None.
"""

import math

import numpy as np


def figures(rainy, clean, restored, restored_clean, threshold):
    """All ten figures by name."""
    o, b, x = (picture.astype(np.int64) for picture in (rainy, clean, restored))
    c = None if restored_clean is None else restored_clean.astype(np.int64)
    changed, kept_error, residue, energy, beyond, passed, signed = [], [], [], [], [], [], []
    for row in range(o.shape[0]):
        for column in range(o.shape[1]):
            rain = [int(o[row, column, k] - b[row, column, k]) for k in range(3)]
            for k in range(3):
                out, low, high = int(x[row, column, k]), int(b[row, column, k]), int(o[row, column, k])
                if max(rain) > threshold:
                    streak = max(rain[k], 0)
                    changed.append((out - high) ** 2)
                    residue.append(min(max(out - low, 0), streak) * streak)
                    energy.append(streak**2)
                    beyond.append(max(low - out, out - (low + streak), 0) ** 2)
                    signed.append(rain[k] ** 2)
                    if c is not None:
                        passed.append((out - int(c[row, column, k])) * rain[k])
                else:
                    kept_error.append((out - low) ** 2)
    return {
        "e_r": root_mean(changed),
        "e_b": root_mean(kept_error),
        "removal": 1 - sum(residue) / sum(energy) if energy else None,
        "damage": root_mean(beyond),
        "removal_controlled": 1 - sum(passed) / sum(signed) if passed else None,
        "clean_error": None if c is None else root_mean(list(((c - b) ** 2).flat)),
        "psnr_rgb": psnr(x, b),
        "psnr_y": psnr(luma(x), luma(b)),
        "ssim_rgb": ssim_mean([ssim(x[..., k], b[..., k]) for k in range(3)]),
        "ssim_y": ssim(luma(x), luma(b)),
    }


def root_mean(values):
    return math.sqrt(sum(int(value) for value in values) / len(values)) if values else None


def luma(picture):
    return 16 + picture.astype(np.float64) @ np.array([65.481, 128.553, 24.966]) / 255


def psnr(a, b):
    error = float(np.mean((a.astype(np.float64) - b) ** 2))
    return 20 * math.log10(255) - 10 * math.log10(error) if error else None


def ssim(a, b):
    """Window by window, with the two-dimensional window written out."""
    if min(a.shape) < 11:
        return None
    steps = np.arange(11) - 5
    window = np.exp(-(steps[:, None] ** 2 + steps[None] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    values = []
    for top in range(a.shape[0] - 10):
        for left in range(a.shape[1] - 10):
            p, q = (picture[top : top + 11, left : left + 11].astype(np.float64) for picture in (a, b))
            mean_p, mean_q = (window * p).sum(), (window * q).sum()
            variance_p, variance_q = (window * (p - mean_p) ** 2).sum(), (window * (q - mean_q) ** 2).sum()
            covariance = (window * (p - mean_p) * (q - mean_q)).sum()
            luminance = (2 * mean_p * mean_q + 2.55**2) / (mean_p**2 + mean_q**2 + 2.55**2)
            structure = (2 * covariance + 7.65**2) / (variance_p + variance_q + 7.65**2)
            values.append(luminance * structure)
    return float(np.mean(values))


def ssim_mean(values):
    return None if None in values else sum(values) / len(values)
