"""The table "What is kept" of docs/how-to/restore.md, line by line."""

import json
import logging
import shutil
import struct
import subprocess
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
import tifffile
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from derain.pictures.deep import encode_png_16, encode_tiff_16
from derain.pictures.images import read_image
from derain.restoration.photos import encode_photo, read_photo

SIZE = (64, 96)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
RAINY, DRY = (200, 60, 60), (60, 60, 200)
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="5"%s>%s</rdf:Description>'
    b"</rdf:RDF></x:xmpmeta>"
)
VIDEO = b"\0\0\0\x18ftypmp42of the rain..."
IPTC = b"8BIM\x04\x04\0\0\0\0\0\x0a\x1c\x02\x78\0\x05Rainy"


def save(suffix: str, path: Path, picture: Image.Image | None = None, **metadata: Any) -> Path:
    """A picture of one colour with metadata as Pillow takes them."""
    picture = picture or Image.new("RGB", SIZE[::-1], RAINY)
    target = path / f"a.{suffix}"
    if suffix == "heic":
        picture.info.update(metadata)
        pillow_heif.from_pillow(picture).save(target, quality=95, chroma=444)
    elif suffix == "png" and "xmp" in metadata:
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", metadata["xmp"].decode())
        picture.save(target, pnginfo=info)
    elif suffix == "tif" and "xmp" in metadata:
        picture.save(target, tiffinfo={700: metadata["xmp"]})
    else:
        picture.save(target, **metadata)
    return target


def restored(path: Path) -> Path:
    """The file as it is written when all its pixels become blue."""
    photo = read_photo(path)
    result = path.with_name(f"restored-{path.name}")
    result.write_bytes(encode_photo(photo, np.full_like(photo.rgb, DRY), quality=95))
    return result


def opened(path: Path) -> Image.Image:
    image = pillow_heif.HeifImageFile(path) if path.suffix == ".heic" else Image.open(path)
    image.load()
    return image


def exif_bytes(thumbnail: bytes = b"", notes: bytes = b"of the maker") -> bytes:
    """EXIF data in one piece, with maker notes and, behind them, a thumbnail."""

    def entry(tag: int, kind: int, count: int, value: int) -> bytes:
        return struct.pack("<HHII", tag, kind, count, value)

    # Header 8, IFD0 with two entries to 38, EXIF IFD with one entry to 56, IFD1 with three entries to 98, data.
    second = 56 if thumbnail else 0
    content = b"II*\0" + struct.pack("<I", 8)
    content += struct.pack("<H", 2) + entry(0x010F, 2, 4, int.from_bytes(b"Acm\0", "little")) + entry(0x8769, 4, 1, 38)
    content += struct.pack("<I", second)
    content += struct.pack("<H", 1) + entry(0x927C, 7, len(notes), 98) + struct.pack("<I", 0)
    content += struct.pack("<H", 3) + entry(0x0103, 3, 1, 6) + entry(0x0201, 4, 1, 98 + len(notes))
    content += entry(0x0202, 4, 1, len(thumbnail)) + struct.pack("<I", 0)
    return b"Exif\0\0" + content + notes + thumbnail


def thumbnail_of(exif: bytes) -> Image.Image | None:
    """The thumbnail within EXIF data; None where there is none."""
    found = Image.Exif()
    found.load(exif)
    first = found.get_ifd(ExifTags.IFD.IFD1)
    if 0x0201 not in first:
        return None
    start = exif.startswith(b"Exif") * 6 + first[0x0201]
    return Image.open(BytesIO(exif[start : start + first[0x0202]]))


def jpeg(colour: tuple[int, int, int] | None = None, size: tuple[int, int] = (48, 32)) -> bytes:
    file = BytesIO()
    (Image.effect_noise(size, 90) if colour is None else Image.new("RGB", size, colour)).save(file, "JPEG", quality=95)
    return file.getvalue()


