"""Running studies: what is missing is trained, once, whatever is killed and whoever else is at it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from derain.errors import InputError
from derain.pictures.images import read_image, write_image
from derain.study.judge.results import load_results
from derain.study.plan.scales import Scale
from derain.study.plan.spec import Reduced, Study
from derain.study.run.local import LocalExecutor
from derain.study.run.prepare import choose, prepare
from derain.study.run.result import Environment, Measured, Result
from derain.study.run.scheduler import State, run
from derain.study.run.store import Store
from derain.study.run.task import Task, execute
from derain.training.log import read_log
from derain.training.loop import Progress, train
from derain.training.objective import Objective


def go(study: Study, scale: Scale, results: Path, workers: int = 2, show=lambda state: None) -> State:
    store = Store(results)
    tasks = prepare([study], scale, (), store)
    return run(tasks, store, LocalExecutor(results, workers, "cpu", 1), show)


def content(results: Path) -> dict[str, Any]:
    """Weights and figures of every training."""
    found = {}
    for path in sorted((results / "results").iterdir()):
        weights = safetensors.torch.load_file(results / "runs" / path.stem / "model.safetensors")
        result = Store(results).result(path.stem)
        assert result is not None
        tests = result.tests
        found[path.stem] = ({name: tensor.tolist() for name, tensor in weights.items()}, tests)
    return found


def in_this_process(study: Study, scale: Scale, results: Path) -> list[Task]:
    """The same without processes of their own, one after the other in the other order."""
    tasks = prepare([study], scale, (), Store(results))
    for task in reversed(tasks):
        execute(task, results, "cpu", 1)
    return tasks


@pytest.fixture
def small(changed: Callable[..., Study]) -> Study:
    """Two trainings, one test set."""
    return changed('tests = ["pairs", "sheds"]', 'tests = "pairs"', 'rain = ["small", "medium"]', 'rain = "small"')


@pytest.mark.slow
def test_results_are_the_same_whatever_the_number_of_workers_and_the_order(
    study: Study, tiny: Scale, tmp_path: Path
) -> None:
    states: list[State] = []
    end = go(study, tiny, tmp_path / "two", 2, states.append)
    assert (end.done, end.running, end.failed, end.waiting) == (4, {}, {}, 0)
    assert max(len(state.running) for state in states) == 2
    in_this_process(study, tiny, tmp_path / "one")
    assert content(tmp_path / "two") == content(tmp_path / "one")

    [results] = load_results(Store(tmp_path / "two"))
    assert (len(results.cells), results.missing, results.left_out) == (4, 0, "a small network")
    assert {(cell.axes["count"], cell.axes["rain"], cell.photos) for cell in results.cells} == {
        (count, rain, count) for count in (4, 8) for rain in ("small", "medium")
    }
    cell = results.cells[0]
    assert cell.test == "pairs"
    assert len(cell.measured.values("e_r", 50)) == 2
    assert cell.measured.value("e_r", 10) == pytest.approx(sum(cell.measured.values("e_r", 10)) / 2)  # type: ignore[arg-type]
    assert cell.measured.perfect_e_r[10] > 10
    assert cell.environment.threads == 1


def test_what_is_done_is_not_done_again_and_a_new_test_set_needs_no_training(
    small: Study, changed: Callable[..., Study], tiny: Scale, tmp_path: Path
) -> None:
    store = Store(tmp_path / "r")
    [first, _] = in_this_process(small, tiny, store.folder)
    model = store.run(first.identity) / "model.safetensors"
    changed_at = model.stat().st_mtime_ns
    before = store.result_path(first.identity).read_bytes()
    in_this_process(small, tiny, store.folder)
    assert store.result_path(first.identity).read_bytes() == before

    in_this_process(changed('["small", "medium"]', '"small"'), tiny, store.folder)
    after = store.result(first.identity)
    assert after is not None
    assert set(after.tests) == {"pairs", "sheds"}
    assert after.seconds == store.result(first.identity).seconds  # type: ignore[union-attr]
    assert model.stat().st_mtime_ns == changed_at


def test_a_test_set_that_changed_is_missing_until_it_is_measured_again(
    small: Study, changed: Callable[..., Study], tiny: Scale, tmp_path: Path
) -> None:
    store = Store(tmp_path / "r")
    in_this_process(small, tiny, store.folder)
    fewer = changed('tests = ["pairs", "sheds"]', 'tests = "pairs"', 'rain = ["small", "medium"]', 'rain = "small"',
                    "[tests.pairs]", "[tests.pairs]\npictures = 1")  # fmt: skip
    [task, _] = prepare([fewer], tiny, (), store)
    [results] = load_results(store)
    assert (len(results.cells), results.missing) == (0, 2)
    execute(task, store.folder, "cpu", 1)
    [results] = load_results(store)
    assert [len(cell.measured.names) for cell in results.cells] == [1]
    with pytest.raises(InputError, match="two different definitions of the test set 'pairs'"):
        prepare([small, replace(fewer, name="other")], tiny, (), store)
    with pytest.raises(InputError, match="two different definitions of the study 'study'"):
        prepare([small, replace(small, title="Another")], tiny, (), store)


def test_a_part_of_a_study_is_chosen_by_its_axes(study: Study, tiny: Scale, tmp_path: Path) -> None:
    store = Store(tmp_path)
    tasks = prepare([study], tiny, (), store)

    def chosen(*only: str) -> set[tuple[int, str]]:
        return {(task.subject.count, task.subject.rain) for task in choose(tasks, only)}

    assert chosen("count=8", "rain=small") == {(8, "small")}
    assert chosen("count=8", "count=4", "rain=small", "length=1") == {(8, "small"), (4, "small")}
    assert len(chosen()) == 4
    with pytest.raises(InputError, match=r"--only counts=8: no axis is called 'counts' \(did you mean count\?\)"):
        chosen("counts=8")
    with pytest.raises(InputError, match=r"--only count=9: no training has that count; there is 4, 8"):
        chosen("count=9")
    without = [task for task in tasks if (task.subject.count, task.subject.rain) != (8, "small")]
    with pytest.raises(InputError, match=r"--only count=8: no training has that count; there is no training at all"):
        choose([], ["count=8"])
    with pytest.raises(InputError, match=r"--only count=8 rain=small: no training has all of these"):
        choose(without, ["count=8", "rain=small"])
    [results] = load_results(store)  # the rest is missing, not forgotten
    assert results.missing == 4


def test_seeds_that_are_run_one_after_another_add_up(
    small: Study, changed: Callable[..., Study], tiny: Scale, tmp_path: Path
) -> None:
    store = Store(tmp_path)

    def shown(study: Study, seed: int, execute_first: int) -> tuple[list[tuple[int, int]], int]:
        for task in prepare([study], tiny, [seed], store)[:execute_first]:
            execute(task, store.folder, "cpu", 1)
        [results] = load_results(store)
        return sorted((cell.axes["seed"], cell.axes["count"]) for cell in results.cells), results.missing

    assert shown(small, seed=3, execute_first=1) == ([(3, 4)], 1)
    assert shown(small, seed=5, execute_first=2) == ([(3, 4), (5, 4), (5, 8)], 0)
    # Results that the study no longer asks for are not shown.
    other = changed('tests = ["pairs", "sheds"]', 'tests = "pairs"', 'rain = ["small", "medium"]', 'rain = "medium"')
    assert shown(other, seed=5, execute_first=0) == ([], 2)


def test_a_command_with_other_seeds_leaves_the_waiting_trainings_of_one_at_work(
    small: Study, tiny: Scale, tmp_path: Path
) -> None:
    store = Store(tmp_path)
    first, second = prepare([small], tiny, [0], store)
    execute(first, store.folder, "cpu", 1)
    prepare([small], tiny, [1], store)
    execute(second, store.folder, "cpu", 1)
    [results] = load_results(store)
    assert sorted((cell.axes["seed"], cell.axes["count"]) for cell in results.cells) == [(0, 4), (0, 8)]
    assert results.missing == 2  # of seed 1


def test_a_training_that_two_grids_ask_for_is_there_once(small: Study, tiny: Scale, tmp_path: Path) -> None:
    [grid] = small.grids("cpu")
    twice = replace(small, cpu=Reduced((grid, replace(grid, count=(8, 8))), "overlapping"))
    assert len(prepare([twice], tiny, (), Store(tmp_path))) == 2
    [results] = load_results(Store(tmp_path))
    assert results.missing == 2


def test_a_test_set_of_another_command_is_not_replaced_by_one_of_its_name(
    small: Study, changed: Callable[..., Study], tiny: Scale, tmp_path: Path
) -> None:
    store = Store(tmp_path / "r")
    prepare([small], tiny, (), store)
    fewer = changed('tests = ["pairs", "sheds"]', 'tests = "pairs"', 'rain = ["small", "medium"]', 'rain = "small"',
                    "[tests.pairs]", "[tests.pairs]\npictures = 1")  # fmt: skip
    [grid] = fewer.grids("cpu")
    for count in ((4, 8), (2,)):  # trainings of both, and of the other alone
        other = replace(fewer, name="other", cpu=Reduced((replace(grid, count=count),), "another count"))
        with pytest.raises(InputError, match=r"the test set 'pairs' is another one in the study study\.cpu, which was"):
            prepare([other], tiny, (), store)
    assert [recorded.name for recorded in store.studies()] == ["study.cpu"]


def test_photos_too_small_for_the_response_are_found_before_anything_is_trained(
    small: Study, tiny: Scale, tmp_path: Path
) -> None:
    with pytest.raises(
        InputError, match=r"response to rain on the test photos of 'barns': .* less than a patch of 128"
    ):
        prepare([replace(small, probe=True)], tiny, (), Store(tmp_path))


def test_figures_are_kept_where_the_response_fails_and_the_report_is_told(
    small: Study, tiny: Scale, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise InputError("the disk is gone")

    store = Store(tmp_path)
    monkeypatch.setattr("derain.study.run.prepare.lay", lambda category: None)
    monkeypatch.setattr("derain.study.run.task.respond", fail)
    prepare([small], tiny, (), store)
    [task, _] = prepare([replace(small, name="probed", probe=True)], tiny, (), store)
    execute(task, store.folder, "cpu", 1)
    probed, plain = sorted(load_results(store), key=lambda each: each.study.name)
    assert [len(each.cells) for each in (probed, plain)] == [1, 1]
    assert "the disk is gone" in probed.failed[task.identity]
    assert plain.failed == {}


@pytest.mark.slow
def test_a_failed_training_is_reported_and_does_not_stop_the_others(
    changed: Callable[..., Study], tiny: Scale, tmp_path: Path
) -> None:
    # 32 x 32 patches of the photos: 8 photos of 64 x 80 cannot give 30,000.
    study = changed("count = [4, 8]\nrain = [", "count = [30000, 4]\nrain = [", '["small", "medium"]', '"small"')
    end = go(study, tiny, tmp_path / "r")
    assert end.done == 1
    [(identity, reason)] = end.failed.items()
    assert end.names[identity] == "count 30000"
    assert "patches of 32 x 32 pixels can be cut from 8 photos, not 30000" in reason
    [results] = load_results(Store(tmp_path / "r"))
    assert results.missing == 1
    [failure] = results.failed.values()
    assert failure == f"resnet:features=4,blocks=1, barns, 30000, small, 0, 1.0, l1, float32: {reason}"


@pytest.mark.slow
def test_failures_are_counted_where_trainings_are_called_the_same(small: Study, tiny: Scale, tmp_path: Path) -> None:
    cpu = Reduced((replace(small.grids("cpu")[0], count=(30000,)),), "more than there are")
    barns = small.data["barns"]
    one, two = (
        replace(small, name=name, cpu=cpu, data={"barns": replace(barns, min_std=min_std)})
        for name, min_std in (("one", 0.0), ("two", 1.0))
    )
    store = Store(tmp_path / "r")
    tasks = prepare([one, two], tiny, (), store)
    end = run(tasks, store, LocalExecutor(store.folder, 2, "cpu", 1))
    assert (end.done, len(end.failed), set(end.names.values())) == (0, 2, {"count 30000"})


@pytest.mark.slow
def test_a_training_of_two_names_is_run_once_for_the_test_sets_of_both(
    changed: Callable[..., Study], tiny: Scale, tmp_path: Path
) -> None:
    pieces = ('rain = ["small", "medium"]', 'rain = "small"', '["pairs", "sheds"]')
    one = changed(*pieces, '"pairs"')
    halls = ("[data.barns]", "[data.halls]", 'category = "barns"', 'category = "halls"')
    two = replace(changed(*pieces, '"sheds"', *halls), name="two")
    store = Store(tmp_path / "r")
    tasks = choose(prepare([one, two], tiny, (), store), ())
    assert run(tasks, store, LocalExecutor(store.folder, 2, "cpu", 1)).done == len(tasks) == 2
    assert [(len(results.cells), results.missing) for results in load_results(store)] == [(2, 0), (2, 0)]


@pytest.mark.slow
def test_a_device_that_cannot_be_used_is_named_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the device foo cannot be used"):
        LocalExecutor(tmp_path, 1, "foo", 1)


@pytest.mark.slow
def test_a_killed_worker_is_reported_and_the_same_command_goes_on(study: Study, tiny: Scale, tmp_path: Path) -> None:
    long = replace(tiny, iterations=1500)
    store = Store(tmp_path / "r")
    [task, *_] = prepare([study], long, (), store)
    executor = LocalExecutor(store.folder, 1, "cpu", 1)
    killed = []

    def kill(state: State) -> None:
        if any(share > 0 for share in state.running.values()) and not killed:
            [process] = executor._running
            os.kill(process.pid or 0, signal.SIGKILL)
            killed.append(process)

    end = run([task], store, executor, kill)
    assert list(end.failed.values()) == ["its process was ended by SIGKILL"]
    assert end.done == 0
    assert run([task], store, LocalExecutor(store.folder, 1, "cpu", 1)).done == 1
    assert store.failure(task.identity) is None


class Resumes:
    """Puts a training to work that goes on from a checkpoint long before the last line of its log."""

    def __init__(self, store: Store) -> None:
        self._store, self._running = store, []

    def submit(self, task: Task) -> None:
        with (self._store.run(task.identity) / "log.jsonl").open("a") as log:
            log.write('{"event": "resumed", "iteration": 1}\n')
        self._running.append(task)

    def finished(self, seconds: float) -> list[tuple[Task, str | None]]:
        return []

    def running(self) -> list[Task]:
        return self._running

    def close(self) -> None:
        pass


def test_no_time_is_foretold_while_a_killed_training_catches_up(small: Study, tiny: Scale, tmp_path: Path) -> None:
    store = Store(tmp_path)
    [task, _] = prepare([small], tiny, (), store)
    store.run(task.identity).mkdir(parents=True)
    (store.run(task.identity) / "log.jsonl").write_text('{"event": "progress", "iteration": 3}\n')
    assert run([task], store, Resumes(store), seconds=0).seconds_left is None


class Scripted:
    """Brings trainings forward by a script: seconds that pass, and a training with the iteration that it reaches."""

    def __init__(self, store: Store, pass_time: Callable[[float], None], script: list[tuple[float, Task, int]]) -> None:
        self._store, self._pass_time, self._script = store, pass_time, script

    def submit(self, task: Task) -> None:
        pass

    def finished(self, seconds: float) -> list[tuple[Task, str | None]]:
        passed, task, iteration = self._script.pop(0)
        self._pass_time(passed)
        reach(self._store, task, iteration)
        if iteration < task.iterations:
            return []
        tests = {test.name: Measured(content, [], {}, {}, {}, {}, {}) for test, content in task.tests}
        result = Result({}, {}, 4, 1, Environment("cpu", 1, "2.13.0"), None, tests)
        self._store.write_result(task.identity, result)
        return [(task, None)]

    def running(self) -> list[Task]:
        return []

    def close(self) -> None:
        pass


def reach(store: Store, task: Task, iteration: int) -> None:
    store.run(task.identity).mkdir(parents=True, exist_ok=True)
    with (store.run(task.identity) / "log.jsonl").open("a") as log:
        log.write(json.dumps({"event": "progress", "iteration": iteration}) + "\n")


def test_the_time_left_is_what_the_iterations_to_come_take_at_the_pace_so_far(
    small: Study, tiny: Scale, tmp_path: Path, pass_time: Callable[[float], None]
) -> None:
    store = Store(tmp_path)
    first, second = prepare([small], tiny, (), store)  # of six iterations each
    reach(store, first, 3)  # by an earlier command, whose time does not count
    script = [(30.0, first, 5), (30.0, first, 6), (30.0, second, 4), (10.0, second, 6)]
    states: list[State] = []
    run([first, second], store, Scripted(store, pass_time, script), states.append)
    assert [state.seconds_left for state in states] == pytest.approx(
        [30 / 2 * (1 + 6), 60 / 3 * 6, 90 / (3 + 4) * 2, 0.0]
    )


def test_a_training_that_fails_counts_for_the_time_left_only_as_far_as_it_came(
    small: Study, tiny: Scale, tmp_path: Path, pass_time: Callable[[float], None]
) -> None:
    class Failing(Scripted):
        def finished(self, seconds: float) -> list[tuple[Task, str | None]]:
            return [(task, reason or "it broke off") for task, reason in super().finished(seconds) or [(first, None)]]

    store = Store(tmp_path)
    first, second = prepare([small], tiny, (), store)  # of six iterations each
    states: list[State] = []
    run([first, second], store, Failing(store, pass_time, [(30.0, first, 2), (30.0, second, 6)]), states.append)
    assert [state.seconds_left for state in states] == pytest.approx([30 / 2 * 6, 0.0])


def test_the_seconds_of_a_training_are_those_of_all_its_iterations_even_if_it_was_resumed(
    small: Study,
    tiny: Scale,
    tmp_path: Path,
    pass_time: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def three_seconds_long(objective: Objective, k: int) -> Any:
        pass_time(3.0)
        return made_at_once(objective, k)

    def stop(progress: Progress) -> None:
        if progress.iteration == 4:
            raise KeyboardInterrupt

    made_at_once = Objective.batch
    monkeypatch.setattr(Objective, "batch", three_seconds_long)
    store = Store(tmp_path)
    straight, resumed = prepare([small], tiny, (), store)  # of six iterations each
    with pytest.raises(KeyboardInterrupt):
        train(resumed.subject.settings(), store.run(resumed.identity), checkpoint_every=3, report=stop)
    for task in (straight, resumed):
        execute(task, store.folder, "cpu", 1)
        result = store.result(task.identity)
        assert result is not None
        assert result.seconds == pytest.approx(6 * 3.0)
    log = read_log(store.run(resumed.identity))
    assert [event["iteration"] for event in log if event["event"] == "resumed"] == [3]


@pytest.mark.slow
def test_one_folder_is_shared_by_two_commands_at_a_time(small: Study, tiny: Scale, tmp_path: Path) -> None:
    study, results = small, tmp_path / "r"
    ends: list[State] = []
    threads = [threading.Thread(target=lambda: ends.append(go(study, tiny, results, 1))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(end.done, end.failed) for end in ends] == [(2, {}), (2, {})]
    in_this_process(study, tiny, tmp_path / "one")
    assert content(results) == content(tmp_path / "one")
    for folder in (results / "runs").iterdir():
        assert (folder / "log.jsonl").read_text().count('"event": "finished"') == 1


def test_data_is_looked_at_before_anything_is_trained(study: Study, folder: Path, tiny: Scale, tmp_path: Path) -> None:
    write_image(folder / "barns" / "leak.png", read_image(folder / "pairs" / "clean" / "wall1.png"))
    with pytest.raises(InputError, match=r"test set 'pairs' shows a photo that is trained on: wall1.png is leak.png"):
        prepare([study], tiny, (), Store(tmp_path / "r"))
    (folder / "barns" / "leak.png").unlink()
    prepare([study], tiny, (), Store(tmp_path / "r"))
    (folder / "barns" / "barn0.png").unlink()
    with pytest.raises(InputError, match=r"barns, training have changed since .*r was made: barn0.png is no longer"):
        prepare([study], tiny, (), Store(tmp_path / "r"))


@pytest.mark.slow
def test_what_changes_after_the_plan_is_not_trained(
    small: Study, changed: Callable[..., Study], folder: Path, tiny: Scale, tmp_path: Path
) -> None:
    """Hours may lie between the two."""
    store = Store(tmp_path / "r")
    (folder / "own.toml").write_text('[[family]]\nkind = "lines"\n')
    mine = changed('tests = ["pairs", "sheds"]', 'tests = "pairs"', 'rain = ["small", "medium"]', 'rain = "own.toml"')
    [of_rain, _] = prepare([mine], tiny, (), store)
    (folder / "own.toml").write_text('[[family]]\nkind = "streaks"\n')
    state = run([of_rain], store, LocalExecutor(store.folder, 1, "cpu", 1))
    assert "photos, rain or network changed while the study ran" in state.failed[of_rain.identity]
    [of_photos, _] = prepare([small], tiny, (), store)
    (folder / "barns" / "barn0.png").unlink()
    execute(of_photos, store.folder, "cpu", 1)
    assert "barn0.png is no longer there" in (store.failure(of_photos.identity) or "")
    assert not list((store.folder / "results").iterdir())


def test_a_refused_command_leaves_nothing(small: Study, tiny: Scale, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no training has that count"):
        prepare([small], tiny, (), Store(tmp_path / "r"), only=["count=9"])
    assert not (tmp_path / "r").exists()


def test_photos_that_do_not_give_a_test_set_are_named(
    changed: Callable[..., Study], tiny: Scale, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"'sheds': .*shed\d\.png has 80 x 64 pixels, less than a patch of 65 x 65"):
        prepare([changed("size_px = 32", "size_px = 65")], tiny, (), Store(tmp_path / "r"))


def test_a_variable_that_is_not_set_is_named(
    changed: Callable[..., Study], tiny: Scale, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PHOTOS", raising=False)
    with pytest.raises(InputError, match="the environment variable PHOTOS is not set"):
        prepare([changed('train = "barns"', 'train = "$PHOTOS/barns"')], tiny, (), Store(tmp_path / "r"))


DRIVER = """
import sys
from dataclasses import replace
from pathlib import Path
from derain.study.plan.scales import Scale
from derain.study.plan.spec import load_study
from derain.study.run.local import LocalExecutor
from derain.study.run.prepare import prepare
from derain.study.run.scheduler import run
from derain.study.run.store import Store
if __name__ == "__main__":
    store = Store(Path(sys.argv[2]))
    tasks = prepare([load_study(Path(sys.argv[1]))], Scale("cpu", 150, 32, 16, 2, 1e-3, 0, None, "tiny"), (), store)
    run(tasks, store, LocalExecutor(store.folder, 2, "cpu", 1), print)
