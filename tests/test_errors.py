"""Errors that tell a library's caller more than that the input is bad; every one of them is an InputError."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from derain.app.server import application, find_report
from derain.app.settings import ServeSettings
from derain.errors import InputError, MissingExtraError, MissingFileError
from derain.models import find_model
from derain.networks import load_model
from derain.pictures.images import list_images, read_image
from derain.rain import load_rain
from derain.restoration.video import restore_video
from derain.study.plan.spec import load_studies
from derain.study.run.ray import RayExecutor
from derain.support.pages import drawing


@pytest.mark.parametrize(
    "read",
    [
        list_images,
        lambda path: read_image(path / "photo.png"),
        lambda path: load_model(path / "model.safetensors"),
        lambda path: load_model(path / "model.onnx"),
        lambda path: load_rain(f"{path}/rain.toml"),
        lambda path: load_studies((path / "study.toml",)),
        find_report,
        lambda path: find_model(Path("balancd")),
    ],
)
def test_what_does_not_exist_is_told_from_what_is_bad(read: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        read(tmp_path / "nowhere")


def test_a_file_that_is_there_and_bad_is_not_called_missing(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_text("no picture")
    with pytest.raises(InputError) as raised:
        read_image(tmp_path / "photo.png")
    assert not isinstance(raised.value, MissingFileError)


@pytest.mark.parametrize(
    ("package", "extra", "use"),
    [
        ("onnxruntime", "onnx", lambda path: load_model(path / "model.onnx")),
        ("matplotlib", "plots", lambda path: drawing().__enter__()),
        ("av", "video", lambda path: restore_video(path / "film.mp4", path / "out.mp4", lambda frame: frame)),
        ("gradio", "app", lambda path: application({}, None, ServeSettings())),
        ("ray", "cluster", lambda path: RayExecutor(path, "auto", "cpu", 1, 0.0)),
    ],
)
def test_a_package_that_is_missing_is_named_with_the_extra_that_brings_it(
    package: str, extra: str, use: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"which is not installed: pip install 'derain\[{extra}\]'"):
        use(tmp_path)