@pytest.fixture
def notes(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    caplog.set_level(logging.WARNING, logger="derain")
    return lambda: caplog.text


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif", "heic"])
def test_exif_data_are_kept_byte_by_byte(suffix: str, tmp_path: Path) -> None:
    before = exif_bytes()
    path = save(suffix, tmp_path, exif=before)
    assert opened(restored(path)).info["exif"].endswith(before[6:])


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif", "heic"])
def test_exif_data_of_more_than_64_kb_are_kept(suffix: str, tmp_path: Path) -> None:
    before = exif_bytes(notes=bytes(range(256)) * 400)
    path = save(suffix, tmp_path, **({} if suffix == "jpg" else {"exif": before}))
    if suffix == "jpg":  # Pillow does not write it
        parts = [before[at : at + 65_000] for at in range(6, len(before), 65_000)]
        segments = [b"\xff\xe1" + struct.pack(">H", 8 + len(part)) + b"Exif\0\0" + part for part in parts]
        path.write_bytes(b"\xff\xd8" + b"".join(segments) + path.read_bytes()[2:])
    assert opened(restored(path)).info["exif"].endswith(before[6:])


@pytest.mark.parametrize("name", ["a.tif", "a.dng"])
def test_camera_and_time_are_kept_of_tiff_and_raw_files(
    name: str, tmp_path: Path, write_dng: Callable[..., None], notes: Callable[[], str]
) -> None:
    path = tmp_path / name
    if name == "a.dng":
        write_dng(path)
    else:
        exif = Image.Exif()
        exif[0x010F], exif[0x013B] = "Acme", "Somebody"
        exif[0x8769], exif[0x8825] = {0x9003: "2024:01:02 03:04:05"}, {1: "N"}
        save("tif", tmp_path, exif=exif.tobytes())
    with Image.open(restored(path)) as result:
        kept = result.getexif()
        assert (kept[0x010F], kept[0x013B]) == ("Acme", "Somebody")
        if name == "a.tif":
            assert kept.get_ifd(0x8769)[0x9003] == "2024:01:02 03:04:05"
            assert kept.get_ifd(0x8825)[1] == "N"
    assert not notes()


def test_a_raw_file_that_tells_no_camera_has_a_note(
    tmp_path: Path, write_nef: Callable[[Path], None], notes: Callable[[], str]
) -> None:
    write_nef(tmp_path / "a.nef")
    restored(tmp_path / "a.nef")
    assert "a.nef: left out: camera, time and place" in notes()


def test_maker_notes_of_raw_files_are_not_kept(tmp_path: Path, write_dng: Callable[..., None]) -> None:
    write_dng(tmp_path / "a.dng")
    content = bytearray((tmp_path / "a.dng").read_bytes())
    group = len(content)  # of the EXIF data: a time and notes, in place of the author in the first directory
    content += (
        struct.pack("<H", 2) + struct.pack("<HHII", 0x9003, 2, 20, group + 30) + struct.pack("<HHI", 0x927C, 7, 4)
    )
    content += b"note" + bytes(4) + b"2024:01:02 03:04:05\0"
    place = content.index(struct.pack("<HHI", 315, 2, 9))
    content[place : place + 12] = struct.pack("<HHII", 0x8769, 4, 1, group)
    (tmp_path / "a.dng").write_bytes(content)
    with Image.open(restored(tmp_path / "a.dng")) as result:
        group_kept = result.getexif().get_ifd(0x8769)
    assert group_kept == {0x9003: "2024:01:02 03:04:05"}


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "avif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_what_is_seen_upright_is_seen_upright_again(suffix: str, orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    corners = Image.new("RGB", SIZE[::-1], RAINY)
    corners.paste(DRY, (0, 0, 32, 32))
    path = save(suffix, tmp_path, corners, exif=exif.tobytes())
    photo = read_photo(path)
    again = path.with_name(f"again.{suffix}")
    again.write_bytes(encode_photo(photo, photo.rgb, 95))
    assert np.abs(read_image(again).astype(int) - read_image(path)).mean() <= 4


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif", "heic"])
def test_thumbnails_show_the_result(suffix: str, tmp_path: Path) -> None:
    before = exif_bytes(jpeg(RAINY))
    result = opened(restored(save(suffix, tmp_path, exif=before))).info["exif"]
    thumbnail = thumbnail_of(result)
    assert thumbnail is not None
    assert thumbnail.size == (48, 32)
    assert np.abs(np.asarray(thumbnail).astype(int) - DRY).max() <= 12
    assert len(result.removeprefix(b"Exif\0\0")) == len(before) - 6
    assert b"of the maker" in result


def test_a_thumbnail_that_cannot_be_renewed_is_blotted_out(tmp_path: Path) -> None:
    before = exif_bytes(b"no JPEG, but of the rain")
    result = opened(restored(save("jpg", tmp_path, exif=before))).info["exif"]
    assert thumbnail_of(result) is None
    assert b"rain" not in result
    assert b"of the maker" in result


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "avif", "heic"])
def test_colour_profiles_are_kept(suffix: str, tmp_path: Path) -> None:
    assert opened(restored(save(suffix, tmp_path, icc_profile=PROFILE))).info["icc_profile"] == PROFILE


