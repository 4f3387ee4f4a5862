"""The tasks of studies, after a look at all data they need."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from derain.errors import InputError, did_you_mean
from derain.evaluation.test_sets import Test, first, photos
from derain.pictures.backgrounds import Category
from derain.study.plan.scales import Scale
from derain.study.plan.spec import Study
from derain.study.plan.trainings import plan, trainings
from derain.study.run.data_record import DataRecord, Hashes, refuse_leak, refuse_unset, set_hash
from derain.study.run.one_training import Task, training_photos
from derain.study.run.response import lay
from derain.study.run.store import AXES, Store
from derain.support.files import make_folder


def prepare(
    studies: Sequence[Study], scale: Scale, seeds: Sequence[int], store: Store, only: Sequence[str] = ()
) -> list[Task]:
    """The tasks of studies, after a look at all data they need; what belongs to each study is written down.

    Args:
        studies: they may share trainings.
        scale: at which they run.
        seeds: in place of the studies' own.
        store: where the results go.
        only: as of `choose`.

    Raises:
        InputError: as of `choose`; a folder is missing or a picture bad; data changed since the results were made; a
            test set shows what is trained on, or cannot be cut from its photos; two studies have one name, or two of
            their test sets or of those of a study that was run here before; or as `derain.study.plan.trainings.plan`.
    """
    planned = plan(studies, scale, seeds)
    _refuse_equal_names("study", studies)
    _refuse_equal_names("test set", (test for each in planned for test in each.tests))
    record = DataRecord(store.folder)
    together = dict.fromkeys((each.training.category, test) for each in planned for test in each.tests)
    trained = {category: training_photos(category, record) for category in dict.fromkeys(c for c, _ in together)}
    shown = {test: _test_pictures(test, record) for test in dict.fromkeys(test for _, test in together)}
    for category, test in together:
        refuse_leak(category.name, trained[category], test.name, shown[test]["clean"])
    for test in shown:
        _refuse_uncut(test)
    for category in dict.fromkeys(each.training.category for each in planned if each.probe):
        refuse_unset(category.test)
        name = f"{category.name}, test"
        refuse_leak(category.name, trained[category], name, record.hashes(name, photos(category.test)))
        _refuse_unprobed(category)
    photos_of = {category: set_hash(hashes) for category, hashes in trained.items()}
    content_of = {test.name: _content(test, pictures) for test, pictures in shown.items()}
    tasks = {
        each.training: Task(
            each.training.identity(photos_of[each.training.category]),
            each.training,
            tuple((test, content_of[test.name]) for test in each.tests),
            each.probe,
        )
        for each in planned
    }
    chosen = choose(list(tasks.values()), only)
    known, recorded = store.runs(), {}
    for study in studies:
        name = f"{study.name}.{scale.name}"
        runs = _runs(study, scale, seeds, photos_of, content_of, earlier=False)
        # Of earlier seeds, as the study stands now, what is begun stays in its report (`derain.study.judge.results`).
        before = {run["axes"]["seed"] for run in known.get(name, ())}
        if earlier := sorted(before - {run["axes"]["seed"] for run in runs}):
            runs += _runs(study, scale, earlier, photos_of, content_of, earlier=True)
        recorded[name] = runs
    _refuse_other_tests(recorded, known, store.folder)
    make_folder(store.folder / "results")
    record.save()
    for study, (name, runs) in zip(studies, recorded.items(), strict=True):
        store.write_study(name, _plain({"study": asdict(study), "scale": asdict(scale), "runs": runs}))
    return chosen


def _runs(
    study: Study,
    scale: Scale,
    seeds: Sequence[int],
    photos_of: Mapping[Category, str],
    content_of: Mapping[str, str],
    *,
    earlier: bool,
) -> list[dict[str, Any]]:
    """What is recorded of a study's trainings; one that two grids ask for in the same way is there once."""
    found: list[dict[str, Any]] = []
    for training, grid in trainings(study, scale, seeds):
        run = {
            "id": training.identity(photos_of[training.category]),
            "axes": training.axes(),
            "tests": {test: content_of[test] for test in grid.tests},
            "earlier": earlier,
        }
        if run not in found:
            found.append(run)
    return found


