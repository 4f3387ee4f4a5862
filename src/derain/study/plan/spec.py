"""A study as a TOML file that a person can read (docs/how-to/studies.md)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import product
from pathlib import Path
from types import GenericAlias
from typing import Any, Literal, get_args, get_type_hints

from derain.degradations import load_degradation
from derain.errors import InputError, one_of
from derain.evaluation.metrics import METRIC
from derain.evaluation.test_sets import Pairs, Test
from derain.models import NAMES
from derain.networks import parse
from derain.networks.filters import FILTERS
from derain.pictures.backgrounds import Category
from derain.study.plan.given import PERFECT, Given, with_trivial
from derain.study.plan.scales import SCALES
from derain.support.choices import Match
from derain.support.tables import located, read_table, read_toml
from derain.support.user_code import names_class, seen_from
from derain.training.settings import SETTING_AXES, TrainingSettings

AXES = ("network", "category", "count", "rain", "seed", "length", *SETTING_AXES, "scale")
"""The axes of a study's trainings: those of every study, and the settings of a training that are axes."""

FigureName = Literal[
    "F1", "F2", "F2b", "F3", "F4", "F5", "F6a", "F6b", "F7", "F8", "F9", "F10", "F11", "F12", "F13", "T2", "other"
]
Finding = Literal["F4", "F5", "F6a", "F6b", "F7", "F10", "F10-removal", "F11", "T2"]

_SETTING_LISTS = {
    name: GenericAlias(tuple, (kind, ...))
    for name, kind in get_type_hints(TrainingSettings).items()
    if name in SETTING_AXES
}


@dataclass(frozen=True)
class TestSet:
    """Pairs of two folders; or the test photos of a category under the streaks of such pairs, or under rain."""

    rainy: Path | None = None
    clean: Path | None = None
    match: Match = "names"
    category: str | None = None
    streaks: str | None = None
    """Name of the test set of pairs whose streaks are laid on the photos."""
    rain: str | None = None
    """In place of streaks: a rain or another degradation, as `derain train --rain` takes it."""
    pictures: int | None = None
    """Pictures used, the first by name; of photos, patches cut (40 by default)."""
    size_px: int = 256
    """Side of the patches cut from photos."""
    name: str = ""

    __test__ = False

    def __post_init__(self) -> None:
        pairs, photos = (self.rainy, self.clean), (self.category, self.streaks or self.rain)
        if self.streaks is not None and self.rain is not None:
            raise InputError("give streaks or rain, not both")
        if not ((all(pairs) and not any(photos)) or (all(photos) and not any(pairs))):
            raise InputError("give rainy and clean, or category with streaks or rain")
        for name, value in (("pictures", self.pictures), ("size_px", self.size_px)):
            if value is not None and value < 1:
                raise InputError(f"{name} must be at least 1, not {value}")


@dataclass(frozen=True)
class Grid:
    """All combinations of the axes' values are trained."""

    network: tuple[str, ...]
    category: tuple[str, ...]
    count: tuple[int, ...]
    rain: tuple[str, ...]
    tests: tuple[str, ...]
    """Test sets; the first is the one that is drawn and judged."""
    seed: tuple[int, ...] = (0,)
    length: tuple[float, ...] = (1.0,)
    """Training length, as a multiple of the scale's iterations."""
    settings: Mapping[str, tuple[Any, ...]] = field(default_factory=dict, metadata={"entries": _SETTING_LISTS})
    """Values of settings that are axes, as `derain train` takes them; in a file they stand beside the other axes."""

    def choices(self) -> Iterator[tuple[tuple[str, Any], ...]]:
        """Every combination of the settings that are axes: pairs of name and value, defaults included."""
        values = [self.settings.get(name, (each.default,)) for name, each in SETTING_AXES.items()]
        return (tuple(zip(SETTING_AXES, chosen, strict=True)) for chosen in product(*values))


@dataclass(frozen=True)
class Reduced:
    """The grids of a study at a smaller scale."""

    grid: tuple[Grid, ...]
    note: str
    """The part that is left out, in words."""


@dataclass(frozen=True)
class Plot:
    """The arrangement of a figure of curves: a panel for each value of one axis, a line for each value of another."""

    figures: tuple[str, ...]
    """Metrics to draw against the count."""
    lines: str
    panels: str | None = None


@dataclass(frozen=True)
class Others:
    """Restored pictures of another system, named as the pictures they were made from."""

    title: str
    folder: Path


