"""The record of a study in a folder of results: the study, its scale, its trainings and given systems."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from derain.study.plan.scales import Scale
from derain.study.plan.spec import Study
from derain.support.tables import read_table


@dataclass(frozen=True)
class RecordedRun:
    """A training, or a given system, that belongs to a study.

    Attributes:
        id: its identity.
        axes: those of `derain.study.plan.spec.AXES`.
        tests: hashes of what its test sets show, by their names; the first is drawn and judged.
        earlier: it is of a seed that only an earlier command asked for.
    """

    id: str
    axes: Mapping[str, Any]
    tests: Mapping[str, str]
    earlier: bool = False


@dataclass(frozen=True)
class RecordedStudy:
    """A study as it was run in a folder of results."""

    study: Study
    scale: Scale
    runs: tuple[RecordedRun, ...]
    given: tuple[RecordedRun, ...] = ()

    @property
    def all(self) -> tuple[RecordedRun, ...]:
        """The trainings and the given systems."""
        return (*self.runs, *self.given)

    @property
    def name(self) -> str:
        """NAME.SCALE."""
        return f"{self.study.name}.{self.scale.name}"

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "RecordedStudy":
        """Read what `dataclasses.asdict` gave.

        Raises:
            KeyError, TypeError, InputError: it is something else.
        """
        return cls(
            read_table(Study, content["study"], "the study", Path()),
            Scale(**content["scale"]),
            tuple(RecordedRun(**run) for run in content["runs"]),
            tuple(RecordedRun(**run) for run in content.get("given", ())),
        )
