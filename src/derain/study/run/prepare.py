"""The tasks of studies, after a look at all data and models they need."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from derain.errors import InputError, did_you_mean
from derain.evaluation.test_sets import Test, first, photos
from derain.pictures.backgrounds import Category
from derain.study.plan.given import Given
from derain.study.plan.scales import Scale
from derain.study.plan.spec import AXES, Study
from derain.study.plan.trainings import Planned, Training, plan, plan_given, trainings
from derain.study.run.data_record import DataRecord, Hashes, refuse_leak, refuse_unset, set_hash
from derain.study.run.given import identity_of, refuse_unusable
from derain.study.run.recorded import RecordedRun, RecordedStudy
from derain.study.run.response import lay
from derain.study.run.store import Store
from derain.study.run.task import Task
from derain.study.run.trained import training_photos
from derain.support.files import folded, make_folder


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
            test set shows what is trained on, or cannot be cut from its photos; a given system cannot be opened, or
            lacks a picture; two studies have one name, or two of their test sets or of those of a study that was run
            here before; or as `derain.study.plan.trainings.plan`.
    """
    of_given = {study.name: plan_given(study) for study in studies}
    planned: list[Planned[Training | Given]] = [*plan(studies, scale, seeds), *chain(*of_given.values())]
    _refuse_equal_names("study", studies)
    _refuse_equal_names("test set", (test for each in planned for test in each.tests))
    record = DataRecord(store.folder)
    hashes = _look_at_data(planned, record)
    given = {name: [_task(each, hashes) for each in systems] for name, systems in of_given.items()}
    trained = [_task(each, hashes) for each in planned if isinstance(each.subject, Training)]
    chosen = choose([*trained, *chain(*given.values())], only)
    known = store.studies()
    recorded = [
        replace(_recorded(study, scale, seeds, hashes, known), given=tuple(map(_given_run, given[study.name])))
        for study in studies
    ]
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

    def identity(self, subject: Training | Given) -> str:
        """The identity of a training or a given system."""
        return identity_of(subject) if isinstance(subject, Given) else subject.identity(self.photos[subject.category])


def _look_at_data(planned: Sequence[Planned[Training | Given]], record: DataRecord) -> _Hashes:
    """Read all photos and pairs, and refuse what changed, what shows a photo trained on, and what is too small."""
    trained_on = dict.fromkeys(each.backgrounds for each in planned if each.backgrounds is not None)
    trained = {category: training_photos(category, record) for category in trained_on}
    shown = {
        test: _test_pictures(test, record) for test in dict.fromkeys(test for each in planned for test in each.tests)
    }
    for category, test in dict.fromkeys((each.backgrounds, test) for each in planned for test in each.tests):
        if category is not None:
            refuse_leak(category.name, trained[category], test.name, shown[test]["clean"])
    for test in shown:
        _refuse_uncut(test)
    for category, probed in dict.fromkeys((each.backgrounds, each.probe) for each in planned):
        if probed is not None:
            refuse_unset(probed.test)
            name = f"{probed.name}, test"
            seen = record.hashes(name, photos(probed.test))
            if category is not None:
                refuse_leak(category.name, trained[category], name, seen)
            _refuse_unprobed(probed)
    for each in planned:
        if isinstance(each.subject, Given):
            refuse_unusable(each.subject, each.tests)
    return _Hashes(
        {category: set_hash(hashes) for category, hashes in trained.items()},
        {test.name: _content(test, pictures) for test, pictures in shown.items()},
    )


def _task(planned: Planned[Training | Given], hashes: _Hashes) -> Task:
    tests = tuple((test, hashes.tests[test.name]) for test in planned.tests)
    return Task(hashes.identity(planned.subject), planned.subject, tests, planned.probe)


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
            id=hashes.identity(training),
            axes=training.axes(),
            tests={test: hashes.tests[test] for test in grid.tests},
            earlier=earlier,
        )
        if run not in found:
            found.append(run)
    return tuple(found)


def _given_run(task: Task) -> RecordedRun:
    return RecordedRun(task.identity, task.axes(), {test.name: content for test, content in task.tests})


def choose(tasks: Sequence[Task], only: Sequence[str]) -> list[Task]:
    """The tasks that have, on every axis that is named, one of the values that are named.

    Tasks of one identity, as of equal categories of two names, become one with the test sets of all. A given system has
    its name as its network, its training set as its rain, and no value on the other axes.

    Args:
        tasks: of `prepare`.
        only: such as "count=8", "count=1024", "rain=wide"; nothing: all tasks.

    Raises:
        InputError: there is no such axis, or no training with that value or with all of the values.
    """
    axes = [{axis: _text(value) for axis, value in task.axes().items()} for task in tasks]
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


def _text(value: str | int | float | None) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value or "none")


def _refuse_equal_names(kind: str, things: Iterable[Study | Test]) -> None:
    """Results of one would replace those of the other."""
    known: dict[str, Study | Test] = {}
    for each in things:
        if known.setdefault(folded(each.name), each) != each:
            raise InputError(f"there are two different definitions of the {kind} {each.name!r}: name one otherwise")


def _refuse_other_tests(recorded: Sequence[RecordedStudy], known: Sequence[RecordedStudy], folder: Path) -> None:
    """The same for studies of other commands, whose figures stand in one table with these.

    Args:
        recorded: what is to be recorded of the studies of this command.
        known: what is recorded.
        folder: of the results.
    """
    content_of = {test: content for each in recorded for run in each.all for test, content in run.tests.items()}
    names = {each.name for each in recorded}
    for other in known:
        for run in other.all if other.name not in names else ():
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
    rain = "" if test.rain is None else json.dumps(test.load_degradation().describe())
    filters = (test.category.min_std, test.category.max_white) if test.category else ()
    chosen = f"{test.pictures} {test.size_px} {filters} {rain}"
    return set_hash({"chosen": chosen, **{kind: set_hash(hashes) for kind, hashes in pictures.items()}})
