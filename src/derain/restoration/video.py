"""Videos restored frame by frame in constant memory; timing, rotation, sound and colour stay as they are."""

import logging
import os
import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from heapq import heappop, heappush
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from derain.errors import InputError, needs_extra
from derain.restoration.hdr import PQ, Picture, is_dynamic, shown_curves, svtav1_parameters, x265_parameters
from derain.restoration.smoothing import Smoothing
from derain.support.files import entry, whole_file
from derain.support.processes import keeping_priority

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.filter import Graph
    from av.stream import Stream
    from av.video.format import VideoFormat
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream
_CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}

# Containers that are read, and whose films become MKV: it takes nearly every kind of sound.
TO_MKV = (".avi", ".mts", ".m2ts", ".ts", ".3gp", ".mpg", ".mpeg", ".wmv", ".mjpeg")
SUFFIXES = (*_CONTAINERS, *TO_MKV)
_FORMATS = ("yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuvj444p")
_OF_THE_FILE = ("major_brand", "minor_version", "compatible_brands", "encoder", "duration")  # not of what it shows
_RGB, _UNSPECIFIED = 0, 2  # matrices (ITU-T H.273)

# As they are read, in MP4 otherwise than they are written.
_OF_A_STREAM = {"language": "language", "handler_name": "handler_name", "title": "title", "name": "title"}
_OF_PICTURES = ("_pipe", "image2")  # ends of the names of FFmpeg's readers of pictures
_ROUNDED_S = 1.0  # lengths in a file's head may be
_APPLE = "com.apple.quicktime."  # where a phone's videos have place, date and camera
_HD_HEIGHT_PX = 720
_RATE = Fraction(25)  # frames a second, where a file does not say it
_DISORDER = 4  # frames by which a time stamp may stand too late
_STEADY, _STEADY_SHARE = 0.1, 0.95  # a rate is constant if so many of the steps differ by no more than this share
_GAP_STEPS = 2.5  # longer ones, in usual steps, are gaps
_REORDERED = 3  # the fewest frames that an encoder stores in another order than they are shown
_DEEP_BITS = 10  # of what has more than 8
_ENCODERS = {  # by whether it is WebM, and has more than 8 bits a channel
    (False, False): ("libx264", {}),
    (False, True): ("libx265", {}),
    (True, False): ("libvpx-vp9", {"b:v": "0", "row-mt": "1"}),
    (True, True): ("libsvtav1", {}),
}
_AS_BYTES = "surrogateescape"  # texts that are no UTF-8, as in old files, are written as they are
Restore = Callable[[Picture], Picture]
_log = logging.getLogger("derain")


