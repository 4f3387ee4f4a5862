"""Degradations by name, from a file, or of the user's own (docs/concepts/degradations.md); rain is one of them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from derain.degradations.blur import BLUR, DEFOCUS, MOTION
from derain.degradations.drops import DROPS
from derain.degradations.haze import HAZE
from derain.degradations.jpeg import JPEG
from derain.degradations.kind import Kind
from derain.degradations.noise import NOISE, SHOT
from derain.degradations.snow import SNOW
from derain.degradations.user import UserDegradation
from derain.errors import InputError, one_of
from derain.pictures.degradation import Degradation
from derain.rain import PRESETS, Rain, load_rain
from derain.rain import unseen as unseen_rain
from derain.support.choices import Recipe, Residual
from derain.support.tables import read_table, read_toml
from derain.support.user_code import names_class

KINDS: Mapping[str, Mapping[str, Kind]] = {
    "noise": NOISE,
    "shot": SHOT,
    "jpeg": JPEG,
    "blur": BLUR,
    "motion": MOTION,
    "defocus": DEFOCUS,
    "snow": SNOW,
    "haze": HAZE,
    "drops": DROPS,
}
"""The kinds beside rain, each with its ranges small, medium and large; "unseen" lies outside of all three."""
_DEFAULT_RANGE = "medium"


@dataclass(frozen=True)
class Composition:
    """Degradations one after the other, such as rain that is then coded as JPEG."""

    parts: tuple[Degradation, ...]

    @property
    def name(self) -> str:
        return "+".join(part.name for part in self.parts)

    @property
    def residual(self) -> Residual:
        """That of the part that leaves the least."""
        order: tuple[Residual, ...] = ("rain", "local", "everywhere")
        return max((part.residual for part in self.parts), key=order.index)

    def degrade(self, clean: Float[Tensor, "n 3 h w"], rng: np.random.Generator) -> Float[Tensor, "n 3 h w"]:
        """The pictures under all parts: whole levels 0..255."""
        for part in self.parts:
            clean = part.degrade(clean, rng)
        return clean

    def describe(self) -> dict[str, Any]:
        """All that determines it, JSON-able."""
        return {"name": self.name, "kind": "composition", "parts": [part.describe() for part in self.parts]}


def load_degradation(text: str, recipe: Recipe = "paper") -> Degradation:
    """The degradation that a text names.

    Args:
        text: one, or several joined by "+", which follow one another: a rain as of `derain.rain.load_rain`; a kind of
            KINDS, or KIND:RANGE; a TOML file of a rain or a kind; or FILE.py:CLASS.
        recipe: of rain's streaks that do not name their own.

    Raises:
        InputError: nothing of that name (the closest one is named), a bad file, or a value that makes no sense.

    >>> load_degradation("jpeg:small").quality
    (25, 35)
    >>> both = load_degradation("medium+jpeg")
    >>> both.name, both.residual
    ('medium+jpeg:medium', 'everywhere')
    """
    parts = [text] if Path(text).exists() else text.split("+")
    loaded = tuple(_load(part, recipe) for part in parts)
    return loaded[0] if len(loaded) == 1 else Composition(loaded)


def _load(text: str, recipe: Recipe) -> Degradation:
    if names_class(text):
        return UserDegradation(text)
    if text.endswith(".toml"):
        table = read_toml(Path(text), "the rain in")
        return _read_kind(table, Path(text)) if "kind" in table else load_rain(text, recipe)
    if text in PRESETS:
        return load_rain(text, recipe)
    kind, _, level = text.partition(":")
    if kind not in KINDS:
        one_of(text, (*PRESETS, *KINDS), "rain")
    ranges = KINDS[kind]
    return ranges[one_of(level or _DEFAULT_RANGE, ranges, f"range of {kind}")]


def _read_kind(table: dict[str, Any], path: Path) -> Kind:
    """A kind from a table with "kind"; ranges that the table does not give are those of medium."""
    try:
        medium = KINDS[one_of(table["kind"], KINDS, "kind of degradation")][_DEFAULT_RANGE]
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    defaults = {field.name: getattr(medium, field.name) for field in fields(medium)} | {"name": path.stem}
    values = {key: value for key, value in table.items() if key != "kind"}
    return read_table(type(medium), values, str(path), path.parent, defaults)


def unseen_beside(degradation: Degradation) -> Degradation:
    """A degradation to validate on beside a training on another: of the same kind, outside of its ranges.

    One of your own is validated on as it is.

    >>> [unseen_beside(load_degradation(text)).name for text in ("medium", "noise:small", "medium+jpeg")]
    ['lines', 'noise:unseen', 'lines+jpeg:unseen']
    """
    match degradation:
        case Rain():
            return unseen_rain.unseen_beside(degradation)
        case Composition(parts):
            return replace(degradation, parts=tuple(map(unseen_beside, parts)))
        case Kind():
            return KINDS[degradation.kind]["unseen"]
    return degradation
