"""The trainings and given systems of studies: each once, whatever number of figures share it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, Generic, TypeVar

from derain.degradations import load_degradation
from derain.errors import InputError
from derain.evaluation.test_sets import Test
from derain.networks.registry import canonical, determined
from derain.pictures.backgrounds import Category
from derain.pictures.degradation import Degradation
from derain.rain import Rain
from derain.study.plan.given import Given
from derain.study.plan.scales import Scale
from derain.study.plan.spec import AXES, Grid, Study, resolve_test, with_defaults
from derain.support.user_code import names_class
from derain.training.description import identity
from derain.training.settings import TrainingSettings


@dataclass(frozen=True)
class Training:
    """One training of a study; equal ones are trained once."""

    network: str
    """NAME:key=value,... without values that are the network's defaults."""
    category: Category
    count: int
    rain: str
    seed: int
    length: float
    scale: Scale
    chosen: tuple[tuple[str, Any], ...] = ()
    """Settings that are axes, from `Grid.choices`."""

    def settings(self) -> TrainingSettings:
        """The same for `derain.training.loop.train`."""
        return TrainingSettings(
            backgrounds=self.category.train,
            count=self.count,
            rain=self.rain,
            network=self.network,
            iterations=max(1, round(self.scale.iterations * self.length)),
            batch_size=self.scale.batch_size,
            background_size=self.scale.background_size,
            patch_size=self.scale.patch_size,
            layers=self.scale.layers if isinstance(_load(self.rain), Rain) else None,
            min_std=self.category.min_std,
            max_white=self.category.max_white,
            learning_rate=self.scale.learning_rate,
            warmup=self.scale.warmup,
            seed=self.seed,
            **dict(self.chosen),
        )

    def axes(self) -> dict[str, str | int | float]:
        """Its value on every axis, as it stands in tables."""
        own = {"category": self.category.name, "rain": _short(self.rain), "scale": self.scale.name}
        values = {name: _short(value) for name, value in with_defaults(dict(self.chosen)).items()} | own
        return {name: values[name] if name in values else getattr(self, name) for name in AXES}

    def identity(self, photos: str) -> str:
        """A hash of all that determines the trained weights: 16 hexadecimal digits.

        Args:
            photos: hash of the category's training photos; where they lie does not matter.
        """
        return identity(self.settings(), photos, determined(self.network), _rain(self.rain))


Subject = TypeVar("Subject", bound=Training | Given, covariant=True)


@dataclass(frozen=True)
class Planned(Generic[Subject]):
    """A training, or a given system, and what is asked of it."""

    subject: Subject
    tests: tuple[Test, ...]
    backgrounds: Category | None
    """On whose training photos it is trained; None: not known."""
    probe: Category | None
    """On whose test photos its response to rain is mapped; None: it is not."""


def plan_given(study: Study) -> list[Planned[Given]]:
    """The given systems of a study, with those that learnt nothing."""
    return [
        Planned(
            given,
            tuple(resolve_test(study, name) for name in given.tests),
            *(None if name is None else study.data[name] for name in (given.backgrounds, given.probe)),
        )
        for given in study.systems
    ]


def plan(studies: Sequence[Study], scale: Scale, seeds: Sequence[int] = ()) -> list[Planned[Training]]:
    """The distinct trainings of studies, in the order in which the studies ask for them.

    Args:
        studies: their figures share trainings.
        scale: at which they run.
        seeds: in place of the studies' own.

    Raises:
        InputError: a file of rain or a network of your own cannot be read, a seed is negative, or two different rains
            of a study have one name.
    """
    tests: dict[Training, dict[Test, None]] = {}
    probed: set[Training] = set()
    for study in studies:
        known: dict[tuple[str | int | float, ...], Training] = {}
        for training, grid in trainings(study, scale, seeds):
            _refuse_equal_axes(study, training, known.setdefault(tuple(training.axes().values()), training))
            probed |= {training} if study.probe else set()
            tests.setdefault(training, {}).update(dict.fromkeys(resolve_test(study, name) for name in grid.tests))
    return [
        Planned(training, tuple(wanted), training.category, training.category if training in probed else None)
        for training, wanted in tests.items()
    ]


def _refuse_equal_axes(study: Study, training: Training, other: Training) -> None:
    """Figures would average two rains, or two losses, as if they were seeds of one."""
    if training.identity("") != other.identity(""):
        kind = "rain" if training.rain != other.rain else "loss"
        files = [each.rain if kind == "rain" else each.settings().loss for each in (other, training)]
        called = training.axes()[kind]
        raise InputError(
            f"the study {study.name!r} trains on two different {kind}{'es' if kind == 'loss' else 's'} that are called "
            f"{called!r} in figures and tables, {files[0]} and {files[1]}: name one file otherwise"
        )


def distinct(planned: Sequence[Planned[Training]]) -> list[Planned[Training]]:
    """Without trainings that give the weights of an earlier one, such as those of equal categories of two studies."""
    found: dict[tuple[str, tuple[Path, ...]], Planned[Training]] = {}
    for each in planned:
        found.setdefault((each.subject.identity(""), each.subject.category.train), each)
    return list(found.values())


def trainings(study: Study, scale: Scale, seeds: Sequence[int] = ()) -> Iterator[tuple[Training, Grid]]:
    """Every training of a study with the grid that asks for it; seed by seed, small counts first."""
    for grid in study.grids(scale.name):
        axes = (
            seeds or grid.seed, grid.length, grid.choices(), grid.count, grid.rain, grid.category, grid.network
        )  # fmt: skip
        for seed, length, chosen, count, rain, category, network in product(*axes):
            yield (
                Training(canonical(network), study.data[category], count, rain, seed, float(length), scale, chosen),
                grid,
            )


def _short(value: Any) -> Any:
    """A rain's file or a class of your own, without the folder of its file."""
    if not isinstance(value, str):
        return value
    if names_class(value):
        file, _, rest = value.partition(".py:")
        return f"{Path(file).name}.py:{rest}"
    return "+".join(Path(part).stem if part.endswith(".toml") else part for part in value.split("+"))


@cache
def _load(rain: str) -> Degradation:
    return load_degradation(rain)


@cache
def _rain(rain: str) -> Mapping[str, Any]:
    return _load(rain).describe()
