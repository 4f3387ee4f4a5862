"""Videos: all that must stay stays, and what goes wrong leaves nothing behind."""

import logging
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition
from PIL import Image

from derain.errors import InputError
from derain.restoration.smoothing import Smoothing
from derain.restoration.video import restore_video

SIZE = (48, 64)


def scene(index: int) -> np.ndarray:
    """A gradient with a square that moves."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    picture = np.stack([rows * 4, columns * 3, np.full(SIZE, 90)], 2).astype(np.uint8)
    picture[8:16, 4 + 2 * index : 12 + 2 * index] = (200, 40, 60)
    return picture


def write(
    path: Path,
    frames: int = 12,
    times: list[int] | None = None,
    sound: bool = False,
    rotation: int = 0,
    mirrored: bool = False,
    hd: bool = False,
    keyframes: int = 250,
    lasting: int | None = None,
) -> Path:
    with av.open(str(path), "w") as writer:
        options = {"crf": "4", "g": str(keyframes)}
        stream = writer.add_stream("libx264" if path.suffix != ".webm" else "libvpx-vp9", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = SIZE[1], SIZE[0], "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        if hd:
            stream.codec_context.colorspace, stream.codec_context.color_primaries = 1, 1
            stream.codec_context.color_trc, stream.codec_context.color_range = 1, 1
        if rotation or mirrored:
            stream.set_display_rotation(rotation, hflip=mirrored)
        audio = writer.add_stream("aac", rate=8000) if sound else None
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(scene(index), format="rgb24")
            frame = frame.reformat(format="yuv420p", dst_colorspace=1 if hd else 5)
            frame.pts, frame.time_base = (times[index] if times else 40 * index), Fraction(1, 1000)
            writer.mux(stream.encode(frame))
        for packet in stream.encode(None):
            packet.duration = lasting or packet.duration
            writer.mux(packet)
        if audio is not None:
            wave = (0.3 * np.sin(np.arange(4096) / 5)).astype(np.float32)[None]
            sample = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            sample.sample_rate, sample.pts, sample.time_base = 8000, 0, Fraction(1, 8000)
            writer.mux(audio.encode(sample))
            writer.mux(audio.encode(None))
    return path


def test_a_damaged_stretch_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    film = write(tmp_path / "film.mkv", frames=120, keyframes=10)
    content = bytearray(film.read_bytes())
    middle = len(content) // 2
    content[middle : middle + len(content) // 5] = bytes(len(content) // 5)
    film.write_bytes(content)
    count = restore_video(film, tmp_path / "out.mkv", same)
    [warning] = [record.message for record in caplog.records if "damaged" in record.message]
    missing = int(re.search(r"about (\d+) frames", warning)[1])  # type: ignore[index]
    assert count + missing == 120


@pytest.mark.parametrize("times", [[40 * index for index in range(40)], [index**2 for index in range(40)]])
def test_no_film_is_called_damaged_for_its_rate(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, times: list[int]
) -> None:
    restore_video(write(tmp_path / "film.mkv", 40, times), tmp_path / "out.mkv", same)
    assert "damaged" not in caplog.text


def frames_of(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as reader:
        return list(reader.decode(video=0))


def rgb(frame: av.VideoFrame) -> np.ndarray:
    return frame.to_ndarray(format="rgb24").astype(int)


def same(picture: np.ndarray) -> np.ndarray:
    return picture


@pytest.mark.parametrize("suffix", [".mp4", ".m4v", ".mov", ".mkv", ".webm"])
def test_frames_times_and_colours_stay(tmp_path: Path, suffix: str) -> None:
    source, target = write(tmp_path / f"in{suffix}"), tmp_path / f"out{suffix}"
    assert restore_video(source, target, same) == 12
    before, after = frames_of(source), frames_of(target)
    assert [float(frame.time) for frame in after] == [float(frame.time) for frame in before]
    assert max(abs(rgb(a) - rgb(b)).mean() for a, b in zip(before, after, strict=True)) < 3
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_variable_frame_rate_stays(tmp_path: Path) -> None:
    times = [0, 40, 90, 100, 250, 260, 300, 1000]
    restore_video(write(tmp_path / "in.mp4", 8, times), tmp_path / "out.mp4", same)
    assert [round(1000 * float(frame.time)) for frame in frames_of(tmp_path / "out.mp4")] == times


@pytest.mark.parametrize("name", ["in.mkv", "in.webm"])
def test_the_last_frame_stands_as_long_as_it_stood(tmp_path: Path, name: str) -> None:
    (tmp_path / "out").mkdir()
    source = write(tmp_path / name, 1, lasting=5000)
    restore_video(source, tmp_path / "out" / name, same)
    for path in (source, tmp_path / "out" / name):
        with av.open(str(path)) as reader:
            assert reader.duration == 5_000_000


def test_textures_keep_their_brightness(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(60, 200, (*SIZE, 3), dtype=np.uint8)
    with av.open(str(tmp_path / "in.mp4"), "w") as writer:
        stream = writer.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = SIZE[1], SIZE[0], "yuv420p"
        writer.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        writer.mux(stream.encode(None))
    restore_video(tmp_path / "in.mp4", tmp_path / "out.mp4", same, quality=1)
    before, after = (
        frames_of(tmp_path / name)[0].to_ndarray()[: SIZE[0]].astype(int) for name in ("in.mp4", "out.mp4")
    )
    assert abs((after - before).mean()) < 0.2


def test_a_name_with_a_colon_is_no_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out").mkdir()
    write(tmp_path / "in.mp4", 2).rename(tmp_path / "12:30.mp4")
    monkeypatch.chdir(tmp_path)
    assert restore_video(Path("12:30.mp4"), Path("out/12:30.mp4"), same) == 2


@pytest.mark.parametrize("title", ["Holiday", "Caf\udce9"])  # the second is no UTF-8, as old programs wrote it
def test_title_and_date_stay(tmp_path: Path, title: str) -> None:
    described = {"title": title, "creation_time": "2020-01-02T03:04:05.000000Z"}
    with av.open(str(tmp_path / "in.mp4"), "w", metadata_errors="surrogateescape") as writer:
        writer.metadata.update(described)
        stream = writer.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = SIZE[1], SIZE[0], "yuv420p"
        writer.mux(stream.encode(av.VideoFrame(SIZE[1], SIZE[0], "yuv420p")))
        writer.mux(stream.encode(None))
    restore_video(tmp_path / "in.mp4", tmp_path / "out.mp4", same)
    with av.open(str(tmp_path / "out.mp4"), metadata_errors="surrogateescape") as reader:
        assert described.items() <= reader.metadata.items()


@pytest.mark.parametrize(
    ("stored", "restored", "noted"),
    [
        ("yuv422p10le", "yuv422p10le", False),
        ("yuv444p10le", "yuv444p10le", False),
        ("yuva444p10le", "yuv444p10le", True),
    ],
)
def test_colours_keep_their_resolution_and_lost_transparency_is_noted(
    tmp_path: Path, stored: str, restored: str, noted: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with av.open(str(tmp_path / "in.mov"), "w") as writer:
        stream = writer.add_stream("prores_ks", rate=25)
        stream.width, stream.height, stream.pix_fmt = SIZE[1], SIZE[0], stored
        writer.mux(stream.encode(av.VideoFrame.from_ndarray(scene(0), format="rgb24").reformat(format=stored)))
        writer.mux(stream.encode(None))
    restore_video(tmp_path / "in.mov", tmp_path / "out.mov", same)
    assert frames_of(tmp_path / "out.mov")[0].format.name == restored
    assert ("in.mov is restored without its transparency" in caplog.text) == noted


def bare(path: Path, frames: int, **options: str) -> list[av.Packet]:
    """Packets of H.264 without a container, in the order in which they are decoded."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = SIZE[1], SIZE[0], "yuv420p"
    encoder.time_base, encoder.framerate, encoder.options = Fraction(1, 25), Fraction(25), options
    pictures = [av.VideoFrame.from_ndarray(scene(index), format="rgb24") for index in range(frames)]
    packets = [packet for picture in [*pictures, None] for packet in encoder.encode(picture)]
    path.write_bytes(b"".join(bytes(packet) for packet in packets))
    return packets


