"""The record of a folder of results, so that nothing is done twice and nothing else is overwritten."""

import os
import time
from collections.abc import Mapping, Sequence
from hashlib import file_digest
from pathlib import Path
from threading import Lock
from typing import Any

from derain.errors import InputError
from derain.support.files import entry, regular, remove_leftovers
from derain.support.records import OwnedFolder

_FORMAT = 1
_SECONDS = 1.0  # between two writings: a folder may hold many thousands


class Manifest:
    """OUT/restored.json: of every result by its name, what it was made from and how, and its SHA-256; the names that
    may be written while a run is under way; of photos that were reported on, what was changed.

    Args:
        out: the folder of the results.

    Raises:
        InputError: the file is there but was not written by `derain restore`.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._folder = OwnedFolder(out, "restored.json", "derain restore")
        self._results, self._claimed, self._changes = self._folder.read(_parse) or ({}, set(), {})
        self._written = time.monotonic()
        self._lock = Lock()

    def refuse_others(self, name: str, source: str) -> None:
        """Refuse a result that was made of another file: cameras give one name to many.

        Args:
            name: of the result.
            source: path of the file that it is to be made of.

        Raises:
            InputError: the other file is still there; one that was moved is taken for the same.
        """
        other = (self._results.get(name, {}).get("source") or {}).get("path", source)
        if other != source and entry(Path(other)) and os.path.lexists(self._out / name):
            raise InputError(f"{self._out / name} was made of {other}, not of {source}: give another --out")

    def claim(self, names: Sequence[str]) -> None:
        """Make sure that files of these names may be written, and note them before the first one is.

        It removes what a killed run left half-written of those it had claimed.

        Raises:
            InputError: such a file is there and is no result of `derain restore`, or was changed since.
        """
        self._folder.claim_files(names, self._results.keys() | self._claimed)
        for name in names:
            path = self._out / name
            if name not in self._claimed and os.path.lexists(path) and self._results[name]["sha256"] != _sha256(path):
                raise InputError(f"{path} was changed after derain restore wrote it and is not overwritten")
        remove_leftovers(self._out / name for name in self._claimed)
        self._claimed.update(names)
        self.write()

    def release(self, names: Sequence[str]) -> None:
        """The reverse of `claim`, when nothing more is written: what was not is nobody's."""
        self._claimed.difference_update(names)
        self.write()

    def wrote(self, file: Path) -> bool:
        """True for a file that is one of the results, as far as its place and its name tell."""
        folder, out = Path(os.path.realpath(file.parent)), os.path.realpath(self._out)
        if not folder.is_relative_to(out):
            return False
        name = (folder / file.name).relative_to(out).as_posix()
        return name in self._results or name in self._claimed

    def holds(self, name: str, description: Mapping[str, Any]) -> bool:
        """True for a result that is there and was made as described."""
        made = {key: value for key, value in self._results.get(name, {}).items() if key != "sha256"}
        return made == description and (self._out / name).is_file()

    def replaces(self, name: str, description: Mapping[str, Any]) -> bool:
        """True for a result that is there and was made otherwise, such as by another model."""
        return name in self._results and not self.holds(name, description) and (self._out / name).is_file()

    def add(self, name: str, description: Mapping[str, Any]) -> None:
        """Note a result that is written; the file follows within a second or with `write`."""
        made = {**description, "sha256": _sha256(self._out / name)}
        with self._lock:
            self._results[name] = made
            self._claimed.discard(name)
        if time.monotonic() - self._written > _SECONDS:
            self.write()

    def note_changes(self, name: str, changes: Mapping[str, Any]) -> None:
        """Keep the figures of what was changed in a photo."""
        with self._lock:
            self._changes[name] = dict(changes)

    def changes(self, name: str) -> dict[str, Any]:
        """The figures that were noted last for a result."""
        return self._changes[name]

    def write(self) -> None:
        """Write the file."""
        with self._lock:  # photos are added by another thread than videos
            results, changes = (dict(sorted(each.items())) for each in (self._results, self._changes))
            content = {"results": results, "claimed": sorted(self._claimed), "changes": changes}
            self._folder.write({"format": _FORMAT, **content})
        self._written = time.monotonic()


def _parse(content: Any) -> tuple[dict[str, dict[str, Any]], set[str], dict[str, dict[str, Any]]]:
    """Results, claimed names and changes."""
    if content["format"] != _FORMAT:
        raise ValueError
    results = {name: {**made, "sha256": made["sha256"]} for name, made in dict(content["results"]).items()}
    return results, set(content["claimed"]), dict(content["changes"])


def _sha256(path: Path) -> str | None:
    """None where there is no file to read."""
    try:
        with regular(path).open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
