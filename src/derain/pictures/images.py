"""Pictures as arrays: reading, writing and listing of files."""

import logging
from io import BytesIO
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageCms

from derain.errors import InputError, MissingFileError, near_name, unreadable
from derain.pictures.decoding import decoded, opened, stored_orientation, upright
from derain.pictures.formats import SUFFIXES
from derain.support.files import entry, write_bytes

_log = logging.getLogger("derain")


def read_image(path: Path, max_pixels: int = 200_000_000, srgb: bool = False) -> UInt8[np.ndarray, "h w 3"]:
    """Read a picture as a person would see it: upright by its EXIF orientation, in RGB.

    Grey, palette and CMYK pictures become RGB, transparent ones are laid on white, of several frames the first is
    taken. Of 12 or 16 bits a channel the upper 8 are kept, which is logged.

    Args:
        path: PNG, JPEG, WebP, AVIF, TIFF, BMP, PPM, HEIF or a RAW file; the content counts, not the suffix.
        max_pixels: a picture with more pixels is refused before it is decoded.
        srgb: convert the colours from the picture's own profile to sRGB; without it levels are as they are stored.

    Returns:
        levels 0..255.

    Raises:
        InputError: missing, not a picture, truncated, too large, or of floating-point or 32-bit levels.
    """
    with opened(path) as image:
        orientation = stored_orientation(image)
        profile = image.info.get("icc_profile") if srgb and image.mode in ("RGB", "RGBA", "P") else None
        picture = decoded(image, path, max_pixels)
        if picture.mode in ("LA", "RGBA"):
            rgba = picture.convert("RGBA")
            picture = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
        rgb = picture if picture.mode == "RGB" else picture.convert("RGB")
        return upright(np.array(_in_srgb(rgb, profile) if profile else rgb), orientation)


def _in_srgb(rgb: Image.Image, profile: bytes) -> Image.Image:
    """The picture as the profile of its colours means it; as it is where that cannot be read, or is not of RGB."""
    try:
        converted = ImageCms.profileToProfile(rgb, BytesIO(profile), ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError):
        return rgb
    return rgb if converted is None else converted


def image_size(path: Path) -> tuple[int, int]:
    """(height, width) of the upright picture, in pixels, from its header alone.

    Raises:
        InputError: missing or not a picture. That a file is truncated shows only when it is read.
    """
    with opened(path) as image:
        width, height = image.size
        return (width, height) if stored_orientation(image) in (5, 6, 7, 8) else (height, width)


def list_images(folder: Path) -> list[Path]:
    """The pictures in `folder` itself, known by their suffix, sorted by name as text.

    Hidden files are left out. Subfolders, pipes, sockets and devices are left out, too, which is logged.

    Raises:
        InputError: the folder is missing, cannot be read, is empty or holds no picture.
    """
    entries = list_entries(folder)
    if not entries:
        raise InputError(f"the folder {folder} is empty")
    # Hidden files with a picture's suffix are what macOS leaves beside the pictures ("._photo.jpg"). What is no folder
    # is kept, not only what is a file: a broken link is to be named.
    named = [path for path in entries if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]
    kinds = {path: entry(path) for path in named}
    for path in (path for path, kind in kinds.items() if kind == "other"):
        _log.warning("%s is no regular file and is left out", path)
    files = [path for path, kind in kinds.items() if kind not in ("folder", "other")]
    subfolders = [path.name for path in entries if entry(path) == "folder" and not path.name.startswith(".")]
    if not files:
        inside = f"; give one of its subfolders: {', '.join(subfolders)}" if subfolders else ""
        raise InputError(f"the folder {folder} holds no image ({', '.join(SUFFIXES)}){inside}")
    if subfolders:
        _log.warning("%s: subfolders left out: %d (%s)", folder, len(subfolders), ", ".join(subfolders))
    return files


def list_entries(folder: Path) -> list[Path]:
    """List all entries of `folder` itself, sorted by name as text.

    Raises:
        InputError: the folder is missing or cannot be read.
    """
    if not folder.exists():
        raise MissingFileError(f"the folder {folder} does not exist{near_name(folder)}")
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder")
    try:
        return sorted(folder.iterdir(), key=lambda path: path.name)
    except OSError as error:
        raise unreadable(folder, error, "the folder") from error


def write_image(path: Path, image: UInt8[np.ndarray, "h w *c"]) -> None:
    """Write a grey (h, w) or RGB (h, w, 3) picture as PNG, atomically.

    Raises:
        InputError: the disk is full or the folder cannot be written.
    """
    write_bytes(path, encode_png(image))


def encode_png(image: UInt8[np.ndarray, "h w *c"]) -> bytes:
    """A grey (h, w) or RGB (h, w, 3) picture as the content of a PNG file."""
    buffer = BytesIO()
    Image.fromarray(image).save(buffer, format="PNG")
    return buffer.getvalue()


def encode_jpeg(image: UInt8[np.ndarray, "h w *c"], quality: int) -> bytes:
    """A grey (h, w) or RGB (h, w, 3) picture as the content of a JPEG file, of a quality of 1..100."""
    buffer = BytesIO()
    Image.fromarray(image).save(buffer, format="JPEG", quality=quality)
    return buffer.getvalue()
