"""HEIC and AVIF pictures are read as a person sees them."""

import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from derain.errors import InputError, MissingExtraError
from derain.pictures.images import image_size, list_images, read_image

pillow_heif = pytest.importorskip("pillow_heif")


def save(picture: Image.Image, path: Path, **options: object) -> None:
    if path.suffix == ".avif":
        picture.save(path, quality=95, **options)
    else:
        pillow_heif.from_pillow(picture).save(path, quality=95, chroma=444, **options)


@pytest.mark.parametrize("suffix", ["heic", "avif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_rotated_pictures_are_turned_upright(orientation: int, suffix: str, tmp_path: Path) -> None:
    stored = np.full((64, 96, 3), 128, np.uint8)
    stored[:32, :32], stored[:32, 64:], stored[32:, :32] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    for name, options in (("a.png", {}), (f"a.{suffix}", {})):
        exif = Image.Exif()
        exif[0x0112] = orientation
        target = tmp_path / name
        if name == "a.png":
            Image.fromarray(stored).save(target, exif=exif, **options)
        elif suffix == "heic":
            picture = Image.fromarray(stored)
            picture.info["exif"] = exif.tobytes()
            writer = pillow_heif.HeifFile()
            writer.add_frombytes("RGB", (96, 64), stored.tobytes())
            writer.save(target, exif=exif.tobytes(), quality=95, chroma=444)
        else:
            save(Image.fromarray(stored), target, exif=exif.tobytes())
    upright = read_image(tmp_path / "a.png")
    assert image_size(tmp_path / f"a.{suffix}") == upright.shape[:2]
    assert np.abs(read_image(tmp_path / f"a.{suffix}").astype(int) - upright).mean() <= 4


def test_without_pillow_heif_a_photo_is_refused_by_its_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(Image.new("RGB", (64, 64)), tmp_path / "a.heic")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(MissingExtraError, match=r"a\.heic is a HEIF picture and needs pillow-heif, .*\[heif\]'"):
        read_image(tmp_path / "a.heic")


def test_ten_bits_are_read_at_8_with_a_note(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    levels = np.full((64, 64, 3), 200 * 257, np.uint16)
    writer = pillow_heif.HeifFile()
    writer.add_frombytes("RGB;16", (64, 64), levels.tobytes())
    writer.save(tmp_path / "a.heic", quality=-1, chroma=444)
    with caplog.at_level(logging.WARNING, logger="derain"):
        assert np.abs(read_image(tmp_path / "a.heic").astype(int) - 200).max() <= 1
    assert "a.heic has 10 bits a channel" in caplog.text


WRITE_AVIF = """
import sys, av, numpy as np
path, pixels = sys.argv[1:]
with av.open(path, "w", format="avif") as writer:
    stream = writer.add_stream("libsvtav1", rate=1)
    stream.width, stream.height, stream.pix_fmt = 64, 64, pixels
    frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 120, np.uint8), format="rgb24")
    writer.mux(stream.encode(frame.reformat(format=pixels)))
    writer.mux(stream.encode(None))
"""


@pytest.mark.parametrize(("pixels", "note"), [("yuv420p", ""), ("yuv420p10le", "a.avif has 10 bits a channel")])
def test_ten_bits_of_avif_are_read_at_8_with_a_note(
    pixels: str, note: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("av")
    # In a process of its own: for the superuser this encoder gives the process that calls it real-time priority.
    subprocess.run(
        [sys.executable, "-c", WRITE_AVIF, str(tmp_path / "a.avif"), pixels], check=True, capture_output=True
    )
    with caplog.at_level(logging.WARNING, logger="derain"):
        assert np.abs(read_image(tmp_path / "a.avif").astype(int) - 120).max() <= 3
    assert note in caplog.text
    assert len(caplog.records) == bool(note)


@pytest.mark.parametrize("suffix", ["heic", "avif"])
@pytest.mark.parametrize("share", [0.1, 0.9])
def test_broken_files_are_named(suffix: str, share: float, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    save(Image.effect_noise((64, 64), 60).convert("RGB"), path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match=rf"a\.{suffix}"):
        read_image(path)


def test_folders_list_them_and_jpegs_of_other_names(tmp_path: Path) -> None:
    names = ["a.HEIC", "b.heif", "c.hif", "d.avif", "e.jfif", "f.jpe", "g.mpo"]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in list_images(tmp_path)] == names