def restore_video(
    source: Path,
    target: Path,
    restore: Restore,
    smoothing: float = 0.0,
    quality: int = 18,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Restore a video; `target` appears when it is whole.

    Every frame is given to `restore` upright, and turned back. Time stamps and durations (of a variable frame rate,
    too), rotation, aspect ratio, colour description and resolution, sound, subtitles and chapters, and title, date and
    the like are those of the source. Time stamps that are missing or do not rise are mended. Sound and subtitles are
    copied without encoding; what else a file holds is left out with a note, and so is transparency. What is interlaced
    becomes whole frames (bwdif), with a note. RGB has its colours at half the resolution. Encoded with H.264, in .webm
    with VP9, at half the resolution of colours, too. More than 8 bits a channel become 10, encoded with H.265, in .webm
    with AV1; HDR data that hold for the whole film stay, others are left out with a note. A run that is interrupted
    leaves nothing.

    Args:
        source: a file with a suffix of `SUFFIXES`.
        target: of the same suffix; of the suffix .mkv for those of `TO_MKV`.
        restore: what makes a picture of a picture, RGB 0..255, or 0..65535 where a channel has more than 8 bits; of PQ
            video it sees `shown_curves`.
        smoothing: 0..1, how strongly still parts are averaged over time (`derain.restoration.smoothing`).
        quality: constant rate factor of the encoder: lower is better and larger; 18 is visually lossless.
        report: called after every frame with the number done and, where it is known, their total, otherwise 0.

    Returns:
        number of frames.

    Raises:
        InputError: PyAV is not installed; the file is no video, has no video stream, ends before its header says, or
            changes its size; the target cannot be written.
    """
    smooth = Smoothing(smoothing)
    count = packets = 0
    seen, size = _Seen(), (0, 0)
    pace = _Pace()
    with _reading(source) as reader:
        stream = _video_stream(reader, source)
        clock, fields = _Clock(stream.average_rate or stream.guessed_rate or _RATE), _Fields(source)
        if missing := _missing_bytes(source):
            raise InputError(f"{source} is cut off: {missing:,} bytes are missing at its end")
        # An MP4 or MOV file says what is there to be decoded, and whether it is decoded only for what follows it. The
        # header also counts what an edit list leaves out, as of a clip that was trimmed.
        index = [entry.is_discard for entry in stream.index_entries] if stream.frames else []
        total = index.count(False)
        # The file is renamed only after everything, the look at its length included, went well.
        is_deep = _has_deep(stream)
        with whole_file(target) as temporary, _errors_of(source), _Writer(temporary, target, source, is_deep) as writer:
            writer.describe(reader, stream)
            if _is_transparent(stream):
                _log.warning("%s is restored without its transparency", source)
            copied = [other for other in reader.streams if other is not stream and _copied(other, writer, source)]
            for packet in reader.demux():
                seen.note(packet)
                if packet.stream in copied:
                    writer.copy(packet)
                if packet.stream is not stream:
                    continue
                packets += packet.size > 0
                last = not packet.size
                for frame in fields.joined(clock.ordered(stream.decode(packet), last), last):
                    if not count:
                        _note_lost_colours(frame, source)
                        size = frame.width, frame.height
                        writer.begin(stream, frame, quality)
                    if (frame.width, frame.height) != size:
                        raise InputError(f"{source} changes its size after {count} frames, which cannot be written")
                    pace.note(frame)
                    writer.encode(restored_frame(frame, writer.pixel_format, restore, smooth))
                    count += 1
                    report(count, total)
            if not count:
                raise InputError(f"{source} holds no frame of video")
            if packets < len(index):
                raise InputError(f"{source} is cut off: it ends after {count} of {total} frames")
            if "matroska" in reader.format.name and (short_s := seen.missing_s(reader.duration)):
                raise InputError(f"{source} is cut off: {short_s:.1f} seconds are missing at its end")
            if gap := pace.gap():
                _log.warning("%s is damaged: about %d frames are missing from %.1f s on", source, *gap)
            writer.encode(None)
    return count


class _Pace:
    """The times of the frames of a video, which tell where some are missing."""

    def __init__(self) -> None:
        self._times_s: list[float] = []

    def note(self, frame: "VideoFrame") -> None:
        self._times_s.append(frame.time or 0.0)

    def gap(self) -> tuple[int, float] | None:
        """The number of frames that are missing and the time in seconds of the first gap; None: nothing tells of one.

        Only a video of a constant rate tells: nearly all of its steps are equal.
        """
        steps = np.diff(self._times_s)
        usual = float(np.median(steps)) if steps.size else 0.0
        if usual <= 0 or np.mean(np.abs(steps - usual) <= _STEADY * usual) < _STEADY_SHARE:
            return None
        [long] = np.nonzero(steps > _GAP_STEPS * usual)
        if not long.size:
            return None
        return round(float((steps[long] / usual - 1).sum())), self._times_s[long[0]] + usual


@dataclass
class _Seen:
    """The end of a file's packets, and the longest pause between two; the last one may stand as long."""

    end_s: float = 0.0
    pause_s: float = 0.0

    def note(self, packet: Any) -> None:
        if packet.pts is not None and packet.time_base is not None:
            start_s = float(packet.pts * packet.time_base)
            self.pause_s = max(self.pause_s, start_s - self.end_s)
            self.end_s = max(self.end_s, start_s + float((packet.duration or 0) * packet.time_base))

    def missing_s(self, duration_us: int | None) -> float:
        """By how much they end before the length that the file's head states, where that is more than such a pause and
        a second; otherwise 0.
        """
        missing = (duration_us or 0) / 1e6 - self.end_s
        return missing if missing > max(self.pause_s, _ROUNDED_S) else 0.0


class _Clock:
    """Rising time stamps for frames in the order in which they are shown.

    A raw stream has none: they are made from its rate. AVI has those of the order in which frames are decoded: they
    are sorted over a few frames. A time that still does not rise follows the one before it by the length of a frame.

    Args:
        rate: frames a second.
    """

    def __init__(self, rate: Fraction) -> None:
        self._rate = rate
        self._frames: deque[VideoFrame] = deque()
        self._times: list[int] = []  # a heap
        self._previous: int | None = None
        self._latest = self._offset = 0

    def ordered(self, frames: "Iterable[VideoFrame]", last: bool) -> "Iterator[VideoFrame]":
        """The frames that came `_DISORDER` frames ago with their times; with the `last` frames all that are left."""
        for frame in frames:
            self._frames.append(frame)
            if frame.pts is not None:
                heappush(self._times, self._going_on(frame.pts, frame))
            if len(self._frames) > _DISORDER:
                yield self._timed(self._frames.popleft())
        while last and self._frames:
            yield self._timed(self._frames.popleft())

    def _going_on(self, time: int, frame: "VideoFrame") -> int:
        """The time of a frame; where time stamps begin again, as in files that were joined, they go on."""
        if self._previous is not None and time + self._offset <= self._previous:
            self._offset = self._latest + self._length(frame) - time
        self._latest = max(self._latest, time + self._offset)
        return time + self._offset

    def _length(self, frame: "VideoFrame") -> int:
        return frame.duration or round(1 / self._rate / (frame.time_base or 1 / self._rate)) or 1

    def _timed(self, frame: "VideoFrame") -> "VideoFrame":
        previous = self._previous
        time = heappop(self._times) if frame.pts is not None else previous
        if previous is not None and time is not None and time <= previous:
            length = self._length(frame)
            between = (previous + self._times[0]) // 2 if self._times else previous
            time = min(between, previous + length) if between > previous else previous + length
        self._previous = frame.pts = time or 0
        return frame


class _Fields:
    """Whole frames of interlaced ones, by FFmpeg's filter bwdif; their number and times stay.

    Frames pass until the first interlaced one comes; after it, those that are whole already are not changed.
    """

    def __init__(self, source: Path) -> None:
        self._source = source
        self._graph: Graph | None = None

    def joined(self, frames: "Iterable[VideoFrame]", last: bool) -> "Iterator[VideoFrame]":
        """One frame for each, which may come with the next one; with the `last` frames all that are left."""
        for frame in frames:
            if self._graph is None and frame.interlaced_frame:
                _log.warning("%s is interlaced; its fields become whole frames (bwdif)", self._source)
                self._graph = self._begun(frame)
            yield from [frame] if self._graph is None else self._pushed(self._graph, frame)
        if last and self._graph is not None:
            yield from self._pushed(self._graph, None)
            self._graph = None

    @staticmethod
    def _begun(frame: "VideoFrame") -> "Graph":
        from av.filter import Graph

        graph = Graph()
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
        )
        graph.link_nodes(source, graph.add("bwdif", "mode=send_frame:deint=interlaced"), graph.add("buffersink"))
        graph.configure()
        return graph

    @staticmethod
    def _pushed(graph: "Graph", frame: "VideoFrame | None") -> "Iterator[VideoFrame]":
        import av

        graph.vpush(frame)
        while True:
            try:
                whole = graph.vpull()
            except (av.BlockingIOError, av.EOFError):
                return
            # The filter counts in halves, as there are two fields in a frame.
            if whole.pts is not None and whole.time_base is not None:
                whole.pts, whole.time_base = whole.pts // 2, 2 * whole.time_base
                whole.duration //= 2
            yield whole


