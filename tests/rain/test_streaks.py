from dataclasses import fields

import numpy as np
import pytest
import torch

from derain.errors import InputError
from derain.rain import LARGE, MEDIUM, SMALL, RainRange, StreakParameters, Streaks, render_streaks, sample_noise
from derain.support.randomness import generator

RANGES = {"small": SMALL, "medium": MEDIUM, "large": LARGE}

# Mean over many layers of the recipe "paper", and standard deviation between layers: an independent program's figures.
#   range, side in px: mean R, share R > 10, share R > 50, RMS
STATISTICS = {
    ("small", 64): ((43.0, 8.9), (0.651, 0.080), (0.355, 0.086), (62.3, 10.0)),
    ("small", 128): ((38.0, 6.5), (0.655, 0.056), (0.308, 0.069), (54.1, 7.9)),
    ("small", 512): ((31.6, 4.5), (0.647, 0.050), (0.234, 0.051), (44.1, 5.4)),
    ("medium", 64): ((52.8, 13.3), (0.742, 0.109), (0.445, 0.120), (70.8, 13.1)),
    ("medium", 128): ((46.2, 10.4), (0.743, 0.097), (0.391, 0.103), (61.6, 10.6)),
    ("medium", 512): ((37.7, 7.7), (0.731, 0.095), (0.299, 0.086), (49.7, 7.7)),
    ("large", 64): ((40.9, 19.3), (0.576, 0.237), (0.350, 0.164), (60.5, 17.7)),
    ("large", 128): ((35.6, 16.7), (0.571, 0.235), (0.307, 0.145), (52.5, 15.3)),
    ("large", 512): ((28.8, 13.6), (0.560, 0.237), (0.231, 0.120), (42.2, 12.3)),
}


def one_of(parameters, index):
    chosen = {field.name: getattr(parameters, field.name)[index : index + 1] for field in fields(StreakParameters)}
    return StreakParameters(**chosen)