def choose(tasks: Sequence[Task], only: Sequence[str]) -> list[Task]:
    """The tasks whose trainings have, on every axis that is named, one of the values that are named.

    Tasks of one identity, as of equal categories of two names, become one with the test sets of all.

    Args:
        tasks: of `prepare`.
        only: such as "count=8", "count=1024", "rain=wide"; nothing: all tasks.

    Raises:
        InputError: there is no such axis, or no training with that value or with all of the values.
    """
    axes = [{axis: _text(value) for axis, value in task.training.axes().items()} for task in tasks]
    wanted: dict[str, set[str]] = {}
    for each in only:
        axis, _, value = each.partition("=")
        if axis not in AXES:
            raise InputError(f"--only {each}: no axis is called {axis!r}{did_you_mean(axis, AXES)}")
        there = list(dict.fromkeys(values[axis] for values in axes))
        if value not in there:
            listed = ", ".join(there) or "no training at all"
            raise InputError(f"--only {each}: no training has that {axis}; there is {listed}")
        wanted.setdefault(axis, set()).add(value)
    chosen = [
        task
        for task, values in zip(tasks, axes, strict=True)
        if all(values[axis] in named for axis, named in wanted.items())
    ]
    if tasks and not chosen:
        raise InputError(f"--only {' '.join(only)}: no training has all of these")
    found: dict[str, Task] = {}
    for task in chosen:
        known = found.setdefault(task.identity, task)
        tests = tuple(dict.fromkeys((*known.tests, *task.tests)))
        found[task.identity] = replace(known, tests=tests, probe=known.probe or task.probe)
    return list(found.values())


def _text(value: str | int | float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _refuse_equal_names(kind: str, things: Iterable[Study | Test]) -> None:
    """Results of one would replace those of the other."""
    known: dict[str, Study | Test] = {}
    for each in things:
        if known.setdefault(each.name, each) != each:
            raise InputError(f"there are two different definitions of the {kind} {each.name!r}: name one otherwise")


def _refuse_other_tests(
    recorded: Mapping[str, Sequence[Mapping[str, Any]]], known: Mapping[str, Sequence[Mapping[str, Any]]], folder: Path
) -> None:
    """The same for studies of other commands, whose figures stand in one table with these.

    Args:
        recorded: what is to be recorded of the studies of this command, by their names.
        known: what is recorded.
        folder: of the results.
    """
    content_of = {test: content for runs in recorded.values() for run in runs for test, content in run["tests"].items()}
    for name, runs in known.items():
        for run in runs if name not in recorded else ():
            for test, content in run["tests"].items():
                if content_of.get(test, content) != content:
                    raise InputError(
                        f"the test set {test!r} is another one in the study {name}, which was run in {folder}: "
                        f"name one otherwise, or run both studies with one command if it has changed"
                    )


def _test_pictures(test: Test, record: DataRecord) -> Mapping[str, Hashes]:
    folders = (test.pairs.rainy, test.pairs.clean) if test.pairs else ()
    refuse_unset((*folders, *(test.category.test if test.category else ())))
    return {kind: record.hashes(f"{test.name}, {kind}", files) for kind, files in test.sources().items()}


def _refuse_uncut(test: Test) -> None:
    """Refuse photos that do not give the patches of a test set: too few of them, or too small."""
    if test.category is not None:
        try:
            first(test, 1)
        except InputError as error:
            raise InputError(f"test set {test.name!r}: {error}") from error


def _refuse_unprobed(category: Category) -> None:
    """Refuse photos that do not give the scene of the response to rain."""
    try:
        lay(category)
    except InputError as error:
        raise InputError(f"the response to rain on the test photos of {category.name!r}: {error}") from error


def _content(test: Test, pictures: Mapping[str, Hashes]) -> str:
    """Hash of all that determines what a test set shows."""
    rain = "" if test.rain is None else json.dumps(test.load_rain().describe())
    filters = (test.category.min_std, test.category.max_white) if test.category else ()
    chosen = f"{test.pictures} {test.size_px} {filters} {rain}"
    return set_hash({"chosen": chosen, **{kind: set_hash(hashes) for kind, hashes in pictures.items()}})


def _plain(value: Any) -> Any:
    """Paths as text, for JSON."""
    if isinstance(value, Path):
        return str(value.absolute())  # the report may be made from another folder
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value
