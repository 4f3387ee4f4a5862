"""Trainings of studies: each once, with an identity of all that determines its weights."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from derain.errors import InputError
from derain.networks.registry import canonical
from derain.pictures.backgrounds import Category
from derain.study.plan.scales import SCALES, Scale
from derain.study.plan.spec import Study, load_studies
from derain.study.plan.trainings import Training, distinct, plan

STUDIES = Path(__file__).parents[3] / "studies"
TINY = Scale("cpu", 6, 32, 16, 2, 1e-3, 0, None, "tiny")
TRAINING = Training("resnet:features=4", Category((Path("a"),)), 8, "medium", 0, 1.0, TINY)


def test_the_whole_paper_is_about_150_trainings() -> None:
    assert len(plan(load_studies((STUDIES,)), SCALES["paper"])) == 153


def test_studies_share_trainings_and_each_is_measured_on_what_all_ask_for(
    study: Study, changed: Callable[..., Study]
) -> None:
    other = changed(
        'tests = ["pairs", "sheds"]', 'tests = "pairs"', "count = [4, 8]\nrain = [", "count = [8, 2]\nrain = ["
    )
    both = plan([other, study], TINY)
    assert sorted((each.subject.count, each.subject.rain) for each in both) == sorted(
        (count, rain) for count in (2, 4, 8) for rain in ("small", "medium")
    )
    tests = {each.subject.count: [test.name for test in each.tests] for each in both}
    assert tests == {2: ["pairs"], 4: ["pairs", "sheds"], 8: ["pairs", "sheds"]}


def test_trainings_that_differ_in_what_they_are_tested_on_are_planned_once(changed: Callable[..., Study]) -> None:
    pieces = ('tests = ["pairs", "sheds"]', 'tests = "pairs"')
    with_test, without = changed(*pieces), changed(*pieces, 'test = "sheds"\n', "", "[tests.sheds]", "[tests.others]",
                                                   'category = "barns"\nstreaks = "pairs"',
                                                   'rainy = "pairs/rainy"\nclean = "pairs/clean"')  # fmt: skip
    both = plan([with_test, without], TINY)
    assert (len(both), len(distinct(both))) == (8, 4)


def test_seeds_can_be_given(study: Study) -> None:
    assert {each.subject.seed for each in plan([study], TINY, (3, 4))} == {3, 4}


def test_a_network_is_the_same_however_it_is_written() -> None:
    assert (
        canonical("resnet:blocks=16,features=4")
        == canonical("resnet:features=4,input_skip=true")
        == "resnet:features=4"
    )


def test_two_rains_of_one_name_are_not_taken_for_seeds_of_one(folder: Path, changed: Callable[..., Study]) -> None:
    (folder / "small.toml").write_text('[[family]]\nkind = "lines"\n')
    study = changed('rain = ["small", "medium"]', 'rain = ["small", "small.toml"]')
    sentence = r"'study' trains on two different rains that are called 'small' in .*, small and .*small\.toml: name one"
    with pytest.raises(InputError, match=sentence):
        plan([study], TINY)


def test_rain_that_is_not_there_and_seeds_that_make_no_sense_are_named(changed: Callable[..., Study]) -> None:
    study = changed('rain = ["small", "medium"]', 'rain = "none.toml"')
    with pytest.raises(InputError, match=r"cannot read the rain in .*none\.toml: No such file"):
        plan([study], TINY)
    with pytest.raises(InputError, match="seed must not be negative, as -1 is"):
        plan([changed()], TINY, (-1,))


@pytest.mark.parametrize(
    "change",
    [
        {"network": "resnet:features=8"},
        {"count": 9},
        {"rain": "large"},
        {"seed": 1},
        {"length": 2.0},
        {"chosen": (("precision", "bfloat16"),)},
        {"scale": replace(TINY, learning_rate=2e-3)},
        {"scale": replace(TINY, batch_size=4)},
        {"category": Category((Path("a"),), min_std=5.0)},
    ],
)
def test_what_determines_the_weights_changes_the_identity(change: dict[str, object]) -> None:
    assert replace(TRAINING, **change).identity("photos") != TRAINING.identity("photos")


def test_where_photos_lie_and_what_things_are_called_does_not_change_the_identity() -> None:
    moved = replace(TRAINING, category=Category((Path("b"),), name="barns"), scale=replace(TINY, name="gpu"))
    assert moved.identity("photos") == TRAINING.identity("photos")
    assert TRAINING.identity("other photos") != TRAINING.identity("photos")


def test_the_code_of_a_network_of_ones_own_is_part_of_the_identity(tmp_path: Path) -> None:
    identities = set()
    for name in ("a", "b"):
        path = tmp_path / f"{name}.py"
        path.write_text(f"from torch import nn\nclass Net(nn.Conv2d):\n    '''{name}'''\n")
        identities.add(replace(TRAINING, network=f"{path}:Net").identity("photos"))
    assert len(identities) == 2
    with pytest.raises(InputError, match=r"cannot read the network in .*c\.py: No such file"):
        replace(TRAINING, network=f"{tmp_path / 'c.py'}:Net").identity("photos")