def _note_lost_colours(frame: "VideoFrame", source: Path) -> None:
    """Note what of a first frame's colours the result does not hold."""
    bits = max(component.bits for component in frame.format.components)
    if bits > _DEEP_BITS:
        _log.warning("%s has %d bits a channel, of which %d are kept", source, bits, _DEEP_BITS)
    if is_dynamic(_side_data(frame)):
        _log.warning("%s is restored without the HDR data of its frames (Dolby Vision, HDR10+)", source)


def _copied(stream: "Stream", writer: "_Writer", source: Path) -> bool:
    """True for a stream beside the video that goes into the target; others are noted."""
    copied = stream.type in ("audio", "subtitle") and writer.add_copied(stream)
    if not copied:
        _log.warning("%s is restored without its stream %d (%s)", source, stream.index, stream.type)
    return copied


def restored_frame(frame: "VideoFrame", pixel_format: str, restore: Restore, smooth: Smoothing) -> "VideoFrame":
    """The frame with other pixels, in `pixel_format`; its time, colours and levels stay.

    `restore` gets 16 bits a channel where that has more than 8.
    """
    from av.video.format import VideoFormat
    from av.video.frame import VideoFrame
    from av.video.reformatter import Interpolation

    # Without all of these swscale's way from YUV to RGB and back darkens every pixel by a level.
    exactly = (
        Interpolation.BILINEAR
        | Interpolation.ACCURATE_RND
        | Interpolation.FULL_CHR_H_INT
        | Interpolation.FULL_CHR_H_INP
    )
    matrix, levels = _colours(frame)
    deep = _is_deep(VideoFormat(pixel_format))
    # FFmpeg's rgb48 is wrong for colours at half the resolution.
    of_rgb = "gbrp16le" if deep else "rgb24"
    rgb = frame.reformat(
        format=of_rgb, src_colorspace=matrix, src_color_range=levels, dst_color_range=2, interpolation=exactly
    )
    degrees, mirrored = _pose(frame)
    turns, step = round(degrees / 90) % 4, -1 if mirrored else 1
    there, back = shown_curves() if deep and frame.color_trc == PQ else (None, None)
    levels_of_rgb = rgb.to_ndarray() if there is None else there[rgb.to_ndarray()]
    upright: Picture = np.ascontiguousarray(np.rot90(levels_of_rgb, turns)[:, ::step])
    picture: Picture = np.ascontiguousarray(np.rot90(smooth(restore(upright))[:, ::step], -turns))
    restored = VideoFrame.from_ndarray(picture if back is None else back[picture], format=of_rgb).reformat(
        format=pixel_format, dst_colorspace=matrix, src_color_range=2, dst_color_range=levels, interpolation=exactly
    )
    restored.pts, restored.time_base, restored.duration = frame.pts, frame.time_base, frame.duration
    restored.color_primaries, restored.color_trc = frame.color_primaries, frame.color_trc
    restored.colorspace, restored.color_range = _described(frame.colorspace, matrix), frame.color_range
    return restored


