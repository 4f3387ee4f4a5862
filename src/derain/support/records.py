"""Files of results, and folders of them with a record: what is not ours is not overwritten."""

import json
import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from filelock import FileLock, Timeout

from derain.errors import InputError, unreadable
from derain.support.files import entry, folded, make_folder, regular, remove_leftovers, write_json

T = TypeVar("T")


def claim_file(path: Path, program: str, is_ours: Callable[[Path], bool]) -> None:
    """Make the folder of a result, and make sure that the result replaces nothing of another kind.

    It removes what a killed run left of it half-written.

    Args:
        path: file that is to be written.
        program: what writes it, for the sentence, such as "derain evaluate".
        is_ours: tells whether a file that is there is a result of the same kind.

    Raises:
        InputError: a folder, a device or a file of another kind is there, or the folder cannot be written.
    """
    if os.path.lexists(path) and not (entry(path) == "file" and is_ours(path)):
        raise InputError(f"{path} is no result of {program} and is not overwritten; give another name")
    make_folder(path.parent)
    remove_leftovers([path])


def is_json(fits: Callable[[Any], bool]) -> Callable[[Path], bool]:
    """A test of files for `claim_file`: JSON whose content fits. Of content of another shape `fits` may raise."""

    def is_ours(path: Path) -> bool:
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            return fits(json.loads(path.read_bytes()))
        return False

    return is_ours


def json_with(*keys: str) -> Callable[[Path], bool]:
    """A test of files for `claim_file`: a JSON object that has all of these keys."""
    return is_json(lambda content: set(keys) <= content.keys())


@contextmanager
def alone_in(folder: Path, program: str) -> Iterator[None]:
    """Keep a second run of a program out of a folder while one is at work there.

    Args:
        folder: it is there.
        program: such as "derain train".

    Raises:
        InputError: another run is at work in it, or it cannot be written.
    """
    path = folder / f".{program.replace(' ', '-')}.lock"
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise InputError(f"another {program} is at work in {folder}: wait for it, or give another --out") from error
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        lock.release()


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
            return parse(json.loads(regular(self._record).read_bytes()))
        except OSError as error:
            raise unreadable(self._record, error) from error
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(f"{self._record} was not written by this version of {self._program}") from error

    def claim(self, keys: Collection[str], names: Iterable[str]) -> None:
        """Make sure that the record is ours, or that there is none and no file would be overwritten.

        Args:
            keys: which every record of the program has.
            names: of the files to be written, from the folder.

        Raises:
            InputError: the record is of another kind, or a file of `names` is there without one.
        """
        names = list(names)
        there = self.read(lambda content: [content[key] for key in keys]) is not None
        self.claim_files(names, names if there else ())

    def claim_files(self, names: Collection[str], ours: Collection[str]) -> None:
        """Make sure that no file that is someone else's would be overwritten, on any file system.

        It removes what a killed run left half-written of `names` and of the record.

        Args:
            names: of the files to be written, from the folder.
            ours: of the files that the program wrote.

        Raises:
            InputError: a file is there that is not in `ours`, or is a result of another name, and its name equals one
                of `names` except for case or Unicode form.
        """
        listed = cache(_listed)
        results = {folded(name): name for name in ours}
        for name in names:
            path = PurePosixPath(name)
            there = {str(path.with_name(found)) for found in listed(self._folder / path.parent)[folded(path.name)]}
            for other in sorted(there.difference(ours)):
                raise InputError(
                    f"{self._folder / other} is no result of {self._program} and is not overwritten; "
                    "choose another folder"
                )
            result = results.get(folded(name), name)
            if result != name and name not in ours and os.path.lexists(self._folder / result):
                raise InputError(
                    f"{self._folder / result} is there, and {path.name} differs from it only in case or Unicode form; "
                    "choose another folder"
                )
        remove_leftovers([self._record, *(self._folder / name for name in names)])

    def write(self, content: Any) -> None:
        """Replace the record."""
        write_json(self._record, content)


def _listed(folder: Path) -> defaultdict[str, list[str]]:
    """The names in a folder by their folded form; none where it cannot be read."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    with suppress(OSError):
        for path in folder.iterdir():
            found[folded(path.name)].append(path.name)
    return found