def remuxed(path: Path, packets: list[av.Packet], times: list[int]) -> None:
    """The packets with these time stamps, in hundredths of the file's second."""
    with av.open(str(path.with_suffix(".h264"))) as reader, av.open(str(path), "w") as writer:
        stream = writer.add_stream_from_template(reader.streams.video[0])
        for packet, time in zip(packets, times, strict=True):
            packet.pts, packet.dts, packet.time_base, packet.stream = time, None, Fraction(1, 100), stream
            writer.mux(packet)


def test_a_raw_stream_without_time_stamps_runs_at_its_rate(tmp_path: Path) -> None:
    bare(tmp_path / "cam.mp4", 10)
    assert restore_video(tmp_path / "cam.mp4", tmp_path / "out.mp4", same) == 10
    times = [round(100 * float(frame.time)) for frame in frames_of(tmp_path / "out.mp4")]
    assert times == list(range(0, 40, 4))


def test_time_stamps_in_the_order_of_decoding_are_sorted(tmp_path: Path) -> None:
    packets = bare(tmp_path / "in.h264", 24, bf="2", b_adapt="0")
    remuxed(tmp_path / "in.mkv", packets, list(range(0, 96, 4)))
    assert restore_video(tmp_path / "in.mkv", tmp_path / "out.mkv", same) == 24
    after = frames_of(tmp_path / "out.mkv")
    assert [round(100 * float(frame.time)) for frame in after] == list(range(0, 96, 4))
    assert max(abs(rgb(frame) - scene(index)).mean() for index, frame in enumerate(after)) < 6


