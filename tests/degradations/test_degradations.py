"""Degradations: each against an independent reference, a pure function of its seed, and what is refused."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from derain.degradations import KINDS, load_degradation, unseen_beside
from derain.degradations.blur import DefocusBlur, GaussianBlur, MotionBlur
from derain.degradations.drops import Drops
from derain.degradations.haze import Haze
from derain.degradations.jpeg import Jpeg
from derain.degradations.kind import Kind
from derain.degradations.noise import GaussianNoise, PoissonGaussianNoise
from derain.degradations.snow import Snow
from derain.errors import InputError
from derain.support.randomness import generator

PRESETS = [f"{kind}:{level}" for kind, ranges in KINDS.items() for level in ranges]


@pytest.fixture(scope="module")
def clean() -> torch.Tensor:
    """A picture with edges and texture, three times, `(3, 3, 60, 52)`."""
    rng = np.random.default_rng(0)
    coarse = np.kron(rng.integers(30, 220, (10, 13, 3)), np.ones((6, 4, 1)))
    picture = (coarse + rng.normal(0, 5, coarse.shape)).clip(0, 255).round()
    return torch.from_numpy(picture).float().permute(2, 0, 1).expand(3, -1, -1, -1)


def one(degradation: Kind, clean: torch.Tensor) -> np.ndarray:
    """The first picture degraded, `(h, w, 3)`."""
    return degradation.degrade(clean[:1], np.random.default_rng(3))[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize("text", [*PRESETS, "medium+jpeg:small"])
def test_a_degradation_is_a_pure_function_of_its_seed_and_gives_whole_levels(text: str, clean: torch.Tensor):
    degradation = load_degradation(text)
    first, second, other = (degradation.degrade(clean, generator(seed, "test")) for seed in (1, 1, 2))
    assert degradation.name in (text, "medium+jpeg:small")
    assert torch.equal(first, second)
    assert not torch.equal(first, clean)
    assert torch.equal(first, first.round().clamp(0, 255))
    if text != "jpeg:small":
        assert not torch.equal(first, other)


def _ranges(degradation: Kind) -> list[tuple[float, float]]:
    return [value for value in vars(degradation).values() if isinstance(value, tuple)]


@pytest.mark.parametrize("kind", KINDS)
def test_ranges_grow_and_unseen_lies_outside_of_all(kind: str):
    small, medium, large, unseen = (_ranges(each) for each in KINDS[kind].values())
    for (a, b), (c, d), (e, f) in zip(small, medium, large, strict=True):
        assert e <= c <= a <= b <= d <= f
    assert any(high < e or low > f for (low, high), (e, f) in zip(unseen, large, strict=True))


def test_noise_has_the_deviation_that_is_asked_for():
    grey = torch.full((2, 3, 128, 128), 128.0)
    noise = GaussianNoise(sigma=(20.0, 20.0)).degrade(grey, np.random.default_rng(0)) - grey
    assert float(noise.std()) == pytest.approx(np.sqrt(400 + 1 / 12), rel=0.01)
    assert float(noise.mean()) == pytest.approx(0, abs=0.3)
    neighbours = (noise[..., 1:] * noise[..., :-1]).mean() / noise.var()
    assert abs(float(neighbours)) < 0.02


def test_photon_noise_grows_with_the_light_as_its_formula_says():
    degradation = PoissonGaussianNoise(gain=(3.0, 3.0), read=(4.0, 4.0))
    for level in (60.0, 150.0):
        grey = torch.full((2, 3, 128, 128), level)
        noise = degradation.degrade(grey, np.random.default_rng(0)) - grey
        assert float(noise.var()) == pytest.approx(3 * level + 16 + 1 / 12, rel=0.03)
        assert float(noise.mean()) == pytest.approx(0, abs=0.3)


def test_jpeg_is_pillow_s(clean: torch.Tensor):
    file = BytesIO()
    Image.fromarray(clean[0].permute(1, 2, 0).byte().numpy()).save(file, "JPEG", quality=17)
    assert np.array_equal(one(Jpeg(quality=(17, 17)), clean), np.asarray(Image.open(file)))


def test_a_gaussian_blur_is_scipy_s(clean: torch.Tensor):
    picture = clean[0].permute(1, 2, 0).numpy()
    expected = ndimage.gaussian_filter(picture, (2.3, 2.3, 0), mode="nearest", truncate=4.5)
    assert np.abs(one(GaussianBlur(sigma_px=(2.3, 2.3)), clean) - expected).max() < 0.55


@pytest.mark.parametrize(("angle_deg", "axis"), [(0.0, 1), (90.0, 0), (-90.0, 0)])
def test_a_motion_blur_along_an_axis_is_scipy_s_box(angle_deg: float, axis: int, clean: torch.Tensor):
    expected = ndimage.uniform_filter1d(clean[0].permute(1, 2, 0).numpy(), 9, axis=axis, mode="nearest")
    blur = MotionBlur(length_px=(9.0, 9.0), angle_deg=(angle_deg, angle_deg))
    assert np.abs(one(blur, clean) - expected).max() < 0.55


def test_a_motion_blur_of_45_degrees_runs_up_to_the_right():
    point = torch.zeros(1, 3, 41, 41)
    point[..., 20, 20] = 255.0 * 9
    rows, columns = one(MotionBlur(length_px=(15.0, 15.0), angle_deg=(45.0, 45.0)), point)[..., 0].nonzero()
    assert np.corrcoef(rows, columns)[0, 1] < -0.9
    assert rows.max() - rows.min() in (10, 12)


def test_a_defocus_blur_is_the_mean_over_a_finely_sampled_disc():
    radius_px, fine = 4.3, 15
    steps = (np.arange(13 * fine) - (13 * fine - 1) / 2) / fine
    disc = (np.hypot(*np.meshgrid(steps, steps)) <= radius_px).reshape(13, fine, 13, fine).mean((1, 3))
    point = torch.zeros(1, 3, 13, 13)
    point[..., 6, 6] = 255.0 * 50
    found = one(DefocusBlur(radius_px=(radius_px, radius_px)), point)[..., 0]
    assert np.abs(found - 255.0 * 50 * disc / disc.sum()).max() < 0.06 * 255


def test_a_composition_takes_one_part_after_the_other(clean: torch.Tensor):
    both = load_degradation("jpeg:medium+blur:small")
    rng, expected = generator(4, "test"), clean
    for text in ("jpeg:medium", "blur:small"):
        expected = load_degradation(text).degrade(expected, rng)
    assert torch.equal(both.degrade(clean, generator(4, "test")), expected)
    assert unseen_beside(both).name == "jpeg:unseen+blur:unseen"
    assert load_degradation("medium+small").residual == "rain"


def test_a_file_gives_ranges_of_your_own(tmp_path: Path):
    (tmp_path / "dark.toml").write_text('kind = "shot"\ngain = [9, 10]\n')
    degradation = load_degradation(str(tmp_path / "dark.toml"))
    assert degradation == PoissonGaussianNoise("dark", (9, 10), (1.0, 8.0))
    assert degradation.describe() == {"kind": "shot", "name": "dark", "gain": [9, 10], "read": [1.0, 8.0]}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nois", r"unknown rain 'nois'; .*did you mean noise"),
        ("noise:huge", "unknown range of noise 'huge'; there are small, medium, large, unseen"),
        ("small:large", "unknown rain"),
        ("noise+", "unknown rain ''"),
        ("none.toml", "cannot read the rain in none.toml"),
    ],
)
def test_an_unknown_degradation_is_named(text: str, says: str):
    with pytest.raises(InputError, match=says):
        load_degradation(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('kind = "nois"', "unknown kind of degradation 'nois'"),
        ('kind = "noise"\nsigme = [1, 2]', "unknown key 'sigme' .did you mean sigma"),
        ('kind = "noise"\nsigma = [30, 2]', "sigma must go from low to high"),
        ('kind = "jpeg"\nquality = [0, 2]', "quality must lie between 0 and 101"),
        ('kind = "blur"\nsigma_px = [-1, 2]', "sigma_px must lie between 0 and 100"),
    ],
)
def test_a_file_that_makes_no_sense_is_named(tmp_path: Path, text: str, says: str):
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(InputError, match=f"own.toml.*{says}"):
        load_degradation(str(tmp_path / "own.toml"))


OWN = """
import torch

