import importlib.util
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from derain.errors import InputError
from derain.evaluation import metrics
from derain.evaluation.metrics import METRICS, MetricSums, measure
from derain.pictures.images import read_image
from derain.pictures.pairs import match_pairs

_spec = importlib.util.spec_from_file_location(
    "metrics_reference", Path(__file__).parents[1] / "reference" / "metrics_reference.py"
)
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)

NAMES = [metric.name for metric in METRICS]


def tensor(picture):
    """(h, w, 3) array as (3, h, w) tensor."""
    return torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)


def quantised(picture):
    return np.rint(np.clip(picture, 0, 255)).astype(np.uint8)


def pictures(count, min_side=1, max_side=13):
    """`count` unrelated pictures of one size."""
    sides = st.integers(min_side, max_side)
    return st.tuples(sides, sides).flatmap(
        lambda size: st.tuples(*[arrays(np.uint8, (*size, 3)) for _ in range(count)])
    )


def synthetic_pair(seed=0, height=64, width=80):
    """A smooth picture with texture, and vertical streaks on it; nothing is clipped, also when 10 is taken away."""
    rng = np.random.default_rng(seed)
    smooth = cv2.GaussianBlur(rng.uniform(0, 255, (height, width, 3)), (0, 0), 4)
    smooth = 60 + 130 * (smooth - smooth.min()) / (smooth.max() - smooth.min())
    clean = quantised(smooth + rng.uniform(-20, 20, (height, width, 1)))
    rain = np.zeros((height, width), np.uint8)
    for _ in range(12):
        top, column = rng.integers(0, height - 20), rng.integers(0, width)
        rain[top : top + 20, column] = rng.integers(12, 45)
    return clean + rain[..., None], clean


# A "network" that makes the same of any picture.
FILTERS = {
    "darker by a fifth": lambda picture: picture * 0.8,
    "darker by 10": lambda picture: picture - 10.0,
    "blur, sigma 2": lambda picture: cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 2),
    "blur, sigma 8": lambda picture: cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 8),
    "erosion": lambda picture: cv2.erode(picture, np.ones((1, 7), np.uint8)),
    "black": lambda picture: picture * 0.0,
}


def erase_streaks(rainy, clean, rng):
    """Each streak, a connected part of R > 3, is erased with probability .7; fainter rain is left."""
    rain = (rainy.astype(int) - clean).max(-1)
    count, labels = cv2.connectedComponents((rain > 3).astype(np.uint8), connectivity=8)
    erased = rng.random(count) < 0.7
    erased[0] = False
    return np.where(erased[labels][..., None], clean, rainy)


# A system that knows the rain, takes part of it away, and leaves a clean picture as it is.
REMOVERS = {
    "nothing": lambda rainy, clean, rng: rainy,
    "perfect": lambda rainy, clean, rng: clean,
    "70 % of the streaks": erase_streaks,
    "all rain weaker by 70 %": lambda rainy, clean, rng: clean + 0.3 * (rainy.astype(float) - clean),
    "perfect with noise": lambda rainy, clean, rng: clean + rng.normal(0, 10, clean.shape),
}


def nulls(figures):
    return {name for name, value in figures.items() if value is None}


def drop_nulls(figures):
    return {name: value for name, value in figures.items() if value is not None}


def apply_oracle(name, rainy, clean, rng):
    """Rainy, clean, f(rainy), f(clean) as tensors."""
    if name in FILTERS:
        outputs = FILTERS[name](rainy), FILTERS[name](clean)
    else:
        outputs = REMOVERS[name](rainy, clean, rng), clean
    return [tensor(each) for each in (rainy, clean, *map(quantised, outputs))]


@pytest.fixture(scope="module")
def rain100l(data):
    folder = data / "rain" / "rain100l"
    pairs = match_pairs(folder / "rainy", folder / "clean")
    return [(read_image(pair.rainy), read_image(pair.clean)) for pair in pairs]


def mean_rain_figures(pairs, oracle, threshold=10.0):
    """Means over images of the five figures of the mask and of the clean error."""
    rng = np.random.default_rng(0)
    rows = []
    for rainy, clean in pairs:
        o, b, x, c = apply_oracle(oracle, rainy, clean, rng)
        [sums] = metrics.rain_sums(o, b, x, c, [threshold])
        rows.append(sums.figures() | {"clean_error": metrics.clean_error(c, b)})
    return {name: np.mean([row[name] for row in rows]) for name in rows[0]}


