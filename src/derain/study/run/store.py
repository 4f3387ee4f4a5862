"""Results on disk: one JSON a training, and an SQLite index that can be made again from them at any time."""

import csv
import io
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from derain.errors import InputError
from derain.evaluation.metrics import METRICS
from derain.support.files import write_json

FORMAT = 1
THRESHOLDS = ("10", "50")
AXES = ("network", "category", "count", "rain", "seed", "length", "precision", "loss", "scale")
_INDEX_VERSION = 3
_FIGURES = tuple(metric.name for metric in METRICS)
_COLUMNS = ("id", *AXES, "photos", "parameters", "seconds", "test", "threshold", *_FIGURES)


def read_json(path: Path, *needed: str) -> dict[str, Any]:
    """A JSON file that this package wrote, which has the keys that are needed.

    Raises:
        InputError: it is damaged, or was written by a newer version.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version = content["format"]
        is_newer = version > FORMAT
        missing = [key for key in needed if key not in content]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"cannot read {path}: it is damaged ({error})") from error
    if is_newer:
        raise InputError(f"{path} was written by a newer version of derain (format {version}, known up to {FORMAT})")
    if missing:
        raise InputError(f"cannot read {path}: it is damaged (there is no {missing[0]!r})")
    return content  # type: ignore[no-any-return]


class Store:
    """A folder of results.

    results/ID.json: one a training, with its figures on every test set. runs/ID: the training itself. failed/ID.json:
    why one failed. studies/NAME.SCALE.json: what belongs to a study. index.sqlite: figures for queries.

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

    def result(self, identity: str) -> dict[str, Any] | None:
        """What is known of a training; None: nothing yet.

        Raises:
            InputError: the file is damaged or of a newer version.
        """
        path = self.result_path(identity)
        if not path.exists():
            return None
        result = read_json(path, "axes", "photos", "parameters", "tests")
        return {**result, "axes": _with_defaults(result["axes"])}

    def write_result(self, identity: str, result: dict[str, Any]) -> None:
        path = self.result_path(identity)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"format": FORMAT, **result})
        self.failure_path(identity).unlink(missing_ok=True)

    def write_failure(self, identity: str, reason: str) -> None:
        path = self.failure_path(identity)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"format": FORMAT, "reason": reason})

    def failure(self, identity: str) -> str | None:
        """Why a training failed; None: it did not."""
        path = self.failure_path(identity)
        return str(read_json(path, "reason")["reason"]) if path.exists() else None

    def write_study(self, name: str, content: dict[str, Any]) -> None:
        path = self._study_path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"format": FORMAT, **content})

    def _study_path(self, name: str) -> Path:
        return self.folder / "studies" / f"{name}.json"

    def runs(self) -> dict[str, list[dict[str, Any]]]:
        """The trainings that belong to the studies that were run here, by NAME.SCALE."""
        found = sorted((self.folder / "studies").glob("*.json"))
        return {path.stem: read_json(path, "runs")["runs"] for path in found}

    def is_begun(self, identity: str) -> bool:
        """Whether a training has a result or a folder."""
        return self.result_path(identity).exists() or self.run(identity).exists()

    def studies(self) -> list[dict[str, Any]]:
        """What belongs to the studies that were run here, in the order of their names."""
        found = [read_json(path, "study", "scale", "runs") for path in sorted((self.folder / "studies").glob("*.json"))]
        return [
            {**content, "runs": [{**run, "axes": _with_defaults(run["axes"])} for run in content["runs"]]}
            for content in found
        ]

    def records(self) -> list[dict[str, Any]]:
        """One flat record for every training, test set and threshold, as `pandas.DataFrame` takes them.

        Keys: id, the `AXES`, photos (distinct ones), parameters, seconds (of training), test, threshold, and the
        figures of `derain.METRICS`, means over images, or None.

        Raises:
            InputError: there are no results, the index cannot be written, or a file is damaged or of a newer version.
        """
        with closing(self._index()) as index:
            rows = index.execute(
                f"select {', '.join(_COLUMNS)} from figures order by {', '.join(AXES)}, test, threshold"
            )
            return [dict(zip(_COLUMNS, row, strict=True)) for row in rows]

    def _index(self) -> sqlite3.Connection:
        """The index, brought up to date: only files that are new or changed are read; a damaged one is made again."""
        if not any((self.folder / "results").glob("*.json")):
            raise InputError(f"{self.folder} holds no results of a study")
        path = self.folder / "index.sqlite"
        with suppress(sqlite3.DatabaseError):
            return self._opened(path)
        try:
            path.unlink(missing_ok=True)
            return self._opened(path)
        except (sqlite3.DatabaseError, OSError) as error:
            raise InputError(f"cannot write {path}: {error}") from error

    def _opened(self, path: Path) -> sqlite3.Connection:
        index = sqlite3.connect(path, timeout=30)
        try:
            self._update(index)
        except BaseException:
            index.close()
            raise
        return index

    def _update(self, index: sqlite3.Connection) -> None:
        with index:
            [version] = index.execute("pragma user_version").fetchone()
            if version != _INDEX_VERSION:
                index.executescript(
                    "drop table if exists files; drop table if exists figures;"
                    "create table files (id text primary key, changed_ns integer, bytes integer);"
                    f"create table figures ({', '.join(_COLUMNS)});"
                    "create index by_id on figures (id);"
                    f"pragma user_version = {_INDEX_VERSION}"
                )
        with index:
            known = {row[0]: row[1:] for row in index.execute("select id, changed_ns, bytes from files")}
            found = {}
            for path in (self.folder / "results").glob("*.json"):
                stat = path.stat()
                found[path.stem] = (stat.st_mtime_ns, stat.st_size)
            gone = [(identity,) for identity, state in known.items() if found.get(identity) != state]
            index.executemany("delete from figures where id = ?", gone)
            index.executemany("delete from files where id = ?", gone)
            for identity, state in found.items():
                if known.get(identity) != state:
                    rows = list(_rows(identity, self.result(identity) or {}))
                    marks = ", ".join("?" * len(_COLUMNS))
                    index.executemany(f"insert into figures values ({marks})", rows)
                    index.execute("insert into files values (?, ?, ?)", (identity, *state))


def _with_defaults(axes: dict[str, Any]) -> dict[str, Any]:
    """Axes of results that were made before there was a choice of precision and loss."""
    return {"precision": "float32", "loss": "l1", **axes}


def _rows(identity: str, result: dict[str, Any]) -> Iterator[Sequence[Any]]:
    axes = [result["axes"][name] for name in AXES]
    for test, measured in result["tests"].items():
        for threshold in THRESHOLDS:
            mean = measured["mean"][threshold]
            yield (
                identity, *axes, result["photos"], result["parameters"], result["seconds"],
                test, int(threshold), *(mean[name] for name in _FIGURES),
            )  # fmt: skip


def to_csv(records: Sequence[dict[str, Any]]) -> str:
    """Records as text in CSV, with a line of names."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()
