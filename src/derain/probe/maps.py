"""The rain of every cell, and laying it on the backgrounds."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import UInt8
from torch import Tensor

from derain.pictures.backgrounds import PatchSet, load_patches
from derain.pictures.degradation import degraded
from derain.probe.space import FIXED, MAPS, ProbeSpace
from derain.rain import LARGE, MEDIUM, SMALL, Lines, Rain, RainRange, Recovered, Streaks, load_rain
from derain.support.choices import Recipe
from derain.support.randomness import generator

FAMILIES = "families"
"""Name of the map of families."""


@dataclass(frozen=True)
class RainMap:
    """Cells in rows and columns, each a rain.

    Attributes:
        name: such as "length_px x angle_deg", or FAMILIES.
        x: what changes from column to column; "" where there is one column.
        columns: its values.
        y: what changes from row to row.
        rows: its values.
        rains: of the cells, row by row.
    """

    name: str
    x: str
    columns: tuple[float | str, ...]
    y: str
    rows: tuple[float | str, ...]
    rains: tuple[Rain, ...]

    def place(self, cell: int) -> dict[str, float | str]:
        """The values of a cell by what they are of."""
        row, column = divmod(cell, len(self.columns))
        place = {self.y: self.rows[row], self.x: self.columns[column]}
        place.pop("", None)
        return place


@dataclass(frozen=True, eq=False)
class Scene:
    """Pictures for every network of a comparison: the same rain on the same backgrounds.

    Attributes:
        maps: the cells.
        patches: the backgrounds.
        seed: of the rain.
    """

    maps: tuple[RainMap, ...]
    patches: PatchSet
    seed: int

    @property
    def clean(self) -> UInt8[Tensor, "n 3 size size"]:
        return torch.from_numpy(self.patches.patches)

    def rainy(self, rain: Rain) -> UInt8[Tensor, "n 3 size size"]:
        """The backgrounds under the rain of a cell: a function of the seed and of the rain's name.

        Rain is rendered on the CPU, so that it is the same for networks on all devices.
        """
        with one_thread():
            return degraded(rain, self.clean, generator(self.seed, "probe", rain.name))


@contextmanager
def one_thread() -> Iterator[None]:
    """For many small steps on the CPU: where its cores are busy, two threads wait for each other at the end of every
    step, up to a hundred times as long as the step takes (docs/how-to/probe.md).
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def lay_scene(
    space: ProbeSpace, photos: list[Path], seed: int, recovered: Recovered | None = None, skip_bad: bool = False
) -> Scene:
    """Cut the backgrounds, one from each photo in turn, and name the rain.

    Args:
        space: the cells.
        photos: none that the networks were trained on.
        seed: of the cuts and of the rain.
        recovered: streaks that become one more family.
        skip_bad: leave out photos that are broken or smaller than the patch.

    Raises:
        InputError: an axis holds what cannot be rendered; a photo is bad; too few patches can be cut.
    """
    patches = load_patches(photos, space.count, space.size_px, seed, skip_bad=skip_bad)
    return Scene(rain_maps(space, recovered), patches, seed)


def rain_maps(space: ProbeSpace, recovered: Recovered | None = None) -> tuple[RainMap, ...]:
    """The three maps of streaks, and the families where there are any.

    Raises:
        InputError: an axis holds what cannot be rendered, such as an even width; it is named.

    >>> [(rain_map.name, len(rain_map.rains)) for rain_map in rain_maps(ProbeSpace())]
    [('length_px x angle_deg', 72), ('width x quantity', 42), ('brightness x angle_deg', 54), ('families', 8)]
    """
    maps = [_streak_map(space, x, y) for x, y in MAPS]
    families: dict[str, Rain] = {name: _FAMILIES[name]() for name in space.families}
    if recovered is not None:
        families["recovered"] = Rain.of("recovered", recovered)
    if families:
        maps.append(RainMap(FAMILIES, "", ("",), "family", tuple(families), tuple(families.values())))
    return tuple(maps)


def _streak_map(space: ProbeSpace, x: str, y: str) -> RainMap:
    columns, rows = space.axis(x), space.axis(y)
    rains = tuple(_streaks({**FIXED, y: row, x: column}, space.recipe) for row in rows for column in columns)
    return RainMap(f"{y} x {x}", x, columns, y, rows, rains)


def _streaks(parameters: Mapping[str, float], recipe: Recipe) -> Rain:
    """Streaks of which every layer has the same parameters; its name says them all."""
    quantity, angle_deg, brightness = (float(parameters[name]) for name in ("quantity", "angle_deg", "brightness"))
    width, length_px = int(parameters["width"]), int(parameters["length_px"])
    name = ", ".join([recipe, *(f"{name} {value:g}" for name, value in sorted(parameters.items()))])
    streaks = RainRange((quantity, quantity), (width,), (length_px, length_px), (angle_deg, angle_deg))
    return Rain.of(name, Streaks(streaks, recipe, (brightness, brightness)))


def _range(name: str, streaks: RainRange, recipe: Recipe = "paper", brightness: tuple[float, float] = (1, 1)) -> Rain:
    return Rain.of(name, Streaks(streaks, recipe, brightness))


# The last two leave the ranges of the paper in one direction each: denser than all of them, and sparser and fainter.
_FAMILIES: Mapping[str, Callable[[], Rain]] = {
    "small": lambda: _range("small", SMALL),
    "medium": lambda: _range("medium", MEDIUM),
    "large": lambda: _range("large", LARGE),
    "corrected": lambda: _range("corrected", MEDIUM, "corrected"),
    "lines": lambda: Rain.of("lines", Lines()),
    # A sample without rain says nothing about its removal.
    "wide": lambda: replace(load_rain("wide"), rain_free=0.0),
    "heavy": lambda: _range("heavy", replace(MEDIUM, quantity=(500.0, 1000.0))),
    "light": lambda: _range("light", replace(MEDIUM, quantity=(25.0, 75.0)), brightness=(0.3, 0.6)),
}
