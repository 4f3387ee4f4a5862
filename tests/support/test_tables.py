"""TOML tables as dataclasses: a person's slip is named, with what was meant."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from derain.errors import InputError
from derain.support.tables import read_table, read_toml


@dataclass(frozen=True)
class Photo:
    folder: Path
    share: float = 1.0


@dataclass(frozen=True)
class Album:
    title: str
    kind: Literal["dry", "rainy"] = "dry"
    counts: tuple[int, ...] = ()
    photos: Mapping[str, Photo] | None = None
    size_cm: tuple[float, float] = (20, 30)
    order: Literal["date", "name"] | tuple[str, str] = "date"


def read(text: str, folder: Path) -> Album:
    (folder / "album.toml").write_text(text)
    return read_table(Album, read_toml(folder / "album.toml"), "album", folder)


def test_what_may_be_a_word_or_a_list_takes_both(tmp_path: Path) -> None:
    assert read('title = "a"\norder = "name"', tmp_path).order == "name"
    assert read('title = "a"\norder = ["x", "y"]', tmp_path).order == ("x", "y")
    with pytest.raises(InputError, match="order must be one of date, name, not 'nam'"):
        read('title = "a"\norder = "nam"', tmp_path)
    with pytest.raises(InputError, match="order must be a list of 2 values"):
        read('title = "a"\norder = ["x"]', tmp_path)


def test_values_lists_and_tables_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOS", "/photos")
    album = read(
        'title = "a"\ncounts = 8\n[photos.x]\nfolder = "$PHOTOS/x"\n[photos.y]\nfolder = "y"\nshare = 1', tmp_path
    )
    assert album == Album("a", "dry", (8,), {"x": Photo(Path("/photos/x")), "y": Photo(tmp_path / "y", 1.0)})
    assert read('title = "a"\ncounts = [8, 16]', tmp_path).counts == (8, 16)


def test_a_variable_counts_from_where_the_command_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOS", "mine")
    album = read('title = "a"\n[photos.x]\nfolder = "$PHOTOS/x"', tmp_path)
    assert album.photos == {"x": Photo(Path("mine/x"))}


def test_a_variable_that_is_not_set_stays_to_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PHOTOS", raising=False)
    album = read('title = "a"\n[photos.x]\nfolder = "$PHOTOS/x"', tmp_path)
    assert album.photos is not None
    assert str(album.photos["x"].folder) == "$PHOTOS/x"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('titel = "a"', "album: unknown key 'titel' (did you mean title?)"),
        ("counts = 8", "album needs title"),
        ("title = 8", "album: title must be text, not 8"),
        ('title = "a"\ncounts = [8, "x"]', "album: counts must be a whole number, not 'x'"),
        ('title = "a"\ncounts = true', "album: counts must be a whole number, not True"),
        ('title = "a"\nsize_cm = [1, 2, 3]', "album: size_cm must be a list of 2 values, not [1, 2, 3]"),
        ('title = "a"\nsize_cm = 1', "album: size_cm must be a list of 2 values, not 1"),
        ('title = "a"\nkind = "rain"', "album: kind must be one of dry, rainy, not 'rain' (did you mean rainy?)"),
        (
            'title = "a"\n[photos.x]\nfolder = "x"\nshar = 1',
            "album: photos.x: unknown key 'shar' (did you mean share?)",
        ),
        ('title = "a"\nphotos = 8', "album: photos must be a table, not 8"),
    ],
)
def test_a_slip_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        read(text, tmp_path)
    assert str(caught.value) == sentence


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("title =")
    with pytest.raises(InputError, match=r"cannot read .*a\.toml: Invalid value"):
        read_toml(tmp_path / "a.toml")
    with pytest.raises(InputError, match=r"cannot read .*b\.toml: No such file"):
        read_toml(tmp_path / "b.toml")