@dataclass(frozen=True)
class Pictures:
    """A figure of pictures.

    "restored": test pictures and what every network of the grid makes of them; "categories": photos of every category;
    "ranges": layers of every rain; "decomposition": O = B + R taken apart with its masks, and an output under them.
    """

    kind: Literal["restored", "categories", "ranges", "decomposition"]
    test: str | None = None
    """Test set of pairs or photos that the pictures are of."""
    photos: Path | None = None
    """In place of a test set: a folder of rainy photos without ground truth."""
    rain: tuple[str, ...] = ()
    """Rain to show, for "ranges"."""
    number: int = 4
    """Pictures shown, the first by name."""
    model: str | None = None
    """For "decomposition": model in the box, or filter, whose output is shown on and beside the rain."""
    others: tuple[Others, ...] = ()


@dataclass(frozen=True)
class Study:
    """Trainings and given systems, the test sets they are measured on, and the figures that show them."""

    title: str
    figure: FigureName
    data: Mapping[str, Category] = field(default_factory=dict)
    tests: Mapping[str, TestSet] = field(default_factory=dict)
    grid: tuple[Grid, ...] = ()
    given: tuple[Given, ...] = ()
    """Systems that are measured as they are; `systems` has the trivial ones as well."""
    gpu: Reduced | None = None
    cpu: Reduced | None = None
    findings: tuple[Finding, ...] = ()
    plot: Plot | None = None
    pictures: Pictures | None = None
    probe: bool = False
    """Map the response to rain of every network that is trained, on the test photos of its category."""
    name: str = ""

    @property
    def systems(self) -> tuple[Given, ...]:
        """The given systems, followed by those that learnt nothing."""
        return with_trivial(self.given)

    def grids(self, scale: str) -> tuple[Grid, ...]:
        """The grids at a scale."""
        reduced = self.reduced(scale)
        return self.grid if reduced is None else reduced.grid

    def reduced(self, scale: str) -> Reduced | None:
        """The part that is kept at a scale; None: all."""
        return {"gpu": self.gpu, "cpu": self.cpu}.get(scale)


def load_study(path: Path) -> Study:
    """Read a study's TOML file.

    Raises:
        InputError: the file cannot be read; an unknown key, axis, category, test set, network or rain (the closest
            valid one is named); or a value that makes no sense.
    """
    # Absolute, as workers may lie in other folders.
    study = read_table(Study, read_toml(path), str(path), path.absolute().parent)
    study = _resolve(study, path.absolute())
    try:
        for scale in SCALES:
            for grid in study.grids(scale):
                _check_grid(grid, study)
        for given in study.given:
            _check_given(given, study)
        for test in study.tests.values():
            _check_test(test, study)
        if study.plot is not None:
            _check_plot(study.plot)
        elif study.figure == "F6b":
            raise InputError("figure F6b needs [plot]")
        if study.pictures is not None:
            _check_pictures(study.pictures, study)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return study


def load_studies(paths: tuple[Path, ...]) -> list[Study]:
    """The studies of files, and of all .toml files of folders in the order of the paper's figures.

    Raises:
        InputError: as `load_study`; or a folder holds no study.
    """
    studies: list[Study] = []
    if not paths:
        raise InputError("give at least one study: a file, or a folder of such files")
    for path in paths:
        found = sorted(path.glob("*.toml")) if path.is_dir() else [path]
        if not found:
            raise InputError(f"the folder {path} holds no study (.toml)")
        order = get_args(FigureName)
        studies += sorted(map(load_study, found), key=lambda study: order.index(study.figure))
    return studies


def _resolve(study: Study, path: Path) -> Study:
    """With names filled in, and files of rain, networks and losses taken from the study's folder."""

    def rain(text: str) -> str:
        parts = (
            str(located(part, path.parent)) if part.endswith(".toml") else seen_from(path.parent, part)
            for part in text.split("+")
        )
        return "+".join(parts)

    def own(value: Any) -> Any:
        return seen_from(path.parent, value) if isinstance(value, str) else value

    def grids(found: tuple[Grid, ...]) -> tuple[Grid, ...]:
        return tuple(
            replace(
                grid,
                network=tuple(seen_from(path.parent, text) for text in grid.network),
                rain=tuple(map(rain, grid.rain)),
                settings={name: tuple(map(own, values)) for name, values in grid.settings.items()},
            )
            for grid in found
        )

    def reduced(found: Reduced | None) -> Reduced | None:
        return found and replace(found, grid=grids(found.grid))

    return replace(
        study,
        name=path.stem,
        data={name: replace(category, name=name) for name, category in study.data.items()},
        tests={
            name: replace(test, name=name, rain=test.rain and rain(test.rain)) for name, test in study.tests.items()
        },
        grid=grids(study.grid),
        given=tuple(given.resolved(path.parent, study.tests) for given in study.given),
        gpu=reduced(study.gpu),
        cpu=reduced(study.cpu),
        pictures=study.pictures and replace(study.pictures, rain=tuple(map(rain, study.pictures.rain))),
    )


