"""Studies as files: what a person writes is what is trained, and slips are named."""

from collections.abc import Callable
from pathlib import Path

import pytest

from derain.errors import InputError
from derain.study.plan.given import TRIVIAL
from derain.study.plan.spec import Study, load_studies, load_study

STUDIES = Path(__file__).parents[3] / "studies"


def test_there_is_a_study_for_every_figure_and_table() -> None:
    figures = [study.figure for study in load_studies((STUDIES,))]
    expected = "F1 F2 F2b F3 F4 F5 F6a F6b F7 F8 F9 F10 F11 F12 F13 T2"
    assert figures == expected.split()


def test_the_studies_beyond_the_paper_can_be_read() -> None:
    studies = {study.name: study for study in load_studies((STUDIES / "beyond",))}
    with_models = [n for n, study in studies.items() if any(each.model not in TRIVIAL for each in study.given)]
    assert with_models == ["rivals"]
    assert len(studies["rivals"].systems) == 23


def test_every_study_that_trains_says_what_it_keeps_on_a_cpu() -> None:
    assert all(study.cpu is not None and study.cpu.note for study in load_studies((STUDIES,)) if study.grid)


def test_filters_that_learnt_nothing_stand_beside_every_figure_of_curves_and_table() -> None:
    shown = [study for study in load_studies((STUDIES,)) if study.plot is not None or study.figure == "T2"]
    assert all({"nothing", "opening", "median", "blur"} <= {each.name for each in study.systems} for study in shown)


def test_a_scale_without_grids_of_its_own_takes_those_of_the_paper(study: Study) -> None:
    assert study.grids("gpu") == study.grids("paper") == study.grid
    assert study.grids("cpu") != study.grid


def test_files_are_taken_from_the_folder_of_the_study(folder: Path, changed: Callable[..., Study]) -> None:
    (folder / "own.toml").write_text('[[family]]\nkind = "lines"\n')
    study = changed('rain = "medium"', 'rain = "own.toml"\nloss = ["l1", "own.py:Loss:weight=2"]')
    assert study.grid[0].settings["loss"] == ("l1", f"{folder / 'own.py'}:Loss:weight=2")
    assert study.data["barns"].train == (folder / "barns",)
    assert study.grid[0].rain == (str(folder / "own.toml"),)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("title =", "titel =", "unknown key 'titel' (did you mean title?)"),
        ('figure = "F4"', 'figure = "4"', "figure must be one of F1,"),
        ('lines = "rain"', 'lines = "counts"', "(did you mean count?)"),
        ('category = "barns"\ncount', 'category = "barn"\ncount', "unknown category 'barn'; there are barns"),
        ('network = "resnet"', 'network = "restnet"', "unknown network 'restnet'"),
        ('network = "resnet"', 'network = "resnet:blockz=4"', "(did you mean blocks?)"),
        ('rain = "medium"', 'rain = "medum"', "unknown rain 'medum'; there are small, medium, large"),
        ('tests = "pairs"', 'tests = "pair"', "unknown test set 'pair'; there are pairs, sheds (did you mean pairs?)"),
        (
            "count = [4, 8]\nrain = [",
            "count = [0]\nrain = [",
            "count must have values from 1 to less than 1e+09, not [0]",
        ),
        ('streaks = "pairs"', 'streaks = "sheds"', "takes its streaks from 'sheds', which is not of pairs"),
        ('test = "sheds"\n', "", "test set 'sheds' needs photos in test of the category 'barns'"),
        ('figures = "e_r"', 'figures = "er"', "unknown figure 'er'"),
        (
            'figure = "F4"\nfindings = "F4"\n\n[plot]\nfigures = "e_r"\nlines = "rain"',
            'figure = "F6b"',
            "F6b needs [plot]",
        ),
        ("[plot]", '[pictures]\nkind = "ranges"\n[plot]', "pictures of the kind 'ranges' need test, photos or rain"),
        ("[plot]", '[pictures]\nkind = "categories"\nnumber = 0\n[plot]', "number of pictures must be at least 1"),
        ("count = [4, 8]\nrain = [", "count = []\nrain = [", "count of a grid needs at least one value"),
        ('rain = ["small", "medium"]', "rain = []", "rain of a grid needs at least one value"),
        ("[cpu]", "length = inf\n[cpu]", "length must have values from 1e-09 to less than 1e+06, not [inf]"),
        ("[cpu]", "length = nan\n[cpu]", "length must have values from 1e-09 to less than 1e+06, not [nan]"),
        ("size_px = 32", "size_px = 0", "tests.sheds: size_px must be at least 1, not 0"),
        ("pictures = 2", "pictures = 0", "tests.sheds: pictures must be at least 1, not 0"),
        ("[tests.pairs]", "[tests.pairs]\npictures = -1", "tests.pairs: pictures must be at least 1, not -1"),
        ('test = "sheds"', 'test = "sheds"\nmax_white = 2', "data.barns: max_white must be a share between 0 and 1"),
        ('test = "sheds"', 'test = "sheds"\nmax_white = -0.5', "data.barns: max_white must be a share between 0 and 1"),
        ('test = "sheds"', 'test = "sheds"\nmin_std = 900', "data.barns: min_std must lie between 0 and 127.5"),
        ('streaks = "pairs"', "", "tests.sheds: give rainy and clean, or category with streaks or rain"),
    ],
)
def test_a_slip_is_named(changed: Callable[..., Study], old: str, new: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        changed(old, new)
    assert sentence in str(caught.value)
    assert "study.toml" in str(caught.value)


def test_a_folder_without_studies_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no study"):
        load_studies((tmp_path,))
    with pytest.raises(InputError, match=r"cannot read .*missing\.toml"):
        load_study(tmp_path / "missing.toml")