def _pose(frame: "VideoFrame") -> tuple[int, bool]:
    """Degrees by which the frame is to be turned counter-clockwise, and whether it is then to be mirrored, left to
    right.
    """
    matrix = _side_data(frame).get("DISPLAYMATRIX")
    if matrix is None:
        return frame.rotation, False
    a, b, _, c, d = struct.unpack_from("=5i", matrix)
    # FFmpeg's angle is that of the picture's horizontal axis, which the mirror turns round.
    return (180 - frame.rotation, True) if a * d < b * c else (frame.rotation, False)


def _side_data(frame: "VideoFrame") -> dict[str, bytes]:
    """Data that go along with a frame, by FFmpeg's names; none beside those of a kind that PyAV (18.1) does not know,
    such as EXIF.
    """
    try:
        beside: Any = frame.side_data
        return {each.type.name: bytes(each) for each in beside}
    except ValueError:
        return {}


def _is_deep(pixels: "VideoFormat") -> bool:
    """True for more than 8 bits a channel."""
    return any(component.bits > 8 for component in pixels.components)


def _colours(frame: "VideoFrame") -> tuple[int, int]:
    """Matrix and levels by which the frame's colours are to be read; what is not said is as players take it."""
    from av.video.reformatter import ColorRange, Colorspace

    matrix = frame.colorspace
    if matrix in (_RGB, _UNSPECIFIED):
        matrix = Colorspace.ITU709 if frame.height >= _HD_HEIGHT_PX else Colorspace.ITU601
    levels = frame.color_range
    if levels == 0:
        levels = ColorRange.JPEG if frame.format.name.startswith("yuvj") else ColorRange.MPEG
    return int(matrix), int(levels)


def _described(matrix: int, used: int) -> int:
    """The matrix that is written: what is not said stays unsaid, and RGB has become something else."""
    return used if matrix == _RGB else matrix


