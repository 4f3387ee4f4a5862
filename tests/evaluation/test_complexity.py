"""Complexity: the direct sums at full size, what figures tell of pictures and of rain, table and JSON."""

import importlib.util
import json
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import Tensor

from derain.errors import InputError
from derain.evaluation.complexity import (
    METHODS,
    compare,
    complexity_of_images,
    complexity_of_rain,
    fourier_complexity,
    structural_complexity,
)
from derain.painting import generate
from derain.pictures.images import list_images, write_image
from derain.rain import MEDIUM, Rain, Streaks, load_rain
from derain.support.choices import ComplexityMethod

_spec = importlib.util.spec_from_file_location(
    "complexity_reference", Path(__file__).parents[1] / "reference" / "complexity_reference.py"
)
assert _spec is not None
assert _spec.loader is not None
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)

REFERENCES = {"bagrov": reference.bagrov, "fourier": reference.fourier}


@pytest.fixture
def pictures() -> Tensor:
    """Noise, noise that is smoother and smoother to the right, and a gradient: (3, 128, 128)."""
    rng = np.random.default_rng(0)
    noise = rng.random((128, 128))
    walk = rng.normal(size=(128, 128)).cumsum(1) / 30
    return torch.from_numpy(np.stack([noise, walk, np.broadcast_to(np.linspace(0, 1, 128), (128, 128))]))


@dataclass(frozen=True)
class Given:
    """Rain that is one given layer, (h, w)."""

    layer: Tensor

    def layers(self, count: int, height: int, width: int, rng: np.random.Generator, device: Any = "cpu") -> Tensor:
        return self.layer.expand(count, 1, height, width)

    def describe(self) -> dict[str, Any]:
        return {"kind": "given"}


def _half_variance(pictures: Tensor) -> Tensor:
    return pictures.var((1, 2), correction=0) / 2


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("side", "factor", "levels"), [(128, 2, 7), (128, 2, 3), (108, 3, 3), (125, 5, 2)])
def test_equals_the_direct_sum_of_overlaps(
    pictures: Tensor, method: ComplexityMethod, side: int, factor: int, levels: int
) -> None:
    cut = pictures[:, :side, :side]
    measured = METHODS[method](cut, factor, levels)
    assert np.allclose(measured, REFERENCES[method](cut.numpy(), factor, levels), rtol=0, atol=1e-9)
    assert np.allclose(METHODS[method](cut.float(), factor, levels), measured, rtol=0, atol=1e-7)


def test_the_sum_is_half_the_variance_lost_and_less_by_filters(pictures: Tensor) -> None:
    assert torch.allclose(structural_complexity(pictures).sum(1), _half_variance(pictures))
    blocks = torch.nn.functional.avg_pool2d(pictures[:, None], 8)[:, 0]
    assert torch.allclose(
        structural_complexity(pictures, levels=3).sum(1), _half_variance(pictures) - _half_variance(blocks)
    )
    assert (fourier_complexity(pictures).sum(1) < _half_variance(pictures)).all()


@pytest.mark.parametrize("method", METHODS)
def test_brightness_does_not_matter_contrast_counts_squared(pictures: Tensor, method: ComplexityMethod) -> None:
    measured = METHODS[method](pictures, 2, 7)
    assert torch.allclose(METHODS[method](pictures + 10, 2, 7), measured, rtol=1e-9, atol=1e-12)
    assert torch.allclose(METHODS[method](255 * pictures, 2, 7), 255**2 * measured)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("period_px", [4, 16, 64])
def test_structure_is_found_at_its_scale(method: ComplexityMethod, period_px: int) -> None:
    waves = torch.sin(2 * torch.pi * torch.arange(128) / period_px + 0.1).expand(1, 128, 128)
    [scales] = METHODS[method](waves, 2, 7)
    # Waves are gone on the way to blocks as long as they are; filters cut them half-way.
    assert int(scales.argmax()) in (np.log2(period_px) - 1, np.log2(period_px) - 2)
    assert scales.max() > 0.4 * scales.sum()


@pytest.mark.parametrize("method", METHODS)
def test_scales_tell_a_gradient_from_a_texture_of_equal_variance(method: ComplexityMethod) -> None:
    gradient = torch.linspace(0, 1, 128, dtype=torch.float64).expand(128, 128)
    texture = gradient.flatten()[torch.randperm(128**2, generator=torch.Generator().manual_seed(0))].view(128, 128)
    smooth, rough = METHODS[method](torch.stack([gradient, texture]), 2, 7)
    assert smooth.sum() == pytest.approx(float(rough.sum()), rel=0.1)
    assert smooth[-1] > 0.7 * smooth.sum()
    assert rough[0] > 0.7 * rough.sum()


