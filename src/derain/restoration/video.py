"""Videos restored frame by frame in constant memory; timing, rotation, sound and colour stay as they are."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8

from derain.errors import InputError
from derain.files import whole_file
from derain.restoration.smoothing import Smoothing

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
SUFFIXES = tuple(_CONTAINERS)
_FORMATS = ("yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuvj444p")
_HD_HEIGHT_PX = 720

Picture = UInt8[np.ndarray, "h w 3"]
Restore = Callable[[Picture], Picture]


def restore_video(
    source: Path,
    target: Path,
    restore: Restore,
    smoothing: float = 0.0,
    quality: int = 18,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Restore a video; `target` appears when it is whole.

    Every frame is given to `restore` upright, and turned back. Time stamps (of a variable frame rate, too), rotation,
    aspect ratio, colour description and sound are those of the source; the sound is copied without encoding. More than
    8 bits a channel become 8. Encoded with H.264, in .webm with VP9. A run that is interrupted leaves nothing.

    Args:
        source: a file with a suffix of `SUFFIXES`.
        target: of the same suffix.
        restore: what makes a picture of a picture, RGB 0..255.
        smoothing: 0..1, how strongly still parts are averaged over time (`derain.restoration.smoothing`).
        quality: constant rate factor of the encoder: lower is better and larger; 18 is visually lossless.
        report: called after every frame with the number done and, where it is known, their total, otherwise 0.

    Returns:
        number of frames.

    Raises:
        InputError: PyAV is not installed; the file is no video, has no video stream, or ends before its header says;
            the target cannot be written.
    """
    smooth = Smoothing(smoothing)
    count = 0
    with _reading(source) as reader:
        stream = _video_stream(reader, source)
        # The file is renamed only after everything, the look at its length included, went well.
        with whole_file(target) as temporary, _Writer(temporary, target) as writer:
            sounds = reader.streams.audio
            writer.add_sounds(sounds)
            for packet in reader.demux(stream, *sounds):
                if packet.stream is not stream:
                    writer.copy(packet)
                    continue
                for frame in stream.decode(packet):
                    if not count:
                        writer.begin(stream, frame, quality)
                    writer.encode(_restored(frame, writer.pixel_format, restore, smooth))
                    count += 1
                    report(count, stream.frames)
            if not count:
                raise InputError(f"{source} holds no frame of video")
            if stream.frames > count:
                raise InputError(f"{source} is cut off: it ends after {count} of {stream.frames} frames")
            writer.encode(None)
    return count


def _restored(frame: "VideoFrame", pixel_format: str, restore: Restore, smooth: Smoothing) -> "VideoFrame":
    from av.video.frame import VideoFrame

    matrix, levels = _colours(frame)
    rgb = frame.reformat(format="rgb24", src_colorspace=matrix, src_color_range=levels, dst_color_range=2)
    turns = round(frame.rotation / 90) % 4
    upright: Picture = np.ascontiguousarray(np.rot90(rgb.to_ndarray(), turns))
    picture: Picture = np.ascontiguousarray(np.rot90(smooth(restore(upright)), -turns))
    restored = VideoFrame.from_ndarray(picture, format="rgb24").reformat(
        format=pixel_format, dst_colorspace=matrix, src_color_range=2, dst_color_range=levels
    )
    restored.pts, restored.time_base = frame.pts, frame.time_base
    restored.color_primaries, restored.color_trc = frame.color_primaries, frame.color_trc
    restored.colorspace, restored.color_range = frame.colorspace, frame.color_range
    return restored


def _colours(frame: "VideoFrame") -> tuple[int, int]:
    """Matrix and levels by which the frame's colours are to be read; what is not said is as players take it."""
    from av.video.reformatter import ColorRange, Colorspace

    unspecified = 2
    matrix = frame.colorspace
    if matrix == unspecified:
        matrix = Colorspace.ITU709 if frame.height >= _HD_HEIGHT_PX else Colorspace.ITU601
    levels = frame.color_range
    if levels == 0:
        levels = ColorRange.JPEG if frame.format.name.startswith("yuvj") else ColorRange.MPEG
    return int(matrix), int(levels)