class _Writer:
    """The target: a video stream whose frames are encoded, and streams of sound and text whose packets are copied."""

    def __init__(self, temporary: Path, target: Path, source: Path, is_deep: bool) -> None:
        self._target = target
        self._source = source
        self._is_deep = is_deep
        self._is_webm = target.suffix.lower() == ".webm"
        self._temporary = temporary
        self._copies: dict[Any, Any] = {}
        self._latest: dict[Any, int] = {}  # time stamps, of streams that are copied
        self._mended: set[Any] = set()
        self._early: list[Any] = []
        self._durations: dict[int, int] = {}  # by time stamp, of frames that are being encoded
        self._given = 0  # frames
        self._begun = False

    def __enter__(self) -> "_Writer":
        import av

        with self._named():
            container = _CONTAINERS[self._target.suffix.lower()]
            self._container = av.open(_no_url(self._temporary), "w", format=container, metadata_errors=_AS_BYTES)
        # First in the file, as it is in most; its size and format are known with the first frame.
        name, options = _ENCODERS[self._is_webm, self._is_deep]
        self._encoder: Any = self._container.add_stream(name, options=dict(options))
        return self

    def __exit__(self, *error: object) -> None:
        with self._named():
            self._container.close()

    @property
    def pixel_format(self) -> str:
        return str(self._encoder.codec_context.pix_fmt)

    def describe(self, reader: "InputContainer", stream: "VideoStream") -> None:
        """Title, date, place, chapters and the like, as far as the container takes them."""
        kept = {key: value for key, value in reader.metadata.items() if key.lower() not in _OF_THE_FILE}
        self._container.metadata.update(kept)
        if any(key.startswith(_APPLE) for key in kept):
            self._container.options["movflags"] = "use_metadata_tags"  # without it they are left out
        self._container.set_chapters(reader.chapters())
        self._describe_stream(self._encoder, stream)

    def _describe_stream(self, written: Any, stream: "Stream") -> None:
        found = {name: stream.metadata[key] for key, name in _OF_A_STREAM.items() if key in stream.metadata}
        written.metadata.update(found)
        written.disposition = stream.disposition

    def add_copied(self, stream: "Stream") -> bool:
        """A stream whose packets will be copied; False: this FFmpeg does not know its codec, or the container does not
        take it.
        """
        import av

        with self._named():
            try:
                self._copies[stream] = self._container.add_stream_from_template(stream)
            except av.error.FFmpegError:  # some of them are ValueErrors
                raise
            except ValueError:
                return False
        self._describe_stream(self._copies[stream], stream)
        return True

    def begin(self, stream: "VideoStream", frame: "VideoFrame", quality: int) -> None:
        """With what the first frame tells."""
        encoder, context, template = self._encoder, self._encoder.codec_context, stream.codec_context
        context.options = {**context.options, "crf": str(quality), **self._of_depth(frame)}
        context.width, context.height = frame.width, frame.height
        context.pix_fmt = self._format_for(frame)
        context.framerate = stream.average_rate or stream.guessed_rate or _RATE
        encoder.time_base = context.time_base = stream.time_base
        if aspect := template.sample_aspect_ratio:
            context.sample_aspect_ratio = aspect
            if self._is_webm and aspect != 1:  # PyAV (18.1) writes it into the video alone, where VP9 and AV1 have none
                _log.warning("%s is restored without the shape of its pixels (%s)", self._source, aspect)
        for key in ("color_primaries", "color_trc", "color_range"):
            setattr(context, key, getattr(template, key))
        context.colorspace = _described(template.colorspace, _colours(frame)[0])
        degrees, mirrored = _pose(frame)
        if degrees or mirrored:
            encoder.set_display_rotation(degrees, hflip=mirrored)
        self._begun = True
        for packet in self._early:
            self.copy(packet)

    def _of_depth(self, frame: "VideoFrame") -> dict[str, str]:
        """Options for more than 8 bits a channel, with the HDR data of the first frame."""
        if not self._is_deep:
            return {}
        beside = _side_data(frame)
        if self._is_webm:
            os.environ.setdefault("SVT_LOG", "1")  # errors alone; the encoder has no option for it
            return {"svtav1-params": ":".join(f"{key}={value}" for key, value in svtav1_parameters(beside).items())}
        if self._target.suffix.lower() != ".mkv":
            self._encoder.codec_context.codec_tag = "hvc1"  # without it Apple's players show nothing
        described = {"log-level": "none", "repeat-headers": "1", **x265_parameters(beside)}
        return {"x265-params": ":".join(f"{key}={value}" for key, value in described.items())}

    def _format_for(self, frame: "VideoFrame") -> str:
        name = "yuv420p" if self._is_webm else frame.format.name
        depth = f"{_DEEP_BITS}le" if self._is_deep else ""
        if name not in _FORMATS:
            subsampling = next(
                (each for each in ("420", "422", "444") if name.startswith((f"yuv{each}", f"yuva{each}"))), "420"
            )
            name = f"yuv{subsampling}p"
        if not self._is_webm and (frame.width % 2 or frame.height % 2):
            # With colours at half the resolution H.264 has no odd sides.
            name = "yuvj444p" if name.startswith("yuvj") else "yuv444p"
        return name + depth

    def encode(self, frame: "VideoFrame | None") -> None:
        """A frame; None: there are no more."""
        self._given += frame is not None
        if frame is not None and frame.pts is not None and frame.duration:
            self._durations[frame.pts] = frame.duration
        with self._named():
            with keeping_priority():
                packets = self._encoder.encode(frame)
            for packet in packets:
                # The encoder's own is that of the frame rate.
                packet.duration = self._durations.pop(packet.pts, packet.duration)
                if frame is None and self._given < _REORDERED:  # x265 gives so short films wild times of decoding
                    packet.dts = packet.pts
                self._container.mux(packet)

    def copy(self, packet: Any) -> None:
        """A packet of sound or text; those that come before the first frame wait for it, as the file's head must be
        known.
        """
        if packet.dts is None:
            return
        if not self._begun:
            self._early.append(packet)
            return
        self._mend(packet)
        packet.stream = self._copies[packet.stream]
        with self._named():
            self._container.mux(packet)

    def _mend(self, packet: Any) -> None:
        """Make the time stamps of sound and text rise, as containers take no others; texts may begin together."""
        stream, stamp = packet.stream, packet.dts
        is_sound = stream.type == "audio"
        latest = self._latest.get(stream, stamp - 1)
        if stamp < latest + is_sound:
            if stream not in self._mended:
                self._mended.add(stream)
                of_what = f"stream {stream.index} ({stream.type})"
                _log.warning("%s: time stamps of its %s do not rise, and are mended", self._source, of_what)
            packet.dts = latest + (packet.duration or 1) * is_sound
            if packet.pts is not None:
                packet.pts += packet.dts - stamp
        self._latest[stream] = packet.dts

    @contextmanager
    def _named(self) -> Iterator[None]:
        import av

        try:
            yield
        except av.error.FFmpegError as error:
            raise InputError(f"cannot write the video {self._target}: {error.strerror}") from error


