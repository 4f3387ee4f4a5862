"""The table "Videos" of docs/how-to/restore.md, where tests/restoration/test_video.py does not hold it."""

import json
import os
import shutil
import struct
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from derain.restoration.hdr import is_dynamic, shown_curves
from derain.restoration.video import restore_video
from derain.support.processes import keeping_priority

SIZE = (48, 64)
SOUNDS = 90
PQ, HLG = 16, 18
MASTERING = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400"
# FFmpeg reads from it the three colours and white (x and y), the darkest and the brightest light.
COLOURS = [0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.329, 0.0001, 1000]


def same(picture: np.ndarray) -> np.ndarray:
    return picture


def scene(index: int) -> np.ndarray:
    """A ramp of 16 bits that moves: no 8 bits can hold its steps."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    ramp = 24_000 + 64 * (rows + columns + index)
    return np.stack([ramp, ramp + 2000, ramp - 3000], 2).astype(np.uint16)


def film(
    path: Path,
    codec: str = "libx265",
    pixels: str = "yuv420p10le",
    transfer: int = 1,
    aspect: Fraction | None = None,
    frames: int = 3,
    **options: str,
) -> Path:
    """A few frames; colours as in BT.2020."""
    with av.open(str(path), "w") as writer, keeping_priority():
        stream: Any = writer.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = SIZE[1], SIZE[0], pixels
        context = stream.codec_context
        context.colorspace, context.color_primaries, context.color_trc, context.color_range = 9, 9, transfer, 1
        if aspect is not None:
            context.sample_aspect_ratio = aspect
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(scene(index), format="gbrp16le")
            writer.mux(
                stream.encode(frame.reformat(format=pixels, dst_colorspace=9, src_color_range=2, dst_color_range=1))
            )
        writer.mux(stream.encode(None))
    return path


def deep_film(path: Path, transfer: int = 1, **options: str) -> Path:
    """A film of ten bits, as its container has them."""
    if path.suffix == ".webm":
        return film(path, "libsvtav1", transfer=transfer, crf="4", **options)
    parameters = ":".join(filter(None, ["log-level=none", options.get("x265", "")]))
    return film(path, transfer=transfer, crf="4", **{"x265-params": parameters})


def lumas(path: Path) -> list[np.ndarray]:
    """The brightness of the frames, in levels of ten bits."""
    with av.open(str(path)) as reader:
        planes = [frame.reformat(format="yuv420p10le").planes[0] for frame in reader.decode(video=0)]
        return [
            np.frombuffer(plane, "<u2").reshape(-1, plane.line_size // 2)[:, : SIZE[1]].astype(int)  # type: ignore[call-overload]
            for plane in planes
        ]


def side_data(path: Path) -> dict[str, bytes]:
    with av.open(str(path)) as reader:
        found: Any = next(reader.decode(video=0)).side_data
        return {each.type.name: bytes(each) for each in found}


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_ten_bits_stay_ten(suffix: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source, target = deep_film(tmp_path / f"in{suffix}"), tmp_path / f"out{suffix}"
    seen: list[np.ndarray] = []
    restore_video(source, target, lambda picture: seen.append(picture) or picture)  # type: ignore[func-returns-value]
    assert {picture.dtype for picture in seen} == {np.dtype(np.uint16)}
    with av.open(str(target)) as reader:
        assert reader.streams.video[0].codec_context.pix_fmt == "yuv420p10le"
        assert suffix not in (".mp4", ".mov") or reader.streams.video[0].codec_context.codec_tag == "hvc1"
    for before, after in zip(lumas(source), lumas(target), strict=True):
        assert abs(after - before).mean() < 1.5  # 8 bits have every fourth level
    assert caplog.text == ""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are listed on Linux alone")
def test_no_thread_is_left_with_real_time_priority(tmp_path: Path) -> None:
    restore_video(deep_film(tmp_path / "in.webm"), tmp_path / "out.webm", same)
    threads = [int(thread.name) for thread in Path("/proc/self/task").iterdir()]
    assert {os.sched_getscheduler(thread) for thread in threads} == {os.SCHED_OTHER}


def test_more_than_ten_bits_become_ten_with_a_note(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = film(tmp_path / "in.mkv", "ffv1", "yuv420p12le")
    restore_video(source, tmp_path / "out.mkv", same)
    assert f"{source} has 12 bits a channel, of which 10 are kept" in caplog.text


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_colours_of_hdr_stay(suffix: str, transfer: int, tmp_path: Path) -> None:
    source, target = deep_film(tmp_path / f"in{suffix}", transfer), tmp_path / f"out{suffix}"
    restore_video(source, target, same)
    with av.open(str(target)) as reader:
        context = reader.streams.video[0].codec_context
        found = (context.colorspace, context.color_primaries, context.color_trc, context.color_range)
    assert found == (9, 9, transfer, 1)
    for before, after in zip(lumas(source), lumas(target), strict=True):
        assert abs(after - before).mean() < 1.5


@pytest.mark.parametrize(("made", "kept"), [(".mp4", ".mp4"), (".mp4", ".mov"), (".mp4", ".mkv"), (".mp4", ".webm")])
def test_mastering_display_and_light_level_stay(made: str, kept: str, tmp_path: Path) -> None:
    source, target = deep_film(tmp_path / f"in{made}", PQ, x265=MASTERING), tmp_path / f"out{kept}"
    restore_video(source, target, same)
    for path in (source, target):
        found = side_data(path)
        numbers = struct.unpack_from("=20i", found["MASTERING_DISPLAY_METADATA"])
        ratios = [top / bottom for top, bottom in zip(numbers[::2], numbers[1::2], strict=True)]
        assert ratios == pytest.approx(COLOURS, rel=1e-3, abs=5e-5)
        assert struct.unpack_from("=2I", found["CONTENT_LIGHT_LEVEL"]) == (1000, 400)


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed")
def test_ffprobe_sees_the_same_hdr_in_the_result(tmp_path: Path) -> None:
    source, target = deep_film(tmp_path / "in.mp4", PQ, x265=MASTERING), tmp_path / "out.mp4"
    restore_video(source, target, same)

    def seen(path: Path) -> Any:
        shown = "stream=pix_fmt,color_range,color_space,color_transfer,color_primaries:frame_side_data"
        call = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", shown, "-of", "json", str(path)]
        told = json.loads(subprocess.run(call, capture_output=True, check=True).stdout)
        kinds = ("Mastering display metadata", "Content light level metadata")
        first = told["frames"][0]["side_data_list"]
        return told["streams"], [each for each in first if each["side_data_type"] in kinds]

    streams, beside = seen(target)
    assert len(beside) == 2
    assert (streams, beside) == seen(source)


def test_networks_see_pq_as_a_display_would_show_it_and_hlg_as_it_is(tmp_path: Path) -> None:
    pictures = {}
    for transfer in (PQ, HLG):
        seen: list[np.ndarray] = []
        source = deep_film(tmp_path / f"{transfer}.mp4", transfer)
        restore_video(source, tmp_path / f"out{transfer}.mp4", lambda picture: seen.append(picture) or picture)  # type: ignore[func-returns-value]  # noqa: B023
        pictures[transfer] = seen[0].astype(int)
    there, _ = shown_curves()
    assert abs(pictures[HLG] - scene(0)).mean() < 400
    assert abs(pictures[PQ] - there[scene(0)]).mean() < 400
    assert abs(there[scene(0)].astype(int) - scene(0)).mean() > 2000


def test_hdr_data_of_single_frames_are_known() -> None:
    assert is_dynamic({"DOVI_RPU_BUFFER": b""})
    assert is_dynamic({"DYNAMIC_HDR_PLUS": b""})
    assert not is_dynamic({"MASTERING_DISPLAY_METADATA": b""})


@pytest.mark.parametrize("frames", [1, 2])
def test_films_of_ten_bits_may_be_short(frames: int, tmp_path: Path) -> None:
    source = film(tmp_path / "in.mov", "prores_ks", "yuv422p10le", frames=frames)
    assert restore_video(source, tmp_path / "out.mov", same) == frames
    assert len(lumas(tmp_path / "out.mov")) == frames


def test_the_shape_of_pixels_is_left_out_of_webm_with_a_note(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = film(tmp_path / "in.mkv", "libx264", "yuv420p", aspect=Fraction(4, 3))
    restore_video(made, tmp_path / "out.webm", same)
    assert f"{made} is restored without the shape of its pixels (4/3)" in caplog.text


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_the_shape_of_pixels_stays(suffix: str, tmp_path: Path) -> None:
    source = film(tmp_path / f"in{suffix}", "libx264", "yuv420p", aspect=Fraction(4, 3))
    restore_video(source, tmp_path / f"out{suffix}", same)
    with av.open(str(tmp_path / f"out{suffix}")) as reader:
        assert reader.streams.video[0].sample_aspect_ratio == Fraction(4, 3)


def with_sound(path: Path, later: int = 0) -> Path:
    """An MPEG transport stream whose first packets of sound stand so much later, in 1/90,000 s."""
    with av.open(str(path), "w") as writer:
        video: Any = writer.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = SIZE[1], SIZE[0], "yuv420p"
        sound: Any = writer.add_stream("mp2", rate=48_000, layout="mono")
        for index in range(6):
            picture = (scene(index) >> 8).astype(np.uint8)
            writer.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        writer.mux(video.encode(None))
        for index in range(SOUNDS):
            wave = np.zeros((1, 1152), np.int16)
            heard = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
            heard.sample_rate, heard.pts, heard.time_base = 48_000, 1152 * index, Fraction(1, 48_000)
            writer.mux(sound.encode(heard))
        writer.mux(sound.encode(None))
    content = bytearray(path.read_bytes())
    place = content.index(b"\0\0\1\xc0") + 9
    stamp = content[place : place + 5]
    time = later + ((stamp[0] >> 1 & 7) << 30 | stamp[1] << 22 | stamp[2] >> 1 << 15 | stamp[3] << 7 | stamp[4] >> 1)
    parts = (stamp[0] & 0xF0 | time >> 29 & 0xE | 1, time >> 22, time >> 14 | 1, time >> 7, time << 1 | 1)
    content[place : place + 5] = [part & 255 for part in parts]
    path.write_bytes(content)
    return path


def sound_times(path: Path) -> list[float]:
    with av.open(str(path)) as reader:
        return [float(packet.pts * packet.time_base) for packet in reader.demux(audio=0) if packet.size]


@pytest.mark.parametrize("later", [0, 45_000, 90_000 * 3600])
def test_sound_whose_time_stamps_fall_is_mended_with_a_note(
    later: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = with_sound(tmp_path / "in.ts", later)
    first = sound_times(source)[0]
    restore_video(source, tmp_path / "out.mkv", same)
    rising = [first + 0.024 * index for index in range(SOUNDS)]
    assert sound_times(tmp_path / "out.mkv") == pytest.approx(rising, abs=0.003)
    assert ("time stamps of its stream 1 (audio) do not rise, and are mended" in caplog.text) == bool(later)
