"""Many photos and videos: found, restored while others are read and written, and not done twice."""

import logging
import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from derain.errors import InputError
from derain.pictures import raw
from derain.pictures.deep import eight_bits
from derain.restoration.changes import Changes, draw_changes, find_changes
from derain.restoration.finding import place
from derain.restoration.manifest import Manifest
from derain.restoration.photos import (
    MAX_PIXELS,
    Photo,
    encode_photo,
    encode_strip,
    is_colourless,
    read_photo,
    without_colours,
)
from derain.restoration.report import PAGE, report_page, strip_name
from derain.restoration.restorer import Picture, TiledRestorer
from derain.restoration.video import SUFFIXES as VIDEO_SUFFIXES
from derain.restoration.video import TO_MKV, restore_video
from derain.support.files import folded, make_folder, write_bytes
from derain.support.records import alone_in

_REPORTED_PX = 800
_log = logging.getLogger("derain")


@dataclass(frozen=True)
class Writing:
    """Settings of the results.

    Attributes:
        out: folder for them and for restored.json.
        quality: 1..100, of JPEG and WebP.
        smoothing: 0..1, of videos (`derain.restoration.smoothing`).
        compare: write OUT/NAME.compare.jpg as well, photo and result side by side.
        report: write OUT/report.html as well, which says of every photo what was changed, where, and how sure that is.
        tree: folders below which a result lies as its source does; others lie in `out` itself.
    """

    out: Path
    quality: int = 95
    smoothing: float = 0.0
    compare: bool = False
    report: bool = False
    tree: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """Numbers of files.

    Attributes:
        restored: restored now.
        skipped: done already.
        failed: not restored, each of which was logged with its cause.
        warned: photos that the report warns about.
        replaced: those of `restored` in whose place a result lay that was made otherwise, such as by another model.
    """

    restored: int
    skipped: int
    failed: int
    warned: int = 0
    replaced: int = 0


def restore_files(
    files: Sequence[Path],
    restorer: TiledRestorer,
    model_hash: str,
    writing: Writing,
    max_pixels: int = MAX_PIXELS,
    report: Callable[[int, int], None] = lambda done, files: None,
    report_parts: Callable[[Path, int, int], None] = lambda file, done, parts: None,
    accept_truncated: bool = False,
) -> Outcome:
    """Restore photos and videos into OUT/NAME, in their formats; the same call again does what is missing or changed.

    One photo is read and one is written while another is restored; no more than these are in memory. What cannot be
    restored is logged with its cause, and the others go on.

    Args:
        files: as `find_files` gives them.
        restorer: what restores them.
        model_hash: of the model file. What was restored by another model, with another strength, quality or smoothing,
            or has changed since by size or time, is restored again.
        writing: where to, and how; none of the files may lie in the folder for the results.
        max_pixels: photos with more are refused.
        report: called with the number of files done and their total.
        report_parts: called with a file and the number done and the total of its tiles, or of its frames, where a
            total of 0 is unknown.
        accept_truncated: restore photos that end too early as far as they go.

    Raises:
        InputError: two files of one name, files in the folder for the results, which holds files of these names that
            were not made by this, or of another file, or cannot be written, or at work in which another call is, or a
            quality or smoothing out of range.
    """
    if not 1 <= writing.quality <= 100:
        raise InputError(f"the quality must be from 1 to 100, not {writing.quality}")
    if not 0 <= writing.smoothing <= 1:
        raise InputError(f"the smoothing must lie between 0 and 1, not {writing.smoothing}")
    make_folder(writing.out)
    with alone_in(writing.out, "derain restore"):
        outputs = {file: _outputs(file, writing) for file in files}
        _refuse_clashes(outputs, writing.out)
        descriptions = {file: _description(file, model_hash, restorer.strength, writing) for file in files}
        manifest = Manifest(writing.out)
        for file in files:
            for name in outputs[file]:
                manifest.refuse_others(name, place(file))
        todo = [file for file in files if not all(manifest.holds(name, descriptions[file]) for name in outputs[file])]
        replaced = {file for file in todo if manifest.replaces(_name(file, writing), descriptions[file])}
        written = [*chain.from_iterable(outputs[file] for file in todo), *([PAGE] if writing.report else [])]
        manifest.claim(written)
        read = partial(read_photo, max_pixels=max_pixels, accept_truncated=accept_truncated)
        batch = _Batch(restorer, writing, manifest, descriptions, read, report_parts)
        report(len(files) - len(todo), len(files))
        try:
            with closing(batch.restore(todo)) as restored:
                for done, _ in enumerate(restored, len(files) - len(todo) + 1):
                    report(done, len(files))
            warned = _report(files, descriptions, manifest, writing) if writing.report else 0
        finally:
            manifest.release(written)
        failed = len(batch.failures)
        made_otherwise = len(replaced.difference(batch.failures))
        return Outcome(len(todo) - failed, len(files) - len(todo), failed, warned, made_otherwise)


def _report(
    files: Sequence[Path], descriptions: Mapping[Path, Mapping[str, Any]], manifest: Manifest, writing: Writing
) -> int:
    """Writes the page on those of the files that are restored; the number of photos with warnings."""
    changes = {
        name: Changes(**manifest.changes(name))
        for file in files
        if manifest.holds(strip_name(name := _name(file, writing)), descriptions[file])
    }
    write_bytes(writing.out / PAGE, report_page(changes).encode(errors="replace"))  # names may be no text
    manifest.add(PAGE, {})
    return sum(bool(each.warnings()) for each in changes.values())


