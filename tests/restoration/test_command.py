"""derain restore, as a person calls it."""

import pickle
import signal
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from derain import cli
from derain.networks import build, parse
from derain.networks.weights import describe, write_tensors

UNET = "unet:base=4,levels=3,norm=none"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = build(*parse(UNET))
    path = tmp_path / "model.safetensors"
    write_tensors(path, network.state_dict(), describe("unet", network))
    return path


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 70, 3), dtype=np.uint8)).save(path)
    return path


@pytest.fixture(autouse=True)
def keep_the_allocator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("derain.support.processes.dedicate_to_network", lambda threads: None)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["derain", *map(str, arguments)])
    try:
        cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_a_photo_is_restored_and_then_skipped(
    model: Path, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("restore", photo, "--out", tmp_path / "out", "--model", model, "--strength", 0, "--compare")
    assert run(monkeypatch, *arguments) == 0
    assert "1 restored in" in capsys.readouterr().out
    with Image.open(photo) as before, Image.open(tmp_path / "out" / "photo.png") as after:
        assert np.array_equal(np.asarray(before), np.asarray(after))
    assert (tmp_path / "out" / "photo.png.compare.jpg").exists()
    assert run(monkeypatch, *arguments) == 0
    assert "0 restored in" in (out := capsys.readouterr().out)
    assert "1 done already" in out


def test_results_that_are_replaced_are_counted(
    model: Path, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("restore", photo, "--out", tmp_path / "out", "--model", model)
    assert run(monkeypatch, *arguments) == 0
    assert f"1 restored in {tmp_path / 'out'}\n" in capsys.readouterr().out
    assert run(monkeypatch, *arguments, "--strength", 0.5, "--report") == 0
    out = capsys.readouterr().out
    assert f"1 restored in {tmp_path / 'out'}, 1 earlier result replaced\n" in out
    assert "No warning does not mean no damage" in out


def test_a_mistyped_folder_is_told_the_nearest_one(
    model: Path, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "a.png").write_bytes(photo.read_bytes())
    for given, meant in (("holidy", "holiday"), ("holidy/a.png", "holiday/a.png")):
        assert run(monkeypatch, "restore", tmp_path / given, "--out", tmp_path / "out", "--model", model) == 2
        cause = f"cannot read {tmp_path / given}: No such file or folder (did you mean {tmp_path / meant}?)"
        assert cause in caplog.text


def test_the_best_result_is_another_one_and_takes_its_place(
    model: Path, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("restore", photo, "--out", tmp_path / "out", "--model", model)
    pictures = []
    for more in ((), ("--best",), ("--best",)):
        assert run(monkeypatch, *arguments, *more) == 0
        with Image.open(tmp_path / "out" / "photo.png") as restored:
            pictures.append(np.asarray(restored))
    assert "1 done already" in capsys.readouterr().out.splitlines()[-1]
    assert not np.array_equal(pictures[0], pictures[1])


def test_a_tree_of_folders_is_restored_as_a_tree_and_broken_photos_on_demand(
    model: Path, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    deep = tmp_path / "photos" / "2024" / "broken.png"
    deep.parent.mkdir(parents=True)
    deep.write_bytes(photo.read_bytes()[:-3000])
    (tmp_path / "photos" / "notes.txt").touch()
    arguments = ("restore", tmp_path / "photos", "--out", tmp_path / "out", "--model", model, "--recursive")
    assert run(monkeypatch, *arguments) == 2
    assert "of another kind: 1 (notes.txt)" in caplog.text
    assert run(monkeypatch, *arguments, "--accept-truncated") == 0
    assert (tmp_path / "out" / "2024" / "broken.png").exists()


def test_folders_may_be_called_anything(
    model: Path, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "[" / "bold]"  # "[/bold]" would end a style that never began
    assert run(monkeypatch, "restore", photo, "--out", out, "--model", model, "--report") == 0
    assert f"1 restored in {out}\n" in (printed := capsys.readouterr().out)
    assert f"{out / 'report.html'}: 1 of the photos" in printed


@pytest.mark.slow
def test_both_engines_give_the_same_picture(
    model: Path, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for engine in ("torch", "onnxruntime"):
        out = tmp_path / engine
        assert run(monkeypatch, "restore", photo, "--out", out, "--model", model, "--engine", engine) == 0
    pictures = [np.asarray(Image.open(tmp_path / each / "photo.png")).astype(int) for each in ("torch", "onnxruntime")]
    assert np.abs(pictures[0] - pictures[1]).max() <= 1


def test_a_bad_file_is_named_and_the_exit_code_tells(
    model: Path, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.jpg").write_text("hello")
    arguments = ("restore", photo, tmp_path / "text.jpg", "--out", tmp_path / "out", "--model", model)
    assert run(monkeypatch, *arguments) == 2
    assert "1 of 2 files could not be restored" in capsys.readouterr().err
    assert (tmp_path / "out" / "photo.png").exists()
    assert not (tmp_path / "out" / "text.jpg").exists()


class Trap:
    """Leaves a file behind if it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("evil.safetensors", "is no whole safetensors file"), ("evil.pth", "holds more than tensors, which is not read")],
)
def test_a_pickle_in_place_of_a_model_is_refused_and_not_run(
    name: str,
    sentence: str,
    photo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / name).write_bytes(pickle.dumps(Trap(tmp_path / "caught")))
    assert run(monkeypatch, "restore", photo, "--out", tmp_path / "out", "--model", tmp_path / name) == 2
    assert f"{name} {sentence}" in capsys.readouterr().err.replace("\n", "")
    assert not (tmp_path / "caught").exists()


def test_weights_of_another_network_are_refused(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tensors = build("resnet", {"features": 4, "blocks": 1}).state_dict()
    write_tensors(tmp_path / "model.safetensors", tensors, describe("unet", build(*parse(UNET))))
    arguments = ("restore", photo, "--out", tmp_path / "out", "--model", tmp_path / "model.safetensors")
    assert run(monkeypatch, *arguments) == 2
    assert "does not hold the weights of unet" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--model", "balancd"), "'balancd' is neither a model in the box"),
        (("--model", "no.safetensors"), "there is no file no.safetensors"),
        (("--strength", "2"), "the strength must lie between 0 and 1.5, not 2.0"),
        (("--quality", "0"), "the quality must be from 1 to 100, not 0"),
        (("--smoothing", "2"), "the smoothing must lie between 0 and 1, not 2.0"),
        (("--tile", "95"), "tiles must have a side of at least 96 px"),
        (("--device", "cuda:99"), "the device cuda:99 cannot be used"),
        (("--out", "/proc/out"), "cannot write into the folder /proc/out"),
    ],
)
def test_bad_settings_are_one_sentence_each(
    arguments: tuple[str, ...], sentence: str, model: Path, photo: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    flags = {"--out": tmp_path / "out", "--model": model, **dict([arguments])}
    assert run(monkeypatch, "restore", photo, *chain.from_iterable(flags.items())) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


@pytest.mark.slow
def test_a_terminated_command_leaves_no_half_video(model: Path, tmp_path: Path) -> None:
    clip, out = tmp_path / "clip.mp4", tmp_path / "out"
    with av.open(str(clip), "w") as writer:
        stream = writer.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for _ in range(500):
            writer.mux(stream.encode(av.VideoFrame(320, 240, "yuv420p")))
        writer.mux(stream.encode(None))
    command = [sys.executable, "-m", "derain", "restore", str(clip), "--out", str(out), "--model", str(model)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not list(out.glob(".clip.mp4.*")):
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 143
    assert not list(out.glob("*clip*"))
