"""Folders of results with a record of them: what is not ours is not overwritten."""

import json
import os
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any, TypeVar

from derain.errors import InputError, unreadable
from derain.support.files import write_json

T = TypeVar("T")


class OwnedFolder:
    """A folder in which a program overwrites its own results alone; a JSON file beside them keeps which these are.

    Args:
        folder: the folder of the results.
        record: name of the JSON file.
        program: what writes both, for sentences, such as "derain synth".
    """

    def __init__(self, folder: Path, record: str, program: str) -> None:
        self._folder = folder
        self._record = folder / record
        self._program = program

    def read(self, parse: Callable[[Any], T]) -> T | None:
        """The content of the record; None if there is none.

        Args:
            parse: makes the content of the JSON; it raises ValueError, TypeError or KeyError for one of another kind.

        Raises:
            InputError: the record cannot be read, or is of another kind.
        """
        if not os.path.lexists(self._record):
            return None
        try:
            return parse(json.loads(self._record.read_bytes()))
        except OSError as error:
            raise unreadable(self._record, error) from error
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(f"{self._record} was not written by this version of {self._program}") from error

    def refuse_others(self, names: Iterable[str], ours: Collection[str]) -> None:
        """Make sure that no file that is someone else's would be overwritten.

        Args:
            names: of the files to be written, from the folder.
            ours: of the files that the program wrote.

        Raises:
            InputError: a file of `names` is there and is not in `ours`.
        """
        for path in (self._folder / name for name in names if name not in ours):
            if os.path.lexists(path):
                raise InputError(
                    f"{path} is no result of {self._program} and is not overwritten; choose another folder"
                )

    def write(self, content: Any) -> None:
        """Replace the record."""
        write_json(self._record, content)
