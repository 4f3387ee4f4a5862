"""What has been done in a folder of results, so that it is not done twice and nothing else is overwritten."""

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from derain.errors import InputError
from derain.files import write_json

_FORMAT = 1
_SECONDS = 1.0  # between two writings: a folder may hold many thousands


class Manifest:
    """OUT/restored.json: of every result by its name, what it was made from and how; null while it is being made. Of
    photos that were reported on, also what was changed.

    Args:
        out: the folder of the results.

    Raises:
        InputError: the file is there but was not written by `derain restore`.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._path = out / "restored.json"
        self._written = time.monotonic()
        self._results: dict[str, Mapping[str, Any] | None] = {}
        self._changes: dict[str, dict[str, Any]] = {}
        if self._path.exists():
            try:
                content = json.loads(self._path.read_bytes())
                if content["format"] != _FORMAT:
                    raise KeyError("format")
                self._results = dict(content["results"])
                self._changes = dict(content["changes"])
            except (OSError, ValueError, TypeError, KeyError) as error:
                raise InputError(f"{self._path} was not written by this version of derain restore") from error

    def claim(self, names: Iterable[str]) -> None:
        """Make sure that files of these names may be written, and note them before the first one is.

        Raises:
            InputError: such a file is there and is no result of `derain restore`.
        """
        for name in names:
            if name not in self._results and (self._out / name).exists():
                raise InputError(f"{self._out / name} is no result of derain restore and is not overwritten")
            self._results.setdefault(name, None)
        self.write()

    def holds(self, name: str, description: Mapping[str, Any]) -> bool:
        """Whether the result is there and was made as described."""
        return self._results.get(name) == description and (self._out / name).is_file()

    def add(self, name: str, description: Mapping[str, Any]) -> None:
        """Note a result that is written; the file follows within a second or with `write`."""
        self._results[name] = description
        if time.monotonic() - self._written > _SECONDS:
            self.write()

    def note_changes(self, name: str, changes: Mapping[str, Any]) -> None:
        """Keep the figures of what was changed in a photo."""
        self._changes[name] = dict(changes)

    def changes(self, name: str) -> dict[str, Any]:
        """The figures that were noted last for a result."""
        return self._changes[name]

    def write(self) -> None:
        """Write the file."""
        write_json(self._path, {"format": _FORMAT, "results": self._results, "changes": self._changes})
        self._written = time.monotonic()
