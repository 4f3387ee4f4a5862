"""Results: flat records from one JSON a training, and an index that is never in the way."""

import json
from pathlib import Path
from typing import Any

import pytest

from derain.errors import InputError
from derain.evaluation.metrics import METRICS
from derain.study.run.store import Store, to_csv


def result(count: int, e_r: float | None) -> dict[str, Any]:
    mean = {metric.name: 1.0 for metric in METRICS} | {"e_r": e_r}
    axes = {"network": "unet", "category": "natural", "count": count, "rain": "small", "seed": 0, "length": 1.0}
    return {
        "axes": axes | {"scale": "cpu"}, "photos": 7, "parameters": 100, "seconds": 2.5,
        "tests": {"pairs": {"mean": {"10": mean, "50": mean}}},
    }  # fmt: skip


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


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"no database" * 100)])
def test_the_index_is_made_again(store: Store, tmp_path: Path, damage) -> None:
    before = store.records()
    damage(tmp_path / "index.sqlite")
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
    (tmp_path / "index.sqlite").unlink(missing_ok=True)
    (tmp_path / "index.sqlite").mkdir()
    with pytest.raises(InputError, match=r"cannot write .*index\.sqlite"):
        store.records()
    with pytest.raises(InputError, match="holds no results of a study"):
        Store(tmp_path / "elsewhere").records()