@pytest.mark.parametrize(
    ("oracle", "removal", "damage", "controlled", "clean_error", "e_r", "e_b"),
    [
        ("nothing", 0.00, 0.0, 0.00, 0.0, 0.0, 2.4),
        ("perfect", 1.00, 0.0, 1.00, 0.0, 37.7, 0.0),
        ("all rain weaker by 70 %", 0.70, 0.0, 0.70, 0.0, 26.4, 0.7),
        ("darker by a fifth", 0.62, 12.8, 0.20, 25.7, 31.3, 25.1),
        ("darker by 10", 0.24, 0.8, 0.00, 9.9, 10.0, 9.3),
        ("blur, sigma 2", 0.48, 11.1, 0.48, 14.9, 25.0, 16.2),
        ("blur, sigma 8", 0.69, 17.9, 0.77, 24.2, 37.9, 25.3),
        ("erosion", 0.94, 24.1, 0.87, 26.6, 51.0, 25.5),
        ("black", 1.00, 127, 1.00, 128, 157, 128),
    ],
)
def test_oracles_on_rain100l(rain100l, oracle, removal, damage, controlled, clean_error, e_r, e_b):
    figures = mean_rain_figures(rain100l, oracle)
    assert figures["removal"] == pytest.approx(removal, abs=0.01)
    assert figures["removal_controlled"] == pytest.approx(controlled, abs=0.01)
    rounded = 0.5 if oracle == "black" else 0.2
    assert figures["damage"] == pytest.approx(damage, abs=rounded)
    assert figures["clean_error"] == pytest.approx(clean_error, abs=rounded)
    assert figures["e_r"] == pytest.approx(e_r, abs=rounded)
    assert figures["e_b"] == pytest.approx(e_b, abs=rounded)


def test_random_oracles_on_rain100l(rain100l):
    streaks = mean_rain_figures(rain100l, "70 % of the streaks")
    assert streaks["removal"] == pytest.approx(0.7, abs=0.05)
    assert streaks["removal_controlled"] == pytest.approx(streaks["removal"], abs=1e-9)
    assert (streaks["damage"], streaks["clean_error"]) == (0, 0)
    assert streaks["e_r"] == pytest.approx(31.1, abs=2)
    assert streaks["e_b"] == pytest.approx(1.4, abs=0.3)
    noise = mean_rain_figures(rain100l, "perfect with noise")
    assert noise["removal"] == pytest.approx(0.90, abs=0.02)
    assert noise["removal_controlled"] == pytest.approx(1, abs=0.01)
    assert noise["damage"] == pytest.approx(7.1, abs=0.3)
    assert noise["e_r"] == pytest.approx(39.0, abs=0.3)
    assert noise["e_b"] == pytest.approx(9.9, abs=0.3)


def test_anchors_on_rain100l(rain100l):
    pairs = [(tensor(rainy), tensor(clean)) for rainy, clean in rain100l]
    assert np.mean([metrics.psnr_y(rainy, clean) for rainy, clean in pairs]) == pytest.approx(26.70, abs=0.05)
    first = rain100l[:20]
    assert mean_rain_figures(first, "perfect")["e_r"] == pytest.approx(39.2, abs=0.2)
    assert mean_rain_figures(first, "perfect", threshold=50.0)["e_r"] == pytest.approx(74.4, abs=0.2)


@pytest.mark.parametrize(
    ("oracle", "removal", "damage", "controlled", "clean_error"),
    [
        ("nothing", (0, 0), (0, 0), (0, 0), (0, 0)),
        ("perfect", (1, 1), (0, 0), (1, 1), (0, 0)),
        ("70 % of the streaks", (0.3, 0.95), (0, 0), (0.3, 0.95), (0, 0)),
        ("all rain weaker by 70 %", (0.69, 0.71), (0, 0), (0.69, 0.71), (0, 0)),
        ("darker by a fifth", (0.25, 0.9), (2, 30), (0.19, 0.21), (10, 30)),
        ("darker by 10", (0.1, 0.4), (0, 2), (0, 0), (10, 10)),
        ("blur, sigma 2", (0.3, 0.95), (2, 30), (0.3, 0.95), (5, 30)),
        ("erosion", (0.9, 1), (10, 60), (0.6, 1.1), (10, 60)),
        ("black", (1, 1), (60, 120), (1, 1), (60, 120)),
        ("perfect with noise", (0.8, 0.97), (6, 9), (0.95, 1.05), (0, 0)),
    ],
)
def test_oracles_on_synthetic_rain(oracle, removal, damage, controlled, clean_error):
    figures = measure(*apply_oracle(oracle, *synthetic_pair(), np.random.default_rng(3)), threshold=10.0)
    for name, (low, high) in {
        "removal": removal,
        "damage": damage,
        "removal_controlled": controlled,
        "clean_error": clean_error,
    }.items():
        assert low <= figures[name] <= high, name


