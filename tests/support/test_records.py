"""Results replace nothing but results of the same kind, and two runs do not share a folder."""

import json
import os
from pathlib import Path

import pytest

from derain.errors import InputError
from derain.support.records import OwnedFolder, alone_in, claim_file, json_with


@pytest.mark.parametrize("content", [b"\x89PNG", b"[]", b'{"mine": 1}', b""])
def test_a_file_of_another_kind_is_not_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(InputError, match=r"/a is no result of derain x and is not overwritten"):
        claim_file(tmp_path / "a", "derain x", json_with("figures"))


def test_what_is_no_regular_file_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path(os.devnull)):
        with pytest.raises(InputError, match="is no result of derain x"):
            claim_file(path, "derain x", lambda _: True)


def test_a_result_of_the_same_kind_is_replaced_and_its_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.json"
    claim_file(path, "derain x", json_with("figures"))
    path.write_text(json.dumps({"figures": [], "more": 1}))
    claim_file(path, "derain x", json_with("figures"))


TWINS = [("IMG_1.JPG", "img_1.jpg"), ("caf\u00e9.png", "cafe\u0301.png")]


@pytest.mark.parametrize(("there", "name"), TWINS)
def test_names_that_some_file_system_takes_for_one_are_one(tmp_path: Path, there: str, name: str) -> None:
    (tmp_path / there).touch()
    folder = OwnedFolder(tmp_path, "record.json", "derain x")
    with pytest.raises(InputError, match=rf"/{there} is no result of derain x"):
        folder.claim_files([name], ())
    with pytest.raises(InputError, match=rf"/{there} is there, and {name} differs from it only in case or Unicode"):
        folder.claim_files([name], [there])
    folder.claim_files([there], [there])
    folder.claim_files([name], [name, there])


def test_a_second_run_is_kept_out_until_the_first_ends(tmp_path: Path) -> None:
    with (
        alone_in(tmp_path, "derain x"),
        pytest.raises(InputError, match="another derain x is at work in"),
        alone_in(tmp_path, "derain x"),
    ):
        pass
    with alone_in(tmp_path, "derain x"):
        pass
    assert not list(tmp_path.iterdir())


def test_what_a_killed_run_left_half_written_is_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in (".a.png.01234567", ".a.json.89abcdef", ".b.png.01234567", ".a.png", "a.png.01234567"):
        (tmp_path / name).touch()
    OwnedFolder(tmp_path, "a.json", "derain x").claim_files(["a.png"], ())
    assert {path.name for path in tmp_path.iterdir()} == {".b.png.01234567", ".a.png", "a.png.01234567"}
