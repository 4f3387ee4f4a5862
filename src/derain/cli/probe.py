"""`derain probe` maps which rain a network removes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from derain.errors import InputError
from derain.probe.space import ProbeSettings
from derain.support.progress import counting


@dataclass(frozen=True)
class Probe:
    """Map which rain a network removes and which it ignores; the same command again goes on."""

    settings: Annotated[ProbeSettings, tyro.conf.arg(name="")]
    model: Path | None = None
    """balanced, strong, light, the model file of a run, an ONNX file, a .pth file of official weights, or a filter that
    learnt nothing: nothing, opening, median, blur."""
    compare: tuple[Path, Path] | None = None
    """In place of a model: two of them, side by side with their difference."""
    network: tuple[str, ...] = ()
    """FILE.py:CLASS for a network of your own, one or more; NAME:key=value for what official weights do not tell."""
    out: Path = Path("probe")
    """Folder for map.json, map.csv, the figures and index.html."""
    device: str = "cpu"
    """Torch device of the networks."""
    threads: int | None = None
    """CPU threads; all cores by default."""

    def run(self, console: Console) -> None:
        if (self.model is None) == (self.compare is None):
            raise InputError("give --model or --compare" + (", not both" if self.model is not None else ""))

        from derain.probe.run import describe, probe
        from derain.support.processes import use_threads

        use_threads(self.threads)
        models = (self.model,) if self.model is not None else self.compare or ()
        with counting(console, "cells") as report:
            results = probe(models, self.settings, self.out, self.network, self.device, report)
        console.print(*describe(results), f"page: {self.out / 'index.html'}", sep="\n", markup=False, soft_wrap=True)
