"""Rain on a folder of photos, as files: what is written again, and what is not overwritten."""

from pathlib import Path

import numpy as np
import pytest

from derain.errors import InputError
from derain.pictures.images import read_image, write_image
from derain.rain import load_rain
from derain.rain.synthesis import synthesise


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "street.png"
    write_image(path, np.full((40, 50, 3), 90, np.uint8))
    return path


def test_results_are_written_again_and_others_added(photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "pairs"
    synthesise([photo], load_rain("small"), 0, out)
    first = read_image(out / "rainy" / "street.png")
    synthesise([photo.rename(tmp_path / "wall.png")], load_rain("small"), 0, out)
    write_image(photo, np.full((40, 50, 3), 90, np.uint8))
    synthesise([photo], load_rain("large"), 0, out)
    assert not np.array_equal(read_image(out / "rainy" / "street.png"), first)
    assert {path.name for path in (out / "rainy").iterdir()} == {"street.png", "wall.png"}


def test_files_of_another_origin_are_not_overwritten(photo: Path, tmp_path: Path) -> None:
    own = tmp_path / "pairs" / "clean" / "street.png"
    own.parent.mkdir(parents=True)
    own.write_text("mine")
    with pytest.raises(InputError, match=r"clean.street\.png is no result of derain synth and is not overwritten"):
        synthesise([photo], load_rain("small"), 0, tmp_path / "pairs")
    assert own.read_text() == "mine"
    assert {path.name for path in (tmp_path / "pairs").rglob("*")} == {"clean", "street.png"}


def test_what_a_failed_run_did_not_write_is_not_claimed(photo: Path, tmp_path: Path) -> None:
    out, broken = tmp_path / "pairs", tmp_path / "wall.png"
    broken.write_bytes(photo.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"wall\.png"):
        synthesise([photo, broken], load_rain("small"), 0, out)
    write_image(broken, np.full((40, 50, 3), 90, np.uint8))
    (out / "rainy" / "wall.png").write_text("mine")
    with pytest.raises(InputError, match=r"rainy.wall\.png is no result of derain synth and is not overwritten"):
        synthesise([photo, broken], load_rain("small"), 0, out)
    synthesise([photo], load_rain("small"), 0, out)


@pytest.mark.parametrize("record", ["[]", '{"photos": [1]}'])
def test_a_record_of_another_program_is_named(photo: Path, tmp_path: Path, record: str) -> None:
    (tmp_path / "synthesis.json").write_text(record)
    with pytest.raises(InputError, match=r"synthesis\.json was not written by this version of derain synth"):
        synthesise([photo], load_rain("small"), 0, tmp_path)
    assert (tmp_path / "synthesis.json").read_text() == record


@pytest.mark.parametrize(("name", "other"), [("IMG_1.JPG", "img_1.png"), ("caf\u00e9.png", "cafe\u0301.png")])
def test_names_that_some_file_system_takes_for_one_are_refused_before_anything_is_done(
    photo: Path, tmp_path: Path, name: str, other: str
) -> None:
    photos = [tmp_path / "a" / name, tmp_path / "b" / other]
    for path in photos:
        path.parent.mkdir()
        path.write_bytes(photo.read_bytes())
    with pytest.raises(InputError, match=rf"a/{name} and .*b/{other} would both be written to"):
        synthesise(photos, load_rain("small"), 0, tmp_path / "pairs")
    assert not (tmp_path / "pairs").exists()
    synthesise(photos[:1], load_rain("small"), 0, tmp_path / "pairs")
    with pytest.raises(InputError, match="only in case or Unicode form"):
        synthesise(photos[1:], load_rain("small"), 0, tmp_path / "pairs")
    assert len(list((tmp_path / "pairs" / "rainy").iterdir())) == 1
