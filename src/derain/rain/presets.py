"""Rain by name or from a TOML file (docs/concepts/rain.md)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from derain.errors import InputError, did_you_mean
from derain.rain.lines import Lines
from derain.rain.mixture import Family, Rain
from derain.rain.ranges import LARGE, MEDIUM, SMALL, RainRange
from derain.rain.recovered import Recovered
from derain.rain.streaks import Streaks
from derain.support.choices import Recipe
from derain.support.tables import read_table, read_toml


def _wide(recipe: Recipe) -> Rain:
    """Streaks and lines over ranges much wider than the paper's, with some samples that have no rain."""
    streaks = RainRange((5.0, 300.0), (1, 3, 5, 7, 9), (5, 60), (-70.0, 70.0), log_quantity=True)
    lines = Lines(
        number=(8.0, 500.0),
        angle_deg=(-45.0, 45.0),
        angle_spread_deg=(0.0, 6.0),
        length_px=(4.0, 60.0),
        thickness_px=(0.5, 3.0),
        blur_px=(0.3, 1.2),
        along=0.5,
        level=(0.12, 0.9),
    )
    families = ((0.25, Streaks(streaks, recipe, (0.3, 1.0))), (0.75, lines))
    return Rain("wide", families, brightness=(0.6, 1.4), rain_free=0.08)


RANGES: Mapping[str, RainRange] = {"small": SMALL, "medium": MEDIUM, "large": LARGE}

PRESETS: Mapping[str, Callable[[Recipe], Rain]] = {
    "small": lambda recipe: Rain.of("small", Streaks(SMALL, recipe)),
    "medium": lambda recipe: Rain.of("medium", Streaks(MEDIUM, recipe)),
    "large": lambda recipe: Rain.of("large", Streaks(LARGE, recipe)),
    "lines": lambda recipe: Rain.of("lines", Lines()),
    "wide": _wide,
}


def load_rain(text: str, recipe: Recipe = "paper") -> Rain:
    """A preset by its name, or the rain that a TOML file describes (docs/concepts/rain.md).

    Args:
        text: a key of PRESETS, or the path of a file that ends in .toml.
        recipe: of streaks that do not name their own.

    Raises:
        InputError: no such preset or file, an unknown key (the closest one is named), or a value that makes no sense.
    """
    if text in PRESETS:
        return PRESETS[text](recipe)
    path = Path(text)
    if path.suffix != ".toml":
        known = f"{', '.join(PRESETS)} or a .toml file{did_you_mean(text, PRESETS)}"
        raise InputError(f"unknown rain {text!r}; there are {known}")
    description = read_toml(path, "the rain in")
    tables = description.pop("family", None)
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise InputError(f"{path}: rain is described by one or more [[family]] tables")
    try:
        families = tuple(_read_family(table, path.parent, recipe) for table in tables)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return read_table(Rain, description, str(path), path.parent, {"name": path.stem, "families": families})


@dataclass(frozen=True)
class _FamilyHead:
    """The keys that every [[family]] table may have."""

    kind: Literal["streaks", "lines", "recovered"]
    weight: float = 1.0


@dataclass(frozen=True)
class _StreaksTable:
    """A [[family]] table of streaks; the named range has the values that are not given."""

    recipe: Recipe
    range: Literal["small", "medium", "large"] = "medium"
    brightness: tuple[float, float] = (1.0, 1.0)
    quantity: tuple[float, float] | None = None
    width: tuple[int, ...] | None = None
    length_px: tuple[int, int] | None = None
    angle_deg: tuple[float, float] | None = None
    log_quantity: bool | None = None

    def family(self) -> Streaks:
        given = {field.name: getattr(self, field.name) for field in fields(RainRange)}
        given = {name: value for name, value in given.items() if value is not None}
        return Streaks(replace(RANGES[self.range], **given), self.recipe, self.brightness)


def _read_family(table: dict[str, Any], folder: Path, recipe: Recipe) -> tuple[float, Family]:
    common: dict[str, Any] = {key: table.pop(key) for key in ("kind", "weight") if key in table}
    head = read_table(_FamilyHead, common, "a family", folder)
    match head.kind:
        case "streaks":
            return head.weight, read_table(_StreaksTable, table, "streaks", folder, {"recipe": recipe}).family()
        case "lines":
            return head.weight, read_table(Lines, table, "lines", folder)
        case "recovered":
            return head.weight, read_table(Recovered, table, "recovered", folder)
