from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from derain.errors import InputError
from derain.evaluation.restorers import NetworkRestorer
from derain.networks import build
from derain.networks.filters import FILTERS
from derain.networks.weights import describe, write_tensors
from derain.pictures.images import list_images, read_image, write_image
from derain.study.judge.results import load_results
from derain.study.plan.scales import Scale
from derain.study.plan.spec import Study, load_study
from derain.study.report.page import write_report
from derain.study.run.local import LocalExecutor
from derain.study.run.prepare import prepare
from derain.study.run.scheduler import State, run
from derain.study.run.store import Store

STUDY = """
title = "Systems of others"
figure = "other"

[data.barns]
train = "barns"
test = "sheds"

[tests.pairs]
rainy = "pairs/rainy"
clean = "pairs/clean"

[tests.sheds]
category = "barns"
rain = "medium"
pictures = 2
size_px = 32

[[given]]
name = "ours"
model = "model.safetensors"
seen = "sheds"
shares = "pairs"

[[given]]
name = "theirs"
tests = "pairs"
trained_on = "Rain100L"

[given.restored]
pairs = "restored"

[given.restored_clean]
pairs = "restored_clean"
"""


@pytest.fixture
def given(folder: Path) -> Callable[..., Study]:
    """The study, with pieces of its text replaced, alternately old and new; `theirs` holds what `ours` restores."""
    network = build("resnet", {"features": 4, "blocks": 1})
    with torch.no_grad():
        for weights in network.parameters():
            weights += 0.02  # fresh ones change nothing
    write_tensors(folder / "model.safetensors", network.state_dict(), describe("resnet", network))
    restorer = NetworkRestorer(network, "cpu")
    for source, target in (("rainy", "restored"), ("clean", "restored_clean")):
        (folder / target).mkdir()
        for path in list_images(folder / "pairs" / source):
            picture = torch.from_numpy(read_image(path)).permute(2, 0, 1)
            write_image(folder / target / path.name, restorer.picture(picture).permute(1, 2, 0).numpy())

    def change(*pieces: str) -> Study:
        text = STUDY
        for old, new in zip(pieces[::2], pieces[1::2], strict=True):
            assert old in text
            text = text.replace(old, new)
        (folder / "given.toml").write_text(text)
        return load_study(folder / "given.toml")

    return change


def finish(study: Study, tiny: Scale, store: Store) -> State:
    tasks = prepare([study], tiny, (), store)
    return run(tasks, store, LocalExecutor(store.folder, 2, "cpu", 1))


def means(store: Store, figure: str) -> Mapping[tuple[str, str], float | None]:
    return {
        (record["network"], record["test"]): record[figure] for record in store.records() if record["threshold"] == 10
    }


@pytest.mark.slow
def test_models_and_folders_are_measured_once_beside_systems_that_learnt_nothing(
    given: Callable[..., Study], tiny: Scale, tmp_path: Path
) -> None:
    study, store = given(), Store(tmp_path / "results")
    state = finish(study, tiny, store)
    assert (state.done, state.failed) == (7, {})
    removal, clean_error = means(store, "removal_controlled"), means(store, "clean_error")
    assert len(removal) == 2 * 6 + 1
    assert removal["theirs", "pairs"] == removal["ours", "pairs"] != 0
    assert clean_error["theirs", "pairs"] == clean_error["ours", "pairs"]
    assert (removal["nothing", "pairs"], removal["perfect", "pairs"], clean_error["perfect", "sheds"]) == (0, 1, 0)
    assert {record["rain"] for record in store.records() if record["network"] == "theirs"} == {"Rain100L"}

    written = {path: path.stat().st_mtime_ns for path in (store.folder / "results").iterdir()}
    assert finish(study, tiny, store).done == 7
    assert written == {path: path.stat().st_mtime_ns for path in (store.folder / "results").iterdir()}

    [results] = load_results(store)
    assert (len(results.given), results.cells, results.missing) == (13, [], 0)
    page = write_report(store.folder).read_text()
    assert "<td>perfect</td><td>1.00</td><td>1.00</td>" in page
    assert f'<span class="seen">{removal["ours", "sheds"]:.2f}</span>' in page
    assert "†" in page


@pytest.mark.slow
def test_what_is_measured_of_a_system_is_kept_where_a_later_test_set_fails(
    given: Callable[..., Study], tiny: Scale, tmp_path: Path
) -> None:
    study, store = given(), Store(tmp_path / "results")
    tasks = [task for task in prepare([study], tiny, (), store) if task.subject.name == "ours"]
    [shed, *_] = sorted((tmp_path / "sheds").iterdir())
    content = shed.read_bytes()
    shed.write_bytes(content[:100])
    state = run(tasks, store, LocalExecutor(store.folder, 1, "cpu", 1))
    assert [reason for reason in state.failed.values() if shed.name in reason]
    first = store.result(tasks[0].identity)
    assert first is not None
    assert list(first.tests) == ["pairs"]
    shed.write_bytes(content)
    assert run(tasks, store, LocalExecutor(store.folder, 1, "cpu", 1)).done == 1
    second = store.result(tasks[0].identity)
    assert second is not None
    assert list(second.tests) == ["pairs", "sheds"]
    assert second.tests["pairs"] == first.tests["pairs"]


def shrink(path: Path) -> None:
    write_image(path, np.zeros((20, 20, 3), np.uint8))


@pytest.mark.parametrize(
    ("pieces", "damage", "sentence"),
    [
        (('"model.safetensors"', '"none.safetensors"'), None, "none.safetensors"),
        (('"model.safetensors"', '"barns/barn0.png"'), None, "barn0.png"),
        (('"pairs"\ntrained', '["pairs", "sheds"]\ntrained'), None, "'theirs'.*'sheds' needs a folder in restored"),
        (('model = "model.safetensors"', ""), None, "'ours': give model or restored"),
        (('name = "theirs"', 'name = "ours"'), None, "'ours': two systems have this name"),
        (('seen = "sheds"', 'seen = "shed"'), None, "did you mean sheds"),
        (('seen = "sheds"', 'network = "unet"'), None, "model.safetensors holds the weights of resnet, not of unet"),
        ((), lambda folder: next(iter(list_images(folder / "restored"))).unlink(), "restored holds no result for"),
        ((), lambda folder: shrink(list_images(folder / "restored_clean")[0]), "20 x 20 pixels, but"),
        (
            ('seen = "sheds"', 'backgrounds = "barns"'),
            lambda folder: (folder / "barns" / "x.png").write_bytes(list_images(folder / "sheds")[0].read_bytes()),
            "test set 'sheds' shows a photo that is trained on: shed0.png is x.png of 'barns'",
        ),
    ],
)
def test_a_system_that_cannot_be_measured_is_named_before_anything_is(
    given: Callable[..., Study], tiny: Scale, folder: Path, tmp_path: Path, pieces, damage, sentence: str
) -> None:
    if damage is not None:
        damage(folder)
    with pytest.raises(InputError, match=sentence):
        prepare([given(*pieces)], tiny, (), Store(tmp_path / "results"))
    assert not (tmp_path / "results").exists()


def test_every_filter_is_a_system_that_learnt_nothing(given: Callable[..., Study]) -> None:
    names = [each.name for each in given().systems]
    assert names == ["ours", "theirs", *FILTERS, "perfect"]
