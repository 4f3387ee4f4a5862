"""The record of a study in a folder of results: the study itself, its scale and the trainings that belong to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from derain.study.plan.scales import Scale
from derain.study.plan.spec import Study
from derain.support.tables import read_table


@dataclass(frozen=True)
class RecordedRun:
    """A training that belongs to a study.

    Attributes:
        id: identity of the training.
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
        )