def test_frames_of_one_time_stamp_are_all_kept(tmp_path: Path) -> None:
    remuxed(tmp_path / "in.mkv", bare(tmp_path / "in.h264", 6, bf="0"), [0, 4, 8, 8, 16, 20])
    assert restore_video(tmp_path / "in.mkv", tmp_path / "out.mkv", same) == 6
    times = [round(100 * float(frame.time)) for frame in frames_of(tmp_path / "out.mkv")]
    assert times == [0, 4, 8, 12, 16, 20]


def test_time_stamps_that_begin_again_go_on(tmp_path: Path) -> None:
    part = write(tmp_path / "part.ts").read_bytes()
    (tmp_path / "in.mp4").write_bytes(part + part)
    assert restore_video(tmp_path / "in.mp4", tmp_path / "out.mp4", same) == 24
    times = [float(frame.time) for frame in frames_of(tmp_path / "out.mp4")]
    assert np.diff(times) == pytest.approx(0.04, abs=0.001)


@pytest.mark.parametrize("suffix", [".avi", ".ts", ".mts", ".m2ts", ".3gp", ".mpg", ".wmv", ".mjpeg"])
def test_films_of_other_containers_become_mkv(tmp_path: Path, suffix: str) -> None:
    source, target = tmp_path / f"in{suffix}", tmp_path / "out.mkv"
    codec = {".avi": "mpeg4", ".mpg": "mpeg2video", ".mjpeg": "mjpeg", ".wmv": "wmv2"}.get(suffix, "libx264")
    with av.open(str(source), "w", format="mpegts" if suffix == ".mts" else None) as writer:
        stream = writer.add_stream(codec, rate=25)
        stream.width, stream.height = SIZE[1], SIZE[0]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for index in range(6):
            writer.mux(stream.encode(av.VideoFrame.from_ndarray(scene(index), format="rgb24")))
        writer.mux(stream.encode(None))
    assert restore_video(source, target, same) == 6
    after = frames_of(target)
    assert np.diff([float(frame.time) for frame in after]) == pytest.approx(0.04, abs=0.001)
    with av.open(str(target)) as reader:
        assert reader.format.name == "matroska,webm"


