"""RAW files: what a camera's sensor saw, developed into a picture (LibRaw)."""

from importlib import import_module
from io import BufferedReader
from pathlib import Path
from typing import Any

from PIL import Image, ImageFile
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from derain.errors import InputError, needs_extra

SUFFIXES = (
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef", ".mos", ".mrw",
    ".nef", ".nrw", ".orf", ".pef", ".raf", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
)  # fmt: skip

_BEGINNINGS = (
    b"FUJIFILMCCD-RAW", b"FOVb", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"\0MRM", b"\0\0\0\x18ftypcrx ",
)  # fmt: skip
_TIFF_BEGINNINGS = (b"II*\0", b"MM\0*")
_PHOTOMETRIC, _SUB_FILES, _DNG_VERSION = 0x0106, 0x014A, 0xC612
_OF_SENSORS = (32803, 34892)  # colour filter array, linear RAW


def is_raw(file: BufferedReader, path: Path) -> bool:
    """True for an open RAW file, by its content; for TIFF files the suffix counts, too.

    Most RAW files are TIFF files whose first picture is a small preview. The file is read from its beginning, and left
    there.
    """
    beginning = file.read(16)
    file.seek(0)
    if beginning.startswith(_BEGINNINGS):
        return True
    if not beginning.startswith(_TIFF_BEGINNINGS):
        return beginning.startswith((b"II", b"MM")) and path.suffix.lower() in SUFFIXES
    if path.suffix.lower() in SUFFIXES or beginning[8:10] == b"CR":
        return True
    try:
        return _has_sensor_levels(file, beginning[:8])
    except Exception:  # a broken file may raise nearly anything, and is named when it is read as TIFF
        return False
    finally:
        file.seek(0)


class RawPicture(ImageFile.ImageFile):
    """A RAW file as Pillow's other pictures: upright, RGB, 8 bits, developed when it is loaded.

    It is developed with the camera's white balance into sRGB, and made as bright as LibRaw finds right.

    Args:
        file: content of the file.
        path: its place, for sentences.

    Raises:
        InputError: LibRaw does not know it; a MissingExtraError without rawpy.
    """

    format = "RAW"

    def __init__(self, file: BufferedReader, path: Path) -> None:
        self._path = path
        super().__init__(file)

    def _open(self) -> None:
        with needs_extra("raw", f"{self._path} is a RAW file and needs rawpy"):
            rawpy = import_module("rawpy")
        self._error: type[Exception] = rawpy.LibRawError
        try:
            self._raw: Any = rawpy.imread(self.fp)
        except self._error as error:
            raise self._unreadable(error) from error
        sizes = self._raw.sizes
        turned = sizes.flip in (5, 6)
        self._size = (sizes.iheight, sizes.iwidth) if turned else (sizes.iwidth, sizes.iheight)
        self._mode = "RGB"

    def load(self) -> Any:
        if self._raw is not None:
            try:
                levels = self._raw.postprocess(use_camera_wb=True, output_bps=8)
            except self._error as error:
                raise self._unreadable(error) from error
            self._raw.close()
            self._raw = None
            developed = Image.fromarray(levels)
            self._size, self.im = developed.size, developed.im
        return super().load()

    def _unreadable(self, error: Exception) -> InputError:
        cause = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        return InputError(f"{self._path} is a RAW file that LibRaw cannot develop: {cause}")


def _has_sensor_levels(file: BufferedReader, head: bytes) -> bool:
    """True for a TIFF file whose first picture, or one below it, is of a sensor, or that calls itself DNG."""
    directory = ImageFileDirectory_v2(head)
    file.seek(directory.next)
    directory.load(file)
    below = directory.get(_SUB_FILES, ())
    kinds = [directory.get(_PHOTOMETRIC)]
    for offset in below if isinstance(below, tuple) else (below,):
        sub = ImageFileDirectory_v2(head)
        file.seek(offset)
        sub.load(file)
        kinds.append(sub.get(_PHOTOMETRIC))
    return _DNG_VERSION in directory or any(kind in _OF_SENSORS for kind in kinds)
