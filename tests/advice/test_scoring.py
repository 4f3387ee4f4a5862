"""Test pictures of candidates: no candidate's own rain, the same for all; and the fate of undefined figures."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from derain.advice.scoring import Probes, probes_beside, summarise
from derain.errors import InputError
from derain.pictures.images import write_image
from derain.rain import PRESETS, load_rain
from derain.rain.unseen import UNSEEN


@pytest.fixture
def photos(tmp_path: Path) -> tuple[Path, ...]:
    rng = np.random.default_rng(0)
    paths = tuple(tmp_path / f"{index}.png" for index in range(3))
    for path in paths:
        write_image(path, np.kron(rng.integers(0, 200, (4, 4, 3)), np.ones((16, 16, 1))).astype(np.uint8))
    return paths


def test_no_preset_is_a_probe() -> None:
    assert probes_beside([load_rain(name) for name in PRESETS]) == UNSEEN


def test_a_probe_that_is_trained_on_is_left_out(tmp_path: Path) -> None:
    toml = tmp_path / "fine.toml"
    toml.write_text('[[family]]\nkind = "lines"\nnumber = [600, 1500]\nlength_px = [3, 8]\nlevel = [0.15, 0.3]\n')
    left = probes_beside([load_rain("wide"), load_rain(str(toml))])
    assert [probe.name for probe in UNSEEN if probe not in left] == ["drizzle"]
    with pytest.raises(InputError, match="leave one of them out"):
        probes_beside(UNSEEN)


def test_every_probe_is_rain_on_patches_of_its_own(photos: tuple[Path, ...]) -> None:
    probes = Probes(UNSEEN, photos, size_px=48, seed=0)
    laid = probes.lay()
    cleans = [clean for each in laid for _, _, clean in each.samples]
    assert len({clean.numpy().tobytes() for clean in cleans}) == 16 * len(UNSEEN)
    for each in laid:
        rainy_share = [
            float(((rainy.int() - clean.int()).amax(0) > 10).float().mean()) for _, rainy, clean in each.samples
        ]
        assert len(rainy_share) == 16
        assert np.mean(rainy_share) > 0.1, each.name
    again = probes.lay()
    assert all(
        torch.equal(a[1], b[1])
        for x, y in zip(laid, again, strict=True)
        for a, b in zip(x.samples, y.samples, strict=True)
    )
    assert [each.source for each in replace(probes, seed=1).lay()] != [each.source for each in laid]
    json.dumps([each.source for each in laid])


def test_where_photos_are_as_small_as_a_patch_the_probes_share_them(photos: tuple[Path, ...]) -> None:
    laid = Probes(UNSEEN, photos, size_px=64, seed=0).lay()
    assert len({clean.numpy().tobytes() for each in laid for _, _, clean in each.samples}) == 3
    assert len({rainy.numpy().tobytes() for each in laid for _, rainy, _ in each.samples}) == 16 * len(UNSEEN)


def test_pairs_are_one_more_probe(photos: tuple[Path, ...]) -> None:
    folder = photos[0].parent
    laid = Probes(UNSEEN[:1], photos, 48, seed=0, pairs=(folder, folder)).lay()
    assert [(each.name, len(each.samples)) for each in laid] == [("threads", 16), ("validation pairs", 3)]


def figures(psnr_y: float | None, removal: float | None, clean_error: float = 10.0) -> dict[str, float | None]:
    return {"psnr_y": psnr_y, "removal_controlled": removal, "clean_error": clean_error}


def test_probes_count_alike_whatever_their_number_of_pictures() -> None:
    probes = {"a": [figures(20.0, 0.5)] * 9, "b": [figures(30.0, 0.7), figures(32.0, 0.9)]}
    found = summarise(probes, "balanced")
    assert (found.score, found.psnr_y) == (25.5, 25.5)
    assert found.removal == pytest.approx(0.65)
    assert found.error == pytest.approx(0.5)  # only the second has a spread: its standard error is 1, and half counts
    assert summarise(probes, "removal").score == pytest.approx(25.5 + 20 * 0.65)
    assert summarise(probes, "picture").score == pytest.approx(25.5 - 0.5 * 10)


def test_pictures_without_rain_say_nothing() -> None:
    found = summarise({"a": [figures(20.0, 0.5), figures(50.0, None)]}, "balanced")
    assert found.score == 20.0
    assert found.pictures == ((20.0, None),)
    with pytest.raises(InputError, match="none of the validation pairs shows rain"):
        summarise({"a": [figures(20.0, 0.5)], "validation pairs": [figures(None, None)]}, "balanced")