@pytest.mark.parametrize(
    ("suffix", "picture", "codec"),
    [
        (".avi", "mpeg4", "mp2"),
        (".avi", "mpeg4", "pcm_s16le"),
        (".mts", "libx264", "ac3"),
        (".mpg", "mpeg2video", "mp2"),
        (".wmv", "wmv2", "wmav2"),
        (".3gp", "libx264", "aac"),
    ],
)
def test_the_sound_of_other_containers_is_copied_or_its_loss_noted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, suffix: str, picture: str, codec: str
) -> None:
    source, target = tmp_path / f"in{suffix}", tmp_path / "out.mkv"
    with av.open(str(source), "w", format="mpegts" if suffix == ".mts" else None) as writer:
        film = writer.add_stream(picture, rate=25)
        film.width, film.height, film.pix_fmt = SIZE[1], SIZE[0], "yuv420p"
        sound = writer.add_stream(codec, rate=44_100, layout="stereo")
        sound.bit_rate = 128_000
        resampled = av.AudioResampler(sound.codec_context.format, "stereo", 44_100, sound.frame_size or 1024)
        for index in range(6):
            writer.mux(film.encode(av.VideoFrame.from_ndarray(scene(index), format="rgb24")))
            wave = np.random.default_rng(index).integers(-9000, 9000, (1, 2 * 1764), np.int16)
            heard = av.AudioFrame.from_ndarray(wave, format="s16", layout="stereo")
            heard.rate, heard.pts = 44_100, 1764 * index
            for frame in resampled.resample(heard):
                writer.mux(sound.encode(frame))
        writer.mux(film.encode(None))
        writer.mux(sound.encode(None))
    assert restore_video(source, target, same) == 6

    def packets(path: Path) -> bytes:
        with av.open(str(path)) as reader:
            heard = [packet for packet in reader.demux() if packet.size and packet.stream.type == "audio"]
            return b"".join(bytes(packet) for packet in heard)

    is_left_out = codec == "wmav2"  # PyAV (18.1) does not write it into MKV
    assert ("is restored without its stream 1 (audio)" in caplog.text) == is_left_out
    assert packets(source) != b""
    assert packets(target) == (b"" if is_left_out else packets(source))


def test_the_sound_is_copied(tmp_path: Path) -> None:
    source = write(tmp_path / "in.mp4", sound=True)
    restore_video(source, tmp_path / "out.mp4", same)

    def sound(path: Path) -> list[bytes]:
        with av.open(str(path)) as reader:
            return [bytes(packet) for packet in reader.demux(audio=0) if packet.size]

    assert sound(tmp_path / "out.mp4") == sound(source) != []


def test_a_turned_video_is_restored_upright_and_stays_turned(tmp_path: Path) -> None:
    source = write(tmp_path / "in.mp4", rotation=90)
    seen: list[tuple[int, ...]] = []

    def note(picture: np.ndarray) -> np.ndarray:
        seen.append(picture.shape)
        return picture

    restore_video(source, tmp_path / "out.mp4", note)
    assert set(seen) == {(SIZE[1], SIZE[0], 3)}
    before, after = frames_of(source)[0], frames_of(tmp_path / "out.mp4")[0]
    assert (after.rotation, after.width, after.height) == (before.rotation, before.width, before.height)
    assert before.rotation != 0
    assert abs(rgb(before) - rgb(after)).mean() < 3


