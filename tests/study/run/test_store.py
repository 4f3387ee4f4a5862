"""Results: flat records from one JSON a training, and an index that is never in the way."""

import json
from pathlib import Path

import pytest

from derain.errors import InputError
from derain.evaluation.metrics import METRICS
from derain.study.run.result import Environment, Measured, Result
from derain.study.run.store import Store, to_csv


def result(count: int, e_r: float | None) -> Result:
    mean = {metric.name: 1.0 for metric in METRICS} | {"e_r": e_r}
    axes = {"network": "unet", "category": "natural", "count": count, "rain": "small", "seed": 0, "length": 1.0}
    measured = Measured(
        content="as shown", names=[], mean={10: mean, 50: mean}, images={10: [], 50: []}, input={10: mean, 50: mean},
        sensitivity={}, perfect_e_r={10: 37.5, 50: 71.5},
    )  # fmt: skip
    environment = Environment("cpu", 1, "2.13.0")
    return Result(axes | {"scale": "cpu"}, {}, 7, 100, environment, 2.5, {"pairs": measured})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    store.write_result("b", result(64, None))
    store.write_result("a", result(8, 40.0))
    return store


def test_a_record_for_every_training_test_and_threshold(store: Store) -> None:
    records = store.records()
    assert [(r["id"], r["count"], r["threshold"], r["e_r"]) for r in records] == [
        ("a", 8, 10, 40.0), ("a", 8, 50, 40.0), ("b", 64, 10, None), ("b", 64, 50, None)
    ]  # fmt: skip
    assert records[0]["network"] == "unet"
    assert records[0]["psnr_y"] == 1.0
    assert to_csv(records).splitlines()[0].startswith("id,network,category,count,rain")
    assert len(to_csv(records).splitlines()) == 5


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"no index" * 100)])
def test_the_index_is_made_again(store: Store, tmp_path: Path, damage) -> None:
    before = store.records()
    damage(tmp_path / "index.json")
    assert store.records() == before


def test_new_changed_and_deleted_results_are_noticed(store: Store) -> None:
    store.records()
    store.write_result("c", result(512, 20.0))
    store.write_result("a", result(8, 41.25))
    store.result_path("b").unlink()
    assert [(r["id"], r["e_r"]) for r in store.records() if r["threshold"] == 10] == [("a", 41.25), ("c", 20.0)]


def test_a_result_clears_the_failure_before_it(store: Store) -> None:
    store.write_failure("d", "out of memory")
    assert store.failure("d") == "out of memory"
    store.write_result("d", result(8, 1.0))
    assert store.failure("d") is None


def test_results_of_a_newer_version_damaged_ones_and_none_are_named(store: Store, tmp_path: Path) -> None:
    path = store.result_path("a")
    path.write_text(json.dumps({"format": 2}))
    with pytest.raises(InputError, match=r"a\.json was written by a newer version of derain"):
        store.records()
    for damaged in ('{"format": 1', '{"format": "x"}', '{"format": 1, "axes": {}, "photos": 7, "parameters": 100}'):
        path.write_text(damaged)
        with pytest.raises(InputError, match=r"a\.json: it is damaged"):
            store.records()
    path.unlink()
    (tmp_path / "index.json").unlink(missing_ok=True)
    (tmp_path / "index.json").mkdir()
    with pytest.raises(InputError, match=r"cannot write .*index\.json"):
        store.records()
    with pytest.raises(InputError, match="holds no results of a study"):
        Store(tmp_path / "elsewhere").records()


PUBLISHED = sorted((Path(__file__).parents[3] / "docs" / "results" / "campaign" / "results").glob("*.json"))


@pytest.mark.parametrize("path", PUBLISHED[::20], ids=lambda path: path.stem)
def test_a_published_result_is_kept_as_it_is_when_it_is_written_again(path: Path, tmp_path: Path) -> None:
    store, published = Store(tmp_path), json.loads(path.read_text())
    store.result_path(path.stem).parent.mkdir()
    store.result_path(path.stem).write_bytes(path.read_bytes())
    result = store.result(path.stem)
    assert result is not None
    store.write_result(path.stem, result)
    written = json.loads(store.result_path(path.stem).read_text())
    assert written == {**published, "axes": {"loss": "l1", **published["axes"]}}


def test_a_result_whose_figures_are_not_as_they_should_be_is_named(store: Store) -> None:
    path = store.result_path("a")
    content = json.loads(path.read_text())
    content["tests"]["pairs"]["mean"] = [1.0]
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"a\.json: it is damaged"):
        store.result("a")


def test_an_index_of_something_else_is_not_overwritten(store: Store, tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text('{"pages": 3}')
    with pytest.raises(InputError, match=r"index\.json is no index of results and is not overwritten"):
        store.records()
    assert (tmp_path / "index.json").read_text() == '{"pages": 3}'
