"""RESULTS/data.json: what the pictures of a study were, so that changed data and leaks into the test are noticed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from filelock import FileLock

from derain.errors import InputError
from derain.evaluation.test_sets import unused
from derain.pictures.images import read_image
from derain.study.run.store import FORMAT, read_json
from derain.support.files import write_json

Hashes = Mapping[str, str]


class DataRecord:
    """Content hashes of sets of pictures, kept beside the results that were made with them.

    A picture's hash is that of its pixels, so that the same photo in another format counts as the same. Hashes of files
    whose size and time are unchanged are taken from the record.

    Args:
        results: folder of results; data.json in it is read if it is there.

    Raises:
        InputError: data.json is damaged or of a newer version.
    """

    def __init__(self, results: Path) -> None:
        self._path = results / "data.json"
        self._sets = self._read()
        self._hashed: set[str] = set()

    def hashes(self, name: str, files: Sequence[Path]) -> Hashes:
        """The hash of every picture of a set by its file name; of several with one name, by name and number.

        Raises:
            InputError: a picture is bad, or the set is not what it was when the results were made.
        """
        recorded = self._sets.get(name)
        found: dict[str, dict[str, Any]] = {}
        for path in files:
            key = unused(path.name, found)
            stat = path.stat()
            entry = {"bytes": stat.st_size, "changed_ns": stat.st_mtime_ns}
            known = (recorded or {}).get(key, {})
            if {**entry, "hash": known.get("hash")} != known:
                known = {**entry, "hash": picture_hash(path)}
            found[key] = known
        if recorded is not None:
            self._refuse_change(name, recorded, found)
        self._sets[name] = found
        self._hashed.add(name)
        return {key: entry["hash"] for key, entry in found.items()}

    def save(self) -> None:
        """Write data.json, atomically, with what other processes have written meanwhile."""
        with FileLock(self._path.with_name(".data.lock")):
            sets = self._read() | {name: self._sets[name] for name in self._hashed}
            write_json(self._path, {"format": FORMAT, "sets": sets})

    def _read(self) -> dict[str, dict[str, Any]]:
        if not self._path.exists():
            return {}
        sets: dict[str, dict[str, Any]] = read_json(self._path, "sets")["sets"]
        return sets

    def _refuse_change(self, name: str, recorded: Mapping[str, Any], found: Mapping[str, Any]) -> None:
        for key in [*recorded, *found]:
            if key not in found:
                change = f"{key} is no longer there"
            elif key not in recorded:
                change = f"{key} is new"
            elif found[key]["hash"] != recorded[key]["hash"]:
                change = f"{key} has another content"
            else:
                continue
            if name in self._hashed:
                raise InputError(f"there are two different sets of pictures called {name!r}: name one otherwise")
            raise InputError(
                f"the pictures of {name} have changed since {self._path.parent} was made: {change}; "
                "put them back, or give another --out"
            )


def picture_hash(path: Path) -> str:
    """Hash of a picture's pixels.

    Raises:
        InputError: the picture is bad.
    """
    picture = read_image(path)
    return sha256(str(picture.shape).encode() + picture.tobytes()).hexdigest()[:32]


def set_hash(hashes: Hashes) -> str:
    """Hash of a set of pictures and their names."""
    return sha256(json.dumps(sorted(hashes.items())).encode()).hexdigest()[:32]


def refuse_leak(category: str, training: Hashes, test: str, clean: Hashes) -> None:
    """Refuse to test on a photo that was trained on.

    Raises:
        InputError: naming the test set, the category and both files.
    """
    trained: dict[str, str] = {content: name for name, content in training.items()}
    for name, content in clean.items():
        if content in trained:
            raise InputError(
                f"test set {test!r} shows a photo that is trained on: {name} is {trained[content]} of {category!r}"
            )


def refuse_unset(folders: Iterable[Path]) -> None:
    """Refuse folders whose environment variable is not set."""
    for folder in folders:
        for part in folder.parts:
            if part.startswith("$"):
                raise InputError(f"{folder} cannot be found: the environment variable {part.strip('${}')} is not set")
