"""Outputs are written whole or not at all."""

import errno
import json
import os
import tempfile
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from stat import S_ISDIR, S_ISREG
from typing import Any, Literal

from derain.errors import InputError, unreadable

_LETTERS = 8


def make_folder(folder: Path) -> Path:
    """Create `folder` with its parents and make sure that files can be written in it.

    Raises:
        InputError: it cannot be created or written; the sentence names it and the cause.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise InputError(f"cannot write into the folder {folder}: {error.strerror}") from error
    return folder


def regular(path: Path) -> Path:
    """The same path, unless a pipe, a socket or a device is there, which a reader might wait at for ever.

    Raises:
        OSError: it is no regular file.
    """
    if entry(path) == "other":
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return path


def checked_readable(path: Path) -> Path:
    """The same path, once the file has been opened for reading.

    Raises:
        InputError: it cannot be read; a MissingFileError if it does not exist.
    """
    try:
        regular(path).open("rb").close()
    except OSError as error:
        raise unreadable(path, error) from error
    return path


def entry(path: Path) -> Literal["file", "folder", "other"] | None:
    """The kind of what is at a path, links followed; None if nothing is there or it cannot be reached.

    Path.is_dir, Path.is_file and Path.exists raise for a name that is too long or in a folder that may not be entered.

    >>> entry(Path("/")), entry(Path("a" * 1000))
    ('folder', None)
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return None
    return "folder" if S_ISDIR(mode) else "file" if S_ISREG(mode) else "other"


def folded(name: str) -> str:
    """A name in the one form that it shares with all names that some file system takes for the same.

    macOS and Windows ignore case, and macOS the way in which Unicode spells a letter.

    >>> folded("IMG_1.JPG") == folded("img_1.jpg"), folded("caf\u00e9") == folded("Cafe\u0301")
    (True, True)
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary file in the folder of `path` to write to, flushed to disk and renamed to it once all went well.

    The folder is flushed, too, so that a power loss does not undo the renaming.

    Raises:
        InputError: the disk is full or the folder cannot be written. After any error the temporary file is gone, and
            whatever stood at `path` before is untouched.
    """
    temporary = path.with_name(f"{_beginning(path)}{token_hex(_LETTERS // 2)}")
    try:
        try:
            temporary.touch(exist_ok=False)
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
            _flush_folder(path.parent)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from error


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":  # where a folder cannot be opened
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno != errno.EINVAL:  # there is nothing to flush, as on some network shares
            raise
    finally:
        os.close(opened)


def remove_leftovers(paths: Iterable[Path]) -> None:
    """Remove what processes that were killed in `whole_file` left of these files; nobody else may be writing them."""
    beginnings = defaultdict[Path, set[str]](set)
    for path in paths:
        beginnings[path.parent].add(_beginning(path))
    for folder, left in beginnings.items():
        with suppress(FileNotFoundError):
            for found in list(folder.iterdir()):
                if found.name[:-_LETTERS] in left:
                    found.unlink(missing_ok=True)


def _beginning(path: Path) -> str:
    """Shorten a long name: the temporary one must fit in 255 bytes, too, and a letter takes up to four."""
    return f".{path.name[:60]}."


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically (`whole_file`).

    Raises:
        InputError: as of `whole_file`.
    """
    with whole_file(path) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically. NaN and infinity are refused: what is undefined is null.

    Paths become absolute, as the file may be read from another folder.
    """
    text = json.dumps(value, indent=2, allow_nan=False, default=_absolute)
    write_bytes(path, f"{text}\n".encode())


def _absolute(value: object) -> str:
    if not isinstance(value, Path):
        raise TypeError(f"{value!r} is not for JSON")
    return str(value.absolute())
