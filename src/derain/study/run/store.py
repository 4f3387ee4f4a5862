"""Results on disk: one JSON a training or given system, and an index of their figures, made again at any time."""

import csv
import io
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from operator import itemgetter
from pathlib import Path
from typing import Any

from derain.errors import InputError
from derain.evaluation.metrics import METRICS
from derain.study.plan.spec import AXES, with_defaults
from derain.study.run.recorded import RecordedStudy
from derain.study.run.result import Result
from derain.support.files import regular, write_bytes, write_json

FORMAT = 1
THRESHOLDS = (10, 50)
_FIGURES = tuple(metric.name for metric in METRICS)
_COLUMNS = ("id", *AXES, "photos", "parameters", "seconds", "test", "threshold", *_FIGURES)
_NAMED = {"id", "test", "threshold"}  # columns of every version
_ORDER = itemgetter(*map(_COLUMNS.index, (*AXES, "test", "threshold")))
_DAMAGE = (OSError, ValueError, KeyError, TypeError, AttributeError)


def read_json(path: Path, *needed: str) -> dict[str, Any]:
    """A JSON file that this package wrote, which has the keys that are needed.

    Raises:
        InputError: it is damaged, or was written by a newer version.
    """
    try:
        content = json.loads(regular(path).read_text(encoding="utf-8"))
        version = content["format"]
        is_newer = version > FORMAT
        missing = [key for key in needed if key not in content]
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    if is_newer:
        raise InputError(f"{path} was written by a newer version of derain (format {version}, known up to {FORMAT})")
    if missing:
        raise _damaged(path, f"there is no {missing[0]!r}")
    return content  # type: ignore[no-any-return]


class Store:
    """A folder of results.

    results/ID.json: one a training, with its figures on every test set. runs/ID: the training itself. failed/ID.json:
    why one failed. studies/NAME.SCALE.json: what belongs to a study. index.json: the figures of all results.

    Args:
        folder: made by `derain study run`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, identity: str) -> Path:
        """Folder of a training."""
        return self.folder / "runs" / identity

    def result_path(self, identity: str) -> Path:
        return self.folder / "results" / f"{identity}.json"

    def failure_path(self, identity: str) -> Path:
        return self.folder / "failed" / f"{identity}.json"

    def result(self, identity: str) -> Result | None:
        """Read what is known of a training; None: nothing yet.

        Raises:
            InputError: the file is damaged or of a newer version.
        """
        path = self.result_path(identity)
        if not path.exists():
            return None
        content = read_json(path, "axes", "photos", "parameters", "tests")
        try:
            return Result.from_json({**content, "axes": with_defaults(content["axes"])})
        except _DAMAGE as error:
            raise _damaged(path, error) from error

    def write_result(self, identity: str, result: Result) -> None:
        path = self.result_path(identity)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"format": FORMAT, **result.to_json()})
        self.failure_path(identity).unlink(missing_ok=True)

    def write_failure(self, identity: str, reason: str) -> None:
        path = self.failure_path(identity)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"format": FORMAT, "reason": reason})

    def failure(self, identity: str) -> str | None:
        """Say why a training failed; None: it did not."""
        path = self.failure_path(identity)
        return str(read_json(path, "reason")["reason"]) if path.exists() else None

    def write_study(self, recorded: RecordedStudy) -> None:
        path = self.folder / "studies" / f"{recorded.name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"format": FORMAT, **asdict(recorded)})

    def is_begun(self, identity: str) -> bool:
        """True where a training has a result or a folder."""
        return self.result_path(identity).exists() or self.run(identity).exists()

    def studies(self) -> list[RecordedStudy]:
        """Read what belongs to the studies that were run here, in the order of their names.

        Raises:
            InputError: a file is damaged or of a newer version.
        """
        return [_study(path) for path in sorted((self.folder / "studies").glob("*.json"))]

    def records(self) -> list[dict[str, Any]]:
        """One flat record for every task, test set and threshold, as `pandas.DataFrame` takes them.

        Keys: id, the `AXES`, photos (distinct ones), parameters, seconds (of training), test, threshold, and the
        figures of `derain.METRICS`, means over images, or None. A given system has its name as its network.

        Raises:
            InputError: there are no results, the index cannot be written, or a file is damaged or of a newer version.
        """
        files = self._index()
        if not files:
            raise InputError(f"{self.folder} holds no results of a study")
        rows = sorted((row for file in files.values() for row in file["rows"]), key=_order)
        return [dict(zip(_COLUMNS, row, strict=True)) for row in rows]

    def _index(self) -> dict[str, dict[str, Any]]:
        """The rows of every result, kept in index.json with the time and size of the file that they were read from.

        Only files that are new or changed are read; an index that is damaged, or has other columns, is made again.
        """
        path, results = self.folder / "index.json", self.folder / "results"
        try:
            kept = json.loads(regular(path).read_bytes())
        except _DAMAGE:
            kept = {"columns": [], "files": {}}
        if not isinstance(kept, dict) or not {"columns", "files"} <= kept.keys():
            raise InputError(f"{path} is no index of results and is not overwritten; move it away")
        known = kept["files"] if kept["columns"] == list(_COLUMNS) else {}
        found: dict[str, dict[str, Any]] = {}
        for entry in list(os.scandir(results)) if results.is_dir() else ():  # faster than `glob` and `stat`
            if entry.name.endswith(".json"):
                identity, stat = entry.name.removesuffix(".json"), entry.stat()
                state = [stat.st_mtime_ns, stat.st_size]
                if identity in known and known[identity]["state"] == state:
                    found[identity] = known[identity]
                else:
                    found[identity] = {"state": state, "rows": list(_rows(identity, self.result(identity)))}
        if found != known:
            content = {"columns": _COLUMNS, "files": found}
            write_bytes(path, json.dumps(content, separators=(",", ":")).encode())
        return found


def _study(path: Path) -> RecordedStudy:
    content = read_json(path, "study", "scale", "runs")
    try:
        runs = [{**run, "axes": with_defaults(run["axes"])} for run in content["runs"]]
        return RecordedStudy.from_json({**content, "runs": runs})
    except (InputError, *_DAMAGE) as error:
        raise _damaged(path, error) from error


def _order(row: Sequence[Any]) -> tuple[tuple[bool, Any], ...]:
    """By the axes, test set and threshold; given systems, which have no value on most axes, come first."""
    return tuple((value is not None, value) for value in _ORDER(row))


def _damaged(path: Path, error: object) -> InputError:
    return InputError(f"cannot read {path}: it is damaged ({error})")


def _rows(identity: str, result: Result | None) -> Iterator[Sequence[Any]]:
    if result is None:  # removed meanwhile
        return
    axes = [result.axes[name] for name in AXES]
    for test, measured in result.tests.items():
        for threshold in THRESHOLDS:
            mean = measured.mean[threshold]
            yield (
                identity, *axes, result.photos, result.parameters, result.seconds,
                test, threshold, *(mean[name] for name in _FIGURES),
            )  # fmt: skip


def to_csv(records: Sequence[dict[str, Any]]) -> str:
    """Records as text in CSV, with a line of names."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


def is_table(content: Sequence[dict[str, Any]]) -> bool:
    """True for the content of a JSON file that holds `Store.records`, of this version or another."""
    return bool(content) and all(record.keys() >= _NAMED for record in content)


def is_table_csv(path: Path) -> bool:
    """True for a file that holds the text of `to_csv`, of this version or another."""
    with path.open("rb") as file:
        return set(file.readline(10_000).decode(errors="replace").rstrip().split(",")) >= _NAMED