class _Writer:
    """The target: a video stream whose frames are encoded, and streams of sound whose packets are copied."""

    def __init__(self, temporary: Path, target: Path) -> None:
        self._target = target
        self._is_webm = target.suffix.lower() == ".webm"
        self._temporary = temporary
        self._copies: dict[Any, Any] = {}
        self._early: list[Any] = []
        self._begun = False

    def __enter__(self) -> "_Writer":
        import av

        with self._named():
            container = _CONTAINERS[self._target.suffix.lower()]
            self._container = av.open(str(self._temporary), "w", format=container)
        # First in the file, as it is in most; its size and format are known with the first frame.
        name, options = ("libvpx-vp9", {"b:v": "0", "row-mt": "1"}) if self._is_webm else ("libx264", {})
        self._encoder: Any = self._container.add_stream(name, options=options)
        return self

    def __exit__(self, *error: object) -> None:
        with self._named():
            self._container.close()

    @property
    def pixel_format(self) -> str:
        return str(self._encoder.codec_context.pix_fmt)

    def add_sounds(self, sounds: Iterable[Any]) -> None:
        """Streams whose packets will be copied."""
        with self._named():
            for sound in sounds:
                self._copies[sound] = self._container.add_stream_from_template(sound)

    def begin(self, stream: "VideoStream", frame: "VideoFrame", quality: int) -> None:
        """With what the first frame tells."""
        encoder, context, template = self._encoder, self._encoder.codec_context, stream.codec_context
        context.options = {**context.options, "crf": str(quality)}
        context.width, context.height = frame.width, frame.height
        name = frame.format.name
        context.pix_fmt = name if name in _FORMATS and not self._is_webm else "yuv420p"
        context.framerate = stream.average_rate or stream.guessed_rate or Fraction(25)
        encoder.time_base = context.time_base = stream.time_base
        if template.sample_aspect_ratio:
            context.sample_aspect_ratio = template.sample_aspect_ratio
        for key in ("color_primaries", "color_trc", "colorspace", "color_range"):
            setattr(context, key, getattr(template, key))
        if frame.rotation:
            encoder.set_display_rotation(frame.rotation)
        self._begun = True
        for packet in self._early:
            self.copy(packet)

    def encode(self, frame: "VideoFrame | None") -> None:
        """A frame; None: there are no more."""
        with self._named():
            self._container.mux(self._encoder.encode(frame))

    def copy(self, packet: Any) -> None:
        """A packet of sound; those that come before the first frame wait for it, as the file's head must be known."""
        if packet.dts is None:
            return
        if not self._begun:
            self._early.append(packet)
            return
        packet.stream = self._copies[packet.stream]
        with self._named():
            self._container.mux(packet)

    @contextmanager
    def _named(self) -> Iterator[None]:
        import av

        try:
            yield
        except av.error.FFmpegError as error:
            raise InputError(f"cannot write the video {self._target}: {error.strerror}") from error


def _video_stream(reader: "InputContainer", source: Path) -> "VideoStream":
    if not reader.streams.video:
        raise InputError(f"{source} has no video stream")
    stream = reader.streams.video[0]
    stream.thread_type = "AUTO"
    return stream


@contextmanager
def _reading(source: Path) -> "Iterator[InputContainer]":
    try:
        import av
    except ImportError as error:
        raise InputError("videos need PyAV: install derain[video]") from error
    try:
        with av.open(str(source)) as reader:
            yield reader
    except av.error.FFmpegError as error:
        broken = "it is no video, damaged or cut off" if isinstance(error, ValueError) else error.strerror
        raise InputError(f"cannot read the video {source}: {broken}") from error
