import cv2
import numpy as np
import pytest
import torch

from derain.errors import InputError
from derain.rain import LARGE, MEDIUM, SMALL, StreakParameters
from derain.rain.kernels import gaussian_window, streak_kernels


def parameters(lengths, angles, widths):
    count = len(angles)
    return StreakParameters(np.full(count, 250.0), np.full(count, widths), np.full(count, lengths), np.asarray(angles))


@pytest.mark.slow
@pytest.mark.parametrize("streaks", [SMALL, MEDIUM, LARGE])
def test_every_kernel_of_the_paper_ranges_equals_opencv(opencv, streaks):
    angles = np.arange(streaks.angle_deg[0], streaks.angle_deg[1] + 1)
    for width in streaks.width:
        for length in range(streaks.length_px[0], streaks.length_px[1] + 1):
            ours = streak_kernels(parameters(length, angles, width), "paper").double().numpy()
            reference = np.stack([opencv.streak_kernel(length, angle, width) for angle in angles])
            scale = reference.max(axis=(1, 2), keepdims=True)
            assert np.all(abs(ours - reference) <= 1e-6 * scale), (width, length)


def test_kernels_of_real_angles_equal_opencv_in_a_batch_of_mixed_sizes(opencv):
    drawn = LARGE.sample(200, np.random.default_rng(0))
    ours = streak_kernels(drawn, "paper").double().numpy()
    size = ours.shape[-1]
    for kernel, length, angle, width in zip(ours, drawn.length_px, drawn.angle_deg, drawn.width, strict=True):
        expected = np.zeros((size, size))
        start = size // 2 - length // 2  # the anchors coincide
        inside = slice(start, start + length)
        expected[inside, inside] = opencv.streak_kernel(int(length), float(angle), int(width))
        assert abs(kernel - expected).max() <= 1e-6 * expected.max()


@pytest.mark.parametrize("width", [1, 3, 5, 7, 9, 11, 15, 31])
def test_gaussian_windows_equal_opencv(width):
    assert gaussian_window(width) == pytest.approx(cv2.getGaussianKernel(width, 0)[:, 0], abs=1e-9)


@pytest.mark.parametrize("length", [5, 30, 43, 60])
@pytest.mark.parametrize("width", [1, 5])
def test_corrected_streaks_keep_their_length_at_every_angle(length, width):
    angles = np.arange(-40.0, 41.0)
    kernels = streak_kernels(parameters(length, angles, width), "corrected")
    assert (kernels.sum(2) > 0).all(), "no row of the window is empty"
    # Both centres of gravity stay in the middle: the line is turned about its true centre.
    place = torch.arange(length) - (length - 1) / 2
    mass = kernels.sum((1, 2))
    assert ((kernels.sum(2) * place).sum(1) / mass).abs().max() < 0.05
    assert ((kernels.sum(1) * place).sum(1) / mass).abs().max() < 0.05


@pytest.mark.parametrize("recipe", ["paper", "corrected"])
def test_a_positive_angle_puts_the_lower_end_to_the_right(recipe):
    [kernel] = streak_kernels(parameters(31, [20.0], 5), recipe)
    # A correlation mirrors the kernel at its anchor, which leaves the slope as it is.
    columns = torch.arange(31.0)
    upper, lower = kernel[:15].sum(0), kernel[16:].sum(0)
    assert (lower * columns).sum() / lower.sum() > (upper * columns).sum() / upper.sum() + 3


def test_paper_refuses_lengths_that_it_shrinks_to_nothing():
    with pytest.raises(InputError, match="length_px"):
        streak_kernels(parameters(100, [0.0], 5), "paper")
