"""derain serve: the web page."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console


@dataclass(frozen=True)
class Serve:
    """Serve a web page that restores photos, lets visitors play with rain, and shows a report."""

    model: tuple[Path, ...] = ()
    """Models to choose from: names, model files of runs, ONNX files, .pth files of official weights; by default the
    models that come along."""
    results: Path | None = None
    """Folder of results of studies whose report is shown."""
    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 for all of this machine's."""
    port: int = 7860
    """Port to listen on; 0 for any that is free."""
    max_mb: float = 50.0
    """Larger files are refused, in megabytes."""
    max_pixels: int = 50_000_000
    """Pictures with more pixels are refused."""
    device: str = "cpu"
    """Torch device to restore on."""

    def run(self, console: Console) -> None:
        from derain.app.server import serve

        serve(
            self.model, self.results, self.host, self.port, self.max_mb, self.max_pixels, self.device,
            lambda url: console.print(f"derain serves {url} until Ctrl+C", markup=False, soft_wrap=True),
        )  # fmt: skip
