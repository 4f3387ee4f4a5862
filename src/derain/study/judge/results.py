"""The results of a study as figures and verdicts need them: a cell for every training of its grids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from derain.networks.registry import short_names
from derain.probe.response import ResponseMap
from derain.probe.trained import TrainedStreaks, trained_streaks
from derain.study.plan.scales import Scale
from derain.study.plan.spec import AXES, Study
from derain.study.run.recorded import RecordedRun, RecordedStudy
from derain.study.run.result import Environment, Measured, Result
from derain.study.run.store import Store


@dataclass(frozen=True)
class Cell:
    """A training, or a given system, with its figures on a test set.

    Attributes:
        identity: of the training or system; its folder is `Store.run(identity)`.
        axes: those of `derain.study.plan.spec.AXES`.
        test: name of the test set.
        photos: distinct photos that its backgrounds come from; None: not known.
        parameters: of the network; None: not known.
        measured: figures on the test set.
        environment: where it was trained.
        trained: streaks that it was trained on; None: not known.
        response: to rain; None: it was not mapped.
    """

    identity: str
    axes: Mapping[str, Any]
    test: str
    photos: int | None
    parameters: int | None
    measured: Measured
    environment: Environment
    trained: Sequence[TrainedStreaks] | None
    response: ResponseMap | None


@dataclass(frozen=True)
class Results:
    """The results that are there of a study.

    Attributes:
        study: as it was when it was run last.
        scale: of its trainings.
        cells: of the trainings that are done, in the order of the grids, on the test set that is drawn and judged.
        missing: number of trainings that are not done.
        failed: axes and reason, as text, of those that failed or could not be measured in all, by their identity.
        further: the cells on the other test sets.
        given: cells of the given systems on every test set.
    """

    study: Study
    scale: Scale
    cells: list[Cell]
    missing: int
    failed: Mapping[str, str]
    further: Sequence[Cell] = ()
    given: Sequence[Cell] = ()

    @property
    def done(self) -> int:
        """Number of trainings that are done; two grids may ask for one."""
        return len({cell.identity for cell in self.cells})

    @property
    def left_out(self) -> str:
        """The part of the study that this scale keeps, in words; empty: all."""
        reduced = self.study.reduced(self.scale.name)
        return reduced.note if reduced else ""


def of_first_seeds(cells: Sequence[Cell]) -> list[Cell]:
    """Keep one training of those that differ by the seed alone: the one with the lowest seed."""
    found: dict[tuple[Any, ...], Cell] = {}
    for cell in cells:
        key = tuple(value for axis, value in cell.axes.items() if axis != "seed")
        if key not in found or cell.axes["seed"] < found[key].axes["seed"]:
            found[key] = cell
    return list(found.values())


def load_results(store: Store) -> list[Results]:
    """Read the results of all studies that were run in a folder, on the test sets as they were when it was run last.

    Raises:
        InputError: a file is damaged or of a newer version.
    """
    return [_results(recorded, store) for recorded in store.studies()]


def _results(recorded: RecordedStudy, store: Store) -> Results:
    short = short_names(run.axes["network"] for run in recorded.runs)
    runs = [replace(run, axes={**run.axes, "network": short[run.axes["network"]]}) for run in recorded.runs]
    cells: list[Cell] = []
    further: list[Cell] = []
    missing: set[str] = set()
    failed = {}
    for run in runs:
        if run.earlier and not store.is_begun(run.id):
            continue
        result = store.result(run.id)
        first, *others = [_cell(run, test, result) for test in run.tests]
        further += filter(None, others)
        if first is None:
            missing.add(run.id)
        else:
            cells.append(first)
        mapped = not recorded.study.probe or (result is not None and result.response is not None)
        if (None in (first, *others) or not mapped) and (reason := store.failure(run.id)) is not None:
            failed[run.id] = f"{', '.join(str(run.axes[axis]) for axis in AXES[:-1])}: {reason}"
    given: list[Cell] = []
    for run in recorded.given:
        result = store.result(run.id)
        given += filter(None, (_cell(run, test, result) for test in run.tests))
        if (reason := store.failure(run.id)) is not None:
            failed[run.id] = f"{run.axes['network']}: {reason}"
    return Results(recorded.study, recorded.scale, cells, len(missing), failed, further, given)


def _cell(run: RecordedRun, test: str, result: Result | None) -> Cell | None:
    """None: the training is not done, or not measured on the test set as it is now."""
    measured = result.tests.get(test) if result else None
    if result is None or measured is None or measured.content != run.tests[test]:
        return None
    return Cell(
        run.id,
        run.axes,
        test,
        result.photos,
        result.parameters,
        measured,
        result.environment,
        trained_streaks(result.run),
        result.response,
    )
