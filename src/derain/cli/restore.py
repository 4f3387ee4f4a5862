"""`derain restore` removes rain from photos and videos."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from rich.console import Console
from rich.markup import escape

from derain.errors import InputError
from derain.models import NAMES
from derain.support.choices import Engine
from derain.support.progress import progress_bar

if TYPE_CHECKING:
    from derain.restoration import TiledRestorer
_PIPE = Path("-")
_NOT_OF_A_PIPE = ("out", "recursive", "compare", "report", "accept_truncated")


@dataclass(frozen=True)
class Restore:
    """Remove rain from photos and videos; the same command again does what is missing or has changed."""

    inputs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="PATH ...")]
    """Photos, videos, folders of them, and patterns such as 'holiday/*.jpg'; or - for frames on standard input."""
    out: Path | None = None
    """Folder for the results, which keep their names; needed except for frames on standard input."""
    model: Path = Path(NAMES[0])
    """balanced keeps the picture, strong removes more, light is for thin, sharp streaks; or the model file
    of a run, an ONNX file, or a .pth file of official weights."""
    strength: float = 1.0
    """Share of the rain to take away: 0 none, 0.5 half of what the model finds, 1 all of it, up to 1.5 to overdo it."""
    best: bool = False
    """Restore every picture and its mirror image, and take the mean: twice the time, 0.1 to 0.2 dB better."""
    quality: int = 95
    """Size against sharpness of JPEG, AVIF, HEIC and WebP files: 1 is small and coarse, 95 is hard to tell from the
    original, 100 is large."""
    recursive: bool = False
    """Restore the files in subfolders as well; OUT gets the same subfolders."""
    report: bool = False
    """Write report.html as well: what was taken away from every photo, where, and a warning where care is needed."""
    compare: bool = False
    """Write NAME.compare.jpg as well: photo and result side by side."""
    network: str | None = field(default=None, metadata={"group": "advanced"})
    """FILE.py:CLASS for a network of your own; NAME:key=value for what official weights do not tell."""
    smoothing: float = 0.0
    """Against flicker in videos of a camera that stands still: from 0, nothing, to 1, still parts averaged most."""
    accept_truncated: bool = False
    """Restore damaged photos, and those that end too early, as far as they go."""
    max_pixels: int = 200_000_000
    """Refuse photos with more pixels."""
    tile: Literal["auto"] | int = "auto"
    """Side in pixels of the tiles that are restored one at a time; auto fits them to the memory."""
    engine: Engine = "auto"
    """Program that runs the network; auto is torch for model files and ONNX Runtime for ONNX files."""
    device: str = "cpu"
    """Torch device to restore on."""
    threads: int | None = None
    """CPU threads; all cores by default."""
    size: str | None = None
    """WIDTHxHEIGHT of the frames of rawvideo (rgb24) on standard input; Y4M states it itself."""
    rate: str | None = None
    """Frames a second of rawvideo on standard input, with which messages say a time."""

    def run(self, console: Console) -> None:
        if _PIPE in self.inputs:
            self._restore_pipe()
        else:
            self._restore_files(console)

    def _restorer(self) -> "TiledRestorer":
        from derain.networks.loading import load_model
        from derain.networks.mirrored import Mirrored
        from derain.restoration import TiledRestorer
        from derain.support.processes import dedicate_to_network

        dedicate_to_network(self.threads)
        network, _ = load_model(self.model, self.network, self.engine)
        tile_px = None if self.tile == "auto" else self.tile
        return TiledRestorer(Mirrored(network) if self.best else network, self.device, tile_px, self.strength)

    def _restore_pipe(self) -> None:
        """Restore frames of standard input; whatever is said goes to standard error."""
        from derain.restoration import read_form, restore_stream

        if given := [f"--{name.replace('_', '-')}" for name in _NOT_OF_A_PIPE if getattr(self, name)]:
            raise InputError(f"- writes frames on standard output, and takes no {', '.join(given)}")
        if len(self.inputs) > 1:
            raise InputError("- stands alone: restore other files with another command")
        form = read_form(self.size, self.rate)
        for stream, name, mend in ((sys.stdin, "input", "ffmpeg ... |"), (sys.stdout, "output", "| ffmpeg ...")):
            if stream.isatty():
                raise InputError(f"standard {name} is a terminal, not a pipe, as {mend} makes it")
        restorer = self._restorer()
        errors = Console(stderr=True)
        with (
            open(sys.stdin.fileno(), "rb", closefd=False) as source,
            open(sys.stdout.fileno(), "wb", buffering=0, closefd=False) as target,
            progress_bar(errors) as bar,
        ):
            task = bar.add_task("frames", total=None)
            count = restore_stream(
                source, target, restorer.picture, form, self.smoothing, self.max_pixels,
                lambda done: bar.update(task, completed=done),
            )  # fmt: skip
        errors.print(f"{count} frame{'s' if count > 1 else ''} restored")

    def _restore_files(self, console: Console) -> None:
        from derain.networks.loading import model_hash
        from derain.restoration import Writing, find_files, restore_files
        from derain.restoration.changes import NO_PROMISE

        if self.out is None:
            raise InputError("give the folder for the results: --out FOLDER")
        if self.size or self.rate:
            raise InputError("--size and --rate go with -, for frames on standard input")
        files = find_files(self.inputs, self.out, self.recursive)
        restorer = self._restorer()
        made_by = model_hash(self.model, self.network) + (" mirrored" if self.best else "")
        tree = tuple(path for path in self.inputs if path.is_dir()) if self.recursive else ()
        writing = Writing(self.out, self.quality, self.smoothing, self.compare, self.report, tree)
        with progress_bar(console) as bar:
            task = bar.add_task("files", total=None)
            parts = bar.add_task("", total=None, visible=False)

            def show_parts(file: Path, done: int, total: int) -> None:
                name = escape(file.name)
                bar.update(parts, description=name, completed=done, total=total or None, visible=total != 1)

            outcome = restore_files(
                files, restorer, made_by, writing, self.max_pixels,
                lambda done, files: bar.update(task, completed=done, total=files), show_parts, self.accept_truncated,
            )  # fmt: skip
            bar.update(parts, visible=False)
        results = "result" if outcome.replaced == 1 else "results"
        replaced = f", {outcome.replaced} earlier {results} replaced" if outcome.replaced else ""
        done_before = f", {outcome.skipped} done already" if outcome.skipped else ""
        console.print(f"{outcome.restored} restored in {self.out}{replaced}{done_before}", markup=False, soft_wrap=True)
        if self.report:
            warned = f"{outcome.warned or 'none'} of the photos with a warning. {NO_PROMISE}"
            console.print(f"{self.out / 'report.html'}: {warned}", markup=False, soft_wrap=True)
        if outcome.failed:
            raise InputError(f"{outcome.failed} of {len(files)} files could not be restored")
