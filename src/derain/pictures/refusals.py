"""Why a file is not read as a picture, in words: its kind, or how it stores its levels."""

import struct
from mimetypes import guess_type
from pathlib import Path

from PIL.ExifTags import Base
from PIL.TiffImagePlugin import COMPRESSION_INFO, ImageFileDirectory_v2

_READ = "PNG, JPEG, WEBP, AVIF, TIFF, BMP, PPM, HEIF, RAW"
_OTHER_KINDS = {
    b"GIF8": "a GIF picture",
    b"\0\0\0\x0cjP  ": "a JPEG 2000 picture",
    b"\xff\x4f\xff\x51": "a JPEG 2000 picture",
    b"\0\0\0\x0cJXL ": "a JPEG XL picture",
    b"\xff\x0a": "a JPEG XL picture",
    b"8BPS": "a Photoshop file",
    b"%PDF": "a PDF file",
    b"\x76\x2f\x31\x01": "an OpenEXR picture",
}
_TIFF_BEGINNINGS = (b"II*\0", b"MM\0*")
_SAMPLE_FORMAT = 0x0153
_SAMPLES = {1: "unsigned", 2: "signed", 3: "floating-point"}
_NOT_COMPILED = ("webp",)  # compressions that Pillow (12.3) knows by name only


def why_not_read(path: Path) -> str:
    """The rest of a sentence that begins with the file; it need not be of a kind that is read."""
    with path.open("rb") as file:
        beginning = file.read(16)
    if not beginning:
        return "is empty"
    for start, kind in _OTHER_KINDS.items():
        if beginning.startswith(start):
            return f"is not an image of a kind that is read ({_READ}), but {kind}"
    try:
        if beginning.startswith(_TIFF_BEGINNINGS):
            return _why_not_tiff(path)
        if beginning.startswith(b"\xff\xd8"):
            return _why_not_jpeg(path)
    except Exception:  # a broken file may raise nearly anything
        return f"is no whole image ({_READ})"
    if str(guess_type(path.name)[0]).startswith("video/"):
        return "is a video of a kind that is not read"
    return f"is not an image ({_READ})"


def _why_not_tiff(path: Path) -> str:
    with path.open("rb") as file:
        directory = ImageFileDirectory_v2(file.read(8))
        file.seek(directory.next)
        directory.load(file)
    if Base.Compression not in directory:
        raise ValueError("the directory is cut off")
    compression = directory[Base.Compression]
    name = COMPRESSION_INFO.get(compression)
    if name is None or name in _NOT_COMPILED:
        named = f"as {name}" if name else f"by method {compression}"
        return f"is a TIFF picture compressed {named}, which is not read; save it uncompressed or with LZW"
    bits = max(directory.get(Base.BitsPerSample, (1,)))
    kind = _SAMPLES.get(max(directory.get(_SAMPLE_FORMAT, (1,))), "unknown")
    channels = directory.get(Base.SamplesPerPixel, 1)
    return (
        f"has {bits}-bit levels ({kind}; channels: {channels}), which are not read; "
        "save it in grey or RGB with 8 or 16 unsigned bits a channel"
    )


def _why_not_jpeg(path: Path) -> str:
    """By the header of the frame (ITU-T T.81)."""
    with path.open("rb") as file:
        file.seek(2)
        while True:
            marker, length = struct.unpack(">HH", file.read(4))
            body = file.read(length - 2)
            if 0xFFC0 <= marker <= 0xFFCF and marker not in (0xFFC4, 0xFFC8, 0xFFCC):
                break
    if marker not in (0xFFC0, 0xFFC1, 0xFFC2, 0xFFC9, 0xFFCA):
        return "is a JPEG picture of the lossless or a differential kind, which is not read"
    if body[0] != 8:
        return f"is a JPEG picture of {body[0]} bits a channel, which is not read; save it with 8"
    return "is no whole JPEG picture"
