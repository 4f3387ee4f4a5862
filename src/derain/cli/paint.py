"""`derain paint` generates backgrounds without a camera."""

import os
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from derain.support.progress import counting


@dataclass(frozen=True)
class Paint:
    """Generate backgrounds that stand in for photographs; the same command again goes on."""

    out: Path
    """Folder for generated-00000.png and on; it can be trained on with --backgrounds."""
    number: int = 700
    """Number of pictures."""
    size: int = 256
    """Side of the pictures, in pixels."""
    seed: int = 0
    """Seed of the pictures."""
    workers: int | None = None
    """Processes; by default one for each CPU."""

    def run(self, console: Console) -> None:
        from derain.painting import paint

        workers = (os.cpu_count() or 1) if self.workers is None else self.workers
        with counting(console, "pictures") as report:
            paint(self.out, self.number, self.size, self.seed, workers, report)
        console.print(f"{self.number} pictures in {self.out}", markup=False, soft_wrap=True)
