from dataclasses import replace

import numpy as np
import pytest
import torch

from derain.errors import InputError
from derain.rain import Lines
from derain.support.randomness import generator

LINES = Lines(
    number=(8, 300),
    angle_deg=(-45, 45),
    angle_spread_deg=(0, 6),
    length_px=(4, 60),
    thickness_px=(0.5, 3),
    blur_px=(0.3, 1.2),
    along=0.5,
    level=(0.12, 0.9),
)


def slope(layer):
    """Direction of the streaks in degrees from vertical, by the structure tensor."""
    down, right = np.gradient(layer.numpy())
    angle = np.degrees(0.5 * np.arctan2(2 * (down * right).sum(), (right**2 - down**2).sum()))
    return -angle


def test_lines_are_a_pure_function_of_their_generator():
    first, again = (LINES.layers(4, 60, 90, generator(1, "lines")) for _ in range(2))
    assert first.shape == (4, 1, 60, 90)
    assert torch.equal(first, again)
    assert not torch.equal(first, LINES.layers(4, 60, 90, generator(2, "lines")))


@pytest.mark.parametrize("angle", [-70.0, -20.0, 0.0, 20.0, 50.0, 80.0])
def test_lines_run_at_their_angle(angle):
    family = replace(LINES, number=(60, 60), angle_deg=(angle, angle), angle_spread_deg=(0, 0), length_px=(40, 40))
    [[layer]] = family.layers(1, 128, 128, generator(0))
    assert slope(layer) == pytest.approx(angle, abs=4)


def test_the_brightest_thousandth_lies_at_the_level():
    layers = replace(LINES, number=(100, 300), level=(0.4, 0.4)).layers(6, 100, 100, generator(0))
    for layer in layers:
        assert np.quantile(layer.numpy(), 0.999, method="inverted_cdf") == pytest.approx(0.4 * 255, rel=1e-3)


def test_lines_so_few_that_the_quantile_is_dark_are_scaled_by_the_brightest():
    family = replace(LINES, number=(2, 2), length_px=(4, 4), thickness_px=(1, 1), blur_px=(0.1, 0.1), level=(0.5, 0.5))
    layers = replace(family, along=0.0).layers(20, 400, 400, generator(0))
    peaks = layers.amax((1, 2, 3))
    assert peaks.min() >= 127.4


def test_more_lines_cover_more():
    few, many = (replace(LINES, number=(n, n)).layers(8, 128, 128, generator(0)) for n in (10, 200))
    assert (many > 10).float().mean() > 2 * (few > 10).float().mean()


def test_longer_and_thicker_lines_cover_more():
    family = replace(LINES, number=(20, 20), length_px=(15, 15), thickness_px=(1, 1), along=0.0, level=(0.9, 0.9))

    def share(**changes):
        return float((replace(family, **changes).layers(16, 128, 128, generator(0)) > 30).float().mean())

    assert 2 < share(length_px=(45, 45)) / share() < 4
    assert share(thickness_px=(5, 5)) > 1.5 * share()


def test_lines_are_half_to_one_and_a_third_times_as_long_as_their_layer_says():
    upright = Lines(number=(0.5, 0.5), angle_deg=(0, 0), angle_spread_deg=(0, 0), contrast=(1, 1))
    family = replace(upright, length_px=(60, 60), thickness_px=(4, 4), blur_px=(0, 0))
    lengths = []
    for layer in family.layers(20, 512, 512, generator(0))[:, 0].numpy():
        # Every run of lit pixels down a column is as long as its line. The border cuts lines: its columns are left out.
        steps = np.diff((layer > 0.3 * layer.max()).astype(int), axis=0)
        for down in steps.T:
            starts, ends = np.flatnonzero(down == 1), np.flatnonzero(down == -1)
            if len(starts) == len(ends) and (starts < ends).all():
                lengths += (ends - starts).tolist()
    # A few lines lie on one another and look longer.
    low, high = np.quantile(lengths, (0.05, 0.95)) / 60
    assert min(lengths) >= 0.5 * 60 - 2
    assert low < 0.6
    assert 1.2 < high < 1.32


def test_borders_are_as_full_as_the_middle():
    layers = replace(LINES, number=(50, 50)).layers(150, 64, 64, generator(0))[:, 0]
    middle = layers[:, 24:40, 24:40].mean()
    for border in (layers[:, :4], layers[:, -4:], layers[:, :, :4], layers[:, :, -4:]):
        assert float(border.mean() / middle) == pytest.approx(1, abs=0.1)


def test_the_last_pixels_of_a_large_layer_are_rained_on_like_the_first():
    [[layer]] = replace(LINES, number=(2, 2), angle_deg=(80, 80)).layers(1, 1_000, 20_000, generator(0))
    rained_on = (layer > 1).float()
    # The last rows lie beyond what a float32 can count.
    assert float(rained_on[-100:].mean()) == pytest.approx(float(rained_on[:100].mean()), rel=0.1)


def test_the_coverage_does_not_depend_on_the_angle():
    family = replace(LINES, number=(30, 30), angle_spread_deg=(0, 0), length_px=(30, 30), thickness_px=(2, 2), along=0)
    covered = []
    for angle in (0.0, 30.0, 44.0, 46.0, 60.0, 90.0):
        layers = replace(family, angle_deg=(angle, angle), level=(1, 1)).layers(40, 128, 128, generator(0))
        covered.append(float((layers > 60).float().mean()))
    assert max(covered) < 1.1 * min(covered)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("number", (0, 10)),
        ("number", (10, 1e6)),
        ("length_px", (20, 10)),
        ("thickness_px", (-1, 2)),
        ("thickness_px", (1, 1e4)),
        ("blur_px", (-1, 2)),
        ("blur_px", (1, 1e4)),
        ("angle_spread_deg", (-3, 2)),
        ("angle_spread_deg", (-1e-10, 0)),
        ("along", 1.5),
        ("level", (0.9, 0.1)),
    ],
)
def test_lines_that_make_no_sense_are_named(setting, value):
    with pytest.raises(InputError, match=setting):
        replace(LINES, **{setting: value})
