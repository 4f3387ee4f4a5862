"""Small pictures within metadata, which would still show the rain."""

import struct
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageOps

_COMPRESSED_START, _COMPRESSED_LENGTH, _STRIPS = 0x0201, 0x0202, 0x0111  # EXIF 2.32, IFD1
_SHRUNK = (1, 2, 4)
_QUALITIES = (90, 75, 60, 45, 30, 15)
_RESOURCES = (0x0409, 0x040C)  # thumbnails among Photoshop's image resources


def renew_exif_thumbnail(exif: bytes, picture: Image.Image) -> bytes:
    """EXIF data whose thumbnail shows another picture; all else stays byte by byte where it was.

    One that is no JPEG, or too short for a new one, is blotted out.

    Args:
        exif: as Pillow gives them; what cannot be read is returned as it is.
        picture: as it is stored, not upright, as the thumbnail is turned with it.
    """
    try:
        thumbnail = _find_thumbnail(exif)
    except (struct.error, IndexError):
        return exif
    if thumbnail is None:
        return exif
    start, end = thumbnail.start, thumbnail.start + thumbnail.length
    new = _encode(picture, exif[start:end])
    changed = bytearray(exif)
    changed[start:end] = new.ljust(thumbnail.length, b"\0")
    if new:
        struct.pack_into(thumbnail.length_format, changed, thumbnail.length_at, len(new))
    else:
        changed[thumbnail.link_at : thumbnail.link_at + 4] = bytes(4)
    return bytes(changed)


def without_photoshop_thumbnails(resources: bytes) -> bytes:
    """Photoshop's image resources, such as IPTC data, except for the thumbnails; what cannot be read is left out.

    >>> without_photoshop_thumbnails(b"8BIM\\x04\\x0c\\0\\0\\0\\0\\0\\2ab" + b"8BIM\\x04\\x04\\0\\0\\0\\0\\0\\1i\\0")
    b'8BIM\\x04\\x04\\x00\\x00\\x00\\x00\\x00\\x01i\\x00'
    """
    kept, at = b"", 0
    while resources[at : at + 4] == b"8BIM" and len(resources) > at + 11:
        code = int.from_bytes(resources[at + 4 : at + 6])
        data = at + 6 + (resources[at + 6] + 2) // 2 * 2  # behind a name, of even length with its own
        length = int.from_bytes(resources[data : data + 4])
        end = data + 4 + (length + 1) // 2 * 2
        if code not in _RESOURCES:
            kept += resources[at:end]
        at = end
    return kept


@dataclass(frozen=True)
class _Thumbnail:
    """Places within EXIF data: the thumbnail, its length and the form of that, and the entry that leads to it."""

    start: int
    length: int
    length_at: int
    length_format: str
    link_at: int


def _find_thumbnail(exif: bytes) -> _Thumbnail | None:
    base = 6 if exif.startswith(b"Exif\0\0") else 0
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[base : base + 4])
    if order is None:
        return None
    link_at = _end_of_entries(exif, base + _number(exif, base + 4, order + "I"), order)
    first = _number(exif, link_at, order + "I")
    if not first:
        return None
    found: dict[int, tuple[int, int, str]] = {}  # tag: value, place, format
    for at in range(base + first + 2, _end_of_entries(exif, base + first, order), 12):
        tag, kind = struct.unpack_from(order + "HH", exif, at)
        form = order + ("H" if kind == 3 else "I")
        found[tag] = (_number(exif, at + 8, form), at + 8, form)
    if _COMPRESSED_START not in found or _COMPRESSED_LENGTH not in found:
        return _Thumbnail(link_at + 4, 0, 0, "", link_at) if _STRIPS in found else None
    length, length_at, form = found[_COMPRESSED_LENGTH]
    start = base + found[_COMPRESSED_START][0]
    return _Thumbnail(start, min(length, max(len(exif) - start, 0)), length_at, form, link_at)


def _end_of_entries(exif: bytes, directory: int, order: str) -> int:
    return directory + 2 + 12 * _number(exif, directory, order + "H")


def _number(exif: bytes, at: int, form: str) -> int:
    return int(struct.unpack_from(form, exif, at)[0])


def _encode(picture: Image.Image, old: bytes) -> bytes:
    """A JPEG of the size of the old one, or a smaller one, that is no longer than it; empty if there is none."""
    try:
        with Image.open(BytesIO(old), formats=["JPEG"]) as image:
            width, height = image.size
    except Exception:  # a broken picture may raise nearly anything
        return b""
    small = ImageOps.pad(picture.convert("RGB"), (width, height))
    for shrunk in _SHRUNK:
        part = small.resize((max(width // shrunk, 1), max(height // shrunk, 1)))
        for quality in _QUALITIES:
            file = BytesIO()
            part.save(file, "JPEG", quality=quality)
            if len(file.getvalue()) <= len(old):
                return file.getvalue()
    return b""
