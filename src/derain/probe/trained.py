"""Streaks that a network was trained on, by the header of its weights, and their place on a map."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from derain.probe.maps import FAMILIES, RainMap
from derain.probe.space import FIXED

Interval = tuple[float, float]


@dataclass(frozen=True)
class TrainedStreaks:
    """A family of streaks of a training.

    Attributes:
        recipe: "paper" or "corrected".
        intervals: lowest and highest value of every parameter in `derain.probe.space.FIXED`.
    """

    recipe: str
    intervals: Mapping[str, Interval]


class Box(NamedTuple):
    """The cells of a map that lie in a training range: first and last column and row, counted from 0.

    `whole` is False where the map's streaks were not trained on even so: by their recipe, or by a parameter that the
    map does not vary.
    """

    first_column: int
    last_column: int
    first_row: int
    last_row: int
    whole: bool


def trained_streaks(header: Mapping[str, Any]) -> list[TrainedStreaks] | None:
    """The families of streaks that a header names; None: it names no training rain.

    >>> trained_streaks({"objective": {"rain": {"families": [{"kind": "lines"}], "brightness": [1, 1]}}})
    []
    """
    rain = header.get("objective", {}).get("rain")
    if rain is None:
        return None
    return [_streaks(family, rain["brightness"]) for family in rain["families"] if family["kind"] == "streaks"]


def _streaks(family: Mapping[str, Any], brightness: Sequence[float]) -> TrainedStreaks:
    intervals = {name: (min(family[name]), max(family[name])) for name in FIXED if name != "brightness"}
    low, high = family["brightness"]
    return TrainedStreaks(family["recipe"], {**intervals, "brightness": (low * brightness[0], high * brightness[1])})


def boxes(trained: Sequence[TrainedStreaks] | None, rain_map: RainMap, recipe: str) -> list[Box]:
    """Boxes of the training ranges on a map of streaks; a range that holds none of its cells has no box.

    Args:
        trained: from `trained_streaks`.
        rain_map: of streaks, or of families, on which there are none.
        recipe: by which the map's streaks are rendered.
    """
    if rain_map.name == FAMILIES:
        return []
    found = [_box(each, rain_map, recipe) for each in trained or []]
    return list(dict.fromkeys(box for box in found if box is not None))


def beyond(trained: Sequence[TrainedStreaks], rain_map: RainMap, recipe: str) -> list[str]:
    """Name for every cell the parameters by which it lies beyond the nearest training range; "" within one.

    These are of the map's own two parameters those beyond the range. Where both are within it, and the map holds
    another one beyond it in all cells, it is that one; or "recipe".

    Args:
        trained: from `trained_streaks`, at least one.
        rain_map: of streaks.
        recipe: by which the map's streaks are rendered.

    >>> from derain.probe.maps import rain_maps
    >>> from derain.probe.space import ProbeSpace
    >>> medium = {"quantity": (200, 300), "width": (5, 9), "length_px": (20, 40), "angle_deg": (-30, 30)}
    >>> [rain_map, *_] = rain_maps(ProbeSpace(lengths_px=(10, 30), angles_deg=(0, 60)))
    >>> beyond([TrainedStreaks("paper", {**medium, "brightness": (1, 1)})], rain_map, "paper")
    ['length', 'length and angle', '', 'angle']
    """
    cells = []
    for row in rain_map.rows:
        for column in rain_map.columns:
            values = {**FIXED, rain_map.y: row, rain_map.x: column}
            nearest = min((_outside(each, values, recipe) for each in trained), key=len)
            varied = [name for name in (rain_map.y, rain_map.x) if name in nearest]
            cells.append(" and ".join(name.split("_")[0] for name in varied or nearest))
    return cells


def _outside(trained: TrainedStreaks, values: Mapping[str, float | str], recipe: str) -> list[str]:
    outside = [name for name, value in values.items() if not _within(trained.intervals[name], (value,))]
    return outside + ["recipe"] * (trained.recipe != recipe)


def _box(trained: TrainedStreaks, rain_map: RainMap, recipe: str) -> Box | None:
    columns = _within(trained.intervals[rain_map.x], rain_map.columns)
    rows = _within(trained.intervals[rain_map.y], rain_map.rows)
    if not columns or not rows:
        return None
    others = [name for name in FIXED if name not in (rain_map.x, rain_map.y)]
    fixed = all(_within(trained.intervals[name], (FIXED[name],)) for name in others)
    return Box(columns[0], columns[-1], rows[0], rows[-1], fixed and trained.recipe == recipe)


def _within(interval: Interval, values: tuple[float | str, ...]) -> list[int]:
    return [index for index, value in enumerate(values) if interval[0] <= float(value) <= interval[1]]
