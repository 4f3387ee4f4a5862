"""`derain demo` trains two small networks and shows which one generalises."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console


@dataclass(frozen=True)
class Demo:
    """Train the same small network on few and on many backgrounds, and see which one removes rain it never saw."""

    out: Path = Path("demo")
    """Folder for report.html, the results and the two models, as `derain study run` keeps them."""
    data: Path | None = None
    """Folder of image sets (natural/train, rain/rain100l, ...) in place of the photographs that come along."""

    def run(self, console: Console) -> None:
        from derain.study.demo.run import run_demo

        run_demo(self.out, self.data, console)
