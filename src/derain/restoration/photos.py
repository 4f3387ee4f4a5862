"""Photos with all that is kept of them (docs/how-to/restore.md), so that they can be written back with other pixels."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8, UInt16
from PIL import Image

from derain.errors import InputError
from derain.pictures import png, raw
from derain.pictures.decoding import (
    as_stored,
    decoded,
    opened,
    pages,
    refuse_what_is_misread,
    stored_orientation,
    truncated_accepted,
    upright,
)
from derain.pictures.deep import deep_levels, eight_bits, encode_png_16, encode_tiff_16
from derain.restoration.metadata import jpeg_options, read_metadata, renewed, webp_chunks
from derain.restoration.restorer import Picture

MAX_PIXELS = 200_000_000

_AS_JPEG = {"MPO": "JPEG", "RAW": "JPEG"}  # what RAW files are developed into, and the first picture of several
_GAP_PX = 4
_log = logging.getLogger("derain")


@dataclass(frozen=True)
class Photo:
    """A photo as a person sees it, and what it takes to write the result in its format.

    Attributes:
        rgb: upright, 0..255; of a PNG or TIFF file of 16 bits a channel 0..65535, and so is `alpha`.
        grey: whether it is stored without colours; so is the result.
        alpha: its transparency, upright; None: there is none.
        format: Pillow's name of the file's format.
        lossless: whether it is a WebP file that keeps every pixel; so is the result.
        orientation: the EXIF orientation in which it is stored.
        metadata: what is kept beside the pixels, as `derain.restoration.metadata.read_metadata` gives it.
    """

    rgb: Picture
    grey: bool
    alpha: UInt8[np.ndarray, "h w"] | UInt16[np.ndarray, "h w"] | None
    format: str
    lossless: bool
    orientation: int
    metadata: Mapping[str, Any]


def read_photo(path: Path, max_pixels: int = MAX_PIXELS, accept_truncated: bool = False) -> Photo:
    """Read a photo with its metadata and transparency.

    Palette, CMYK and other colours become RGB. Of 12 or 16 bits a channel the upper 8 are kept, and of what phones hide
    behind a picture (depth, gain maps, videos) nothing; both are logged.

    Args:
        path: PNG, JPEG, WebP, AVIF, TIFF, BMP, PPM, HEIF or a RAW file; the content counts, not the suffix.
        max_pixels: a photo with more pixels is refused before it is decoded.
        accept_truncated: read a file that ends too early, or is damaged, as far as it can be, with a logged note.

    Raises:
        InputError: missing, not a picture, truncated, too large, of floating-point or 32-bit levels, animated or of
            several pages.
    """
    try:
        return _read(path, max_pixels)
    except InputError:
        if not accept_truncated:
            raise
    with truncated_accepted():
        photo = _read(path, max_pixels)
    _log.warning("%s is truncated or damaged: a part of the picture is missing", path)
    return photo


def _read(path: Path, max_pixels: int) -> Photo:
    with opened(path) as image:
        if image.format == "RAW" and path.suffix.lower() not in raw.SUFFIXES:
            raise InputError(f"{path} is a RAW file: give it a suffix of those, such as .dng")
        frames, thumbnails = pages(image)
        has_main = image.format in ("MPO", "HEIF")
        if frames - thumbnails > 1 and not has_main:
            raise InputError(f"{path} is animated or has pages: {frames} pictures, of which all but one would be lost")
        refuse_what_is_misread(image, path, max_pixels)
        orientation = stored_orientation(image)
        levels = deep_levels(image, path)
        if levels is None:
            levels = np.atleast_3d(np.array(decoded(image, path, max_pixels)))
        metadata, lost = read_metadata(image, path)
        channels = levels.shape[2]
        if image.format == "BMP" and channels == 4:
            lost.append("its transparency, without which Pillow writes BMP files")
        if frames > 1 and has_main:
            _log.warning("%s holds %d pictures, of which the first is restored and kept", path, frames)
        if thumbnails:
            lost.append("a page that is a thumbnail" if thumbnails == 1 else f"{thumbnails} pages that are thumbnails")
        if lost:
            _log.warning("%s: left out: %s", path, ", ".join(lost))
        seen = upright(levels, orientation)
        return Photo(
            rgb=np.ascontiguousarray(seen[..., :3] if channels > 2 else seen[..., [0, 0, 0]]),
            grey=channels < 3,
            alpha=seen[..., -1] if channels in (2, 4) else None,
            format=_AS_JPEG.get(str(image.format), str(image.format)),
            lossless=image.format == "WEBP" and b"VP8L" in webp_chunks(path),
            orientation=orientation,
            metadata=metadata,
        )


def encode_photo(photo: Photo, restored: Picture, quality: int) -> bytes:
    """The content of a file that is `photo` except for its pixels.

    Args:
        photo: as it was read.
        restored: upright, of its size and its levels.
        quality: 1..100, for JPEG, AVIF, HEIF and lossy WebP. The first three keep the colours at full resolution
            (4:4:4); TIFF is written uncompressed.

    Raises:
        InputError: the format cannot hold it.
    """
    parts: list[np.ndarray] = [without_colours(restored)[..., :1] if photo.grey else restored]
    if photo.alpha is not None:
        parts.append(photo.alpha[..., None])
    levels = as_stored(np.concatenate(parts, axis=2), photo.orientation)
    try:
        return _encode(levels, photo, quality)
    except MemoryError:
        raise
    except Exception as error:  # on odd EXIF data Pillow's encoders raise nearly anything
        raise InputError(f"the result cannot be written as {photo.format}: {error}") from error


def _encode(levels: UInt8[np.ndarray, "h w c"] | UInt16[np.ndarray, "h w c"], photo: Photo, quality: int) -> bytes:
    is_deep = levels.dtype == np.uint16
    stored = Image.fromarray(eight_bits(levels).squeeze(2) if levels.shape[2] == 1 else eight_bits(levels))
    metadata = renewed(photo.metadata, stored)
    file = BytesIO()
    match photo.format:
        case "JPEG":
            stored.save(file, "JPEG", quality=quality, subsampling=0, **jpeg_options(metadata))
        case "PNG":
            chunks = metadata.pop("chunks", ())
            stored.crop((0, 0, 1, 1) if is_deep else None).save(file, "PNG", **metadata)
            like = png.with_chunks(file.getvalue(), chunks)
            return encode_png_16(levels, like) if is_deep else like
        case "WEBP":  # exact: what is transparent, too
            stored.save(file, "WEBP", quality=quality, lossless=photo.lossless, exact=True, **metadata)
        case "AVIF":
            stored.save(file, "AVIF", quality=quality, subsampling="4:4:4", **metadata)
        case "HEIF":
            _save_heif(stored, file, quality, metadata)
        case "TIFF" if is_deep:
            return encode_tiff_16(levels, metadata)
        case "TIFF":  # with compression Pillow (13.0) fails on EXIF data
            stored.save(file, "TIFF", compression="raw", **metadata)
        case _:
            stored.save(file, photo.format, **metadata)
    return file.getvalue()


def _save_heif(picture: Image.Image, file: BytesIO, quality: int, metadata: Mapping[str, Any]) -> None:
    from pillow_heif import from_pillow

    picture.info.update(metadata)
    # x265's default takes minutes for a phone's photo, for a fifth less of bytes at a lower fidelity.
    from_pillow(picture).save(file, quality=quality, chroma=444, enc_params={"preset": "ultrafast"})


def is_colourless(picture: Picture) -> bool:
    """True for a photo that shows grey alone, however it is stored: its result must have no colours."""
    return bool((picture == picture[:, :, :1]).all())


def without_colours(picture: Picture) -> Picture:
    """The picture as it is written in grey (ITU-R BT.601), in three equal channels.

    >>> without_colours(np.array([[[255, 0, 0]]], np.uint8)).tolist()
    [[[76, 76, 76]]]
    """
    if picture.dtype == np.uint8:
        return np.array(Image.fromarray(picture).convert("L").convert("RGB"))
    grey = (picture @ np.array([0.299, 0.587, 0.114], np.float32)).round().astype(np.uint16)
    return np.repeat(grey[..., None], 3, axis=2)


def encode_strip(photo: Photo, pictures: Sequence[UInt8[np.ndarray, "h w 3"]], side_px: int = 1600) -> bytes:
    """A JPEG of pictures of a photo side by side, each at most `side_px` a side, in the photo's colour profile."""
    parts = []
    for rgb in pictures:
        part = Image.fromarray(rgb)
        part.thumbnail((side_px, side_px))
        parts.append(part)
    width, height = parts[0].size
    strip = Image.new("RGB", (len(parts) * (width + _GAP_PX) - _GAP_PX, height), "white")
    for index, part in enumerate(parts):
        strip.paste(part, (index * (width + _GAP_PX), 0))
    file = BytesIO()
    strip.save(file, "JPEG", quality=90, icc_profile=None if photo.grey else photo.metadata.get("icc_profile"))
    return file.getvalue()
