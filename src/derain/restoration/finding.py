"""Photos and videos that files, folders and patterns stand for, and files that folders leave out."""

import logging
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from glob import glob, has_magic
from pathlib import Path

from derain.errors import InputError
from derain.pictures import raw
from derain.pictures.formats import SUFFIXES, missing_extra
from derain.pictures.images import list_entries
from derain.restoration.manifest import Manifest
from derain.restoration.video import SUFFIXES as VIDEO_SUFFIXES
from derain.support.files import entry

_KNOWN = (*SUFFIXES, *raw.SUFFIXES, *VIDEO_SUFFIXES)
_NAMED = 3  # of what is left out, at most; the rest is counted
_log = logging.getLogger("derain")


def find_files(inputs: Sequence[Path], out: Path | None = None, recursive: bool = False) -> list[Path]:
    """Photos and videos, each once: files as they are, those of folders, and of patterns.

    What is left out of a folder is logged in one line, with its number, names and cause; hidden files are not.

    Args:
        inputs: files, folders, and patterns as a shell knows them (*, ?, [...], and ** for any depth).
        out: folder for the results; those that are in it already are left out of what a pattern matches, and where it
            is one of the folders, as a shell may give it for a pattern.
        recursive: take the files of folders in folders as well, but of `out` and of links to folders.

    Raises:
        InputError: nothing is given, a folder holds no photo or video, nothing matches a pattern, or all is results.
    """
    if not inputs:
        raise InputError("give at least one photo, video or folder")
    made = None if out is None else Manifest(out)
    found: dict[str, Path] = {}
    for path in inputs:
        if entry(path) == "folder":
            files = [file for file in _of_folder(path, out, recursive) if not (made and made.wrote(file))]
        elif has_magic(str(path)) and not os.path.lexists(path):
            matches = map(Path, sorted(glob(str(path), recursive=True)))  # noqa: PTH207 (a pattern may be absolute)
            files = [match for match in matches if match.suffix.lower() in _KNOWN and match.is_file()]
            files = [file for file in files if not (made and made.wrote(file))]
            if not files:
                raise InputError(f"no photo or video matches {path}")
        else:
            files = [path]
        found |= {place(file): file for file in files}
    if not found:
        raise InputError(f"{out} holds results of derain restore alone")
    return list(found.values())


def place(file: Path) -> str:
    """The place of a file; a link to a file is a file of its own, with a name of its own."""
    return str(Path(os.path.realpath(file.parent), file.name))


def _of_folder(folder: Path, out: Path | None, recursive: bool) -> list[Path]:
    """The photos and videos of a folder; the others are logged."""
    found: list[Path] = []
    left_out: defaultdict[str, list[Path]] = defaultdict(list)
    for path in _entries(folder, out, recursive):
        if cause := _cause_to_leave_out(path, recursive):
            left_out[cause].append(path)
        else:
            found.append(path)
    told = "; ".join(f"{cause}: {len(paths)} ({_names(paths, folder)})" for cause, paths in left_out.items())
    if not found:
        because = f"; left out: {told}" if told else ""
        raise InputError(f"the folder {folder} holds no photo or video ({', '.join(_KNOWN)}){because}")
    if told and not _is_same(folder, out):
        _log.warning("%s: %d to restore; left out: %s", folder, len(found), told)
    return found


def _entries(folder: Path, out: Path | None, recursive: bool) -> Iterator[Path]:
    """Entries of a folder, if `recursive` with those of its subfolders in their place; no hidden files, no `out`."""
    for path in list_entries(folder):
        if path.name.startswith(".") or _is_same(path, out):
            continue
        if recursive and path.is_dir() and not path.is_symlink():
            try:
                yield from _entries(path, out, recursive)
            except InputError as error:
                _log.warning("left out: %s", error)
        else:
            yield path


def _cause_to_leave_out(path: Path, recursive: bool) -> str | None:
    """Why what is in a folder is not restored; None: it is. A link that leads nowhere is named when it is read."""
    kind = entry(path)
    if kind == "folder":
        return "linked folders" if recursive else "folders, as --recursive was not given"
    if path.suffix.lower() not in _KNOWN:
        return "of another kind"
    if kind == "other":
        return "no regular files"
    if extra := missing_extra(path):
        return f"files that need pip install 'derain[{extra}]'"
    return None


def _names(paths: Sequence[Path], folder: Path) -> str:
    named = ", ".join(str(path.relative_to(folder)) for path in paths[:_NAMED])
    return f"{named}, ..." if len(paths) > _NAMED else named


def _is_same(path: Path, out: Path | None) -> bool:
    return out is not None and os.path.realpath(path) == os.path.realpath(out)
