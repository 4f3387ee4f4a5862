"""Metadata of photos: data that stay true are kept, the rest is named (docs/how-to/restore.md)."""

import re
import struct
from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from derain.pictures import png
from derain.pictures.decoding import exif_may_be_broken
from derain.restoration.thumbnails import renew_exif_thumbnail, without_photoshop_thumbnails
from derain.restoration.xmp import without_orientation, without_what_is_lost

# Tags of a TIFF or RAW file, whose EXIF data stand among the tags that describe its pixels.
_TIFF_TAGS = (
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.Copyright,
)
_TIFF_GROUPS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
_XMP, _IPTC, _PHOTOSHOP, _LAYERS = 0x02BC, 0x83BB, 0x8649, 0x935C  # tags of TIFF files
_OTHER_COLOURS = ("CMYK", "YCbCr", "LAB", "HSV")  # whose profile says nothing about the RGB they become
_EXIF, _PHOTOSHOP_SEGMENT = b"Exif\0\0", b"Photoshop 3.0\0"
_MOST_BYTES = 65533  # in a segment of a JPEG file
_KNOWN_SEGMENTS = (
    b"JFIF\0", b"JFXX\0", b"Adobe", b"Ducky", b"MPF\0", b"ICC_PROFILE\0", b"http://ns.adobe.com/", _EXIF,
    _PHOTOSHOP_SEGMENT,
)  # fmt: skip
_VIDEO = rb"\0\0\0[\x08-\x40]ftyp\w"  # the beginning of an MP4 file
_CONTENT_CREDENTIALS = "content credentials (C2PA), which no longer hold"


def read_metadata(image: Image.Image, path: Path) -> tuple[dict[str, Any], list[str]]:
    """Metadata to keep of an opened or decoded picture, for `renewed`, and those left out, in words."""
    lost: list[str] = []
    info = image.info
    found = png.chunks_of(path) if image.format == "PNG" else []
    exif = _exif(image, path)
    metadata = {
        "exif": exif,
        "icc_profile": png.profile(found) if image.format == "PNG" else info.get("icc_profile"),
        "dpi": _dpi(image),
    }
    if image.mode in _OTHER_COLOURS:
        metadata["icc_profile"] = None
    if image.format not in ("PNG", "TIFF") and info.get("xmp"):
        metadata["xmp"], lost = without_what_is_lost(info["xmp"])
    match image.format:
        case "JPEG" | "MPO":
            segments: Sequence[tuple[str, bytes]] = getattr(image, "applist", [])
            metadata["comment"] = info.get("comment")
            metadata["extra"] = b"".join(_segment(0xED, data) for data in _photoshop_segments(segments))
            lost += _lost_of_jpeg(segments, path)
        case "PNG":
            metadata["chunks"], lost = _kept_chunks(found)
        case "HEIF":
            metadata["nclx_profile"] = info.get("nclx_profile")
            lost += _lost_of_heif(info, path)
        case "AVIF":
            lost += _lost_of_avif(path)
        case "RAW" if exif is None:
            lost.append("camera, time and place")
        case "WEBP" if b"C2PA" in webp_chunks(path):
            lost.append(_CONTENT_CREDENTIALS)
        case "TIFF":
            tags: Mapping[int, Any] = getattr(image, "tag_v2", {})
            further = tags.get(ExifTags.Base.SamplesPerPixel, 1) - len(image.getbands())
            lost += [f"{further} further channels"] if further > 0 else []
            lost += ["Photoshop's layers"] if _LAYERS in tags else []
    return {key: value for key, value in metadata.items() if value}, list(dict.fromkeys(lost))


def renewed(metadata: Mapping[str, Any], stored: Image.Image) -> dict[str, Any]:
    """The metadata of a picture of other pixels: thumbnails show it."""
    if "exif" not in metadata:
        return dict(metadata)
    return {**metadata, "exif": renew_exif_thumbnail(metadata["exif"], stored)}


