"""Errors that the command line prints as one sentence, and the helpers that word such sentences.

DerainError
├── InputError             bad input; exit code 2; also a ValueError
│   ├── MissingFileError   a file or folder that does not exist
│   └── MissingExtraError  an optional package that is not installed
└── TrainingError          a training that cannot go on; exit code 1; also a RuntimeError
"""

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path
from typing import ClassVar, TypeVar

Name = TypeVar("Name", bound=str)


class DerainError(Exception):
    """Any error that a person can put right: its text is one sentence.

    Attributes:
        exit_code: code with which the command line ends after it has printed the sentence.
    """

    exit_code: ClassVar[int] = 1


class InputError(DerainError, ValueError):
    """Bad input: its sentence names the file or setting and the cause."""

    exit_code = 2


class MissingFileError(InputError):
    """A file or folder that does not exist."""


class MissingExtraError(InputError):
    """An optional package that is not installed; its sentence names the extra of derain that brings it."""


class TrainingError(DerainError, RuntimeError):
    """A training that cannot go on, such as one whose loss is no longer a number."""


@contextmanager
def needs_extra(extra: str, need: str) -> Iterator[None]:
    """A block that imports optional packages.

    Args:
        extra: optional dependencies of derain that bring the packages.
        need: sentence that says who needs what.

    Raises:
        MissingExtraError: a package is not installed.

    >>> with needs_extra("video", "videos need PyAV"):
    ...     import no_such_package
    Traceback (most recent call last):
    ...
    derain.errors.MissingExtraError: videos need PyAV, which is not installed: pip install 'derain[video]'
    """
    try:
        yield
    except ImportError as error:
        raise MissingExtraError(f"{need}, which is not installed: pip install 'derain[{extra}]'") from error


def unreadable(path: Path, error: Exception, kind: str = "") -> InputError:
    """Make the error for a file that cannot be read; one that does not exist is a MissingFileError with a near name.

    Args:
        path: the file.
        error: the cause.
        kind: what the file is, such as "the image".

    >>> unreadable(Path("a.png"), FileNotFoundError(2, "No such file or directory"), "the image")
    MissingFileError('cannot read the image a.png: No such file or folder')
    """
    named = f"{kind} {path}" if kind else f"{path}"
    if isinstance(error, FileNotFoundError):
        return MissingFileError(f"cannot read {named}: No such file or folder{near_name(path)}")
    return InputError(f"cannot read {named}: {getattr(error, 'strerror', None) or error}")


def near_name(path: Path) -> str:
    """Make the end of a sentence that names what is there under a similar name; empty if nothing is.

    >>> near_name(Path("a.png"))
    ''
    """
    missing = next((each for each in (*reversed(path.parents), path) if not os.path.lexists(each)), path)
    there: list[str] = []
    with suppress(OSError):
        there = [each.name for each in missing.parent.iterdir()]
    closest = get_close_matches(missing.name, there, n=1, cutoff=0.8)
    return f" (did you mean {missing.with_name(closest[0]) / path.relative_to(missing)}?)" if closest else ""


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """The end of a sentence that names the closest valid name; empty if there is none.

    >>> "unknown rain 'medum'" + did_you_mean("medum", ["small", "medium", "large"])
    "unknown rain 'medum' (did you mean medium?)"
    >>> did_you_mean("medum", [])
    ''
    """
    by_lower_case = {each.lower(): each for each in valid}
    closest = get_close_matches(name.lower(), list(by_lower_case), n=1, cutoff=0.0)
    return f" (did you mean {by_lower_case[closest[0]]}?)" if closest else ""


def one_of(name: str, valid: Collection[Name], what: str) -> Name:
    """The valid name that equals `name`.

    Args:
        name: what was asked for.
        valid: all names that are valid.
        what: what the names are of, for the sentence.

    Raises:
        InputError: `name` is none of them; the sentence lists them and names the closest.

    >>> one_of("gpu", ("cpu", "gpu"), "scale")
    'gpu'
    """
    for each in valid:
        if each == name:
            return each
    raise InputError(f"unknown {what} {name!r}; there are {', '.join(valid)}{did_you_mean(name, valid)}")