def test_colour_profiles_of_more_than_1_mb_are_kept(tmp_path: Path) -> None:
    large = PROFILE + np.random.default_rng(0).bytes(1_100_000)
    for suffix in ("png", "jpg"):
        path = save(suffix, tmp_path, icc_profile=large)
        assert read_photo(restored(path)).metadata["icc_profile"] == large


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (b"gAMA", struct.pack(">I", 45455)),
        (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
        (b"sRGB", b"\0"),
        (b"cICP", b"\x0c\x0d\0\1"),
        (b"tEXt", b"Title\0A day of rain"),
        (b"zTXt", b"Comment\0\0" + zlib.compress(b"long " * 300_000)),
        (b"iTXt", b"Author\0\1\0en\0Author\0" + zlib.compress("Ä".encode() * 700_000)),
        (b"tEXt", b"Long\0" + b"x" * 1_200_000),
    ],
)
@pytest.mark.parametrize("behind", [False, True])
def test_colours_and_texts_of_png_files_are_kept(kind: bytes, data: bytes, behind: bool, tmp_path: Path) -> None:
    path = save("png", tmp_path)
    whole = path.read_bytes()
    place = len(whole) - 12 if behind else 33
    path.write_bytes(whole[:place] + chunk(kind, data) + whole[place:])
    assert chunk(kind, data) in restored(path).read_bytes()


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "avif", "heic"])
def test_xmp_data_are_kept(suffix: str, tmp_path: Path) -> None:
    before = XMP % (b"", b"")
    assert before in restored(save(suffix, tmp_path, xmp=before)).read_bytes()


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_iptc_data_are_kept_but_for_thumbnails(suffix: str, tmp_path: Path) -> None:
    thumbnail = b"8BIM\x04\x0c\0\0\0\0\0\x08of rain!"
    if suffix == "tif":
        picture = Image.new("RGB", SIZE[::-1], RAINY)
        picture.save(
            tmp_path / "a.tif", tiffinfo={34377: IPTC[:-1] + b"y\0"[:1] + b"\0" + thumbnail, 33723: b"\x1c\x02"}
        )
    else:
        resources = b"Photoshop 3.0\0" + IPTC + b"\0" * (len(IPTC) % 2) + thumbnail
        save("jpg", tmp_path, extra=b"\xff\xed" + struct.pack(">H", len(resources) + 2) + resources)
    content = restored(tmp_path / f"a.{suffix}").read_bytes()
    assert b"\x1c\x02\x78\0\x05Rainy" in content
    assert b"of rain!" not in content


def test_comments_of_jpeg_files_are_kept(tmp_path: Path) -> None:
    assert opened(restored(save("jpg", tmp_path, comment=b"in the rain"))).info["comment"] == b"in the rain"


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "bmp"])
def test_the_resolution_is_kept(suffix: str, tmp_path: Path) -> None:
    assert opened(restored(save(suffix, tmp_path, dpi=(300, 200)))).info["dpi"] == pytest.approx((300, 200), abs=0.1)


@pytest.mark.parametrize("suffix", ["png", "webp", "tif", "avif", "heic"])
def test_transparency_is_kept(suffix: str, tmp_path: Path) -> None:
    picture = Image.new("RGBA", SIZE[::-1], (*RAINY, 0))
    picture.paste((*RAINY, 255), (48, 0, 96, 64))
    alpha = np.asarray(opened(restored(save(suffix, tmp_path, picture))).getchannel("A")).astype(int)
    assert alpha[:, :40].max() <= 2
    assert alpha[:, 56:].min() >= 253


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "bmp", "pgm", "heic"])
def test_grey_stays_grey(suffix: str, tmp_path: Path) -> None:
    path = save(suffix, tmp_path, Image.new("L", SIZE[::-1], 90))
    assert opened(path).mode == opened(restored(path)).mode == "L"


