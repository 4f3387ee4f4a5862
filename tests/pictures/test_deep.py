"""All 16 bits of PNG and TIFF pictures are read and written."""

from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from derain.pictures.decoding import opened
from derain.pictures.deep import deep_levels, encode_png_16, encode_tiff_16

SIZE = (20, 30)


def noise(channels: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 65536, (*SIZE, channels), dtype=np.uint16)


def read(path: Path) -> np.ndarray | None:
    with opened(path) as image:
        return deep_levels(image, path)


def for_opencv(levels: np.ndarray) -> np.ndarray:
    return levels[..., [2, 1, 0, 3][: levels.shape[2]]] if levels.shape[2] > 2 else levels


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_opencvs_pictures_are_read(suffix: str, channels: int, tmp_path: Path) -> None:
    levels = noise(channels)
    assert cv2.imwrite(str(tmp_path / f"a.{suffix}"), for_opencv(levels))  # TIFF compressed by LZW
    assert np.array_equal(read(tmp_path / f"a.{suffix}"), levels)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_tiff_files_of_either_order_and_in_tiles_are_read(
    channels: int, order: str, tile: tuple[int, int] | None, tmp_path: Path
) -> None:
    levels = noise(channels)
    tifffile.imwrite(
        tmp_path / "a.tif", levels.squeeze(), photometric="rgb" if channels > 1 else "minisblack", byteorder=order,
        tile=tile, extrasamples=["unassalpha"] if channels == 4 else None,
    )  # fmt: skip
    assert np.array_equal(read(tmp_path / "a.tif"), levels)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_files_are_what_others_read(channels: int, tmp_path: Path) -> None:
    levels = noise(channels)
    like = BytesIO()
    Image.new("RGB", (1, 1)).save(like, "PNG", icc_profile=b"of the camera", dpi=(300, 300))
    path = tmp_path / "a.png"
    path.write_bytes(encode_png_16(levels, like.getvalue()))
    assert np.array_equal(read(path), levels)
    if channels != 2:  # which OpenCV makes four of
        assert np.array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED).reshape(levels.shape), for_opencv(levels))
    with Image.open(path) as image:
        assert image.info["icc_profile"] == b"of the camera"


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_tiff_files_are_what_others_read(channels: int, tmp_path: Path) -> None:
    levels = noise(channels)
    exif = Image.Exif()
    exif[0x010F], exif[0x8769] = "Acme", {0x9003: "2024:01:02 03:04:05"}
    path = tmp_path / "a.tif"
    metadata = {"exif": exif.tobytes(), "icc_profile": b"of the camera", "dpi": (300.0, 200.0)}
    path.write_bytes(encode_tiff_16(levels, metadata))
    assert np.array_equal(read(path), levels)
    assert np.array_equal(tifffile.imread(path).reshape(levels.shape), levels)
    assert np.array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED).reshape(levels.shape), for_opencv(levels))
    with Image.open(path) as image:
        assert image.info["icc_profile"] == b"of the camera"
        assert image.info["dpi"] == (300, 200)
        assert image.getexif()[0x010F] == "Acme"
        assert image.getexif().get_ifd(0x8769)[0x9003] == "2024:01:02 03:04:05"


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "1", "RGBA"])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_pictures_of_8_bits_are_none(mode: str, suffix: str, tmp_path: Path) -> None:
    Image.new(mode, SIZE).save(tmp_path / f"a.{suffix}")
    assert read(tmp_path / f"a.{suffix}") is None
