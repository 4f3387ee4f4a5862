"""A restored photo is the photo that was read, in all but its pixels."""

import logging
import struct
import zlib
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, PngImagePlugin

from derain.errors import InputError
from derain.pictures.images import read_image
from derain.restoration.photos import encode_photo, encode_strip, read_photo

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SIZE = (40, 56)
LOSSY = ("jpg", "webp")


def pixels(channels: int) -> np.ndarray:
    """Blocks of one colour, which survive JPEG."""
    blocks = np.random.default_rng(0).integers(40, 216, (SIZE[0] // 8, SIZE[1] // 8, channels))
    return np.kron(blocks, np.ones((8, 8, 1), int)).astype(np.uint8)


def picture(mode: str) -> Image.Image:
    if mode in ("P", "1", "CMYK"):
        return Image.fromarray(pixels(3)).convert(mode)
    array = pixels(len(mode))
    return Image.fromarray(array[..., 0] if mode == "L" else array)


def written(path: Path, content: bytes) -> Path:
    target = path.with_name(f"restored-{path.name}")
    target.write_bytes(content)
    return target


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [
        *(("RGB", suffix) for suffix in ("png", "jpg", "webp", "tif", "bmp", "ppm")),
        *(("L", suffix) for suffix in ("png", "jpg", "tif", "bmp", "pgm")),
        *(("RGBA", suffix) for suffix in ("png", "webp", "tif")),
        *(("LA", suffix) for suffix in ("png", "tif")),
    ],
)
def test_format_channels_and_transparency_stay(mode: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"photo.{suffix}"
    picture(mode).save(path)
    photo = read_photo(path)
    target = written(path, encode_photo(photo, photo.rgb, quality=95))
    with Image.open(path) as before, Image.open(target) as after:
        assert (after.format, after.size, after.mode) == (before.format, before.size, before.mode)
        difference = np.abs(np.asarray(before).astype(int) - np.asarray(after))
        assert difference.mean() <= (4 if suffix in LOSSY else 0)
        if "A" in mode:
            assert (difference[..., -1] == 0).all()


@pytest.mark.parametrize(
    ("mode", "suffix", "becomes"), [("P", "png", "RGB"), ("1", "png", "L"), ("CMYK", "jpg", "RGB")]
)
def test_other_colours_become_rgb_or_grey(mode: str, suffix: str, becomes: str, tmp_path: Path) -> None:
    path = tmp_path / f"photo.{suffix}"
    picture(mode).save(path, icc_profile=PROFILE)
    photo = read_photo(path)
    with Image.open(written(path, encode_photo(photo, photo.rgb, 95))) as after:
        assert after.mode == becomes
        # The profile of inks says nothing of RGB.
        assert ("icc_profile" in after.info) == (mode != "CMYK")


def test_a_transparent_palette_stays_transparent(tmp_path: Path) -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putdata([0, 1])
    palette.save(tmp_path / "a.png", transparency=1)
    photo = read_photo(tmp_path / "a.png")
    content = Image.open(BytesIO(encode_photo(photo, 255 - photo.rgb, 95)))
    assert np.asarray(content).tolist() == [[[0, 255, 255, 255], [255, 255, 0, 0]]]


@pytest.mark.parametrize(("bits", "row", "opaque"), [(4, b"\x30", 255), (2, b"\xc0", 255), (16, b"\0\x03\0\0", 65535)])
def test_a_transparent_grey_of_other_depths_stays_transparent(
    bits: int, row: bytes, opaque: int, tmp_path: Path
) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 2, 1, bits, 0, 0, 0, 0)  # two pixels, of which the first has the level 3
    chunks = ((b"IHDR", header), (b"tRNS", b"\0\x03"), (b"IDAT", zlib.compress(b"\0" + row)), (b"IEND", b""))
    content = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)
    (tmp_path / "a.png").write_bytes(content)
    alpha = read_photo(tmp_path / "a.png").alpha
    assert alpha is not None
    assert alpha.tolist() == [[0, opaque]]


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_seen_upright_and_stay_stored_as_they_were(suffix: str, orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "Acme"
    exif[0x8769] = {0x9003: "2024:01:02 03:04:05"}
    path = tmp_path / f"photo.{suffix}"
    picture("RGB").save(path, exif=exif.tobytes(), icc_profile=PROFILE, dpi=(300, 300))
    photo = read_photo(path)
    seen = read_image(path)
    assert np.array_equal(photo.rgb, seen)
    target = written(path, encode_photo(photo, photo.rgb, quality=100))
    assert np.abs(read_image(target).astype(int) - seen).mean() <= (4 if suffix in LOSSY else 0)
    with Image.open(path) as before, Image.open(target) as after:
        kept = after.getexif()
        assert kept[0x010F] == "Acme"
        assert kept.get_ifd(0x8769)[0x9003] == "2024:01:02 03:04:05"
        assert after.info["icc_profile"] == PROFILE
        if suffix != "tif":
            assert kept[0x0112] == orientation
            assert after.size == before.size
            assert after.info["exif"] == before.info["exif"]
        if suffix != "webp":
            assert after.info["dpi"] == pytest.approx((300, 300), abs=0.1)


@pytest.mark.parametrize("suffix", ["png", "webp", "jpg"])
@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\x7f"])
def test_exif_data_that_cannot_be_read_are_kept_as_they_are(exif: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    picture("RGB").save(path, exif=exif)
    photo = read_photo(path)
    again = read_photo(written(path, encode_photo(photo, photo.rgb, 95)))
    assert exif[6:] in path.read_bytes()
    assert again.metadata["exif"].endswith(exif[6:])
    assert again.rgb.shape == (*SIZE, 3)


def test_exif_data_as_imagemagick_writes_them_are_kept(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Acme"
    digits = exif.tobytes().hex()
    info = PngImagePlugin.PngInfo()
    info.add_text("Raw profile type exif", f"\nexif\n{len(digits) // 2:8}\n{digits[:72]}\n{digits[72:]}\n", zip=True)
    picture("RGB").save(tmp_path / "a.png", pnginfo=info)
    photo = read_photo(tmp_path / "a.png")
    assert np.array_equal(photo.rgb, np.rot90(pixels(3), -1))
    target = written(tmp_path / "a.png", encode_photo(photo, photo.rgb, 95))
    with Image.open(target) as after:
        assert after.getexif()[0x010F] == "Acme"
    assert np.array_equal(read_image(target), photo.rgb)


def test_quality_decides_over_the_size_and_colours_stay_sharp(tmp_path: Path) -> None:
    for suffix in LOSSY:
        Image.effect_noise(SIZE, 64).convert("RGB").save(tmp_path / f"a.{suffix}")
        photo = read_photo(tmp_path / f"a.{suffix}")
        small, large = (encode_photo(photo, photo.rgb, quality) for quality in (20, 95))
        assert len(small) < 0.8 * len(large)
    checkers = np.indices(SIZE).sum(0)[..., None] % 2 * np.array([255, 0, 0]) + [0, 0, 120]
    Image.fromarray(checkers.astype(np.uint8)).save(tmp_path / "b.jpg", quality=100, subsampling=0)
    photo = read_photo(tmp_path / "b.jpg")
    again = Image.open(BytesIO(encode_photo(photo, photo.rgb, 95)))
    assert np.abs(np.asarray(again).astype(int) - photo.rgb).max() < 40


@pytest.mark.parametrize("metadata", [{}, {"icc_profile": b"of the camera"}])
def test_a_lossless_webp_file_stays_lossless(metadata: dict[str, bytes], tmp_path: Path) -> None:
    Image.fromarray(pixels(3)).save(tmp_path / "a.webp", lossless=True, **metadata)
    photo = read_photo(tmp_path / "a.webp")
    again = Image.open(BytesIO(encode_photo(photo, photo.rgb, 95)))
    assert again.format == "WEBP"
    assert np.array_equal(np.asarray(again), pixels(3))


@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
def test_animations_and_pages_are_refused(suffix: str, tmp_path: Path) -> None:
    first, second = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")
    first.save(tmp_path / f"a.{suffix}", save_all=True, append_images=[second])
    with pytest.raises(InputError, match=rf"a\.{suffix} is animated or has pages: 2 pictures"):
        read_photo(tmp_path / f"a.{suffix}")


def test_of_a_phones_picture_with_another_behind_it_the_first_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = (Image.fromarray(each) for each in (pixels(3), 255 - pixels(3)))
    first.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[second], quality=95)
    with caplog.at_level(logging.WARNING, logger="derain"):
        photo = read_photo(tmp_path / "a.jpg")
    assert "holds 2 pictures" in caplog.text
    again = Image.open(BytesIO(encode_photo(photo, photo.rgb, 95)))
    assert again.format == "JPEG"
    assert np.abs(np.asarray(again).astype(int) - pixels(3)).mean() <= 10


@pytest.mark.parametrize("first", [False, True])
def test_a_page_that_is_a_thumbnail_is_left_out_with_a_note(
    first: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pages = [(pixels(3), 0), (pixels(3)[::4, ::4].copy(), 1)]
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for page, kind in pages[::-1] if first else pages:
            file.write(page, photometric="rgb", subfiletype=kind)
    photo = read_photo(tmp_path / "a.tif")
    assert np.array_equal(photo.rgb, pixels(3))
    assert np.array_equal(read_image(tmp_path / "a.tif"), pixels(3))
    assert f"{tmp_path / 'a.tif'}: left out: a page that is a thumbnail" in caplog.text
    assert np.array_equal(read_image(written(tmp_path / "a.tif", encode_photo(photo, photo.rgb, 95))), pixels(3))


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "bmp", "ppm"])
def test_of_a_truncated_photo_the_rest_is_restored_on_demand(
    suffix: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.effect_noise((300, 400), 60).convert("RGB").save(path)
    whole = read_image(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(InputError, match=rf"a\.{suffix}"):
        read_photo(path)
    assert not caplog.records
    photo = read_photo(path, accept_truncated=True)
    assert photo.rgb.shape == whole.shape
    part = slice(0, 200) if suffix != "bmp" else slice(200, 400)  # whose rows begin at the bottom
    assert np.abs(photo.rgb[part].astype(int) - whole[part]).mean() < 1
    assert f"{path} is truncated or damaged" in caplog.text


def test_what_is_no_photo_is_refused_though_truncated_ones_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("hello")
    with pytest.raises(InputError, match=r"a\.jpg is not an image"):
        read_photo(tmp_path / "a.jpg", accept_truncated=True)


def test_a_limit_of_pixels_is_respected(tmp_path: Path) -> None:
    picture("RGB").save(tmp_path / "a.png")
    with pytest.raises(InputError, match="more than the limit of 2,239"):
        read_photo(tmp_path / "a.png", max_pixels=2239)


def test_the_comparison_shows_both_upright_and_is_not_larger_than_a_screen(tmp_path: Path) -> None:
    Image.new("RGB", (4000, 1000), (200, 30, 30)).save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png")
    strip = np.asarray(Image.open(BytesIO(encode_strip(photo, [photo.rgb, photo.rgb // 2]))))
    assert strip.shape == (400, 3204, 3)
    assert np.abs(strip[200, [800, 2400]].astype(int) - [[200, 30, 30], [100, 15, 15]]).max() <= 4


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    Image.new("RGB", (16_384, 1)).save(tmp_path / "a.png")
    photo = replace(read_photo(tmp_path / "a.png"), format="WEBP")
    with pytest.raises(InputError, match="the result cannot be written as WEBP"):
        encode_photo(photo, photo.rgb, 95)


@pytest.mark.parametrize("name", ["natural", "faces"])
def test_real_photos_come_back(name: str, data: Path, tmp_path: Path) -> None:
    for path in sorted((data / name / "test").iterdir())[:2]:
        photo = read_photo(path)
        target = tmp_path / path.name
        target.write_bytes(encode_photo(photo, photo.rgb, 95))
        assert np.abs(read_image(target).astype(float) - photo.rgb).mean() < 2
