"""Generated backgrounds: a pure function of seed and index, as varied as photographs, and folders of them."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from derain import cli
from derain.errors import InputError
from derain.painting import KINDS, generate, paint
from derain.pictures.backgrounds import load_patches
from derain.pictures.images import list_images, read_image

LUMA = np.array([0.299, 0.587, 0.114])


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    return [generate(index, 128, seed=2) for index in range(8 * len(KINDS))]


def figures(image: np.ndarray) -> dict[str, float]:
    """Properties that photographs have in common, of levels (h, w, 3)."""
    rgb = image.astype(np.float64)
    luma = rgb @ LUMA
    across = np.diff(luma, axis=1)
    channels = np.corrcoef(rgb.reshape(-1, 3).T)
    return {
        "mean": luma.mean(),
        "deviation": luma.std(),
        "gradient": np.sqrt((across**2).mean()),
        "kurtosis": np.log10((across**4).mean() / (across**2).mean() ** 2),
        "saturation": ((rgb.max(2) - rgb.min(2)) / (rgb.max(2) + 1)).mean(),
        "red and green": channels[0, 1],
    }


@pytest.mark.parametrize("index", range(len(KINDS)))
def test_a_picture_depends_on_seed_and_index_alone(index: int) -> None:
    picture = generate(index, 48, seed=1)
    generate(index + 1, 48, seed=1)
    assert np.array_equal(picture, generate(index, 48, seed=1))
    assert not np.array_equal(picture, generate(index, 48, seed=2))
    assert not np.array_equal(picture, generate(index + len(KINDS), 48, seed=1))


@pytest.mark.parametrize("size_px", [32, 45, 200])
def test_pictures_have_the_size_asked_for(size_px: int) -> None:
    picture = generate(2, size_px)
    assert picture.shape == (size_px, size_px, 3)
    assert picture.dtype == np.uint8


def test_pictures_show_something_and_use_the_range_of_levels(pictures: list[np.ndarray]) -> None:
    for picture in pictures:
        luma = picture @ LUMA
        assert luma.std() > 5
        assert 10 < luma.mean() < 245
        assert np.ptp(luma) > 60


def test_there_are_upright_edges_in_all_strengths(pictures: list[np.ndarray]) -> None:
    """Masts, fences and corners of houses are background; a network must have met them to keep them."""
    shares = []
    for picture in pictures:
        luma = picture @ LUMA
        across, down = np.diff(luma, axis=1)[:-1], np.diff(luma, axis=0)[:, :-1]
        upright = np.abs(down) < np.tan(np.radians(15)) * np.abs(across)
        energy = across**2 + down**2
        shares.append(energy[upright].sum() / energy.sum())
    assert np.mean(shares) > 1 / 6  # more than by chance
    assert np.max(shares) > 0.4
    assert np.min(shares) < 0.15


def test_pictures_differ_as_photographs_do(pictures: list[np.ndarray], data: Path) -> None:
    photographs = [figures(read_image(path)[:128, :128]) for path in list_images(data / "natural" / "train")[:60]]
    generated = [figures(picture) for picture in pictures]
    for name in photographs[0]:
        real, ours = (np.array([each[name] for each in group]) for group in (photographs, generated))
        assert abs(real.mean() - ours.mean()) < real.std(), name
        assert 0.3 < ours.std() / real.std() < 3, name


@pytest.mark.parametrize(
    ("index", "size_px", "seed", "sentence"),
    [
        (0, 31, 0, "the size of generated pictures must be at least 32 px, not 31"),
        (-1, 64, 0, "generated pictures are numbered from 0, so there is no -1"),
        (0, 64, -1, "a seed must not be negative, as -1 is"),
    ],
)
def test_bad_settings_are_named(index: int, size_px: int, seed: int, sentence: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(sentence)}$"):
        generate(index, size_px, seed)


@pytest.mark.slow
def test_painting_goes_on_where_it_stopped(tmp_path: Path) -> None:
    reported: list[tuple[int, int]] = []
    paths = paint(tmp_path, 3, size_px=32, seed=4)
    assert paths == list_images(tmp_path)
    before = [path.read_bytes() for path in paths]
    kept = paths[0].stat().st_mtime_ns
    paths[1].unlink()
    paths[2].write_bytes(before[2][:100])
    more = paint(tmp_path, 4, size_px=32, seed=4, workers=2, report=lambda *progress: reported.append(progress))
    assert [path.read_bytes() for path in more[:3]] == before
    assert more[0].stat().st_mtime_ns == kept
    assert [path.name for path in list_images(tmp_path)] == [f"generated-0000{index}.png" for index in range(4)]
    assert np.array_equal(read_image(more[3]), generate(3, 32, seed=4))
    assert reported == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.slow
def test_a_folder_holds_pictures_of_one_seed_and_size(tmp_path: Path) -> None:
    [path] = paint(tmp_path, 1, size_px=32, seed=4)
    before = path.read_bytes()
    for size_px, seed in ((32, 5), (33, 4)):
        with pytest.raises(InputError, match=f"^{re.escape(str(tmp_path))} holds other generated pictures"):
            paint(tmp_path, 1, size_px, seed)
    (tmp_path / "generated.json").write_text("{")
    with pytest.raises(InputError, match=r"generated\.json was not written by this version of derain paint"):
        paint(tmp_path, 1, 32, 4)
    assert path.read_bytes() == before


def test_pictures_of_another_origin_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "generated-00001.png").write_text("mine")
    with pytest.raises(InputError, match=r"generated-00001\.png is no result of derain paint and is not overwritten"):
        paint(tmp_path, 2, size_px=32)
    assert [path.name for path in tmp_path.iterdir()] == ["generated-00001.png"]
    assert (tmp_path / "generated-00001.png").read_text() == "mine"


@pytest.mark.parametrize(
    ("number", "size_px", "seed", "workers"), [(0, 32, 0, 1), (1, 8, 0, 1), (1, 32, -1, 1), (1, 32, 0, 0)]
)
def test_nothing_is_made_of_bad_numbers(tmp_path: Path, number: int, size_px: int, seed: int, workers: int) -> None:
    with pytest.raises(InputError, match=r"must be at least|must not be negative"):
        paint(tmp_path / "new", number, size_px, seed, workers)
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_the_command_makes_a_folder_to_train_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "generated"
    command = ["derain", "paint", "--out", str(out), "--number", "2", "--size", "40", "--seed", "3", "--workers", "1"]
    monkeypatch.setattr(sys, "argv", command)
    cli.main()
    assert "2 pictures in" in capsys.readouterr().out
    assert json.loads((out / "generated.json").read_text()) == {"seed": 3, "size_px": 40}
    assert load_patches(list_images(out), 2, 32, seed=0).photos == 2
    monkeypatch.setattr(sys, "argv", ["50" if word == "40" else word for word in command])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    assert "holds other generated pictures" in " ".join(capsys.readouterr().err.split())


def test_a_picture_that_differs_only_in_case_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "GENERATED-00001.PNG").touch()
    with pytest.raises(InputError, match=r"GENERATED-00001\.PNG is no result of derain paint"):
        paint(tmp_path, 2, 40)
    assert len(list(tmp_path.iterdir())) == 1
