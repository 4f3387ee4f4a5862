"""Pictures that are not read are refused by their kind."""

import re
import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from derain.errors import InputError
from derain.pictures.images import read_image
from derain.restoration.photos import read_photo


def refused(path: Path) -> str:
    """The sentence with which a file is refused, the same whoever reads it."""
    sentences = set()
    for read in (read_image, read_photo):
        with pytest.raises(InputError) as refusal:
            read(path)
        sentences.add(str(refusal.value))
    [sentence] = sentences
    return sentence


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ("float16", "16-bit levels (floating-point"),
        ("float32", "32-bit levels (floating-point"),
        ("float64", "64-bit levels (floating-point"),
        ("int16", "16-bit levels (signed"),
        ("int32", "32-bit levels (signed"),
        ("uint32", "32-bit levels (unsigned"),
    ],
)
def test_levels_that_are_not_read_are_named(channels: int, levels: str, words: str, tmp_path: Path) -> None:
    pixels = np.ones((20, 30, channels), levels).squeeze()
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb" if channels == 3 else "minisblack")
    assert f"a.tif has {words}; channels: {channels})" in refused(tmp_path / "a.tif")


@pytest.mark.parametrize(("code", "words"), [(50001, "as webp"), (65000, "by method 65000")])
def test_compressions_that_are_not_read_are_named_and_libtiff_is_silent(
    code: int, words: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((20, 30, 3), np.uint8), photometric="rgb")
    content = bytearray((tmp_path / "a.tif").read_bytes())
    place = content.index(struct.pack("<HHI", 259, 3, 1))  # the tag of the compression
    struct.pack_into("<H", content, place + 8, code)
    (tmp_path / "a.tif").write_bytes(content)
    assert f"a.tif is a TIFF picture compressed {words}, which is not read" in refused(tmp_path / "a.tif")
    assert not capfd.readouterr().err


def test_a_jpeg_of_12_bits_is_named(tmp_path: Path) -> None:
    file = BytesIO()
    Image.new("RGB", (64, 64)).save(file, "JPEG")
    content = bytearray(file.getvalue())
    content[content.index(b"\xff\xc0") + 4] = 12  # the precision in the header of the frame
    (tmp_path / "a.jpg").write_bytes(content)
    assert "a.jpg is a JPEG picture of 12 bits a channel, which is not read" in refused(tmp_path / "a.jpg")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"GIF89a" + bytes(20), "but a GIF picture"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "but a JPEG 2000 picture"),
        (b"8BPS\0\1" + bytes(20), "but a Photoshop file"),
        (b"%PDF-1.7", "but a PDF file"),
        (b"hello", "is not an image"),
        (b"\xff\xd8\xff", "is no whole image"),
        (b"II*\0\x08", "is no whole image"),
    ],
)
def test_other_kinds_of_files_are_named(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    assert re.search(rf"a\.jpg .*{words}", refused(tmp_path / "a.jpg"))


def test_nothing_but_our_sentence_is_told_of_a_damaged_tiff(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.tif"
    Image.effect_noise((200, 150), 60).save(path, compression="tiff_lzw")
    content = bytearray(path.read_bytes())
    content[2000:3000] = b"\xff" * 1000
    path.write_bytes(content)
    assert "its compressed pixels are damaged" in refused(path)
    assert capfd.readouterr() == ("", "")


def test_a_tiff_without_its_end_is_no_whole_image_and_pillow_is_silent(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    path = tmp_path / "a.tif"
    Image.effect_noise((200, 150), 60).save(path, compression="tiff_lzw")
    path.write_bytes(path.read_bytes()[:10_000])
    assert "a.tif is no whole image" in refused(path)
    assert list(recwarn) == []
