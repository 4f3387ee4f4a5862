"""Figures of merit of the user's own files (docs/how-to/own-loss.md)."""

from typing import Any

from derain.errors import InputError
from derain.evaluation.metrics import Better, OwnMetric, Picture, Unit, described
from derain.support.user_code import UserCode, parse_class


class UserMetric(OwnMetric):
    """A figure of merit that a class of a file gives.

    Attributes:
        code: the class, its arguments, and the SHA-256 of its code, JSON-able.

    Args:
        text: FILE.py:CLASS:key=value,...

    Raises:
        InputError: the code cannot be made; or as `derain.evaluation.metrics.described`.
    """

    def __init__(self, text: str) -> None:
        name, arguments = parse_class(text, "metric")
        code = UserCode(name, "metric")
        self._metric, self._importing = code.make(arguments), code.importing
        metric = described(self._metric)
        self.name: str = metric.name
        self.better: Better = metric.better
        self.range: tuple[float, float] = metric.range
        self.unit: Unit = metric.unit
        self.code: dict[str, Any] = {"class": name.rpartition(":")[2], "arguments": arguments, "code": code.sha256}

    def __call__(
        self, rainy: Picture, clean: Picture, restored: Picture, restored_clean: Picture | None, /
    ) -> float | None:
        try:
            with self._importing():
                value = self._metric(rainy, clean, restored, restored_clean)
                return None if value is None else float(value)
        except Exception as error:
            raise InputError(f"the metric {self.name!r} fails: {type(error).__name__}: {error}") from error
