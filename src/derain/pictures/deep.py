"""PNG and TIFF pictures with all of their 16 bits a channel, which Pillow reads and writes at 8."""

import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8, UInt16
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from derain.pictures import png
from derain.pictures.decoding import decoder_arguments, opened

Levels = UInt16[np.ndarray, "h w c"]

# Raw modes in which Pillow's decoders take the upper bytes of a pixel's levels, and the lower ones.
_LOWER = {
    f"{mode};16{order}": f"{mode};16{other}" for mode in ("RGB", "RGBA", "RGBX") for order, other in ("BL", "LB", "NB")
}
_GREY_ALPHA, _FOUR_BYTES = "LA;16B", "RGBA"
_PNG_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}  # colour types of PNG by the number of channels
_ZLIB_LEVEL = 3  # noise of 16 bits gets no smaller at higher ones
_UP = 2  # filter: every byte less the one above it
_GROUPS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)


def deep_levels(image: Image.Image, path: Path) -> Levels | None:
    """All 16 bits of an opened PNG or TIFF picture: grey, grey and opacity, RGB, or RGB and opacity.

    They are as Pillow gives them: TIFF upright, PNG as it is stored.

    Args:
        image: freshly opened; it is decoded.
        path: its file, which is read a second time.

    Returns:
        levels 0..65535; None where the picture has fewer bits, or they are stored otherwise.
    """
    if image.format not in ("PNG", "TIFF"):
        return None
    transparent = image.info.get("transparency")
    if image.mode.startswith("I;16"):
        if any(";12" in str(arguments) for arguments in decoder_arguments(image)):
            return None
        grey = np.asarray(image).astype(np.uint16)[..., None]
        tags: Mapping[int, Any] = getattr(image, "tag_v2", {})
        # In some TIFF files white is 0, which Pillow (12.3) respects at 8 bits alone.
        return 65535 - grey if tags.get(ExifTags.Base.PhotometricInterpretation) == 0 else _with_key(grey, transparent)
    kinds = set(map(_raw_mode, decoder_arguments(image)))
    if kinds == {_GREY_ALPHA}:
        _read_as(image, {_GREY_ALPHA: _FOUR_BYTES})
        return np.asarray(image).view(">u2").astype(np.uint16)
    if not kinds or not kinds <= _LOWER.keys():
        return None
    upper = np.asarray(image)
    with opened(path) as again:
        _read_as(again, _LOWER)
        lower = np.asarray(again)
    return _with_key(upper.astype(np.uint16) << 8 | lower, transparent)


def eight_bits(levels: UInt8[np.ndarray, "*n"] | UInt16[np.ndarray, "*n"]) -> UInt8[np.ndarray, "*n"]:
    """The upper 8 of 16 bits; 8 bits as they are.

    >>> eight_bits(np.array([511], np.uint16)), eight_bits(np.array([7], np.uint8))
    (array([1], dtype=uint8), array([7], dtype=uint8))
    """
    return levels if levels.dtype == np.uint8 else (levels >> 8).astype(np.uint8)


def encode_png_16(levels: Levels, like: bytes) -> bytes:
    """The content of a PNG file of 16 bits a channel.

    Args:
        levels: 0..65535; grey, grey and opacity, RGB, or RGB and opacity.
        like: content of a PNG file with the metadata that it is to have.
    """
    height, width, channels = levels.shape
    rows = levels.astype(">u2").reshape(height, -1).view(np.uint8)
    filtered = np.empty((height, rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = _UP
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    beside = [chunk for chunk in png.chunks(BytesIO(like)) if chunk.kind not in (b"IHDR", b"IEND")]
    size = width.to_bytes(4) + height.to_bytes(4)
    head = png.Chunk(b"IHDR", size + bytes([16, _PNG_COLOURS[channels], 0, 0, 0]))
    return png.encoded(
        [head, *beside, png.Chunk(b"IDAT", zlib.compress(filtered.tobytes(), _ZLIB_LEVEL)), png.Chunk(b"IEND", b"")]
    )


def encode_tiff_16(levels: Levels, metadata: Mapping[str, Any]) -> bytes:
    """The content of an uncompressed TIFF file of 16 bits a channel.

    Args:
        levels: 0..65535; grey, grey and opacity, RGB, or RGB and opacity.
        metadata: `exif`, `icc_profile` and `dpi` as Pillow's `save` takes them.
    """
    height, width, channels = levels.shape
    pixels = levels.astype("<u2").tobytes()
    exif = Image.Exif()
    exif.load(metadata.get("exif", b""))
    directory: Any = ImageFileDirectory_v2()
    for tag in exif:
        directory[tag] = exif.get_ifd(tag) if tag in _GROUPS else exif[tag]
    base = ExifTags.Base
    directory[base.ImageWidth], directory[base.ImageLength] = width, height
    directory[base.BitsPerSample], directory[base.SamplesPerPixel] = (16,) * channels, channels
    directory[base.Compression], directory[base.PlanarConfiguration] = 1, 1
    directory[base.PhotometricInterpretation] = 1 if channels < 3 else 2  # black is 0; RGB
    directory[base.RowsPerStrip], directory[base.StripByteCounts] = height, len(pixels)
    directory[base.StripOffsets] = 0  # behind the directory
    if channels in (2, 4):
        directory[base.ExtraSamples] = 2  # opacity
    if profile := metadata.get("icc_profile"):
        directory[base.InterColorProfile] = profile
    if dpi := metadata.get("dpi"):
        directory[base.XResolution], directory[base.YResolution] = dpi
        directory[base.ResolutionUnit] = 2  # inches
    file = BytesIO()
    directory.save(file)
    return file.getvalue() + pixels


def _raw_mode(arguments: Any) -> str:
    return str(arguments if isinstance(arguments, str) else arguments[0])


def _read_as(image: Any, raw_modes: Mapping[str, str]) -> None:
    """Let an opened picture be decoded by other rules of where levels stand."""
    tiles = []
    for tile in image.tile:
        arguments = tile[3]
        mode = raw_modes[_raw_mode(arguments)]
        tiles.append(tile._replace(args=mode if isinstance(arguments, str) else (mode, *arguments[1:])))
    image.tile = tiles


def _with_key(levels: Levels, transparent: int | tuple[int, ...] | None) -> UInt16[np.ndarray, "h w _"]:
    """The levels, with opacity where one level or colour is transparent."""
    if transparent is None:
        return levels
    opacity = (levels != np.array(transparent, np.uint16)).any(axis=-1, keepdims=True) * np.uint16(65535)
    return np.concatenate([levels, opacity], axis=-1, dtype=np.uint16)