@pytest.mark.parametrize(
    ("namespace", "attribute", "what"),
    [
        (b"http://ns.adobe.com/hdr-gain-map/1.0/", b"Version", "the gain map (HDR)"),
        (b"http://ns.google.com/photos/1.0/camera/", b"MotionPhoto", "the video of a motion photo"),
        (b"http://ns.google.com/photos/1.0/image/", b"Data", "the picture within XMP data"),
    ],
)
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_what_lies_behind_a_phones_picture_is_left_out_with_a_note(
    suffix: str, namespace: bytes, attribute: bytes, what: str, tmp_path: Path, notes: Callable[[], str]
) -> None:
    before = XMP % (b' xmlns:n="' + namespace + b'" n:' + attribute + b'="1"', b"<n:Semantic>Primary</n:Semantic>")
    path = save(suffix, tmp_path, xmp=before)
    result = restored(path).read_bytes()
    assert b"n:" + attribute + b"=" not in result
    assert b'xmp:Rating="5"' in result
    assert f"{path}: left out: {what}" in notes()


@pytest.mark.parametrize(("suffix", "video"), [("jpg", VIDEO), ("heic", b"\0\0\0\x28mpvd" + VIDEO)])
def test_the_video_behind_a_picture_is_left_out_with_a_note(
    suffix: str, video: bytes, tmp_path: Path, notes: Callable[[], str]
) -> None:
    path = save(suffix, tmp_path)
    path.write_bytes(path.read_bytes() + video)
    assert video not in restored(path).read_bytes()
    assert "left out: the video of a motion photo" in notes()


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif", "heic"])
def test_content_credentials_are_left_out_with_a_note(suffix: str, tmp_path: Path, notes: Callable[[], str]) -> None:
    path = save(suffix, tmp_path)
    whole = path.read_bytes()
    if suffix == "jpg":
        whole = whole[:2] + b"\xff\xeb\0\x0aJP\0\1c2pa" + whole[2:]
    elif suffix == "png":
        whole = whole[:33] + chunk(b"caBX", b"c2pa") + whole[33:]
    elif suffix == "webp":
        whole = whole[:4] + struct.pack("<I", len(whole) + 4) + whole[8:] + b"C2PA\4\0\0\0c2pa"
    else:
        whole += b"\0\0\0\x0cuuidc2pa"
    path.write_bytes(whole)
    assert b"c2pa" not in restored(path).read_bytes()
    assert "left out: content credentials (C2PA)" in notes()


@pytest.mark.parametrize("suffix", ["avif", "heic"])
def test_gain_maps_of_other_formats_are_left_out_with_a_note(
    suffix: str, tmp_path: Path, notes: Callable[[], str]
) -> None:
    path = save(suffix, tmp_path)
    path.write_bytes(path.read_bytes() + b"\0\0\0\x0cfreetmap")
    restored(path)
    assert "left out: the gain map (HDR)" in notes()


def test_layers_of_photoshop_are_left_out_with_a_note(tmp_path: Path, notes: Callable[[], str]) -> None:
    path = save("tif", tmp_path, tiffinfo={37724: b"Adobe Photoshop Document Data Block"})
    assert b"Photoshop" not in restored(path).read_bytes()
    assert "left out: Photoshop's layers" in notes()


def test_channels_beside_rgb_and_opacity_are_left_out_with_a_note(tmp_path: Path, notes: Callable[[], str]) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (*SIZE, 5), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", levels, photometric="rgb")
    assert np.array_equal(read_photo(tmp_path / "a.tif").rgb, levels[..., :3])
    assert "left out: 2 further channels" in notes()


_OF_PIXELS_OR_FILES = ("File", "ExifTool", "System", "Composite", "IFD1", "RIFF", "QuickTime", "Meta", "SourceFile")


