"""`derain complexity` measures how much structure pictures and rain have."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from derain.support.choices import ComplexityMethod, Recipe
from derain.support.progress import counting, print_whole


@dataclass(frozen=True)
class Complexity:
    """Measure the structural complexity of folders of pictures and of rain."""

    folders: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="PATH ...")] = ()
    """Folders of pictures."""
    rain: tuple[str, ...] = ()
    """Rain to measure as well: small, medium, large, lines, wide, or TOML files."""
    recipe: Recipe = "paper"
    """Rendering of the streaks; a TOML file of rain may set its own."""
    method: ComplexityMethod = "bagrov"
    """Made coarser by averages over blocks (Bagrov et al. 2020) or by filters (Kravchenko et al. 2024)."""
    json: Path | None = None
    """File for the results."""

    def run(self, console: Console) -> None:
        from derain.evaluation.complexity import compare
        from derain.rain import load_rain
        from derain.support.files import write_json
        from derain.support.records import claim_file, json_with

        if self.json is not None:
            claim_file(self.json, "derain complexity", json_with("settings", "folders", "rains"))
        rains = [load_rain(rain, self.recipe) for rain in self.rain]
        with counting(console, "complexity") as report:
            comparison = compare(self.folders, rains, self.method, report=report)
        if self.json is not None:
            write_json(self.json, comparison.to_json())
        print_whole(console, comparison.table())
