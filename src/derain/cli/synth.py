"""`derain synth` lays rain on photos."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from derain.support.choices import Recipe
from derain.support.progress import counting


@dataclass(frozen=True)
class Synth:
    """Lay rain on photos: OUT/rainy, OUT/clean, OUT/mask and, of rain, OUT/rain get NAME.png for every photo."""

    photos: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="PATH ...")]
    """Photos, and folders of photos."""
    out: Path
    """Folder for the results."""
    rain: str = field(default="medium", metadata={"alias": "--degradation"})
    """Rain: small, medium, large, lines, wide, or a TOML file; or another degradation, such as noise, jpeg:large or
    medium+jpeg, or FILE.py:CLASS for your own (docs/concepts/degradations.md)."""
    recipe: Recipe = "paper"
    """Rendering of the streaks; a TOML file of rain may set its own."""
    seed: int = 0
    """Seed of the rain."""
    device: str = "cpu"
    """Torch device to render on."""

    def run(self, console: Console) -> None:
        from derain.degradations import load_degradation
        from derain.rain.synthesis import synthesise

        rain = load_degradation(self.rain, self.recipe)
        with counting(console, "photos") as report:
            count = synthesise(list(self.photos), rain, self.seed, self.out, self.device, report)
        console.print(f"{count} photos under {rain.name!r} in {self.out}", markup=False)
