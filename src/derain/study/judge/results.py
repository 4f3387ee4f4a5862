"""The results of a study as figures and verdicts need them: a cell for every training of its grids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from derain.study.run.store import Store

_NAMING = ("network", "category", "count", "rain", "seed", "length", "precision", "loss")


@dataclass(frozen=True)
class Cell:
    """A training with its figures on a test set.

    Attributes:
        identity: of the training; its folder is `Store.run(identity)`.
        axes: those of `derain.study.run.store.AXES`.
        test: name of the test set.
        photos: distinct photos that its backgrounds come from.
        parameters: of the network.
        measured: "names" of the images; "mean", "images" and "input" by threshold ("10" or "50"), each with the figures
            of `derain.METRICS` ("images": of every image); "sensitivity" (means by threshold 5, 10, 25, 50);
            "perfect_e_r" by threshold.
        environment: device, threads and torch.
        run: header of the weights.
        response: to rain, as of `derain.study.run.response.respond`; None: it was not mapped.
    """

    identity: str
    axes: Mapping[str, Any]
    test: str
    photos: int
    parameters: int
    measured: Mapping[str, Any]
    environment: Mapping[str, Any]
    run: Mapping[str, Any]
    response: Mapping[str, Any] | None

    def value(self, figure: str, threshold: int) -> float | None:
        """Mean over images of one of `derain.METRICS` at a threshold of 10 or 50."""
        value: float | None = self.measured["mean"][str(threshold)][figure]
        return value

    def images(self, figure: str, threshold: int) -> list[float | None]:
        """The same of every image; empty where only means were kept."""
        return [image[figure] for image in self.measured["images"][str(threshold)]]


@dataclass(frozen=True)
class Results:
    """What is there of a study.

    Attributes:
        study: the study as it was read from its file, as a dictionary (fields of `derain.study.plan.spec.Study`).
        scale: fields of `derain.study.plan.scales.Scale`.
        cells: of the trainings that are done, in the order of the grids, on the test set that is drawn and judged.
        further: the same on the other test sets.
        missing: number of trainings that are not done.
        failed: axes and reason, as text, of those that failed or could not be measured in all, by their identity.
    """

    study: Mapping[str, Any]
    scale: Mapping[str, Any]
    cells: list[Cell]
    missing: int
    failed: Mapping[str, str]
    further: Sequence[Cell] = ()

    @property
    def done(self) -> int:
        """Number of trainings that are done; two grids may ask for one."""
        return len({cell.identity for cell in self.cells})

    @property
    def left_out(self) -> str:
        """What is kept of the study at this scale, in words; empty: all."""
        reduced = self.study.get(self.scale["name"])
        return reduced["note"] if reduced else ""


def of_first_seeds(cells: Sequence[Cell]) -> list[Cell]:
    """Of trainings that differ in nothing but the seed the one with the lowest, each once."""
    found: dict[tuple[Any, ...], Cell] = {}
    for cell in cells:
        key = tuple(value for axis, value in cell.axes.items() if axis != "seed")
        if key not in found or cell.axes["seed"] < found[key].axes["seed"]:
            found[key] = cell
    return list(found.values())


def load_results(store: Store) -> list[Results]:
    """The results of all studies that were run in a folder, on the test sets as they were when it was run last.

    Raises:
        InputError: a file is damaged or of a newer version.
    """
    found = []
    for content in store.studies():
        cells: list[Cell] = []
        further: list[Cell] = []
        missing: set[str] = set()
        failed = {}
        for run in content["runs"]:
            if run.get("earlier") and not store.is_begun(run["id"]):
                continue
            result = store.result(run["id"])
            first, *others = [_cell(run, test, result) for test in run["tests"]]
            further += filter(None, others)
            if first is None:
                missing.add(run["id"])
            else:
                cells.append(first)
            whole = None not in (first, *others) and ("probe" in (result or {}) or not content["study"].get("probe"))
            if not whole and (reason := store.failure(run["id"])) is not None:
                failed[run["id"]] = f"{', '.join(str(run['axes'][axis]) for axis in _NAMING)}: {reason}"
        found.append(Results(content["study"], content["scale"], cells, len(missing), failed, further))
    return found


def _cell(run: Mapping[str, Any], test: str, result: Mapping[str, Any] | None) -> Cell | None:
    """None: the training is not done, or not measured on the test set as it is now."""
    measured = result["tests"].get(test) if result else None
    if result is None or measured is None or measured["content"] != run["tests"][test]:
        return None
    return Cell(
        run["id"],
        run["axes"],
        test,
        result["photos"],
        result["parameters"],
        measured,
        result["environment"],
        result["run"],
        result.get("probe"),
    )
