"""Frames that come through a pipe and go on through another, as FFmpeg and other programs pass them."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from io import BufferedIOBase, RawIOBase
from typing import TYPE_CHECKING

import numpy as np

from derain.errors import InputError, needs_extra
from derain.restoration.hdr import Picture
from derain.restoration.photos import MAX_PIXELS
from derain.restoration.smoothing import Smoothing
from derain.restoration.video import Restore, restored_frame

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
_Y4M = b"YUV4MPEG2 "
_FRAME = b"FRAME"
_LONGEST_LINE = 1024  # bytes
_PIXEL_FORMATS = {
    "420": "yuv420p",
    "420jpeg": "yuv420p",
    "420mpeg2": "yuv420p",
    "420paldv": "yuv420p",
    "422": "yuv422p",
    "444": "yuv444p",
}
"""Colours of Y4M, by what FFmpeg calls them."""
_PROGRESSIVE = ("p", "?")
_FULL_RANGE = 2  # of FFmpeg's AVCOL_RANGE
_log = logging.getLogger("derain")


@dataclass(frozen=True)
class Form:
    """The form of the frames in a stream.

    Attributes:
        width_px, height_px: size of a frame.
        rate: frames a second, with which messages say a time; None: not known.
    """

    width_px: int
    height_px: int
    rate: Fraction | None = None


def read_form(size: str | None, rate: str | None) -> Form | None:
    """The form of frames that a command line gives, as FFmpeg writes size and rate; None: no size is given.

    Raises:
        InputError: a size or a rate that is none.

    >>> read_form("1280x720", "30000/1001")
    Form(width_px=1280, height_px=720, rate=Fraction(30000, 1001))
    """
    if size is None:
        if rate is not None:
            raise InputError("--rate goes with --size: Y4M states both itself")
        return None
    width, _, height = size.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise InputError(f"--size must be WIDTHxHEIGHT, as in 1280x720, not {size}")
    try:
        frames_per_second = None if rate is None else Fraction(rate)
    except (ValueError, ZeroDivisionError) as error:
        raise InputError(f"--rate must be a number or a fraction, as in 30 or 30000/1001, not {rate}") from error
    if frames_per_second is not None and frames_per_second <= 0:
        raise InputError(f"--rate must be above 0, not {rate}")
    return Form(int(width), int(height), frames_per_second)


def restore_stream(
    source: BufferedIOBase,
    target: BufferedIOBase | RawIOBase,
    restore: Restore,
    form: Form | None = None,
    smoothing: float = 0.0,
    max_pixels: int = MAX_PIXELS,
    report: Callable[[int], None] = lambda done: None,
) -> int:
    """Restore frames as they come; each is written before the next one is read.

    Y4M is known by its head, and keeps its head, colours and levels. Everything else is rawvideo: frames of `form`,
    three bytes a pixel (FFmpeg's rgb24), one after the other.

    Args:
        source: stream to read; nothing is sought in it.
        target: stream to write, of the same kind as the source.
        restore: function from a picture to a picture, RGB 0..255.
        form: needed for rawvideo; Y4M must agree with its size.
        smoothing: 0..1, how strongly still parts are averaged over time (`derain.restoration.smoothing`).
        max_pixels: frames with more are refused.
        report: called after every frame with the number done.

    Returns:
        number of frames.

    Raises:
        InputError: the stream is empty, or ends in the middle of a frame, when all whole ones are written; rawvideo
            without a form; Y4M that is damaged, or whose colours are not of 8 bits; nobody reads the target any more.

    >>> from io import BytesIO
    >>> written = BytesIO()
    >>> restore_stream(BytesIO(bytes(range(12))), written, lambda picture: 255 - picture, Form(2, 1))
    2
    >>> list(written.getvalue())[:4]
    [255, 254, 253, 252]
    """
    smooth = Smoothing(smoothing)
    beginning = source.read(len(_Y4M))
    if not beginning:
        raise InputError("nothing comes on standard input")
    reader = _Reader(source, beginning)
    frames: Iterator[bytes] = (
        _y4m(reader, restore, smooth, form, max_pixels)
        if beginning == _Y4M
        else _rawvideo(reader, restore, smooth, form, max_pixels)
    )
    count = 0
    for frame in frames:
        _write(target, frame)
        count += 1
        report(count)
    if not count:
        raise InputError("the Y4M on standard input holds no frame")
    return count


class _Reader:
    """A stream whose first bytes were read to see what it is."""

    def __init__(self, source: BufferedIOBase, beginning: bytes) -> None:
        self._source = source
        self._beginning = beginning

    def read(self, length: int) -> bytes:
        """So many bytes, or what is left of them."""
        first, self._beginning = self._beginning[:length], self._beginning[length:]
        return first + self._source.read(length - len(first))

    def line(self) -> bytes:
        """A line with its end; one that is too long without it."""
        first, self._beginning = self._beginning, b""
        return first + self._source.readline(_LONGEST_LINE)


def _rawvideo(
    reader: _Reader, restore: Restore, smooth: Smoothing, form: Form | None, max_pixels: int
) -> Iterator[bytes]:
    if form is None:
        raise InputError("standard input is no Y4M: give the size of its rawvideo (rgb24), as in --size 1280x720")
    length = _checked(form, max_pixels) * 3
    for count, data in enumerate(iter(lambda: reader.read(length), b"")):
        _refuse_part(data, length, count, form.rate)
        picture: Picture = np.frombuffer(data, np.uint8).reshape(form.height_px, form.width_px, 3).copy()
        yield smooth(restore(picture)).tobytes()


def _y4m(reader: _Reader, restore: Restore, smooth: Smoothing, asked: Form | None, max_pixels: int) -> Iterator[bytes]:
    with needs_extra("video", "Y4M needs PyAV"):
        from av.video.frame import VideoFrame
    head = reader.line()
    form, pixel_format, is_full = _y4m_head(head)
    if asked is not None and (asked.width_px, asked.height_px) != (form.width_px, form.height_px):
        size = f"{form.width_px}x{form.height_px}"
        raise InputError(f"the Y4M on standard input has frames of {size}: leave out --size")
    _checked(form, max_pixels)
    for count, line in enumerate(iter(reader.line, b"")):
        if not line.startswith(_FRAME[: len(line)]) or len(line) >= _LONGEST_LINE:
            raise InputError(f"the Y4M on standard input is damaged at frame {count + 1}: {count} frames are written")
        frame = VideoFrame(form.width_px, form.height_px, pixel_format)
        planes = _planes(frame)
        length = sum(plane.size for plane in planes)
        data = reader.read(length) if line.endswith(b"\n") else b""
        _refuse_part(data, length, count, form.rate)
        _fill(planes, data)
        frame.pts, frame.time_base = count, 1 / (form.rate or Fraction(1))
        if is_full:
            frame.color_range = _FULL_RANGE
        restored = _planes(restored_frame(frame, pixel_format, restore, smooth))
        yield b"".join([b"" if count else head, line, *(plane.tobytes() for plane in restored)])


def _y4m_head(head: bytes) -> tuple[Form, str, bool]:
    """The form of the frames, FFmpeg's name of their pixels, and whether these use all levels."""
    words = head.decode("ascii", "replace").split()[1:]
    found = {word[0]: word[1:] for word in words if word[0] != "X"}
    try:
        rate = Fraction(found.get("F", "0:0").replace(":", "/")) if found.get("F", "0:0") != "0:0" else None
        form = Form(int(found["W"]), int(found["H"]), rate)
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise InputError("the Y4M on standard input is damaged: its head gives no size or rate") from error
    colours = found.get("C", "420")
    if colours not in _PIXEL_FORMATS:
        known = ", ".join(_PIXEL_FORMATS)
        raise InputError(
            f"the Y4M on standard input has the colours {colours}, not {known}: let FFmpeg write -pix_fmt yuv420p"
        )
    if found.get("I", "p") not in _PROGRESSIVE:
        _log.warning("standard input is interlaced, and stays so; FFmpeg's -vf bwdif makes whole frames of it before")
    return form, _PIXEL_FORMATS[colours], "XCOLORRANGE=FULL" in words


def _checked(form: Form, max_pixels: int) -> int:
    """The number of pixels of a frame."""
    pixels = form.width_px * form.height_px
    if min(form.width_px, form.height_px) < 1 or pixels > max_pixels:
        size = f"{form.width_px}x{form.height_px}"
        raise InputError(f"frames on standard input must have 1 to {max_pixels:,} pixels (--max-pixels), not {size}")
    return pixels


def _refuse_part(data: bytes, length: int, count: int, rate: Fraction | None) -> None:
    if len(data) < length:
        time = f" (at {float(count / rate):.2f} s)" if rate else ""
        whole = f"{count} whole {'frame is' if count == 1 else 'frames are'} written"
        raise InputError(f"standard input ends in the middle of frame {count + 1}{time}: {whole}")


def _planes(frame: "VideoFrame") -> list[np.ndarray]:
    """The planes of a frame, without what pads their lines, as they lie in its memory."""
    planes = []
    for plane in frame.planes:
        lines = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
        planes.append(lines[: plane.height, : plane.width])
    return planes


def _fill(planes: list[np.ndarray], data: bytes) -> None:
    first = 0
    for plane in planes:
        plane[:] = np.frombuffer(data, np.uint8, plane.size, first).reshape(plane.shape)
        first += plane.size


def _write(target: BufferedIOBase | RawIOBase, frame: bytes) -> None:
    try:
        left = memoryview(frame)
        while left:
            left = left[target.write(left) or 0 :]
        target.flush()
    except OSError as error:
        raise InputError(f"cannot write on standard output: {error.strerror}") from error
