"""Files that are found, and the words on those that are left out."""

import os
from pathlib import Path

import pytest
from PIL import Image

from derain.errors import InputError
from derain.restoration import find_files


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.png", "b.png", "c.bmp"):
        Image.new("RGB", (9, 7)).save(folder / name)
    return folder


def test_files_folders_and_patterns_are_found_once(photos: Path) -> None:
    (photos / "notes.txt").write_text("")
    (photos / "film.mp4").write_bytes(b"")
    (photos / "deeper").mkdir()
    Image.new("RGB", (9, 7)).save(photos / "deeper" / "d.png")
    assert [path.name for path in find_files([photos])] == ["a.png", "b.png", "c.bmp", "film.mp4"]
    assert [path.name for path in find_files([photos / "b.png", photos])][:2] == ["b.png", "a.png"]
    assert [path.name for path in find_files([photos / "*.png"])] == ["a.png", "b.png"]
    assert [path.name for path in find_files([photos / "**" / "*.png"])] == ["a.png", "b.png", "d.png"]


def test_a_name_that_looks_like_a_pattern_is_a_file(photos: Path) -> None:
    (photos / "a.png").rename(photos / "a[1].png")
    assert find_files([photos / "a[1].png"]) == [photos / "a[1].png"]


def test_nothing_found_is_said(photos: Path) -> None:
    (photos / "texts").mkdir()
    (photos / "texts" / "a.txt").write_text("")
    for inputs, sentence in {
        (): "give at least one photo",
        (photos / "*.jpg",): r"no photo or video matches .*\*\.jpg",
        (photos / "texts",): "holds no photo or video",
    }.items():
        with pytest.raises(InputError, match=sentence):
            find_files(list(inputs))


def test_a_folder_tells_how_many_files_it_leaves_out_which_and_why(
    photos: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("derain.pictures.formats.find_spec", lambda module: None)
    for name in ("d.jfif", "e.HEIC", "f.dng", "notes.txt", ".hidden.txt"):
        (photos / name).write_bytes((photos / "a.png").read_bytes())
    os.mkfifo(photos / "pipe.png")
    (photos / "deeper").mkdir()
    assert [path.name for path in find_files([photos])] == ["a.png", "b.png", "c.bmp", "d.jfif"]
    told = caplog.text
    assert "photos: 4 to restore; left out: " in told
    for part in (
        "folders, as --recursive was not given: 1 (deeper)",
        "of another kind: 1 (notes.txt)",
        "no regular files: 1 (pipe.png)",
        "files that need pip install 'derain[heif]': 1 (e.HEIC)",
        "files that need pip install 'derain[raw]': 1 (f.dng)",
    ):
        assert part in told
    assert "hidden" not in told


def test_of_many_that_are_left_out_three_are_named(photos: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(5):
        (photos / f"{number}.txt").touch()
    find_files([photos])
    assert "of another kind: 5 (0.txt, 1.txt, 2.txt, ...)" in caplog.text


def test_a_folder_of_which_all_is_left_out_says_so(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").touch()
    with pytest.raises(InputError, match=r"holds no photo or video .*; left out: of another kind: 1 \(a\.txt\)"):
        find_files([tmp_path / "texts"])


def test_folders_in_folders_are_taken_on_demand(photos: Path, caplog: pytest.LogCaptureFixture) -> None:
    for folder in ("deeper/deepest", "out", "empty", ".hidden"):
        (photos / folder).mkdir(parents=True)
        (photos / folder / "d.png").write_bytes((photos / "a.png").read_bytes())
    (photos / "empty" / "d.png").unlink()
    (photos / "again").symlink_to(photos)  # a circle
    found = find_files([photos], photos / "out", recursive=True)
    assert [str(path.relative_to(photos)) for path in found] == ["a.png", "b.png", "c.bmp", "deeper/deepest/d.png"]
    assert "linked folders: 1 (again)" in caplog.text