def _video_stream(reader: "InputContainer", source: Path) -> "VideoStream":
    from av.stream import Disposition

    videos = [stream for stream in reader.streams.video if not stream.disposition & Disposition.attached_pic]
    if not videos:
        raise InputError(f"{source} has no video stream")
    stream = videos[0]
    if stream.codec_context is None:
        raise InputError(f"{source} is damaged, or of a codec that FFmpeg does not know")
    stream.thread_type = "AUTO"
    return stream


def _is_transparent(stream: "VideoStream") -> bool:
    pixels = stream.codec_context.format
    in_pixels = pixels is not None and any(each.is_alpha for each in pixels.components)
    return in_pixels or stream.metadata.get("alpha_mode") == "1"  # in WebM it is a second picture


def _has_deep(stream: "VideoStream") -> bool:
    pixels = stream.codec_context.format
    return pixels is not None and _is_deep(pixels)


def _no_url(path: Path) -> str:
    """The path so that FFmpeg does not take the beginning of a name with a colon for that of a URL."""
    return str(path.absolute())


def _missing_bytes(source: Path) -> int:
    """By how much an MKV or WebM file is shorter than its head says; 0 for others, and where the head leaves it open.

    Such a file is two elements of EBML (RFC 8794), a header and the segment: four bytes say what comes, and one to
    eight how long it is, of which the leading zeros of the first tell how many they are.
    """
    with source.open("rb") as file:
        head = file.read(4096)
    end = 0
    for identifier in (b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"):
        start = end + 4
        if head[end:start] != identifier or not head[start]:
            return 0
        width = 9 - head[start].bit_length()
        unknown = (1 << 7 * width) - 1
        length = int.from_bytes(head[start : start + width]) & unknown
        if length == unknown:
            return 0
        end = start + width + length
    return max(end - source.stat().st_size, 0)


@contextmanager
def _reading(source: Path) -> "Iterator[InputContainer]":
    with needs_extra("video", "videos need PyAV"):
        import av
    if entry(source) == "other":  # a pipe might be waited at for ever
        raise InputError(f"cannot read the video {source}: it is no regular file")
    with _errors_of(source), av.open(_no_url(source), metadata_errors=_AS_BYTES) as reader:
        if reader.format.name.endswith(_OF_PICTURES):
            raise InputError(f"{source} is a picture, not a video: give it the suffix of its kind")
        yield reader


@contextmanager
def _errors_of(source: Path) -> Iterator[None]:
    """A block whose FFmpeg errors are told of the source; the writer names those of the target itself."""
    import av

    try:
        yield
    except av.error.FFmpegError as error:
        broken = "it is no video, damaged or cut off" if isinstance(error, ValueError) else error.strerror
        raise InputError(f"cannot read the video {source}: {broken}") from error