@settings(max_examples=40)
@given(pictures(4), st.sampled_from([0.0, 10.0, 50.0, 200.0]), st.booleans())
def test_all_figures_equal_the_slow_reference(four, threshold, with_clean):
    rainy, clean, restored, restored_clean = four
    given_clean = restored_clean if with_clean else None
    expected = reference.figures(rainy, clean, restored, given_clean, threshold)
    o, b, x, c = map(tensor, four)
    figures = measure(o, b, x, c if with_clean else None, threshold)
    assert list(figures) == NAMES
    assert nulls(figures) == nulls(expected)
    assert drop_nulls(figures) == pytest.approx(drop_nulls(expected), rel=1e-9, abs=1e-9)


def test_rainy_pairs_equal_the_slow_reference_and_scikit_image():
    rainy, clean = synthetic_pair(seed=5, height=24, width=30)
    o, b, x, c = apply_oracle("blur, sigma 2", rainy, clean, None)
    restored, restored_clean = (each.permute(1, 2, 0).numpy() for each in (x, c))
    figures = measure(o, b, x, c, threshold=10.0)
    assert figures == pytest.approx(reference.figures(rainy, clean, restored, restored_clean, 10.0), rel=1e-9)

    def similarity(p, q):
        return structural_similarity(
            p, q, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, full=True
        )[1][5:-5, 5:-5].mean()

    floats = [each.astype(np.float64) for each in (restored, clean)]
    assert figures["ssim_rgb"] == pytest.approx(np.mean([similarity(*(p[..., k] for p in floats)) for k in range(3)]))
    assert figures["ssim_y"] == pytest.approx(similarity(*map(reference.luma, floats)))
    assert figures["psnr_rgb"] == pytest.approx(peak_signal_noise_ratio(clean, restored, data_range=255))


@given(pictures(4), st.floats(0, 255))
def test_figures_stay_in_their_declared_range(four, threshold):
    figures = measure(*map(tensor, four), threshold)
    for metric in METRICS:
        value = figures[metric.name]
        assert value is None or metric.range[0] <= value <= metric.range[1], metric.name


@given(pictures(3), st.floats(0, 255))
def test_any_partial_removal_has_no_damage(three, threshold):
    clean, rain, share = (each.astype(int) for each in three)
    rainy = np.minimum(255, clean + rain)
    restored = clean + (rainy - clean) * share // 255
    o, b, x = map(tensor, (rainy, clean, restored))
    assert metrics.damage(x, o, b, threshold) in (0, None)


@given(pictures(2), st.integers(-300, 300))
def test_a_constant_shift_is_no_controlled_removal(two, shift):
    rainy, clean = (tensor(each).long() for each in two)
    assert metrics.removal_controlled(rainy + shift, clean + shift, rainy, clean, 10.0) in (0, None)


def test_where_the_rainy_picture_is_darker_the_interval_is_the_clean_value():
    clean = torch.tensor([100, 100, 100]).view(3, 1, 1)
    rainy = torch.tensor([150, 100, 80]).view(3, 1, 1)
    assert metrics.damage(clean, rainy, clean, 10.0) == 0
    assert metrics.damage(rainy, rainy, clean, 10.0) == pytest.approx(math.sqrt(20**2 / 3))
    assert metrics.removal(rainy, rainy, clean, 10.0) == 0
    assert metrics.removal_controlled(rainy, clean, rainy, clean, 10.0) == 0


def test_the_mask_needs_more_than_the_threshold_in_one_channel():
    clean = torch.full((3, 1, 2), 100)
    rainy = clean.clone()
    rainy[1] += torch.tensor([[10, 11]])
    assert metrics.e_r(clean, rainy, clean, 10.0) == pytest.approx(math.sqrt(11**2 / 3))
    assert metrics.e_b(rainy, rainy, clean, 10.0) == pytest.approx(math.sqrt(10**2 / 3))