@pytest.mark.parametrize("rotation", [0, 90, 180])
def test_a_mirrored_video_is_restored_upright_and_stays_mirrored(tmp_path: Path, rotation: int) -> None:
    source = write(tmp_path / "in.mp4", rotation=rotation, mirrored=True)
    seen: list[np.ndarray] = []

    def note(picture: np.ndarray) -> np.ndarray:
        seen.append(picture)
        return picture

    restore_video(source, tmp_path / "out.mp4", note)
    shown = np.fliplr(np.rot90(scene(0).astype(int), rotation // 90))
    assert abs(seen[0] - shown).mean() < 3
    before, after = frames_of(source)[0], frames_of(tmp_path / "out.mp4")[0]
    assert bytes(after.side_data["DISPLAYMATRIX"]) == bytes(before.side_data["DISPLAYMATRIX"])
    assert abs(rgb(before) - rgb(after)).mean() < 3


@pytest.mark.parametrize("keyframes", [250, 4])
def test_a_trimmed_video_is_whole(tmp_path: Path, keyframes: int) -> None:
    source = write(tmp_path / "whole.mp4", keyframes=keyframes)
    with av.open(str(source)) as reader, av.open(str(tmp_path / "in.mp4"), "w") as writer:
        stream = writer.add_stream_from_template(reader.streams.video[0])
        for packet in reader.demux(video=0):
            if packet.dts is not None:
                start = round(5 / 25 / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - start, packet.dts - start, stream
                writer.mux(packet)
    totals: set[int] = set()
    restore_video(tmp_path / "in.mp4", tmp_path / "out.mp4", same, report=lambda done, total: totals.add(total))
    before, after = frames_of(source)[5:], frames_of(tmp_path / "out.mp4")
    assert totals == {len(after)} == {7}
    assert max(abs(rgb(a) - rgb(b)).mean() for a, b in zip(before, after, strict=True)) < 3


@pytest.mark.parametrize(
    ("suffix", "codec", "pixel_format"),
    [(".mov", "mjpeg", "yuvj420p"), (".mkv", "ffv1", "yuv420p"), (".mp4", "libvpx-vp9", "yuv420p")],
)
def test_odd_sides_stay(tmp_path: Path, suffix: str, codec: str, pixel_format: str) -> None:
    source, target = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    with av.open(str(source), "w") as writer:
        stream = writer.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 63, 47, pixel_format
        for index in range(3):
            picture = np.ascontiguousarray(scene(index)[:47, :63])
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pixel_format)
            writer.mux(stream.encode(frame))
        writer.mux(stream.encode(None))
    assert restore_video(source, target, same) == 3
    before, after = frames_of(source), frames_of(target)
    assert max(abs(rgb(a) - rgb(b)).mean() for a, b in zip(before, after, strict=True)) < 3


def of_an_unknown_codec(path: Path) -> None:
    path.write_bytes(write(path, sound=True).read_bytes().replace(b"mp4a", b"zzzz").replace(b"esds", b"zzzz"))


def of_another_container(path: Path) -> None:
    with av.open(str(write(path.with_suffix(".mkv")))) as reader, av.open(str(path), "w", format="matroska") as writer:
        stream = writer.add_stream_from_template(reader.streams.video[0])
        audio = writer.add_stream("pcm_u8", rate=8000)
        for packet in reader.demux(video=0):
            if packet.size:
                packet.stream = stream
                writer.mux(packet)
        sample = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.uint8), format="u8", layout="stereo")
        sample.sample_rate, sample.pts = 8000, 0
        writer.mux(audio.encode(sample))
        writer.mux(audio.encode(None))


@pytest.mark.parametrize("spoil", [of_an_unknown_codec, of_another_container])
def test_sound_that_cannot_be_copied_is_left_out_with_a_note(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], None]
) -> None:
    source, target = tmp_path / "in.mp4", tmp_path / "out.mp4"
    spoil(source)
    with caplog.at_level(logging.WARNING, logger="derain"):
        assert restore_video(source, target, same) == 12
    assert f"{source} is restored without its stream 1 (audio)" in caplog.text
    with av.open(str(target)) as reader:
        assert not reader.streams.audio


def copied(source: Path, kind: str, writer: Any, **described: str) -> list[av.Packet]:
    """A stream added to a file that is being written, and its packets, to be written in their turn."""
    with av.open(str(source)) as reader:
        [stream] = getattr(reader.streams, kind)
        copy = writer.add_stream_from_template(stream)
        copy.metadata.update(described)
        packets = [packet for packet in reader.demux(stream) if packet.size]
        for packet in packets:
            packet.stream = copy
        return packets


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_tracks_keep_their_languages_and_the_video_its_chapters(tmp_path: Path, suffix: str) -> None:
    source, target = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    whole = write(tmp_path / f"whole{suffix}", sound=True)
    (tmp_path / "text.srt").write_text("1\n00:00:00,100 --> 00:00:00,300\nici\n")
    tracks = [("audio", "deu", "Ton"), ("audio", "eng", "sound")]
    with av.open(str(source), "w") as writer:
        packets = copied(whole, "video", writer)
        for kind, language, title in tracks:
            packets += copied(whole, kind, writer, language=language, title=title)
        if suffix == ".mkv":  # FFmpeg has no text of MP4 files but what it makes itself
            tracks.append(("subtitles", "fra", "texte"))
            packets += copied(tmp_path / "text.srt", "subtitles", writer, language="fra", title="texte")
        writer.set_chapters(
            [{"id": 1, "start": 0, "end": 400, "time_base": Fraction(1, 1000), "metadata": {"title": "I"}}]
        )
        writer.mux(packets)
    assert restore_video(source, target, same) == 12
    with av.open(str(target)) as reader:
        for kind, *described in tracks:
            found = [
                (s.metadata["language"], s.metadata.get("title", s.metadata.get("name")))
                for s in getattr(reader.streams, kind)
            ]
            assert tuple(described) in found
        assert [chapter["metadata"]["title"] for chapter in reader.chapters()] == ["I"]


