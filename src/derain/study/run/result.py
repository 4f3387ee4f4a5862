"""The result of a task: what is known of a network or a given system, and its figures on every test set."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from derain.evaluation.metrics import Figures
from derain.probe.response import ResponseMap


@dataclass(frozen=True)
class Environment:
    """The machine of a training or measurement: torch device, CPU threads and version of torch."""

    device: str
    threads: int
    torch: str


@dataclass(frozen=True)
class Measured:
    """The figures of a network on a test set, by the threshold of the mask of rain in grey levels.

    Attributes:
        content: hash of all that the test set shows.
        names: of the images.
        mean: over images, at 10 and 50.
        images: of every image, at 10 and 50; empty where a result was published with its means alone.
        input: means of the rainy pictures as they are, at 10 and 50.
        sensitivity: means of the figures that depend on the threshold, at 5, 10, 25 and 50.
        perfect_e_r: E_R of perfect removal, at 10 and 50.
        further: entries of the file that other programs added.
    """

    content: str
    names: Sequence[str]
    mean: Mapping[int, Figures]
    images: Mapping[int, Sequence[Figures]]
    input: Mapping[int, Figures]
    sensitivity: Mapping[int, Figures]
    perfect_e_r: Mapping[int, float | None]
    further: Mapping[str, Any] = field(default_factory=dict)

    def value(self, figure: str, threshold: int) -> float | None:
        """Mean over images of one of `derain.METRICS`; None where it is not defined."""
        return (self.mean if threshold in self.mean else self.sensitivity)[threshold][figure]

    def values(self, figure: str, threshold: int) -> list[float | None]:
        """The same of every image; empty where only means were kept."""
        return [image[figure] for image in self.images.get(threshold, ())]

    def to_json(self) -> dict[str, Any]:
        """The same with thresholds as text."""
        by_threshold = {name: {f"{at}": value for at, value in getattr(self, name).items()} for name in _BY_THRESHOLD}
        return {"content": self.content, "names": self.names, **by_threshold, **self.further}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Measured":
        """Read what `to_json` gave.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: it is something else.
        """
        by_threshold = {name: {int(at): value for at, value in content[name].items()} for name in _BY_THRESHOLD}
        further = {name: value for name, value in content.items() if name not in ("content", "names", *_BY_THRESHOLD)}
        return cls(content["content"], content["names"], further=further, **by_threshold)


_BY_THRESHOLD = ("mean", "images", "input", "sensitivity", "perfect_e_r")


@dataclass(frozen=True)
class Result:
    """A training that is done, or a given system.

    Attributes:
        axes: those of `derain.study.plan.spec.AXES`; None: a given system has none.
        run: header of the weights.
        photos: distinct photos that its backgrounds come from; None: not known.
        parameters: of the network; None: not known.
        environment: where it was trained, or measured if it was given.
        seconds: of the training; None: not known.
        tests: its figures by the names of the test sets.
        response: to rain; None: it was not mapped.
        further: entries of the file that other programs added.
    """

    axes: Mapping[str, Any]
    run: Mapping[str, Any]
    photos: int | None
    parameters: int | None
    environment: Environment
    seconds: float | None
    tests: Mapping[str, Measured] = field(default_factory=dict)
    response: ResponseMap | None = None
    further: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            **{name: getattr(self, name) for name in _AS_IT_IS},
            "environment": asdict(self.environment),
            "tests": {name: measured.to_json() for name, measured in self.tests.items()},
            **({} if self.response is None else {"probe": self.response.to_json()}),
            **self.further,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Result":
        """Read what `to_json` gave.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: it is something else.
        """
        known = (*_AS_IT_IS, "environment", "tests", "probe", "format")
        return cls(
            **{name: content[name] for name in _AS_IT_IS},
            environment=Environment(**content["environment"]),
            tests={name: Measured.from_json(measured) for name, measured in content["tests"].items()},
            response=ResponseMap.from_json(content["probe"]) if "probe" in content else None,
            further={name: value for name, value in content.items() if name not in known},
        )


_AS_IT_IS = ("axes", "run", "photos", "parameters", "seconds")