def jpeg_options(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata as Pillow's `save` takes them for JPEG: EXIF data of more than 64 KB in several segments."""
    exif: bytes = metadata.get("exif", b"")
    if len(exif) <= _MOST_BYTES:
        return dict(metadata)
    body, step = exif.removeprefix(_EXIF), _MOST_BYTES - len(_EXIF)
    segments = b"".join(_segment(0xE1, _EXIF + body[at : at + step]) for at in range(0, len(body), step))
    kept = {key: value for key, value in metadata.items() if key != "exif"}
    return {**kept, "extra": segments + metadata.get("extra", b"")}


def webp_chunks(path: Path) -> list[bytes]:
    """The types of the chunks of a WebP file (RFC 9649): b"VP8 " holds a lossy picture, b"VP8L" a lossless one."""
    kinds = []
    with path.open("rb") as file:
        file.seek(12)
        while len(head := file.read(8)) == 8:
            kinds.append(head[:4])
            length = int.from_bytes(head[4:], "little")
            file.seek(length + length % 2, 1)
    return kinds


def _exif(image: Image.Image, path: Path) -> bytes | None:
    """The EXIF data of a decoded picture, byte by byte except for TIFF and RAW files."""
    if image.format == "RAW":
        return _exif_of_raw(path)
    if image.format != "TIFF":
        exif: bytes | None = image.info.get("exif")
        if exif is None and "Raw profile type exif" in image.info:
            with exif_may_be_broken():
                # As ImageMagick writes them into PNG files: an empty line, name, length, and hexadecimal digits.
                exif = bytes.fromhex("".join(image.info["Raw profile type exif"].split("\n")[3:]))
        return exif
    found = image.getexif()
    kept = _camera_tags(found)
    for tag in (_XMP, _IPTC, _PHOTOSHOP):
        if isinstance(value := found.get(tag), bytes):
            kept[tag] = without_photoshop_thumbnails(value) if tag == _PHOTOSHOP else value
    if _XMP in kept:
        kept[_XMP] = without_orientation(without_what_is_lost(kept[_XMP])[0])
    return kept.tobytes() if len(kept) else None


def _exif_of_raw(path: Path) -> bytes | None:
    """Camera, time and place, where the RAW file is a TIFF file, as most are; maker notes hold in that file only."""
    found = Image.Exif()
    with exif_may_be_broken(), path.open("rb") as file:
        found.load_from_fp(file)
        kept = _camera_tags(found)
        kept.get(ExifTags.IFD.Exif, {}).pop(ExifTags.Base.MakerNote, None)
        return kept.tobytes() if len(kept) else None
    return None


def _camera_tags(found: Image.Exif) -> Image.Exif:
    kept = Image.Exif()
    for tag in _TIFF_TAGS:
        if tag in found:
            kept[tag] = found[tag]
    for group in _TIFF_GROUPS:
        if group in found:
            kept[group] = found.get_ifd(group)
    return kept


def _kept_chunks(found: Sequence[png.Chunk]) -> tuple[list[png.Chunk], list[str]]:
    """Metadata that Pillow does not write itself, and those left out."""
    kept, lost = [], []
    for chunk in found:
        if chunk.kind == b"caBX":
            lost.append(_CONTENT_CREDENTIALS)
        if chunk.kind in (b"iCCP", b"eXIf", b"pHYs") or not chunk.stays_true():
            continue
        if chunk.kind in (b"tEXt", b"zTXt") and chunk.data.startswith(b"Raw profile type exif\0"):
            continue  # becomes eXIf
        if chunk.data.startswith(b"XML:com.adobe.xmp\0"):
            data, of_xmp = without_what_is_lost(chunk.data)
            chunk, lost = png.Chunk(chunk.kind, data), lost + of_xmp
        kept.append(chunk)
    return kept, lost


def _photoshop_segments(segments: Sequence[tuple[str, bytes]]) -> list[bytes]:
    """IPTC data and the like, except for thumbnails."""
    bodies = [data.removeprefix(_PHOTOSHOP_SEGMENT) for _, data in segments if data.startswith(_PHOTOSHOP_SEGMENT)]
    kept = without_photoshop_thumbnails(b"".join(bodies))
    step = _MOST_BYTES - len(_PHOTOSHOP_SEGMENT)
    return [_PHOTOSHOP_SEGMENT + kept[at : at + step] for at in range(0, len(kept), step)]


def _segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def _lost_of_jpeg(segments: Sequence[tuple[str, bytes]], path: Path) -> list[str]:
    lost = []
    for name, data in segments:
        if name == "APP11" and data.startswith(b"JP"):
            lost.append(_CONTENT_CREDENTIALS)
        elif name != "COM" and not data.startswith(_KNOWN_SEGMENTS):
            lost.append(f"the segment {name}")
    if re.search(_VIDEO, path.read_bytes()):
        lost.append("the video of a motion photo")
    return lost


def _lost_of_heif(info: Mapping[str | tuple[int, int], Any], path: Path) -> list[str]:
    lost = ["the depth map"] if any(info.get("depth_images", [])) else []
    for kind in info.get("aux", {}):
        lost.append("the gain map (HDR)" if "hdrgainmap" in kind else f"the picture {kind}")
    if re.search(b"mpvd" + _VIDEO, path.read_bytes()):
        lost.append("the video of a motion photo")
    return lost + _lost_of_boxes(path)


def _lost_of_avif(path: Path) -> list[str]:
    """Data of an AVIF file that are lost, in words: Pillow keeps an ICC profile alone of its colours."""
    described = _first_boxes(path).partition(b"colrnclx")[2][:2]
    lost = ["its colours other than sRGB"] if described not in (b"", b"\0\1", b"\0\2") else []
    return lost + _lost_of_boxes(path)


def _lost_of_boxes(path: Path) -> list[str]:
    """By the items and boxes that describe a HEIF or AVIF file."""
    described = {b"tmap": "the gain map (HDR)", b"c2pa": _CONTENT_CREDENTIALS}
    boxes = _first_boxes(path)
    return [words for mark, words in described.items() if mark in boxes]


def _first_boxes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MOST_BYTES)


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    tags: Mapping[int, Any] = getattr(image, "tag_v2", {})
    is_told = image.info.get("jfif_unit") if image.format in ("JPEG", "MPO") else ExifTags.Base.XResolution in tags
    if image.format in ("JPEG", "MPO", "TIFF") and not is_told:
        return None  # EXIF data tell it, or nothing does and Pillow makes it up
    horizontal, vertical = map(float, image.info.get("dpi", (0, 0)))
    return (horizontal, vertical) if 0 < horizontal < inf and 0 < vertical < inf else None
