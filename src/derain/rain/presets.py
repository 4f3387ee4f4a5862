"""Rain by name or from a TOML file (docs/rain.md)."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args

from derain.errors import InputError, did_you_mean, unreadable
from derain.rain.lines import Lines
from derain.rain.mixture import Family, Rain
from derain.rain.ranges import LARGE, MEDIUM, SMALL, RainRange
from derain.rain.recovered import Recovered
from derain.rain.streaks import Streaks
from derain.support.choices import Match, Recipe
from derain.support.tables import located


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
    "small": lambda recipe: Rain("small", ((1.0, Streaks(SMALL, recipe)),)),
    "medium": lambda recipe: Rain("medium", ((1.0, Streaks(MEDIUM, recipe)),)),
    "large": lambda recipe: Rain("large", ((1.0, Streaks(LARGE, recipe)),)),
    "lines": lambda recipe: Rain("lines", ((1.0, Lines()),)),
    "wide": _wide,
}


def load_rain(text: str, recipe: Recipe = "paper") -> Rain:
    """A preset by its name, or the rain that a TOML file describes (docs/rain.md).

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
    try:
        description = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise unreadable(path, error, "the rain in") from error
    try:
        return _read_rain(description, path, recipe)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _read_rain(description: dict[str, Any], path: Path, recipe: Recipe) -> Rain:
    tables = description.pop("family", None)
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise InputError("rain is described by one or more [[family]] tables")
    values = _values(description, {"name": str, "brightness": tuple, "rain_free": float, "overlaid": tuple}, "")
    _check_whole("overlaid", values.get("overlaid", ()))
    families = tuple(_read_family(table, path.parent, recipe) for table in tables)
    return Rain(**{"name": path.stem, **values, "families": families})


def _read_family(table: dict[str, Any], folder: Path, recipe: Recipe) -> tuple[float, Family]:
    kind = table.pop("kind", None)
    readers: Mapping[str, Callable[[dict[str, Any], Path, Recipe], Family]] = {
        "streaks": _read_streaks,
        "lines": _read_lines,
        "recovered": _read_recovered,
    }
    if not isinstance(kind, str) or kind not in readers:
        raise InputError(f"kind must be one of {', '.join(readers)}, not {kind!r}{did_you_mean(str(kind), readers)}")
    weight = _values({"weight": table.pop("weight", 1.0)}, {"weight": float}, kind)["weight"]
    return weight, readers[kind](table, folder, recipe)


def _read_streaks(table: dict[str, Any], folder: Path, recipe: Recipe) -> Streaks:
    base = table.pop("range", "medium")
    if not isinstance(base, str) or base not in RANGES:
        raise InputError(f"range must be one of {', '.join(RANGES)}, not {base!r}")
    kinds = {field.name: type(getattr(RANGES[base], field.name)) for field in fields(RainRange)}
    values = _values(table, {**kinds, "recipe": str, "brightness": tuple}, "streaks")
    for name in ("width", "length_px"):
        _check_whole(name, values.get(name, ()))
    chosen = values.pop("recipe", recipe)
    if chosen not in get_args(Recipe):
        raise InputError(f"recipe must be one of {', '.join(get_args(Recipe))}, not {chosen!r}")
    brightness = values.pop("brightness", (1.0, 1.0))
    return Streaks(replace(RANGES[base], **values), chosen, brightness)


def _read_lines(table: dict[str, Any], folder: Path, recipe: Recipe) -> Lines:
    kinds = {field.name: type(getattr(Lines(), field.name)) for field in fields(Lines)}
    return Lines(**_values(table, kinds, "lines"))


def _read_recovered(table: dict[str, Any], folder: Path, recipe: Recipe) -> Recovered:
    values = _values(table, {"rainy": str, "clean": str, "match": str}, "recovered")
    for name in ("rainy", "clean"):
        if name not in values:
            raise InputError(f"recovered rain needs the folder {name}")
        values[name] = located(values[name], folder)
    if values.get("match", "names") not in get_args(Match):
        raise InputError(f"match must be one of {', '.join(get_args(Match))}, not {values['match']!r}")
    return Recovered(**values)


def _check_whole(name: str, numbers: tuple[float, ...]) -> None:
    if not all(isinstance(number, int) for number in numbers):
        raise InputError(f"{name} must be whole numbers, not {list(numbers)}")


def _values(table: dict[str, Any], kinds: Mapping[str, type], where: str) -> dict[str, Any]:
    """The table's values as the types that are asked for; lists become tuples, of two numbers except for widths."""
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in kinds:
            raise InputError(f"unknown key {key!r}{f' of {where}' if where else ''}{did_you_mean(key, kinds)}")
        kind, number = kinds[key], int | float
        if kind is tuple and isinstance(value, list) and all(type(entry) in (int, float) for entry in value):
            if key != "width" and len(value) != 2:
                raise InputError(f"{key} must be [low, high], not {value}")
            values[key] = tuple(value)
        elif kind is float and isinstance(value, number) and not isinstance(value, bool):
            values[key] = float(value)
        elif kind in (str, bool) and type(value) is kind:
            values[key] = value
        else:
            wanted = {tuple: "a list of numbers", float: "a number", str: "text", bool: "true or false"}[kind]
            raise InputError(f"{key} must be {wanted}, not {value!r}")
    return values