@pytest.mark.parametrize("suffix", [".mkv", ".webm"])
def test_a_file_of_full_size_whose_end_was_never_filled_is_refused(tmp_path: Path, suffix: str) -> None:
    source = write(tmp_path / f"in{suffix}", frames=60)
    content = source.read_bytes()
    source.write_bytes(content[: len(content) // 4] + bytes(len(content) - len(content) // 4))
    with pytest.raises(InputError, match=rf"in{suffix} is cut off: \d\.\d seconds are missing"):
        restore_video(source, tmp_path / f"out{suffix}", same)
    assert list(tmp_path.iterdir()) == [source]


def test_a_phones_place_date_and_camera_stay(tmp_path: Path) -> None:
    source, target = tmp_path / "in.mov", tmp_path / "out.mov"
    names = ("location.ISO6709", "creationdate", "make")
    described = {f"com.apple.quicktime.{name}": f"the {name}" for name in names}
    whole = write(tmp_path / "whole.mov")
    with av.open(str(source), "w", options={"movflags": "use_metadata_tags"}) as writer:
        packets = copied(whole, "video", writer)
        writer.metadata.update(described)
        writer.mux(packets)
    restore_video(source, target, same)
    with av.open(str(target)) as reader:
        assert described.items() <= reader.metadata.items()


def test_rgb_becomes_what_webm_can_hold(tmp_path: Path) -> None:
    source, target = tmp_path / "in.webm", tmp_path / "out.webm"
    with av.open(str(source), "w") as writer:
        stream = writer.add_stream("libvpx-vp9", rate=25)
        stream.width, stream.height, stream.pix_fmt = SIZE[1], SIZE[0], "gbrp"
        stream.codec_context.colorspace = 0
        writer.mux(stream.encode(av.VideoFrame.from_ndarray(scene(0), format="rgb24").reformat(format="gbrp")))
        writer.mux(stream.encode(None))
    assert restore_video(source, target, same) == 1
    [frame] = frames_of(target)
    assert frame.colorspace != 0
    assert abs(rgb(frame) - scene(0)).mean() < 4


def test_an_interlaced_video_is_noted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = tmp_path / "in.mp4"
    with av.open(str(source), "w") as writer:
        stream = writer.add_stream("libx264", rate=25, options={"x264-params": "tff=1"})
        stream.width, stream.height, stream.pix_fmt = SIZE[1], SIZE[0], "yuv420p"
        writer.mux(stream.encode(av.VideoFrame.from_ndarray(scene(0), format="rgb24")))
        writer.mux(stream.encode(None))
    with caplog.at_level(logging.WARNING, logger="derain"):
        restore_video(source, tmp_path / "out.mp4", same)
    assert f"{source} is interlaced" in caplog.text


def test_an_interlaced_video_loses_its_combs_and_no_frame(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "in.mp4"), "w") as writer:
        stream = writer.add_stream("libx264", rate=25, options={"x264-params": "tff=1", "crf": "4"})
        stream.width, stream.height, stream.pix_fmt = SIZE[1], SIZE[0], "yuv420p"
        for index in range(8):
            woven = np.full((*SIZE, 3), 90, np.uint8)
            woven[::2, 6 * index : 6 * index + 12] = 220
            woven[1::2, 6 * index + 3 : 6 * index + 15] = 220  # the lower field is later
            writer.mux(stream.encode(av.VideoFrame.from_ndarray(woven, format="rgb24")))
        writer.mux(stream.encode(None))
    assert restore_video(tmp_path / "in.mp4", tmp_path / "out.mp4", same) == 8
    before, after = frames_of(tmp_path / "in.mp4"), frames_of(tmp_path / "out.mp4")
    assert [frame.time for frame in after] == [frame.time for frame in before]

    def combs(frame: av.VideoFrame) -> float:
        rows = rgb(frame)[..., 0]
        return float(np.abs(2 * rows[1:-1] - rows[:-2] - rows[2:]).mean())

    assert min(map(combs, before)) > 15
    assert max(map(combs, after[1:-1])) < 5


def test_a_video_that_changes_its_size_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "in.mkv"
    with av.open(str(source), "w") as writer:
        stream = writer.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = SIZE[1], SIZE[0], "yuvj420p"
        for index, size in enumerate([SIZE, SIZE[::-1]]):
            encoder = av.CodecContext.create("mjpeg", "w")
            encoder.height, encoder.width, encoder.pix_fmt, encoder.time_base = *size, "yuvj420p", Fraction(1, 25)
            picture = np.full((*size, 3), 90, np.uint8)
            for packet in encoder.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                packet.pts = packet.dts = index
                packet.time_base, packet.stream = Fraction(1, 25), stream
                writer.mux(packet)
    with pytest.raises(InputError, match=r"in\.mkv changes its size after 1 frames"):
        restore_video(source, tmp_path / "out.mkv", same)
    assert list(tmp_path.iterdir()) == [source]


def test_a_cover_is_no_video(tmp_path: Path) -> None:
    source = tmp_path / "in.m4v"
    whole = write(tmp_path / "whole.mp4", sound=True)
    with av.open(str(source), "w", format="mp4") as writer:
        packets = copied(whole, "audio", writer)
        cover = writer.add_stream("mjpeg", rate=25)
        cover.width, cover.height, cover.pix_fmt = SIZE[1], SIZE[0], "yuvj420p"
        cover.disposition = Disposition.attached_pic
        writer.mux(cover.encode(av.VideoFrame.from_ndarray(scene(0), format="rgb24")))
        writer.mux(cover.encode(None))
        writer.mux(packets)
    with pytest.raises(InputError, match=r"in\.m4v has no video stream"):
        restore_video(source, tmp_path / "out.m4v", same)


def test_the_network_sees_the_colours_that_the_video_means(tmp_path: Path) -> None:
    source = write(tmp_path / "in.mp4", hd=True)
    seen: list[np.ndarray] = []

    def note(picture: np.ndarray) -> np.ndarray:
        seen.append(picture)
        return picture

    restore_video(source, tmp_path / "out.mp4", note)
    assert abs(seen[0].astype(int) - scene(0)).mean() < 3
    with av.open(str(tmp_path / "out.mp4")) as reader:
        context = reader.streams.video[0].codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (1, 1, 1, 1)


def test_what_is_restored_is_what_is_written(tmp_path: Path) -> None:
    source = write(tmp_path / "in.mp4")
    restore_video(source, tmp_path / "out.mp4", lambda picture: 255 - picture)
    assert abs(255 - rgb(frames_of(source)[3]) - rgb(frames_of(tmp_path / "out.mp4")[3])).mean() < 4


def cut(path: Path) -> None:
    """Without the rest of a file whose index stands at its head."""
    with (
        av.open(str(path)) as reader,
        av.open(str(path.with_name("whole.mp4")), "w", options={"movflags": "faststart"}) as writer,
    ):
        stream = writer.add_stream_from_template(reader.streams.video[0])
        for packet in reader.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                writer.mux(packet)
    data = path.with_name("whole.mp4").read_bytes()
    path.with_name("whole.mp4").unlink()
    path.write_bytes(data[: len(data) * 3 // 4])


def only_sound(path: Path) -> None:
    with av.open(str(path), "w") as writer:
        audio = writer.add_stream("aac", rate=8000)
        sample = av.AudioFrame.from_ndarray(np.zeros((1, 2048), np.float32), format="fltp", layout="mono")
        sample.sample_rate, sample.pts = 8000, 0
        writer.mux(audio.encode(sample))
        writer.mux(audio.encode(None))


def of_no_known_codec(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"avc1", b"none"))


@pytest.mark.parametrize(
    ("spoil", "cause"),
    [
        (cut, "cut off"),
        (of_no_known_codec, "of a codec that FFmpeg does not know"),
        (only_sound, "has no video stream"),
        (lambda path: path.write_text("a text"), "cannot read the video"),
        (lambda path: path.write_bytes(path.read_bytes()[:800]), "cannot read the video"),
        (lambda path: path.unlink(), "cannot read the video"),
    ],
)
def test_bad_videos_are_named_and_leave_nothing(tmp_path: Path, spoil: Callable[[Path], None], cause: str) -> None:
    source = write(tmp_path / "in.mp4")
    spoil(source)
    with pytest.raises(InputError, match=cause) as raised:
        restore_video(source, tmp_path / "out.mp4", same)
    assert str(source) in str(raised.value)
    assert {path.name for path in tmp_path.iterdir()} <= {"in.mp4"}


@pytest.mark.parametrize("suffix", [".mkv", ".webm"])
def test_a_video_without_an_index_is_refused_where_its_end_is_missing(tmp_path: Path, suffix: str) -> None:
    source = write(tmp_path / f"in{suffix}")
    source.write_bytes(source.read_bytes()[:-400])
    with pytest.raises(InputError, match=rf"in{suffix} is cut off: 400 bytes are missing"):
        restore_video(source, tmp_path / f"out{suffix}", same)
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize("suffix", [".mkv", ".webm"])
def test_a_video_that_was_written_live_and_tells_no_length_is_whole(tmp_path: Path, suffix: str) -> None:
    content = write(tmp_path / f"whole{suffix}").read_bytes()
    place = content.index(b"\x18\x53\x80\x67") + 4
    source = tmp_path / f"in{suffix}"
    source.write_bytes(content[:place] + b"\x01" + 7 * b"\xff" + content[place + 8 :])
    assert restore_video(source, tmp_path / f"out{suffix}", same) == 12


def test_an_interrupted_video_leaves_nothing(tmp_path: Path) -> None:
    source = write(tmp_path / "in.mp4")
    calls = []

    def stop(picture: np.ndarray) -> np.ndarray:
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return picture

    with pytest.raises(KeyboardInterrupt):
        restore_video(source, tmp_path / "out.mp4", stop)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_smoothing_takes_flicker_from_what_is_still_and_leaves_what_moves() -> None:
    rng = np.random.default_rng(0)
    still = rng.integers(40, 200, (32, 32, 3))
    noisy = [(still + rng.normal(0, 6, still.shape)).clip(0, 255).astype(np.uint8) for _ in range(20)]
    smooth = Smoothing(0.8)
    smoothed = [smooth(picture) for picture in noisy]
    errors = [abs(picture.astype(int) - still).mean() for picture in (noisy[-1], smoothed[-1])]
    assert errors[1] < 0.6 * errors[0]
    jump = np.full((32, 32, 3), 255, np.uint8)
    np.testing.assert_array_equal(smooth(jump)[still.mean(2) < 150], 255)
    np.testing.assert_array_equal(Smoothing(0.0)(noisy[0]), noisy[0])


def test_smoothing_dims_rain_that_was_left_but_does_not_drag_it_into_the_next_frame() -> None:
    street = np.full((64, 64, 3), 100, np.uint8)
    streak = street.copy()
    streak[20:40, 30] = 200
    smooth = Smoothing(0.8)
    np.testing.assert_array_equal(smooth(street), street)
    np.testing.assert_array_equal(smooth(streak)[20:40, 30], 120)  # a fifth of the streak's 100 levels
    smooth = Smoothing(0.8)
    smooth(streak)
    np.testing.assert_array_equal(smooth(street), street)


def test_a_smoothing_out_of_range_is_refused() -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        Smoothing(1.5)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP"])
def test_a_picture_under_the_name_of_a_video_is_refused_as_that(tmp_path: Path, kind: str) -> None:
    Image.new("RGB", (64, 48), "red").save(tmp_path / "clip.mp4", format=kind)
    with pytest.raises(InputError, match=r"clip\.mp4 is a picture, not a video"):
        restore_video(tmp_path / "clip.mp4", tmp_path / "out.mp4", lambda picture: picture)
    assert not (tmp_path / "out.mp4").exists()