def test_single_functions_agree_with_measure():
    o, b, x, c = apply_oracle("darker by a fifth", *synthetic_pair(), None)
    singly = {
        "e_r": metrics.e_r(x, o, b, 10.0),
        "e_b": metrics.e_b(x, o, b, 10.0),
        "removal": metrics.removal(x, o, b, 10.0),
        "damage": metrics.damage(x, o, b, 10.0),
        "removal_controlled": metrics.removal_controlled(x, c, o, b, 10.0),
        "clean_error": metrics.clean_error(c, b),
        "psnr_rgb": metrics.psnr_rgb(x, b),
        "psnr_y": metrics.psnr_y(x, b),
        "ssim_rgb": metrics.ssim_rgb(x, b),
        "ssim_y": metrics.ssim_y(x, b),
    }
    assert singly == measure(o, b, x, c, 10.0)
    assert measure(*(each.float() for each in (o, b, x, c)), 10.0) == singly


def test_an_empty_mask_leaves_four_figures_undefined_and_e_b_over_all_pixels():
    o, b, x, c = apply_oracle("darker by 10", *synthetic_pair(), None)
    figures = measure(o, b, x, c, 200.0)
    assert nulls(figures) == {"e_r", "removal", "damage", "removal_controlled"}
    assert figures["e_b"] == pytest.approx(((x.double() - b) ** 2).mean().sqrt().item())


def test_a_full_mask_leaves_e_b_undefined():
    clean = torch.full((3, 12, 12), 100)
    assert nulls(measure(clean + 50, clean, clean + 1, clean, 10.0)) == {"e_b"}


def test_equal_pictures_have_no_psnr():
    rainy, clean = map(tensor, synthetic_pair())
    figures = measure(rainy, clean, clean, clean, 10.0)
    assert nulls(figures) == {"psnr_rgb", "psnr_y"}
    assert (figures["ssim_rgb"], figures["ssim_y"]) == (1, 1)


@pytest.mark.parametrize(("height", "width"), [(10, 40), (40, 10)])
def test_pictures_smaller_than_the_window_have_no_ssim(height, width):
    rainy, clean = (tensor(each)[:, :height, :width] for each in synthetic_pair())
    assert nulls(measure(rainy, clean, rainy, clean, 10.0)) == {"ssim_rgb", "ssim_y"}


def test_without_results_on_clean_pictures_two_figures_are_undefined():
    rainy, clean = map(tensor, synthetic_pair())
    assert nulls(measure(rainy, clean, rainy, None, 10.0)) == {"removal_controlled", "clean_error"}


def test_luma_is_not_rounded():
    clean = torch.full((3, 1, 1), 100)
    restored = clean + torch.tensor([0, 0, 1]).view(3, 1, 1)
    # A step of blue is a tenth of a level of Y: rounded, the two would be equal.
    assert metrics.psnr_y(restored, clean) == pytest.approx(20 * math.log10(255 / (24.966 / 255)))


def test_pictures_of_different_sizes_are_refused():
    clean = torch.zeros(3, 12, 12)
    for call in (
        lambda: measure(clean, clean, torch.zeros(3, 12, 13), None, 10.0),
        lambda: measure(clean, clean, clean, torch.zeros(3, 1, 1), 10.0),
        lambda: metrics.psnr_y(torch.zeros(3, 1, 1), clean),
    ):
        with pytest.raises(InputError, match="differ in size"):
            call()


@pytest.mark.parametrize("threshold", [-1.0, 256.0, math.nan])
def test_thresholds_outside_the_grey_levels_are_refused(threshold):
    clean = torch.zeros(3, 12, 12)
    with pytest.raises(InputError, match="threshold"):
        measure(clean, clean, clean, None, threshold)
    with pytest.raises(InputError, match="threshold"):
        MetricSums(threshold)


def some_pairs():
    return [
        apply_oracle(oracle, *synthetic_pair(seed), np.random.default_rng(seed))
        for seed, oracle in enumerate(["blur, sigma 2", "perfect", "70 % of the streaks", "darker by 10"])
    ]


