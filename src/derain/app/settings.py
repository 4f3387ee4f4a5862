"""Settings of the web page. Free of torch, so that the command line answers at once."""

from dataclasses import dataclass
from math import inf
from pathlib import Path

from derain.errors import InputError


@dataclass(frozen=True)
class ServeSettings:
    """The models to choose from, the address, and the limits on uploads.

    Raises:
        InputError: `max_mb` is no size.
    """

    model: tuple[Path, ...] = ()
    """Models to choose from: names, model files of runs, ONNX files, .pth files of official weights; by default the
    models that come along."""
    results: Path | None = None
    """Folder of results of studies whose report is shown."""
    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 for all of this machine's."""
    port: int = 7860
    """Port to listen on; 0 for any that is free."""
    root_path: str = ""
    """Path under which a proxy in front of it shows the page, such as /derain."""
    max_mb: float = 50.0
    """Larger files are refused, in megabytes."""
    max_pixels: int = 50_000_000
    """Pictures with more pixels are refused."""
    device: str = "cpu"
    """Torch device to restore on."""

    def __post_init__(self) -> None:
        if self.root_path and not self.root_path.startswith("/"):
            raise InputError(f"--root-path must begin with /, not {self.root_path!r}")
        if not 0 < self.max_mb < inf:
            raise InputError(f"the largest upload must be a number of megabytes above 0, not {self.max_mb}")