class _Batch:
    """The way of every file: read, restored, written; a failure is the file's own."""

    def __init__(
        self,
        restorer: TiledRestorer,
        writing: Writing,
        manifest: Manifest,
        descriptions: Mapping[Path, Mapping[str, Any]],
        read: Callable[[Path], Photo],
        report_parts: Callable[[Path, int, int], None],
    ) -> None:
        self.failures: list[Path] = []
        self._restorer = restorer
        self._writing = writing
        self._manifest = manifest
        self._descriptions = descriptions
        self._read = read
        self._report_parts = report_parts

    def restore(self, files: Sequence[Path]) -> Generator[Path]:
        """Files as they are restored; the last ones may still be on their way to the disk."""
        with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
            written: Future[None] | None = None
            for file, coming in self._one_ahead(reader, files):
                with self._surviving(file):
                    if coming is None:
                        self._restore_video(file)
                    else:
                        photo = coming.result()
                        restored = self._restorer.picture(photo.rgb, partial(self._report_parts, file))
                        restored = without_colours(restored) if is_colourless(photo.rgb) else restored
                        if written is not None:
                            written.result()
                        written = writer.submit(self._write, file, photo, restored)
                yield file
            if written is not None:
                written.result()

    def _one_ahead(self, reader: Executor, files: Sequence[Path]) -> Iterator[tuple[Path, Future[Photo] | None]]:
        """The files in their order; while a photo is used the next one is read. Videos are not read here."""
        begun: list[tuple[Path, Future[Photo] | None]] = []
        for file in files:
            begun.append((file, None if _is_video(file) else reader.submit(self._read, file)))
            if len(begun) > 1:
                yield begun.pop(0)
        yield from begun

    def _restore_video(self, file: Path) -> None:
        [name] = _outputs(file, self._writing)
        restore_video(
            file, self._target(name), self._restorer.picture, self._writing.smoothing,
            report=partial(self._report_parts, file),
        )  # fmt: skip
        if file.suffix.lower() in TO_MKV:
            _log.warning("%s is written as MKV: %s", file, name)
        self._manifest.add(name, self._descriptions[file])

    def _write(self, file: Path, photo: Photo, restored: Picture) -> None:
        with self._surviving(file):
            contents = [encode_photo(photo, restored, self._writing.quality)]
            before, after = eight_bits(photo.rgb), eight_bits(restored)
            if self._writing.compare:
                contents.append(encode_strip(photo, [before, after]))
            if self._writing.report:
                contents.append(encode_strip(photo, [before, after, draw_changes(before, after)], _REPORTED_PX))
                changes = find_changes(before, after, self._restorer.strength)
                self._manifest.note_changes(_name(file, self._writing), changes.to_json())
            for name, content in zip(_outputs(file, self._writing), contents, strict=True):
                write_bytes(self._target(name), content)
                self._manifest.add(name, self._descriptions[file])

    def _target(self, name: str) -> Path:
        """The place of a result, in a folder that is there."""
        target = self._writing.out / name
        if not target.parent.is_dir():
            make_folder(target.parent)
        return target

    @contextmanager
    def _surviving(self, file: Path) -> Iterator[None]:
        """A block whose error is logged in one sentence that names the file, and counted."""
        try:
            yield
        except (InputError, MemoryError) as error:
            cause = str(error) if isinstance(error, InputError) else "it does not fit into memory"
            _log.error("%s", cause if file.name in cause else f"{file}: {cause}")
            self.failures.append(file)


def _is_video(file: Path) -> bool:
    return file.suffix.lower() in VIDEO_SUFFIXES


def _outputs(file: Path, writing: Writing) -> list[str]:
    """Names of what is written for a file."""
    name = _name(file, writing)
    if _is_video(file):
        return [name]
    compared = [f"{name}.compare.jpg"] if writing.compare else []
    return [name, *compared, *([strip_name(name)] if writing.report else [])]


def _name(file: Path, writing: Writing) -> str:
    """The name of a result, with the folders in which it lies below the folder for the results."""
    below = next((file.relative_to(folder) for folder in writing.tree if file.is_relative_to(folder)), Path(file.name))
    suffix = file.suffix.lower()
    return below.as_posix() + (".jpg" if suffix in raw.SUFFIXES else ".mkv" if suffix in TO_MKV else "")


def _refuse_clashes(outputs: Mapping[Path, list[str]], out: Path) -> None:
    sources: dict[str, Path] = {}
    for file, names in outputs.items():
        # Path.resolve fails on links that lead to themselves.
        if Path(os.path.realpath(out)) in (Path(os.path.realpath(file.parent)), Path(os.path.realpath(file)).parent):
            raise InputError(f"{file} lies in the folder for the results, {out}; originals are not overwritten")
        for name in names:
            if folded(name) in sources:
                raise InputError(f"{sources[folded(name)]} and {file} would both be written to {out / name}")
            sources[folded(name)] = file


def _description(file: Path, model_hash: str, strength: float, writing: Writing) -> dict[str, Any]:
    """All that a result depends on; its source is None where there is no such file."""
    try:
        status = file.stat()
        source = {"path": place(file), "size_bytes": status.st_size, "mtime_ns": status.st_mtime_ns}
    except OSError:
        source = None
    own = {"smoothing": writing.smoothing} if _is_video(file) else {"quality": writing.quality}
    return {"source": source, "model": model_hash, "strength": strength, **own}