class Grey:
    residual = "local"
    def __init__(self, share=0.5):
        self.share = share
    def degrade(self, clean, rng):
        drawn = torch.from_numpy(rng.random(clean.shape))
        return torch.where(drawn < self.share, 128.0, clean)

class Small(Grey):
    def degrade(self, clean, rng):
        return clean[..., :-1]

class Bright(Grey):
    def degrade(self, clean, rng):
        return clean * 2

class Empty(Grey):
    def degrade(self, clean, rng):
        return clean / 0 * 0

class Counting(Grey):
    def degrade(self, clean, rng):
        self.share += 7
        return torch.full_like(clean, self.share)

class Writing(Grey):
    def degrade(self, clean, rng):
        return clean.mul_(0.5)

class Odd(Grey):
    residual = "odd"
"""


def test_a_degradation_of_your_own_is_described_by_its_code(tmp_path: Path, clean: torch.Tensor):
    (tmp_path / "own.py").write_text(OWN)
    own = load_degradation(f"{tmp_path}/own.py:Grey:share=0.25")
    changed = (own.degrade(clean, generator(0, "test")) != clean).float().mean()
    assert float(changed) == pytest.approx(0.25, abs=0.02)
    assert own.residual == "local"
    assert len(own.describe()["code"]) == 64


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Small", r"makes \(2, 3, 48, 47\) of pictures"),
        ("Bright", "outside 0..255"),
        ("Empty", "outside 0..255"),
        ("Counting", "no pure function of its seed"),
        ("Writing", "changes the clean pictures"),
        ("Odd", "unknown residual"),
    ],
)
def test_a_degradation_of_your_own_that_breaks_the_rules_is_named(tmp_path: Path, name: str, says: str):
    (tmp_path / "own.py").write_text(OWN)
    with pytest.raises(InputError, match=says):
        load_degradation(f"{tmp_path}/own.py:{name}")


def test_snow_covers_every_background_alike_and_leaves_the_rest_as_it_is():
    snow = Snow(number=(20.0, 20.0), radius_px=(2.0, 2.0), fall_px=(8.0, 8.0), angle_deg=(0.0, 0.0), cover=(0.8, 0.8))
    on = {level: snow.degrade(torch.full((1, 3, 96, 96), level), generator(1, "test")) for level in (0.0, 100.0, 240.0)}
    cover = on[0.0] / 240
    assert float(cover.max()) == pytest.approx(0.8, abs=0.01)
    assert float((on[100.0] - (100 * (1 - cover) + 240 * cover)).abs().max()) < 1
    assert (on[240.0] == 240).all()
    assert 0.2 < float((cover == 0).float().mean()) < 0.99
    flakes = ndimage.find_objects(ndimage.label(cover[0, 0].numpy() > 0.4)[0])
    rows, columns = max(flakes, key=lambda flake: flake[0].stop - flake[0].start)
    assert rows.stop - rows.start > columns.stop - columns.start


def test_haze_hides_more_of_what_is_farther_away_as_its_formula_says(clean: torch.Tensor):
    haze = Haze(beta=(1.5, 1.5), airlight=(200.0, 200.0))
    black = haze.degrade(torch.zeros(1, 3, 60, 52), generator(1, "test"))
    through = 1 - black / 200
    assert float(through.min()) >= np.exp(-1.5) - 0.01
    assert float(through[..., 0, :].mean()) < float(through[..., -1, :].mean()) - 0.2
    expected = through * clean[:1] + (1 - through) * 200
    assert float((haze.degrade(clean[:1], generator(1, "test")) - expected).abs().max()) < 1.5


def test_a_drop_shows_the_scene_upside_down_and_smaller():
    ramp = (torch.arange(80.0) + torch.arange(80.0)[:, None]).expand(1, 3, -1, -1)
    drops = Drops(number=(8.0, 8.0), radius_px=(5.0, 8.0), reach=(3.0, 3.0), edge=(0.01, 0.01))
    wet = drops.degrade(ramp, generator(5, "test"))[0, 0]
    changed = wet != ramp[0, 0]
    assert 0.01 < float(changed.float().mean()) < 0.5
    for side in (0, 1):
        inside = changed & changed.roll(1, side)
        steps = (wet - wet.roll(1, side))[inside]
        assert float(steps.median()) == -3
