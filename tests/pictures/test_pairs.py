"""Rainy and clean pictures find each other, and what does not fit is named."""

from pathlib import Path

import numpy as np
import pytest

from derain.errors import InputError
from derain.pictures.images import write_image
from derain.pictures.pairs import match_pairs
from derain.support.choices import Match


def _folder(path: Path, names: list[str], size: tuple[int, int] = (4, 6)) -> Path:
    path.mkdir(exist_ok=True)
    for name in names:
        write_image(path / name, np.zeros((*size, 3), np.uint8))
    return path


def test_equal_names_of_any_suffix_are_pairs(tmp_path: Path) -> None:
    rainy = _folder(tmp_path / "rainy", ["b.png", "a.png", "a-1.png"])
    clean = _folder(tmp_path / "clean", ["a-1.jpg", "a.jpg", "b.jpg"])
    pairs = match_pairs(rainy, clean)
    assert [pair.name for pair in pairs] == ["a", "a-1", "b"]
    assert [(pair.rainy, pair.clean) for pair in pairs[:1]] == [(rainy / "a.png", clean / "a.jpg")]


def test_rain100l_names(tmp_path: Path) -> None:
    rainy = _folder(tmp_path / "rainy", ["rain-002.png", "rain-001.png"])
    clean = _folder(tmp_path / "clean", ["norain-001.png", "norain-002.png"])
    pairs = match_pairs(rainy, clean, "rain100l")
    assert [(pair.name, pair.clean.name) for pair in pairs] == [
        ("rain-001", "norain-001.png"),
        ("rain-002", "norain-002.png"),
    ]


def test_rain1400_has_several_rainy_pictures_to_a_clean_one(tmp_path: Path) -> None:
    rainy = _folder(tmp_path / "rainy", ["901_1.jpg", "901_14.jpg", "902_3.jpg"])
    clean = _folder(tmp_path / "clean", ["901.jpg", "902.jpg"])
    pairs = match_pairs(rainy, clean, "rain1400")
    assert [(pair.name, pair.clean.name) for pair in pairs] == [
        ("901_1", "901.jpg"),
        ("901_14", "901.jpg"),
        ("902_3", "902.jpg"),
    ]


@pytest.mark.parametrize(
    ("match", "rainy", "clean"),
    [
        ("rain200", "norain-7x2.png", "norain-7.png"),
        ("rain12", "001_in.png", "001_GT.png"),
        ("spa", "007.png", "007gt.png"),
        ("rainds", "rd-rain-3.png", "norain-3.png"),
        ("rainds", "pie-rain-3.png", "pie-norain-3.png"),
        ("gtrain", "Lake_1-Webcam-R-012.png", "Lake_1-Webcam-C-000.png"),
        (("{name}_rain.png", "{name}_clean.png"), "a.b_rain.png", "a.b_clean.png"),
        (("wet {name}", "dry {name}"), "wet (1).PNG", "dry (1).jpg"),
        (("{name}-*", "{name}"), "3-12.png", "3.png"),
    ],
)
def test_names_of_sets_and_patterns_of_ones_own_make_pairs(
    tmp_path: Path, match: Match, rainy: str, clean: str
) -> None:
    folders = _folder(tmp_path / "rainy", [rainy]), _folder(tmp_path / "clean", [clean])
    [pair] = match_pairs(*folders, match)
    assert (pair.rainy.name, pair.clean.name) == (rainy, clean)


@pytest.mark.parametrize(
    ("match", "named"),
    [
        (("{name}_rain", "clean"), r"the pattern 'clean' must have \{name\} once"),
        (("{name}_rain", "{name}_c*"), r"1_c2\.png and 1_c1\.png are both the clean picture of one pair"),
        (("{name}_wet", "{name}"), r"rainy is named as \('\{name\}_wet', '\{name\}'\) expects"),
    ],
)
def test_patterns_that_make_no_pairs_are_named(tmp_path: Path, match: Match, named: str) -> None:
    folders = _folder(tmp_path / "rainy", ["1_rain.png"]), _folder(tmp_path / "clean", ["1_c1.png", "1_c2.png"])
    with pytest.raises(InputError, match=named):
        match_pairs(*folders, match)


@pytest.mark.parametrize(
    ("match", "names"),
    [("rain100l", ["rain-1.png", "norain-1.png", "rainstreak-1.png"]), ("rain1400", ["7.png", "7_1.png", "7_2.png"])],
)
def test_both_may_lie_in_one_folder(match: Match, names: list[str], tmp_path: Path) -> None:
    folder = _folder(tmp_path / "all", names)
    pairs = match_pairs(folder, folder, match)
    assert pairs
    assert {pair.clean.name for pair in pairs} == ({"norain-1.png"} if match == "rain100l" else {"7.png"})
    assert all(pair.rainy != pair.clean for pair in pairs)


@pytest.mark.parametrize(
    ("rainy", "clean", "match", "named"),
    [
        (["a.png", "b.png"], ["a.png"], "names", "rainy/b.png has no clean picture"),
        (["a.png"], ["a.png", "c.png"], "names", "clean/c.png has no rainy picture"),
        (["rain-1.png", "rain-2.png"], ["norain-1.png"], "rain100l", "rain-2.png has no clean picture"),
        (["5_1.png"], ["5.png", "6.png"], "rain1400", "6.png has no rainy picture"),
        (["a.png", "a.jpg"], ["a.png"], "names", r"a\.png and a\.jpg differ only in suffix"),
        (["rain-1.png"], ["rain-1.png"], "rain100l", r"clean is named as 'rain100l' expects.*rain-1\.png"),
        (["a.png"], ["a.png"], "rain1400", r"rainy is named as 'rain1400' expects.*a\.png"),
    ],
)
def test_names_that_differ_are_named(
    rainy: list[str], clean: list[str], match: Match, named: str, tmp_path: Path
) -> None:
    folders = _folder(tmp_path / "rainy", rainy), _folder(tmp_path / "clean", clean)
    with pytest.raises(InputError, match=named):
        match_pairs(*folders, match)


def test_sizes_that_differ_are_named(tmp_path: Path) -> None:
    rainy, clean = _folder(tmp_path / "rainy", ["a.png"]), _folder(tmp_path / "clean", ["a.png"], size=(6, 4))
    with pytest.raises(InputError, match=r"rainy/a\.png has 6 x 4 pixels, but .*clean/a\.png has 4 x 6"):
        match_pairs(rainy, clean)


def test_fake_pictures_and_missing_folders_are_named(tmp_path: Path) -> None:
    rainy, clean = _folder(tmp_path / "rainy", ["a.png"]), _folder(tmp_path / "clean", ["a.png"])
    with pytest.raises(InputError, match="nowhere does not exist"):
        match_pairs(rainy, tmp_path / "nowhere")
    (clean / "a.png").write_text("no picture")
    with pytest.raises(InputError, match=r"clean/a\.png is not an image"):
        match_pairs(rainy, clean)


@pytest.mark.parametrize("name", ["rain100l", "rain100h", "rain12", "ddn_sirr"])
def test_real_sets_are_pairs_of_equal_names(name: str, data: Path) -> None:
    folder = data / "rain" / name
    pairs = match_pairs(folder / "rainy", folder / "clean")
    assert len(pairs) == len(list((folder / "rainy").iterdir()))
    assert all(pair.rainy.name == pair.clean.name for pair in pairs)