@given(st.permutations(range(4)))
@settings(max_examples=5)
def test_the_order_of_pictures_does_not_matter(order):
    pairs = some_pairs()
    straight, shuffled = MetricSums(10.0, [50.0]), MetricSums(10.0, [50.0])
    for index in range(4):
        straight.add(*pairs[index])
        shuffled.add(*pairs[order[index]])
    assert shuffled.mean() == pytest.approx(straight.mean())
    assert shuffled.mean(50.0) == pytest.approx(straight.mean(50.0))
    assert shuffled.pooled() == pytest.approx(straight.pooled())


def test_means_leave_out_what_is_undefined_and_count_it():
    sums = MetricSums(10.0)
    rows = [sums.add(*pair) for pair in some_pairs()]
    rainless = tensor(synthetic_pair()[1])
    rows.append(sums.add(rainless, rainless, rainless, None))
    assert sums.images() == rows
    missing = sums.left_out()
    # Undefined: PSNR of the perfect and of the rainless picture; the mask and the results on clean of the latter.
    assert missing == dict.fromkeys(NAMES, 0) | {
        "e_r": 1, "removal": 1, "damage": 1, "removal_controlled": 1, "clean_error": 1, "psnr_rgb": 2, "psnr_y": 2,
    }  # fmt: skip
    for name in NAMES:
        defined = [row[name] for row in rows if row[name] is not None]
        assert sums.mean()[name] == pytest.approx(sum(defined) / len(defined))


def test_pooled_figures_are_those_of_all_pixels_laid_side_by_side():
    pairs = some_pairs()
    sums = MetricSums(10.0, [50.0])
    for pair in pairs:
        sums.add(*pair)
    joined = measure(*(torch.cat(each, dim=-1) for each in zip(*pairs, strict=True)), 10.0)
    assert sums.pooled() == pytest.approx({name: joined[name] for name in NAMES[:6]})


def test_a_picture_of_many_strips_has_the_figures_of_one(monkeypatch):
    pair = some_pairs()[0]
    whole = measure(*pair, 10.0)
    monkeypatch.setattr(metrics, "_STRIP_PIXELS", 5 * pair[0].shape[-1])
    assert measure(*pair, 10.0) == pytest.approx(whole, rel=1e-12)


def test_the_pooled_clean_error_is_unknown_if_that_of_a_picture_is():
    sums = MetricSums(10.0)
    for rainy, clean, restored, restored_clean in some_pairs()[:2]:
        sums.add(rainy, clean, restored, restored_clean)
    sums.add(rainy, clean, restored, None)
    assert {name for name, value in sums.pooled().items() if value is None} == {"removal_controlled", "clean_error"}


def test_further_thresholds_give_the_figures_of_these_thresholds():
    [pair, *_] = some_pairs()
    sums = MetricSums(10.0, [5.0, 50.0])
    sums.add(*pair)
    for threshold in (5.0, 10.0, 50.0):
        assert sums.mean(threshold) == measure(*pair, threshold)


def test_an_empty_set_has_no_figures():
    assert nulls(MetricSums(10.0).mean()) == set(NAMES)
    assert nulls(MetricSums(10.0).pooled()) == set(NAMES[:6])


@pytest.mark.parametrize("residual", ["local", "everywhere"])
def test_figures_of_a_signed_residual_are_those_of_its_oracles(residual: str) -> None:
    rng = np.random.default_rng(0)
    clean = torch.from_numpy(rng.integers(60, 180, (3, 24, 30)))
    noise = torch.from_numpy(2 * rng.integers(-25, 26, (3, 24, 30)))
    noisy = clean + noise
    expected = {
        "nothing": (noisy, clean, 0.0, 0.0, 0.0),
        "perfect": (clean, clean, 1.0, 0.0, 1.0),
        "half": (clean + noise // 2, clean, 0.5, 0.0, 0.5),
        "beyond": (clean + 2 * noise, clean, 0.0, float(_over(noise).double().square().mean() ** 0.5), -1.0),
        "darker": (noisy - 10, clean - 10, None, None, 0.0),
    }
    for restored, restored_clean, removal, damage, controlled in expected.values():
        figures = measure(noisy, clean, restored, restored_clean, 10.0, residual)
        assert figures["removal_controlled"] == pytest.approx(controlled)
        if removal is not None:
            assert (figures["removal"], figures["damage"]) == pytest.approx((removal, damage))
        assert (figures["e_b"] is None) == (residual == "everywhere")


def _over(noise: torch.Tensor) -> torch.Tensor:
    """The noise of the pixels whose largest channel exceeds 10 levels, whichever its sign."""
    return noise[:, noise.abs().amax(0) > 10]
