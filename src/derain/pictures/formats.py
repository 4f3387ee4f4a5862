"""The kinds of picture files: their suffixes, and what the rarer ones need."""

from importlib.util import find_spec
from pathlib import Path

from derain.pictures import raw

HEIF_SUFFIXES = (".heic", ".heif", ".hif")
SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".avif", *HEIF_SUFFIXES, ".tif", ".tiff", ".bmp", ".ppm",
    ".pgm",
)  # fmt: skip
"""Suffixes of pictures. RAW files are not among them, as they often lie beside the pictures that the camera made."""

_EXTRAS = {"heif": (HEIF_SUFFIXES, "pillow_heif"), "raw": (raw.SUFFIXES, "rawpy")}


def missing_extra(path: Path) -> str | None:
    """The extra of derain that a picture of this suffix needs, where it is not installed.

    >>> missing_extra(Path("a.png"))
    """
    for extra, (suffixes, module) in _EXTRAS.items():
        if path.suffix.lower() in suffixes and find_spec(module) is None:
            return extra
    return None
