"""The tasks of studies, after a look at all data they need."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from derain.errors import InputError, did_you_mean
from derain.evaluation.test_sets import Test, first, photos
from derain.pictures.backgrounds import Category
from derain.study.plan.scales import Scale
from derain.study.plan.spec import AXES, Study
from derain.study.plan.trainings import Planned, plan, trainings
from derain.study.run.data_record import DataRecord, Hashes, refuse_leak, refuse_unset, set_hash
from derain.study.run.one_training import Task, training_photos
from derain.study.run.recorded import RecordedRun, RecordedStudy
from derain.study.run.response import lay
from derain.study.run.store import Store
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
    hashes = _look_at_data(planned, record)
    tasks = {each.training: _task(each, hashes) for each in planned}
    chosen = choose(list(tasks.values()), only)
    known = store.studies()
    recorded = [_recorded(study, scale, seeds, hashes, known) for study in studies]
    _refuse_other_tests(recorded, known, store.folder)
    make_folder(store.folder / "results")
    record.save()
    for each in recorded:
        store.write_study(each)
    return chosen


@dataclass(frozen=True)
class _Hashes:
    """Hashes of the training photos of every category, and of all that a test set shows, by its name."""

    photos: Mapping[Category, str]
    tests: Mapping[str, str]


def _look_at_data(planned: Sequence[Planned], record: DataRecord) -> _Hashes:
    """Read all photos and pairs, and refuse what changed, what shows a photo trained on, and what is too small."""
    together = dict.fromkeys((each.training.category, test) for each in planned for test in each.tests)
    trained = {category: training_photos(category, record) for category in dict.fromkeys(c for c, _ in together)}
    shown = {test: _test_pictures(test, record) for test in dict.fromkeys(t for _, t in together)}
    for category, test in together:
        refuse_leak(category.name, trained[category], test.name, shown[test]["clean"])
    for test in shown:
        _refuse_uncut(test)
    for category in dict.fromkeys(each.training.category for each in planned if each.probe):
        refuse_unset(category.test)
        name = f"{category.name}, test"
        refuse_leak(category.name, trained[category], name, record.hashes(name, photos(category.test)))
        _refuse_unprobed(category)
    return _Hashes(
        {category: set_hash(hashes) for category, hashes in trained.items()},
        {test.name: _content(test, pictures) for test, pictures in shown.items()},
    )


def _task(planned: Planned, hashes: _Hashes) -> Task:
    training = planned.training
    tests = tuple((test, hashes.tests[test.name]) for test in planned.tests)
    return Task(training.identity(hashes.photos[training.category]), training, tests, planned.probe)


def _recorded(
    study: Study, scale: Scale, seeds: Sequence[int], hashes: _Hashes, known: Sequence[RecordedStudy]
) -> RecordedStudy:
    """The record of a study, with those trainings of earlier seeds that may be begun."""
    recorded = RecordedStudy(study, scale, _runs(study, scale, seeds, hashes, earlier=False))
    # The report keeps trainings of earlier seeds that were begun (`derain.study.judge.results`).
    before = {run.axes["seed"] for each in known if each.name == recorded.name for run in each.runs}
    if earlier := sorted(before - {run.axes["seed"] for run in recorded.runs}):
        runs = _runs(study, scale, earlier, hashes, earlier=True)
        recorded = replace(recorded, runs=(*recorded.runs, *runs))
    return recorded


def _runs(
    study: Study, scale: Scale, seeds: Sequence[int], hashes: _Hashes, *, earlier: bool
) -> tuple[RecordedRun, ...]:
    """A study's trainings; one that two grids ask for in the same way is there once."""
    found: list[RecordedRun] = []
    for training, grid in trainings(study, scale, seeds):
        run = RecordedRun(
            id=training.identity(hashes.photos[training.category]),
            axes=training.axes(),
            tests={test: hashes.tests[test] for test in grid.tests},
            earlier=earlier,
        )
        if run not in found:
            found.append(run)
    return tuple(found)


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


def _refuse_other_tests(recorded: Sequence[RecordedStudy], known: Sequence[RecordedStudy], folder: Path) -> None:
    """The same for studies of other commands, whose figures stand in one table with these.

    Args:
        recorded: what is to be recorded of the studies of this command.
        known: what is recorded.
        folder: of the results.
    """
    content_of = {test: content for each in recorded for run in each.runs for test, content in run.tests.items()}
    names = {each.name for each in recorded}
    for other in known:
        for run in other.runs if other.name not in names else ():
            for test, content in run.tests.items():
                if content_of.get(test, content) != content:
                    raise InputError(
                        f"the test set {test!r} is another one in the study {other.name}, which was run in {folder}: "
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
