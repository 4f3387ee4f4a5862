"""Pictures are read as a person sees them; what is no whole picture is named."""

import logging
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from derain.errors import InputError
from derain.pictures.images import image_size, list_images, read_image, write_image


@pytest.fixture
def picture() -> np.ndarray:
    """RGB, wider than high, different at every corner."""
    return np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(20, 30, 3), (20, 30)])
def test_what_is_written_is_read_again(shape: tuple[int, ...], tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    path = tmp_path / "a.png"
    write_image(path, image)
    expected = image if image.ndim == 3 else np.stack([image] * 3, axis=-1)
    assert np.array_equal(read_image(path), expected)
    assert image_size(path) == (20, 30)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", ["png", "webp", "tif", "bmp", "ppm"])
def test_lossless_formats(picture: np.ndarray, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(picture).save(path, **({"lossless": True} if suffix == "webp" else {}))
    assert np.array_equal(read_image(path), picture)


def test_the_content_counts_not_the_suffix(picture: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(picture).save(tmp_path / "a.jpg", format="PNG")
    assert np.array_equal(read_image(tmp_path / "a.jpg"), picture)


@pytest.mark.parametrize(("suffix", "tolerance"), [("png", 0), ("tif", 0), ("webp", 0), ("jpg", 12)])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_rotated_pictures_are_turned_upright(orientation: int, suffix: str, tolerance: int, tmp_path: Path) -> None:
    upright = np.full((24, 40, 3), 128, np.uint8)
    upright[:8, :8], upright[:8, -8:], upright[-8:, :8] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    flip = {1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1]}
    turn = upright.transpose(1, 0, 2)
    stored = (flip | {5: turn, 6: turn[::-1], 7: turn[::-1, ::-1], 8: turn[:, ::-1]})[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"webp": {"lossless": True}, "jpg": {"quality": 95, "subsampling": 0}}.get(suffix, {})
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(stored).save(path, exif=exif, **options)

    assert image_size(path) == (24, 40)
    assert np.abs(read_image(path).astype(int) - upright).max() <= tolerance


def test_exif_data_behind_the_pixels_turn_a_picture_as_well(picture: np.ndarray, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "a.png"
    Image.fromarray(picture).save(path, exif=exif)
    whole = path.read_bytes()
    start = whole.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(whole[start : start + 4])
    path.write_bytes(whole[:start] + whole[end:-12] + whole[start:end] + whole[-12:])  # before the chunk that ends it
    assert image_size(path) == (30, 20)
    assert np.array_equal(read_image(path), np.rot90(picture, -1))


@pytest.mark.parametrize("suffix", ["png", "webp", "jpg"])
@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\x7f"])
def test_a_picture_is_read_where_its_exif_data_cannot_be(
    picture: np.ndarray, exif: bytes, suffix: str, tmp_path: Path
) -> None:
    whole, broken = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    Image.fromarray(picture).save(whole)
    Image.fromarray(picture).save(broken, exif=exif)
    assert np.array_equal(read_image(broken), read_image(whole))
    assert image_size(broken) == (20, 30)


def test_grey_tiff_pictures_are_turned_upright(tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (20, 30), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(grey).save(tmp_path / "a.tif", exif=exif)
    assert np.array_equal(read_image(tmp_path / "a.tif")[..., 0], grey[::-1].T)
    assert image_size(tmp_path / "a.tif") == (30, 20)


def test_transparent_pictures_are_laid_on_white(tmp_path: Path) -> None:
    rgba = np.zeros((1, 3, 4), np.uint8)
    rgba[0, :, 3] = 0, 128, 255
    Image.fromarray(rgba).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png")[0, :, 0].tolist() == [255, 127, 0]


def test_grey_with_transparency_is_laid_on_white(tmp_path: Path) -> None:
    grey = Image.fromarray(np.array([[0, 100]], np.uint8))
    grey.save(tmp_path / "key.png", transparency=0)
    grey.putalpha(Image.fromarray(np.array([[0, 255]], np.uint8)))
    grey.save(tmp_path / "alpha.png")
    for name in ("key.png", "alpha.png"):
        assert read_image(tmp_path / name)[0, :, 0].tolist() == [255, 100]


def test_palette_pictures_get_their_colours(tmp_path: Path) -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putdata([0, 1])
    palette.save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").tolist() == [[[255, 0, 0], [0, 0, 255]]]
    palette.save(tmp_path / "b.png", transparency=1)
    assert read_image(tmp_path / "b.png").tolist() == [[[255, 0, 0], [255, 255, 255]]]


def test_cmyk_and_bilevel(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg")
    assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - [255, 0, 0]).max() <= 3
    Image.new("1", (8, 8), 1).save(tmp_path / "b.png")
    assert (read_image(tmp_path / "b.png") == 255).all()


@pytest.mark.parametrize(
    ("suffix", "channels"), [("png", 1), ("png", 3), ("tif", 1), ("tif", 3), ("pgm", 1), ("ppm", 3)]
)
def test_16_bits_are_read_at_8_with_a_note(
    suffix: str, channels: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, channels), dtype=np.uint8)
    path = tmp_path / f"a.{suffix}"
    assert cv2.imwrite(str(path), picture[..., ::-1].astype(np.uint16) * 257)
    with caplog.at_level(logging.WARNING, logger="derain"):
        assert np.array_equal(read_image(path), np.broadcast_to(picture, (20, 30, 3)))
    assert [str(path) in record.getMessage() for record in caplog.records] == [True]


@pytest.mark.parametrize(("bits", "white"), [(12, 1), (16, 0), (16, 1)])
def test_grey_tiff_of_more_bits_keeps_its_brightness(
    bits: int, white: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Two pixels, a quarter and three quarters of the largest level, where white is 0 (PhotometricInterpretation 0) or
    the largest.
    """
    pixels = b"\x40\x0c\x00" if bits == 12 else b"\x00\x40\x00\xc0"
    entries = {256: 2, 257: 1, 258: bits, 259: 1, 262: white, 273: 122, 277: 1, 278: 1, 279: len(pixels)}
    directory = b"".join(struct.pack("<HHIHH", tag, 3, 1, value, 0) for tag, value in entries.items())
    content = b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4)
    (tmp_path / "a.tif").write_bytes(content + pixels)
    with caplog.at_level(logging.WARNING, logger="derain"):
        levels = read_image(tmp_path / "a.tif")[0, :, 0].tolist()
    assert levels == ([64, 192] if white else [191, 63])
    assert f"has {bits} bits a channel" in caplog.text


def test_16_bits_in_separate_planes_are_refused(tmp_path: Path) -> None:
    entries = {256: 2, 257: 1, 259: 1, 262: 2, 277: 3, 278: 1, 284: 2}
    after = 8 + 2 + 12 * (len(entries) + 3) + 4
    values = {tag: struct.pack("<HHIHH", tag, 3, 1, value, 0) for tag, value in entries.items()}
    for tag, place in ((258, after), (273, after + 6), (279, after + 12)):
        values[tag] = struct.pack("<HHII", tag, 3, 3, place)
    bits, offsets, lengths = [16] * 3, [after + 18 + 4 * plane for plane in range(3)], [4] * 3
    content = b"II*\0" + struct.pack("<IH", 8, len(values)) + b"".join(values[tag] for tag in sorted(values)) + bytes(4)
    (tmp_path / "a.tif").write_bytes(content + struct.pack("<9H", *bits, *offsets, *lengths) + bytes(12))
    with pytest.raises(InputError, match=r"a\.tif has 16 bits a channel in separate planes"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("suffix", ["png", "tif", "ppm", "bmp"])
def test_8_bits_are_read_without_a_note(
    picture: np.ndarray, suffix: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Image.fromarray(picture).save(tmp_path / f"a.{suffix}")
    read_image(tmp_path / f"a.{suffix}")
    assert not caplog.records


def test_floating_point_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(InputError, match=r"a\.tif has 32-bit levels"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
def test_of_several_frames_the_first_is_read(suffix: str, tmp_path: Path) -> None:
    first, second = Image.new("RGB", (8, 8), (200, 0, 0)), Image.new("RGB", (8, 8), (0, 0, 200))
    options = {"lossless": True} if suffix == "webp" else {}
    first.save(tmp_path / f"a.{suffix}", save_all=True, append_images=[second], **options)
    assert (read_image(tmp_path / f"a.{suffix}") == [200, 0, 0]).all()


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif", "bmp", "ppm"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9])
def test_truncated_pictures_are_named(picture: np.ndarray, suffix: str, share: float, tmp_path: Path) -> None:
    path = tmp_path / f"broken.{suffix}"
    Image.fromarray(picture).save(path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match=rf"broken\.{suffix}"):
        read_image(path)


def test_fake_missing_and_foreign_files_are_named(picture: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "fake.png").write_text("<html>404 Not Found</html>")
    (tmp_path / "folder.png").mkdir()
    Image.fromarray(picture).save(tmp_path / "animation.gif")
    for read in (read_image, image_size):
        for name, cause in {
            "fake.png": "is not an image",
            "animation.gif": "is not an image",
            "folder.png": "directory",
            "missing.png": "No such file",
        }.items():
            with pytest.raises(InputError, match=rf"{name}.*{cause}"):
                read(tmp_path / name)


def test_the_limit_of_pixels_is_ours_alone(picture: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_image(path, picture)
    with pytest.raises(InputError, match=r"a\.png has 30 x 20 pixels.*599"):
        read_image(path, max_pixels=599)
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, 10
    try:
        assert read_image(path, max_pixels=600).shape == (20, 30, 3)
        assert Image.MAX_IMAGE_PIXELS == 10
    finally:
        Image.MAX_IMAGE_PIXELS = before


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0))
    path = tmp_path / "bomb.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b""))
    with pytest.raises(InputError, match=r"bomb\.png has 100000 x 100000 pixels"):
        read_image(path)


def test_folders_list_their_pictures_by_name(
    picture: np.ndarray, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("b.JPG", "a.png", "10.bmp", "9.webp"):
        Image.fromarray(picture).save(tmp_path / name)
    for name in ("notes.txt", "._a.png"):
        (tmp_path / name).write_text("")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "album.jpg").mkdir()
    (tmp_path / "c.png").symlink_to("nowhere")  # is named when it is read
    assert [path.name for path in list_images(tmp_path)] == ["10.bmp", "9.webp", "a.png", "b.JPG", "c.png"]
    assert "subfolders left out: 2 (album.jpg, deeper)" in caplog.text


def test_a_folder_of_folders_names_them(tmp_path: Path) -> None:
    for name in ("rainy", "clean"):
        (tmp_path / name).mkdir()
    with pytest.raises(InputError, match=r"holds no image .*; give one of its subfolders: clean, rainy"):
        list_images(tmp_path)


def test_bad_folders_each_have_their_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("")
    for name, cause in {
        "missing": "does not exist",
        "empty": "is empty",
        "texts": "holds no image",
        "texts/a.txt": "is not a folder",
    }.items():
        with pytest.raises(InputError, match=rf"{name}.* {cause}"):
            list_images(tmp_path / name)


def test_an_unwritable_place_is_named(picture: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing/a\.png"):
        write_image(tmp_path / "missing" / "a.png", picture)


@pytest.mark.parametrize("name", ["natural", "buildings", "faces", "comics"])
def test_headers_tell_the_size_of_real_photos(name: str, data: Path) -> None:
    for path in list_images(data / name / "test")[:5]:
        assert read_image(path).shape == (*image_size(path), 3)


def test_colours_of_another_space_become_srgb_on_demand(tmp_path: Path) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    swapped = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    red, blue = (swapped.index(tag) for tag in (b"rXYZ", b"bXYZ"))
    swapped = swapped[:red] + b"bXYZ" + swapped[red + 4 : blue] + b"rXYZ" + swapped[blue + 4 :]
    Image.new("RGB", (9, 7), (255, 0, 0)).save(tmp_path / "a.png", icc_profile=swapped)
    Image.new("RGB", (9, 7), (255, 0, 0)).save(tmp_path / "lab.png", icc_profile=lab)
    Image.new("RGB", (9, 7), (255, 0, 0)).save(tmp_path / "broken.png", icc_profile=b"no profile")
    assert read_image(tmp_path / "a.png")[0, 0].tolist() == [255, 0, 0]
    assert np.abs(read_image(tmp_path / "a.png", srgb=True)[0, 0].astype(int) - [0, 0, 255]).max() <= 2
    for name in ("lab.png", "broken.png"):  # which cannot be of RGB
        assert read_image(tmp_path / name, srgb=True)[0, 0].tolist() == [255, 0, 0]