@pytest.mark.parametrize("method", METHODS)
def test_flat_pictures_have_none(method: ComplexityMethod) -> None:
    assert (METHODS[method](torch.tensor([0.0, 0.3, 1.0])[:, None, None].expand(3, 128, 128), 2, 7) == 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_sizes_that_do_not_divide_are_named(method: ComplexityMethod) -> None:
    with pytest.raises(InputError, match="48 x 64 pixels are no multiple of blocks of 32 x 32"):
        METHODS[method](torch.zeros(1, 64, 48), 2, 5)
    with pytest.raises(InputError, match="factor must be at least 2 and the levels at least 1, not 1 and 3"):
        METHODS[method](torch.zeros(1, 64, 64), 1, 3)


def test_means_over_patches_around_the_middle_then_over_pictures(tmp_path: Path) -> None:
    half = np.zeros((128, 128, 3), np.uint8)
    half[:, 64:] = 255
    picture = np.random.default_rng(0).integers(0, 255, (140, 270, 3), dtype=np.uint8)
    picture[6:134, 7:135] = half
    picture[6:134, 135:263] = 77
    write_image(tmp_path / "a.png", picture)
    write_image(tmp_path / "b.png", half)
    reported: list[int] = []
    measured = complexity_of_images(list_images(tmp_path), report=reported.append)
    assert (measured.names, measured.patches, reported) == (["a.png", "b.png"], [2, 1], [1, 2])
    # Black and white halves: a variance of a quarter, all of it lost in the last step.
    assert measured.complexities.tolist() == pytest.approx([0.125 / 2, 0.125])
    assert measured.mean == pytest.approx(0.125 * 3 / 4)
    assert measured.spread == pytest.approx(0.0625 / 2**0.5)
    assert measured.shares == pytest.approx([0] * 6 + [1])


def test_a_picture_that_is_too_small_or_broken_is_named(tmp_path: Path) -> None:
    write_image(tmp_path / "small.png", np.zeros((127, 300, 3), np.uint8))
    with pytest.raises(InputError, match=r"small\.png has 300 x 127 pixels, less than a patch of 128 x 128"):
        complexity_of_images([tmp_path / "small.png"])
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"broken\.png"):
        complexity_of_images([tmp_path / "broken.png"])
    with pytest.raises(InputError, match="no picture to measure"):
        complexity_of_images([])


@pytest.mark.parametrize("method", METHODS)
def test_rain_counts_as_it_does_on_a_black_photo(tmp_path: Path, method: ComplexityMethod) -> None:
    layer = Streaks(MEDIUM, "paper").layers(1, 128, 128, np.random.default_rng(0))[0, 0] * 2
    assert layer.max() > 255
    rainy = layer.clamp(0, 255).to(torch.uint8)[..., None].expand(-1, -1, 3)
    write_image(tmp_path / "rain.png", rainy.numpy())
    rain = complexity_of_rain(Rain("given", ((1.0, Given(layer)),)), layers=1, method=method)
    photo = complexity_of_images([tmp_path / "rain.png"], method)
    assert rain.scales.numpy() == pytest.approx(photo.scales.numpy())
    assert rain.spread is None


def test_rain_depends_on_its_seed_and_range() -> None:
    small, large = load_rain("small"), load_rain("large")
    measured = complexity_of_rain(small, layers=100)
    assert measured.scales.shape == (100, 7)
    assert torch.equal(measured.scales, complexity_of_rain(small, layers=100).scales)
    assert torch.equal(measured.scales[:50], complexity_of_rain(small, layers=50).scales)
    assert not torch.equal(measured.scales, complexity_of_rain(small, layers=100, seed=1).scales)
    assert len(set(measured.complexities.tolist())) == 100
    assert complexity_of_rain(large, layers=100).spread > 1.1 * measured.spread
    with pytest.raises(InputError, match="number of layers must be at least 1, not 0"):
        complexity_of_rain(small, layers=0)


def test_comparison_as_table_and_json(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for folder, contrast in (("calm", 10), ("busy", 250), ("flat", 1)):
        (tmp_path / folder).mkdir()
        for number in range(2):
            image = rng.integers(0, contrast, (128, 256, 3), dtype=np.uint8)
            write_image(tmp_path / folder / f"{number}.png", image)
    reported: list[tuple[int, int]] = []
    folders = [tmp_path / "calm", tmp_path / "busy", tmp_path / "flat"]
    comparison = compare(
        folders, [load_rain("small")], "fourier", layers=3, seed=5, report=lambda *done: reported.append(done)
    )
    assert reported == [(number, 7) for number in range(1, 8)]

    written = json.loads(json.dumps(comparison.to_json(), allow_nan=False))
    assert written["settings"]["method"] == "fourier"
    assert (written["settings"]["rain_layers"], written["settings"]["rain_seed"]) == (3, 5)
    calm, busy, flat = written["folders"]
    assert calm["folder"] == str(folders[0])
    assert calm["mean"] < busy["mean"] / 100
    assert [image["name"] for image in busy["images"]] == ["0.png", "1.png"]
    assert busy["mean"] == pytest.approx(sum(image["complexity"] for image in busy["images"]) / 2)
    assert busy["images"][0]["complexity"] == pytest.approx(sum(busy["images"][0]["scales"]))
    assert sum(busy["shares"]) == pytest.approx(1)
    assert (flat["mean"], flat["shares"]) == (0, None)
    [small] = written["rains"]
    assert (small["rain"], small["description"]["families"][0]["recipe"]) == ("small", "paper")

    console = Console(width=80, record=True)
    console.print(comparison.table())
    text = console.export_text()
    assert "fourier" in text
    for mean in (calm["mean"], busy["mean"], small["mean"]):
        assert f"{mean:.4f}" in text


def test_brackets_in_names_are_no_markup(tmp_path: Path) -> None:
    folder = tmp_path / "photos [old] [" / "b]"
    folder.mkdir(parents=True)
    write_image(folder / "a.png", generate(0, 128))
    file = StringIO()
    Console(file=file, width=200).print(compare([folder], []).table())
    assert str(folder) in file.getvalue()


def test_nothing_to_compare() -> None:
    with pytest.raises(InputError, match="give at least one folder of pictures or one rain"):
        compare([], [])


def test_real_photos(data: Path) -> None:
    """Comics have the most structure and faces the least of it in fine detail (docs/concepts/complexity.md)."""
    sums, fine = {}, {}
    for category in ("natural", "faces", "comics"):
        measured = complexity_of_images(list_images(data / category / "train")[::4])
        sums[category], fine[category] = measured.mean, sum(measured.shares[:3])
    assert sums["natural"] < sums["faces"] < sums["comics"]
    assert fine["faces"] < fine["natural"] < fine["comics"]