def layers_of(streaks, count, side, recipe, seed=0):
    """Layers in batches of 16."""
    batches = []
    for batch in range(count // 16):
        rng = generator(seed, "layers", batch)
        drawn = streaks.sample(16, rng)
        batches.append(render_streaks(drawn, sample_noise(drawn.quantity, side, side, rng), recipe))
    return torch.cat(batches)[:, 0]


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize(("height", "width"), [(128, 128), (64, 97), (20, 200), (9, 5), (7, 1), (1, 1)])
def test_paper_equals_opencv_within_one_level(opencv, name, height, width):
    rng = generator(0, name, height)
    drawn = RANGES[name].sample(48, rng)
    noise = sample_noise(drawn.quantity, height, width, rng)
    noise[:, height // 3, width // 3] = 255.5  # tiny pictures would mostly be empty
    ours = render_streaks(drawn, noise, "paper")[:, 0].numpy()
    reference = np.stack(
        [
            opencv.streak_layer(layer, int(length), float(angle), int(blur))
            for layer, length, angle, blur in zip(noise, drawn.length_px, drawn.angle_deg, drawn.width, strict=True)
        ]
    )
    assert abs(ours - reference).max() <= 1
    assert np.mean(ours != reference) < (0.001 if ours.size > 10000 else 0.1)


@pytest.mark.parametrize(("name", "side"), STATISTICS)
def test_statistics_of_paper_layers(name, side):
    count = {64: 640, 128: 320, 512: 48}[side]
    layers = layers_of(RANGES[name], count, side, "paper")
    measured = [
        layers.mean((1, 2)),
        (layers > 10).float().mean((1, 2)),
        (layers > 50).float().mean((1, 2)),
        layers.square().mean((1, 2)).sqrt(),
    ]
    in_table = 300 if side == 512 else 6000
    for values, (expected, deviation) in zip(measured, STATISTICS[name, side], strict=True):
        assert float(values.mean()) == pytest.approx(expected, abs=4 * deviation * (1 / count + 1 / in_table) ** 0.5)


@pytest.mark.parametrize("name", RANGES)
def test_brightness_of_corrected_layers_does_not_depend_on_the_size(name):
    by_size = [layers_of(RANGES[name], count, side, "corrected").mean((1, 2)) for side, count in ((64, 640), (512, 64))]
    error = sum(float(means.var()) / len(means) for means in by_size) ** 0.5
    assert abs(float(by_size[0].mean() - by_size[1].mean())) < 4 * error


def test_corrected_medium_rain_is_as_bright_as_paper_at_128():
    means = layers_of(MEDIUM, 640, 128, "corrected").mean((1, 2))
    assert float(means.mean()) == pytest.approx(46.2, abs=4 * float(means.std()) / 640**0.5)


def test_noise_has_the_density_and_the_values_of_the_recipe():
    quantity = np.array([5.0, 256.0, 2560.0, 20000.0])
    noise = sample_noise(quantity, 400, 300, generator(0, "noise"))
    for layer, q in zip(noise, quantity, strict=True):
        kept, p = layer[layer > 0], q / 25600
        assert len(kept) == pytest.approx(p * layer.size, abs=4 * (p * (1 - p) * layer.size) ** 0.5)
        assert kept.min() >= 256 - 0.01 * q
        assert kept.max() <= 256
        assert kept.mean() == pytest.approx(256 - 0.005 * q, abs=0.01 * q * 4 / (12 * len(kept)) ** 0.5)


def test_grains_are_independent_of_each_other():
    noise = sample_noise(np.full(200, 2560.0), 32, 32, generator(0, "noise")) > 0
    assert np.mean(noise[:, :, :-1] & noise[:, :, 1:]) == pytest.approx(0.01, abs=0.001)
    assert np.mean(noise[:, :-1] & noise[:, 1:]) == pytest.approx(0.01, abs=0.001)
    counts = noise.sum((1, 2))
    assert counts.var() == pytest.approx(1024 * 0.1 * 0.9, rel=0.4)
    # The first and the last pixel get their share too.
    assert 5 <= noise[:, 0, 0].sum() <= 40
    assert 5 <= noise[:, -1, -1].sum() <= 40


@pytest.mark.parametrize("recipe", ["paper", "corrected"])
def test_a_layer_without_grains_has_no_rain(recipe):
    drawn = MEDIUM.sample(2, generator(0))
    noise = np.zeros((2, 40, 50), np.float32)
    noise[1, 20, 20] = 255
    empty, one = render_streaks(drawn, noise, recipe)
    assert empty.max() == 0
    assert one.max() > 30


@pytest.mark.parametrize("recipe", ["paper", "corrected"])
def test_layers_do_not_depend_on_their_batch(recipe):
    rng = generator(0, "batch")
    drawn = LARGE.sample(12, rng)
    noise = sample_noise(drawn.quantity, 50, 70, rng)
    together = render_streaks(drawn, noise, recipe)
    alone = torch.cat([render_streaks(one_of(drawn, index), noise[index : index + 1], recipe) for index in range(12)])
    assert (together - alone).abs().max() <= 1
    assert (together != alone).float().mean() < 1e-3


@pytest.mark.parametrize("recipe", ["paper", "corrected"])
def test_layers_are_whole_levels(recipe):
    layers = Streaks(MEDIUM, recipe).layers(4, 64, 64, generator(0))
    assert layers.dtype == torch.float32
    assert torch.equal(layers, layers.round())
    assert layers.min() >= 0
    assert layers.max() <= 255


def test_a_family_is_a_pure_function_of_its_generator():
    family = Streaks(LARGE, brightness=(0.3, 1.0))
    first, again = (family.layers(5, 40, 60, generator(1, "rain")) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, family.layers(5, 40, 60, generator(2, "rain")))


def test_brightness_scales_each_layer():
    family = Streaks(MEDIUM, brightness=(0.3, 0.5))
    peaks = family.layers(64, 48, 48, generator(0)).amax((1, 2, 3)) / 255
    assert 0.29 < peaks.min() < 0.35
    assert 0.45 < peaks.max() <= 0.5


def test_next_to_no_rain_is_none():
    for quantity in (1e-16, 1e-300):
        range_ = RainRange(quantity=(quantity, quantity))
        assert not Streaks(range_, "paper").layers(2, 32, 32, generator(0)).any()


def test_streaks_that_cannot_be_rendered_are_refused():
    with pytest.raises(InputError, match="length_px"):
        Streaks(RainRange(length_px=(50, 120)), "paper")
    assert Streaks(RainRange(length_px=(50, 120)), "corrected").layers(2, 32, 32, generator(0)).shape == (2, 1, 32, 32)
    with pytest.raises(InputError, match="brightness"):
        Streaks(MEDIUM, brightness=(1.0, 0.5))
