"""`derain explain` looks into networks: features by content or by rain, and the pixels that they use."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from derain.probe.explanation.settings import ExplainSettings
from derain.support.progress import counting


@dataclass(frozen=True)
class Explain:
    """Look into networks: features of content or of rain, and the pixels that a result rests on."""

    settings: Annotated[ExplainSettings, tyro.conf.arg(name="")]
    model: tuple[Path, ...]
    """One or more: balanced, strong, light, model files of runs, .pth files of official weights, or a filter that
    learnt nothing: nothing, opening, median, blur."""
    network: tuple[str, ...] = ()
    """FILE.py:CLASS for a network of your own, one or more; NAME:key=value for what official weights do not tell."""
    layer: str | None = None
    """Layer whose output is looked at; by default it is the input of the last convolution."""
    out: Path = Path("explanation")
    """Folder for explanation.json and the figures."""
    threads: int | None = None
    """CPU threads; all cores by default."""

    def run(self, console: Console) -> None:
        from derain.probe.explanation.run import describe, explain
        from derain.support.processes import use_threads

        use_threads(self.threads)
        with counting(console, "attributions") as report:
            explained = explain(self.model, self.settings, self.out, self.network, self.layer, report)
        console.print(*describe(explained), f"results: {self.out}", sep="\n", markup=False, soft_wrap=True)
