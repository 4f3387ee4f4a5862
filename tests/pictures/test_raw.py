"""RAW files are developed, not taken for the small preview in them."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from derain.errors import InputError, MissingExtraError
from derain.pictures.images import image_size, read_image

WriteRaw = Callable[..., None]


@pytest.mark.parametrize("name", ["a.nef", "a.NEF", "a.tif"])
def test_the_sensors_picture_is_read_not_the_preview(name: str, write_nef: WriteRaw, tmp_path: Path) -> None:
    write_nef(tmp_path / name)
    assert image_size(tmp_path / name) == (150, 200)
    assert read_image(tmp_path / name).shape == (150, 200, 3)


@pytest.mark.parametrize(
    ("orientation", "size", "red", "grey"),
    [(1, (64, 96), (0, 0), (-1, -1)), (3, (64, 96), (-1, -1), (0, 0)), (6, (96, 64), (0, 0), (-1, -1))],
)
def test_raw_files_are_developed_upright_in_their_colours(
    orientation: int, size: tuple[int, int], red: tuple[int, int], grey: tuple[int, int], write_dng: WriteRaw,
    tmp_path: Path,
) -> None:  # fmt: skip
    write_dng(tmp_path / "a.dng", orientation)
    developed = read_image(tmp_path / "a.dng").astype(int)
    assert image_size(tmp_path / "a.dng") == developed.shape[:2] == size
    assert developed[red][0] > developed[red][1:].max() + 100
    assert np.ptp(developed[grey]) <= 2


def test_without_rawpy_a_raw_file_is_refused_by_its_kind(
    write_nef: WriteRaw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_nef(tmp_path / "a.nef")
    monkeypatch.setitem(sys.modules, "rawpy", None)
    for read in (read_image, image_size):
        with pytest.raises(MissingExtraError, match=r"a\.nef is a RAW file and needs rawpy, .*'derain\[raw\]'"):
            read(tmp_path / "a.nef")


@pytest.mark.parametrize("kept", [20, 600, 3000])
def test_broken_raw_files_are_named(kept: int, write_dng: WriteRaw, tmp_path: Path) -> None:
    write_dng(tmp_path / "a.dng")
    (tmp_path / "a.dng").write_bytes((tmp_path / "a.dng").read_bytes()[:kept])
    with pytest.raises(InputError, match=r"a\.dng is a RAW file that LibRaw cannot develop: \w"):
        read_image(tmp_path / "a.dng")


def test_large_raw_files_are_refused_before_they_are_developed(write_nef: WriteRaw, tmp_path: Path) -> None:
    write_nef(tmp_path / "a.nef")
    with pytest.raises(InputError, match=r"a\.nef has 200 x 150 pixels, more than the limit of 29,999"):
        read_image(tmp_path / "a.nef", max_pixels=29_999)


def test_a_jpeg_file_of_a_raw_files_name_is_read_as_jpeg(tmp_path: Path) -> None:
    Image.new("RGB", (9, 7)).save(tmp_path / "a.dng", format="JPEG")
    assert read_image(tmp_path / "a.dng").shape == (7, 9, 3)
