"""Outputs are written whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from derain.errors import InputError
from derain.support.files import make_folder, write_bytes, write_json


def test_a_full_disk_leaves_the_previous_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "weights.bin"
    write_bytes(path, b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"weights\.bin: No space left"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_write_leaves_the_previous_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "weights.bin"
    write_bytes(path, b"old")

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_written_files_have_the_usual_permissions(tmp_path: Path) -> None:
    write_bytes(tmp_path / "ours", b"")
    (tmp_path / "usual").touch()
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize("name", ["x" * 255, "雨" * 85])
def test_the_longest_names_are_written(tmp_path: Path, name: str) -> None:
    write_bytes(tmp_path / name, b"whole")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing/a\.json: No such file"):
        write_json(tmp_path / "missing" / "a.json", {})


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(InputError, match=r"taken"):
        make_folder(tmp_path / "taken")
    with pytest.raises(InputError, match=r"taken/below"):
        make_folder(tmp_path / "taken" / "below")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with pytest.raises(InputError, match=r"locked: Permission denied"):
        make_folder(folder)


def test_make_folder_makes_parents_and_leaves_contents(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a" / "b")
    (folder / "kept").touch()
    assert list(make_folder(folder).iterdir()) == [folder / "kept"]


def test_json_has_null_but_never_nan(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"psnr": None})
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(path, {"psnr": float("nan")})
    assert path.read_text() == '{\n  "psnr": null\n}\n'