"""


@pytest.mark.slow
def test_a_killed_command_leaves_nobody_at_work_and_goes_on(small: Study, folder: Path, tmp_path: Path) -> None:
    study, results, script = small, tmp_path / "r", tmp_path / "driver.py"
    script.write_text(DRIVER)
    command = [sys.executable, str(script), str(folder / "study.toml"), str(results)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        for _ in driver.stdout:
            if any(path.stat().st_size for path in results.glob("runs/*/log.jsonl")):
                break
        driver.kill()
    deadline = time.monotonic() + 20
    scale = Scale("cpu", 150, 32, 16, 2, 1e-3, 0, None, "tiny")
    while time.monotonic() < deadline:  # the workers end with the driver: nothing changes any more
        states = [path.stat().st_size for path in results.glob("runs/*/log.jsonl")]
        time.sleep(1)
        if states == [path.stat().st_size for path in results.glob("runs/*/log.jsonl")]:
            break
    end = go(study, scale, results)
    assert (end.done, end.failed) == (2, {})
    in_this_process(study, scale, tmp_path / "one")
    assert content(results) == content(tmp_path / "one")
    assert torch.get_num_threads() == 1


@pytest.mark.slow
def test_the_response_to_rain_is_mapped_where_it_is_asked_for(
    changed: Callable[..., Study], folder: Path, tiny: Scale, tmp_path: Path
) -> None:
    pieces = ('tests = ["pairs", "sheds"]', 'tests = "pairs"', 'rain = ["small", "medium"]', 'rain = "small"')
    plain = changed(*pieces)
    for path in (folder / "sheds").iterdir():  # to be cut into patches of 128 x 128
        write_image(path, read_image(path).repeat(3, 0).repeat(3, 1))
    [task, _] = in_this_process(plain, tiny, tmp_path / "r")
    store = Store(tmp_path / "r")
    before = store.result(task.identity)
    in_this_process(changed(*pieces, 'figure = "F4"', 'figure = "F4"\nprobe = true'), tiny, store.folder)
    after = store.result(task.identity)
    assert before is not None
    assert after is not None
    response = after.response
    assert response is not None
    assert replace(after, response=None) == before  # trained and measured once
    assert len(response.means["length_px x angle_deg"]) == 72
    assert response.area_unbounded.value is not None
    assert 0 <= response.area_unbounded.value <= 1
    assert response.photos == 3
