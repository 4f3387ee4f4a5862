"""Data that changed, and photos that are trained and tested on, are named."""

from pathlib import Path

import pytest

from derain.errors import InputError
from derain.pictures.images import list_images, read_image, write_image
from derain.study.run.data_record import DataRecord, refuse_leak, set_hash


def hashes(folder: Path, results: Path) -> dict[str, str]:
    record = DataRecord(results)
    found = dict(record.hashes("barns, training", list_images(folder / "barns")))
    record.save()
    return found


def test_the_same_photos_elsewhere_are_the_same(folder: Path, tmp_path: Path) -> None:
    first = hashes(folder, tmp_path)
    (folder / "elsewhere").mkdir()
    (folder / "barns").rename(folder / "elsewhere" / "barns")
    (folder / "elsewhere" / "barns" / "barn1.png").touch()
    assert hashes(folder / "elsewhere", tmp_path) == first
    assert set_hash(first) == set_hash(dict(reversed(first.items())))


def test_two_commands_at_once_keep_what_both_have_seen(folder: Path, tmp_path: Path) -> None:
    one, two = DataRecord(tmp_path), DataRecord(tmp_path)
    one.hashes("barns, training", list_images(folder / "barns"))
    two.hashes("sheds, test", list_images(folder / "sheds"))
    one.save()
    two.save()
    (folder / "barns" / "barn1.png").unlink()
    with pytest.raises(InputError, match=r"barns, training have changed since .*: barn1\.png is no longer there"):
        hashes(folder, tmp_path)


def test_two_sets_of_one_name_are_no_change(folder: Path, tmp_path: Path) -> None:
    record = DataRecord(tmp_path)
    record.hashes("barns, training", list_images(folder / "barns"))
    with pytest.raises(InputError, match="there are two different sets of pictures called 'barns, training': name one"):
        record.hashes("barns, training", list_images(folder / "sheds"))


def test_files_of_one_name_are_told_apart_wherever_they_lie(folder: Path, tmp_path: Path) -> None:
    def found(name: str) -> dict[str, str]:
        record = DataRecord(tmp_path / name)
        return dict(record.hashes("streaks", [folder / name / kind / "wall0.png" for kind in ("rainy", "clean")]))

    (folder / "other").symlink_to(folder / "pairs")
    assert len(set(found("pairs").values())) == 2
    assert found("other") == found("pairs")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda barns: (barns / "barn1.png").unlink(), "barn1.png is no longer there"),
        (lambda barns: write_image(barns / "new.png", read_image(barns / "barn1.png")), "new.png is new"),
        (
            lambda barns: write_image(barns / "barn1.png", 255 - read_image(barns / "barn1.png")),
            "barn1.png has another",
        ),
    ],
)
def test_a_change_is_named(folder: Path, tmp_path: Path, change, sentence: str) -> None:
    hashes(folder, tmp_path)
    change(folder / "barns")
    with pytest.raises(InputError, match="the pictures of barns, training have changed since") as caught:
        hashes(folder, tmp_path)
    assert sentence in str(caught.value)


def test_a_record_of_a_newer_version_or_a_damaged_one_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text('{"format": 2, "sets": {}}')
    with pytest.raises(InputError, match=r"data\.json was written by a newer version of derain \(format 2"):
        DataRecord(tmp_path)
    for damaged in ('{"format": 1, "se', '{"format": 1}'):
        (tmp_path / "data.json").write_text(damaged)
        with pytest.raises(InputError, match=r"data\.json: it is damaged"):
            DataRecord(tmp_path)


def test_a_photo_that_is_trained_and_tested_on_is_named_whatever_its_file_is(folder: Path, tmp_path: Path) -> None:
    trained = hashes(folder, tmp_path)
    shown = {"other name.webp": trained["barn3.png"]}
    with pytest.raises(InputError, match=r"'pairs' shows a photo that is trained on: other name.webp is barn3.png of"):
        refuse_leak("barns", trained, "pairs", shown)
    refuse_leak("barns", trained, "pairs", {"other.webp": "another hash"})
