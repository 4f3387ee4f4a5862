"""`derain advise` recommends backgrounds and rain to train on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from derain.advice.settings import AdviceSettings


@dataclass(frozen=True)
class Advise:
    """Find, with few trainings, how many backgrounds and which rain to train on; the same command again goes on."""

    settings: Annotated[AdviceSettings, tyro.conf.arg(name="")]
    out: Path = Path("advice")
    """Folder for the runs, advice.json and trade-off.png, or for replay.json."""
    device: str = "cpu"
    """Torch device to train and measure on."""
    replay: Path | None = None
    """In place of training: replay the search on a recorded grid of results (a JSON list, docs/results/advice.md), with
    budgets of its own."""

    def run(self, console: Console) -> None:
        if self.replay is not None:
            from derain.advice.replay import replay_file

            replay_file(self.replay, self.settings, self.out, console)
        else:
            from derain.advice.run import advise

            advise(self.settings, self.out, console, self.device)
