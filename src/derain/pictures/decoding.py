"""Decoding of picture files: formats, limits, bit depths and the camera's orientation."""

import ctypes
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from io import BufferedReader
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
import PIL
from PIL import Image, ImageFile, UnidentifiedImageError

from derain.errors import InputError, needs_extra, unreadable
from derain.pictures import png
from derain.pictures.raw import RawPicture, is_raw
from derain.pictures.refusals import why_not_read
from derain.support.files import regular

_FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "TIFF", "BMP", "PPM")  # Pillow's own
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs")

ORIENTATION = 0x0112
"""The tag of the orientation in EXIF 2.32."""

_AVIF_HEAD_BYTES = 65_536  # what describes the pixels stands before them
_settings_lock = RLock()  # Pillow's limit and Python's warnings are those of the process
_log = logging.getLogger("derain")
_KIND, _BITS, _PHOTOMETRIC, _PLANES = 0x00FE, 0x0102, 0x0106, 0x011C  # tags of TIFF 6.0


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """The picture at `path`, with its header read; what goes wrong until the end of the block is bad input.

    Raises:
        InputError: missing, not a picture, or damaged.
    """
    try:
        # Given a path, Pillow (13.0) maps the file, and scrambles grey TIFF pictures that are to be turned.
        with regular(path).open("rb") as file, _open(file, path) as image:
            _leave_thumbnail(image)
            yield image
    except (InputError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise InputError(f"{path} {_why_not(path)}") from error
    except OSError as error:
        told = OSError("its compressed pixels are damaged") if "decoder error" in str(error) else error
        raise unreadable(path, told, "" if isinstance(error, FileNotFoundError) else "the image") from error
    except Exception as error:  # on broken files Pillow's decoders raise nearly anything
        raise InputError(f"cannot read the image {path}: it is damaged ({error})") from error


@contextmanager
def truncated_accepted() -> Iterator[None]:
    """A block in which files that end too early are decoded as far as they go, for all threads of the process."""
    with _settings_lock:
        before = ImageFile.LOAD_TRUNCATED_IMAGES
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            yield
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = before


def pages(image: Image.Image) -> tuple[int, int]:
    """The number of pictures of an opened file, and of thumbnails among them, which TIFF files tell."""
    count = getattr(image, "n_frames", 1)
    if image.format != "TIFF" or count == 1:
        return count, 0
    shown, thumbnails = image.tell(), 0
    for page in range(count):
        image.seek(page)
        thumbnails += _is_thumbnail(image)
    image.seek(shown)
    return count, thumbnails


def decoded(image: Image.Image, path: Path, max_pixels: int) -> Image.Image:
    """The first frame of an opened picture at 8 bits a channel, as it is stored: in mode L, LA, RGB or RGBA.

    Of 12 or 16 bits a channel the upper 8 are kept, which is logged; palette, CMYK and other colours become RGB.

    Raises:
        InputError: more than `max_pixels`, floating-point or 32-bit levels, or 16 bits in separate planes.
    """
    refuse_what_is_misread(image, path, max_pixels)
    tags: Mapping[int, Any] = getattr(image, "tag_v2", {})
    is_16_grey = image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM")
    if image.mode in ("I", "F") and not is_16_grey:
        raise InputError(f"{path} {_why_not(path)}")
    if bits := _more_than_8_bits(image):
        _log.warning("%s has %d bits a channel and is read at 8 bits", path, bits)
    transparent = image.info.get("transparency")  # one level, a colour, or an opacity for every colour of a palette
    if is_16_grey:
        levels = np.asarray(image)
        upper = (levels >> (4 if bits == 12 else 8)).astype(np.uint8)
        if tags.get(_PHOTOMETRIC) == 0:
            upper = 255 - upper  # white is 0 in this TIFF file, which Pillow (12.3) respects at 8 bits alone
        read = Image.fromarray(upper)
        if transparent is not None:
            read.putalpha(Image.fromarray(levels != transparent).convert("L"))
        return read
    for stored, scale in (("L;2", 85), ("L;4", 17)):
        if transparent is not None and stored in decoder_arguments(image):
            image.info["transparency"] = scale * transparent  # Pillow (12.3) scales the pixels alone
    grey = image.mode in ("1", "L", "LA", "La")
    mode = ("L" if grey else "RGB") + ("A" if image.has_transparency_data else "")
    image.load()
    return image if image.mode == mode else image.convert(mode)


def refuse_what_is_misread(image: Image.Image, path: Path, max_pixels: int) -> None:
    """Refuse an opened picture that is too large, or that Pillow would read wrongly, before it is decoded.

    Raises:
        InputError: it has more than `max_pixels`, or 16 bits in separate planes, or is compressed as WebP within TIFF.
    """
    if image.format == "TIFF" and image.info.get("compression") == "webp":  # of which libtiff would print lines
        raise InputError(f"{path} {_why_not(path)}")
    width, height = image.size
    if width * height > max_pixels:
        raise InputError(f"{path} has {width} x {height} pixels, more than the limit of {max_pixels:,}")
    tags: Mapping[int, Any] = getattr(image, "tag_v2", {})  # of TIFF files
    raw = any(tile[0] == "raw" for tile in getattr(image, "tile", []))
    bits_of = tags.get(_BITS, (8,))
    if raw and tags.get(_PLANES) == 2 and len(bits_of) > 1 and max(bits_of) > 8:  # which Pillow (12.3) mixes up
        raise InputError(f"{path} has 16 bits a channel in separate planes; save it with the channels together")


def stored_orientation(image: Image.Image) -> int:
    """The EXIF orientation of an opened picture, as far as it is read: 1..8, or what a broken file says; 1 where the
    EXIF data cannot be read.
    """
    if image.format == "TIFF":
        return 1  # Pillow turns these itself
    with exif_may_be_broken():
        if image.format == "PNG" and "exif" not in image.info and (late := _late_exif(image)):
            image.info["exif"] = late
        # PngImageFile.getexif would decode the whole picture in search of that chunk.
        return int(Image.Image.getexif(image).get(ORIENTATION, 1))
    return 1


def _late_exif(image: Image.Image) -> bytes | None:
    """The EXIF data of a PNG file that stand behind its pixels, as some programs write them; None: there are none."""
    file: png.File | None = getattr(image, "fp", None)  # none once it is decoded, which reads them
    if file is None:
        return None
    position = file.tell()
    try:
        return next((b"Exif\0\0" + chunk.data for chunk in png.chunks(file) if chunk.kind == b"eXIf"), None)
    finally:
        file.seek(position)


@contextmanager
def exif_may_be_broken() -> Iterator[None]:
    """Passes over what Pillow raises on EXIF data that it cannot read, which is nearly anything, and its warnings."""
    with _without_warnings(), suppress(Exception):
        yield


def upright(stored: np.ndarray, orientation: int) -> np.ndarray:
    """A picture as it is seen, from how it is stored: rows and columns exchanged or turned about."""
    seen = stored.swapaxes(0, 1) if orientation in (5, 6, 7, 8) else stored
    seen = seen[::-1] if orientation in (3, 4, 7, 8) else seen
    return np.ascontiguousarray(seen[:, ::-1] if orientation in (2, 3, 6, 7) else seen)


def as_stored(seen: np.ndarray, orientation: int) -> np.ndarray:
    """The reverse of `upright`.

    >>> picture = np.arange(6).reshape(3, 2)
    >>> all((as_stored(upright(picture, each), each) == picture).all() for each in range(1, 9))
    True
    """
    # A quarter turn is undone by three more; the other six are their own reverse.
    return upright(seen, {6: 8, 8: 6}.get(orientation, orientation))


@contextmanager
def _without_warnings() -> Iterator[None]:
    """A block in which Pillow's warnings of broken files are not told: sentences of our own are."""
    with _settings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _why_not(path: Path) -> str:
    with _without_warnings():
        return why_not_read(path)


def _open(file: BufferedReader, path: Path) -> Image.Image:
    with _without_warnings():
        raw = is_raw(file, path)
    if raw:
        return RawPicture(file, path)
    if _is_heif(file):
        with needs_extra("heif", f"{path} is a HEIF picture and needs pillow-heif"):
            from pillow_heif import HeifImageFile
        return HeifImageFile(file)
    _silence_libtiff()
    readable = png.without_long_texts(file) if png.is_png(file) else file
    with _without_warnings():  # for the resolution Pillow looks into EXIF data, which may be broken
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None  # `decoded` has a limit of its own
        try:
            return Image.open(readable, formats=_FORMATS)
        finally:
            Image.MAX_IMAGE_PIXELS = limit


@cache
def _silence_libtiff() -> None:
    """Keep libtiff from printing lines of its own, in the wheels of Pillow that bring it as a library."""
    for library in (Path(PIL.__file__).parent.parent / "pillow.libs").glob("libtiff*.so*"):
        libtiff = ctypes.CDLL(str(library))
        libtiff.TIFFSetErrorHandler(None)
        libtiff.TIFFSetWarningHandler(None)


def _leave_thumbnail(image: Image.Image) -> None:
    """Go from the thumbnail with which some TIFF files begin to the first picture that is none."""
    page = 0
    while image.format == "TIFF" and _is_thumbnail(image) and page + 1 < getattr(image, "n_frames", 1):
        page += 1
        image.seek(page)


def _is_thumbnail(image: Image.Image) -> bool:
    tags: Mapping[int, Any] = getattr(image, "tag_v2", {})
    return bool(tags.get(_KIND, 0) & 1)


def _is_heif(file: BufferedReader) -> bool:
    """True for an open file of HEIF's brands (ISO/IEC 23008-12), those of AVIF left out."""
    length = int.from_bytes(file.read(4))
    brands = file.read(min(length, 256) - 4) if length > 8 else b""
    file.seek(0)
    named = [brands[start : start + 4] for start in (4, *range(12, len(brands), 4))]
    return brands.startswith(b"ftyp") and any(brand in _HEIF_BRANDS for brand in named)


def _more_than_8_bits(image: Image.Image) -> int:
    """Bits a channel of the file, most of which Pillow reduces to 8 itself while it decodes; 0: at most 8."""
    if image.format == "BMP":
        return 0  # its "16" is bits a pixel
    if image.format == "HEIF":
        bits = int(image.info["bit_depth"])
        return bits if bits > 8 else 0
    if image.format == "AVIF":
        return _bits_of_avif(image)
    arguments = decoder_arguments(image)
    if image.format == "PPM" and any(isinstance(entry, tuple) and entry[1] > 255 for entry in arguments):
        return 16  # (mode, largest level)
    return next((bits for bits in (16, 12) if f";{bits}" in str(arguments)), 0)


def _bits_of_avif(image: Image.Image) -> int:
    """By its decoder's configuration (AV1 Codec ISO Media File Format Binding, 2.3.3); 0: 8 bits, or unknown."""
    file: BufferedReader | None = getattr(image, "fp", None)
    if file is None:
        return 0
    file.seek(0)
    flags = file.read(_AVIF_HEAD_BYTES).partition(b"av1C")[2][2:3]
    is_high, is_twelve = (bool(flags and flags[0] & bit) for bit in (0x40, 0x20))
    return (12 if is_twelve else 10) if is_high else 0


def decoder_arguments(image: Image.Image) -> list[Any]:
    """The arguments of Pillow's decoders for a picture that is opened, such as how a pixel is stored."""
    return [tile[3] for tile in getattr(image, "tile", [])]
