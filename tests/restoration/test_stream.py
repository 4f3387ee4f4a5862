"""Frames through a pipe: what comes out is of the same kind, and a pipe that ends too early is named."""

import io
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from derain.errors import InputError
from derain.restoration.stream import Form, restore_stream
from derain.restoration.video import Picture

WIDTH, HEIGHT, FRAMES = 10, 6, 3
FORM = Form(WIDTH, HEIGHT, Fraction(10))
RAW = np.random.default_rng(0).integers(0, 200, (FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)


def brighter(picture: Picture) -> Picture:
    return picture + np.uint8(50)  # type: ignore[no-any-return]


def same(picture: Picture) -> Picture:
    return picture


def y4m(colours: str = "420jpeg", width: int = WIDTH, height: int = HEIGHT, extra: str = "") -> bytes:
    """Frames of one colour each, with every other column lighter."""
    head = f"YUV4MPEG2 W{width} H{height} F30000:1001 Ip A1:1 C{colours}{extra}\n".encode()
    down, across = {"420jpeg": (2, 2), "422": (1, 2), "444": (1, 1)}[colours]
    chroma = -(-height // down) * -(-width // across)
    luma = np.tile(np.array([90, 100], np.uint8), width * height)[: width * height].tobytes()
    return head + b"".join(b"FRAME\n" + luma + bytes([120 + index]) * chroma * 2 for index in range(FRAMES))


class Gone(io.RawIOBase):
    """A pipe whose reader is gone."""

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        raise BrokenPipeError(32, "Broken pipe")


def test_rawvideo_frames_come_out_restored_one_by_one() -> None:
    written, counts = io.BytesIO(), list[int]()
    assert restore_stream(io.BytesIO(RAW.tobytes()), written, brighter, FORM, report=counts.append) == FRAMES
    assert written.getvalue() == (RAW + 50).tobytes()
    assert counts == [1, 2, 3]


@pytest.mark.parametrize("colours", ["420jpeg", "422", "444"])
@pytest.mark.parametrize(("width", "height"), [(10, 6), (11, 7)])
def test_y4m_that_nothing_is_taken_from_comes_out_as_it_was(colours: str, width: int, height: int) -> None:
    source, written = y4m(colours, width, height), io.BytesIO()
    assert restore_stream(io.BytesIO(source), written, same) == FRAMES
    result = written.getvalue()
    assert len(result) == len(source)
    assert result.splitlines()[0] == source.splitlines()[0]
    assert np.abs(np.frombuffer(result, np.uint8).astype(int) - np.frombuffer(source, np.uint8)).max() <= 1


def test_y4m_of_all_levels_stays_so() -> None:
    """White of all levels is 255; taken for limited ones it would come out clipped to 235."""
    head = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F25:1 C444 XCOLORRANGE=FULL\n".encode()
    source = head + b"FRAME\n" + b"\xff" * WIDTH * HEIGHT + b"\x80" * 2 * WIDTH * HEIGHT
    written = io.BytesIO()
    restore_stream(io.BytesIO(source), written, same)
    assert written.getvalue()[len(head) + 6 :][: WIDTH * HEIGHT] == b"\xff" * WIDTH * HEIGHT


def test_y4m_keeps_what_stands_behind_the_word_frame() -> None:
    source, written = y4m().replace(b"FRAME\n", b"FRAME Xnote\n"), io.BytesIO()
    restore_stream(io.BytesIO(source), written, same)
    assert written.getvalue().count(b"FRAME Xnote\n") == FRAMES


def test_a_pipe_that_ends_within_a_frame_is_named_after_the_whole_frames_are_written() -> None:
    written = io.BytesIO()
    with pytest.raises(InputError, match=r"ends in the middle of frame 3 \(at 0\.20 s\): 2 whole frames are written"):
        restore_stream(io.BytesIO(RAW.tobytes()[:-1]), written, brighter, FORM)
    assert written.getvalue() == (RAW[:2] + 50).tobytes()


@pytest.mark.parametrize("missing", [1, 50, 95])
def test_y4m_that_ends_within_a_frame_is_named_after_the_whole_frames_are_written(missing: int) -> None:
    source, written = y4m(), io.BytesIO()
    with pytest.raises(InputError, match=r"ends in the middle of frame 3 \(at 0\.07 s\): 2 whole frames are written"):
        restore_stream(io.BytesIO(source[:-missing]), written, same)
    assert written.getvalue().count(b"FRAME\n") == 2


@pytest.mark.parametrize(
    ("source", "form", "sentence"),
    [
        (b"", FORM, "nothing comes on standard input"),
        (RAW.tobytes(), None, r"is no Y4M: give the size of its rawvideo \(rgb24\), as in --size 1280x720"),
        (RAW.tobytes(), Form(0, 6), "must have 1 to 200,000,000 pixels"),
        (RAW.tobytes(), Form(100_000, 100_000), "not 100000x100000"),
        (y4m(), Form(8, 6), "has frames of 10x6: leave out --size"),
        (y4m().replace(b"C420jpeg", b"C420p10"), None, "has the colours 420p10, not 420, .*-pix_fmt yuv420p"),
        (y4m().replace(b"W10 ", b""), None, "its head gives no size"),
        (y4m().replace(b"F30000:1001", b"F1:0"), None, "its head gives no size or rate"),
        (y4m().replace(b"FRAME", b"frame"), None, "is damaged at frame 1"),
        (y4m().split(b"FRAME")[0], None, "holds no frame"),
    ],
)
def test_a_stream_that_cannot_be_read_is_refused_in_a_sentence(source: bytes, form: Form | None, sentence: str) -> None:
    written = io.BytesIO()
    with pytest.raises(InputError, match=sentence):
        restore_stream(io.BytesIO(source), written, same, form)
    assert written.getvalue() == b""


def test_interlaced_frames_are_noted(caplog: pytest.LogCaptureFixture) -> None:
    restore_stream(io.BytesIO(y4m().replace(b"Ip", b"It")), io.BytesIO(), same)
    assert "interlaced" in caplog.text


def test_a_reader_that_is_gone_is_named() -> None:
    with pytest.raises(InputError, match="cannot write on standard output: Broken pipe"):
        restore_stream(io.BytesIO(RAW.tobytes()), Gone(), same, FORM)


@pytest.mark.slow
def test_the_command_reads_and_writes_pipes_and_says_the_rest_elsewhere(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "derain", "restore", "-", "--strength", "0"]
    whole = subprocess.run([*command, "--size", "10x6"], input=RAW.tobytes(), capture_output=True)
    assert (whole.returncode, whole.stdout) == (0, RAW.tobytes())
    assert b"3 frames restored" in whole.stderr
    part = subprocess.run([*command, "--size", "10x6"], input=RAW.tobytes()[:200], capture_output=True)
    assert (part.returncode, part.stdout) == (2, RAW[:1].tobytes())
    assert b"derain: standard input ends in the middle of frame 2: 1 whole frame is written" in part.stderr