def _check_grid(grid: Grid, study: Study) -> None:
    axes = {each.name: getattr(grid, each.name) for each in fields(Grid) if each.name != "settings"}
    for name, values in {**axes, **grid.settings}.items():
        if not values:
            raise InputError(f"{name} of a grid needs at least one value")
    for network in grid.network:
        parse(network)
    for category in grid.category:
        one_of(category, study.data, "category")
        if not study.data[category].train:
            raise InputError(f"the category {category!r} needs photos in train")
        if study.probe and not study.data[category].test:
            raise InputError(f"probe needs photos in test of the category {category!r}")
    for rain in grid.rain:
        _check_rain(rain)
    for test in grid.tests:
        one_of(test, study.tests, "test set")
    for chosen in grid.choices():
        replace(TrainingSettings(backgrounds=(), count=1), **dict(chosen))  # refuses what makes no sense
    for axis, least, below in (("count", 1, 1e9), ("seed", 0, 2**32), ("length", 1e-9, 1e6)):
        values = getattr(grid, axis)
        if not all(least <= value < below for value in values):
            raise InputError(f"{axis} must have values from {least:g} to less than {below:g}, not {list(values)}")


def _check_given(given: Given, study: Study) -> None:
    try:
        if [each.name for each in study.given].count(given.name) > 1:
            raise InputError("two systems have this name")
        if (given.model is None) == (not given.restored):
            raise InputError("give model or restored")
        if not given.tests:
            raise InputError("there is no test set to measure it on")
        if given.network is not None:
            parse(given.network)
        for test in (*given.tests, *given.seen, *given.shares, *given.restored, *given.restored_clean):
            one_of(test, study.tests, "test set")
        for test in given.tests if given.restored else ():
            if test not in given.restored or study.tests[test].rainy is None:
                raise InputError(f"the test set {test!r} needs a folder in restored, and to be of pairs")
        for category, role in ((given.backgrounds, "train"), (given.probe, "test")):
            if category is not None and not getattr(study.data[one_of(category, study.data, "category")], role):
                raise InputError(f"the category {category!r} needs photos in {role}")
        if given.probe is not None and (given.restored or given.model == PERFECT):
            raise InputError("only a model can be probed")
    except InputError as error:
        raise InputError(f"the given system {given.name!r}: {error}") from error


def _check_test(test: TestSet, study: Study) -> None:
    if test.category is not None:
        one_of(test.category, study.data, "category")
        if not study.data[test.category].test:
            raise InputError(f"test set {test.name!r} needs photos in test of the category {test.category!r}")
    if test.rain is not None:
        _check_rain(test.rain)
    if test.streaks is not None:
        one_of(test.streaks, study.tests, "test set")
        if study.tests[test.streaks].rainy is None:
            raise InputError(f"test set {test.name!r} takes its streaks from {test.streaks!r}, which is not of pairs")


def _check_plot(plot: Plot) -> None:
    if not plot.figures:
        raise InputError("[plot] needs figures")
    for axis in filter(None, (plot.lines, plot.panels)):
        one_of(axis, AXES[:-1], "axis")
    for figure in plot.figures:
        one_of(figure, METRIC, "figure")


def _check_pictures(pictures: Pictures, study: Study) -> None:
    if pictures.number < 1:
        raise InputError(f"number of pictures must be at least 1, not {pictures.number}")
    if pictures.test is not None:
        one_of(pictures.test, study.tests, "test set")
    for rain in pictures.rain:
        _check_rain(rain)
    needed = {
        "restored": pictures.test or pictures.photos,
        "decomposition": pictures.test,
        "ranges": pictures.rain,
        "categories": study.data,
    }
    if not needed[pictures.kind]:
        raise InputError(f"pictures of the kind {pictures.kind!r} need test, photos or rain")
    if pictures.model is not None:
        one_of(pictures.model, (*NAMES, *FILTERS), "model")
    if pictures.kind in ("categories", "ranges") and not (study.data and all(c.train for c in study.data.values())):
        raise InputError(f"pictures of the kind {pictures.kind!r} need categories with photos in train")


def _check_rain(rain: str) -> None:
    for part in rain.split("+"):
        if not part.endswith(".toml") and not names_class(part):
            load_degradation(part)


def resolve_test(study: Study, name: str) -> Test:
    """A test set of a study by its name."""
    chosen = study.tests[name]
    pairs_of = study.tests[chosen.streaks] if chosen.streaks else chosen
    pairs = None
    if pairs_of.rainy is not None and pairs_of.clean is not None:
        pairs = Pairs(pairs_of.rainy, pairs_of.clean, pairs_of.match)
    category = study.data[chosen.category] if chosen.category else None
    return Test(name, pairs, category, chosen.rain, chosen.pictures, chosen.size_px)


def with_defaults(axes: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in the settings that a recorded training lacks, since there was no choice of them when it was made."""
    return {**{name: each.default for name, each in SETTING_AXES.items()}, **axes}