def seen_by_exiftool(path: Path) -> dict[str, Any]:
    output = subprocess.run(["exiftool", "-json", "-G1", "-a", str(path)], check=True, capture_output=True).stdout
    [tags] = json.loads(output)
    of_tiff = ("StripOffsets", "StripByteCounts", "RowsPerStrip", "PlanarConfiguration", "Compression")
    return {
        name: value
        for name, value in tags.items()
        if not name.startswith(_OF_PIXELS_OR_FILES) and not name.endswith(of_tiff)
    }


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "avif", "heic"])
def test_exiftool_sees_the_same_in_the_result(suffix: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Acme", "One"
    exif[0x8769] = {0x9003: "2024:01:02 03:04:05", 0x829A: 0.01}
    exif[0x8825] = {1: "N", 2: (52.0, 30.0, 0.0), 3: "E", 4: (13.0, 24.0, 0.0)}
    xmp = {} if suffix in ("png", "tif") else {"xmp": XMP % (b"", b"")}
    path = save(suffix, tmp_path, exif=exif.tobytes(), icc_profile=PROFILE, **xmp)
    before, after = seen_by_exiftool(path), seen_by_exiftool(restored(path))
    assert before["IFD0:Make"] == "Acme"
    assert after == before


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "avif", "heic", "bmp", "ppm"])
def test_of_an_ordinary_photo_nothing_is_left_out(suffix: str, tmp_path: Path, notes: Callable[[], str]) -> None:
    takes = {"exif": exif_bytes(jpeg(RAINY)), "icc_profile": PROFILE} if suffix not in ("bmp", "ppm") else {}
    with opened(restored(save(suffix, tmp_path, **takes))) as result:
        assert np.abs(np.asarray(result).astype(int) - DRY).max() <= 12
    assert not notes()


@pytest.mark.parametrize(
    ("suffix", "mode"), [("png", "LA"), *((suffix, mode) for suffix in ("png", "tif") for mode in ("L", "RGB", "RGBA"))]
)
def test_16_bits_a_channel_stay_16(suffix: str, mode: str, tmp_path: Path, notes: Callable[[], str]) -> None:
    levels = np.random.default_rng(0).integers(0, 65536, (*SIZE, len(mode)), dtype=np.uint16)
    if suffix == "png":
        (tmp_path / "a.png").write_bytes(encode_png_16(levels, save("png", tmp_path).read_bytes()))
    else:
        (tmp_path / "a.tif").write_bytes(encode_tiff_16(levels, {}))
    photo = read_photo(tmp_path / f"a.{suffix}")
    assert photo.rgb.dtype == np.uint16
    (tmp_path / f"b.{suffix}").write_bytes(encode_photo(photo, 65535 - photo.rgb, 95))
    again = read_photo(tmp_path / f"b.{suffix}")
    assert np.array_equal(again.rgb, 65535 - photo.rgb)
    assert again.grey == (len(mode) < 3)
    assert (again.alpha is None) == ("A" not in mode)
    assert again.alpha is None or np.array_equal(again.alpha, levels[..., -1])
    assert not notes()


def test_one_transparent_colour_of_16_bits_stays_transparent(tmp_path: Path) -> None:
    levels = np.array([[[1000, 2000, 3000], [1000, 2000, 3001]]], np.uint16)
    content = encode_png_16(levels, save("png", tmp_path).read_bytes())
    key = chunk(b"tRNS", struct.pack(">3H", 1000, 2000, 3000))
    (tmp_path / "b.png").write_bytes(content[:33] + key + content[33:])
    photo = read_photo(restored_16(tmp_path / "b.png"))
    assert photo.alpha is not None
    assert photo.alpha.tolist() == [[0, 65535]]


def restored_16(path: Path) -> Path:
    photo = read_photo(path)
    result = path.with_name(f"restored-{path.name}")
    result.write_bytes(encode_photo(photo, photo.rgb, quality=95))
    return result


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_pictures_of_16_bits_are_seen_upright_like_others(suffix: str, orientation: int, tmp_path: Path) -> None:
    levels = np.random.default_rng(0).integers(0, 65536, (4, 6, 3), dtype=np.uint16)
    exif = Image.Exif()
    exif[0x0112] = orientation
    if suffix == "png":
        like = save("png", tmp_path, exif=exif.tobytes()).read_bytes()
        (tmp_path / "a.png").write_bytes(encode_png_16(levels, like))
    else:
        (tmp_path / "a.tif").write_bytes(encode_tiff_16(levels, {"exif": exif.tobytes()}))
    seen = read_image(tmp_path / f"a.{suffix}")
    assert np.array_equal(read_photo(tmp_path / f"a.{suffix}").rgb >> 8, seen)
    assert np.array_equal(read_image(restored_16(tmp_path / f"a.{suffix}")), seen)
