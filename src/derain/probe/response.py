"""A network's response to rain, summed up over backgrounds: the one form in which results and logs keep it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from derain.evaluation.statistics import mean_and_error
from derain.probe.area import Area
from derain.probe.measure import ProbeMap
from derain.probe.space import CLEAN_BOUND

FIGURE = "removal_controlled"
"""The figure of `derain.probe.measure.FIGURES` that a response map holds."""


@dataclass(frozen=True, eq=False)
class ResponseMap:
    """The controlled removal of every cell and what follows from it.

    Attributes:
        means: over backgrounds, a value a cell, by the names of the maps; NaN where no pixel is masked.
        errors: their standard errors.
        clean_error: mean over backgrounds, in grey levels.
        clean_bound: largest clean error, in grey levels, at which `area` is not 0.
        area: the generalisation area within that bound.
        area_unbounded: the same without a bound.
        photos: number of photos that the backgrounds come from.
    """

    means: Mapping[str, Float64[np.ndarray, "_"]]
    errors: Mapping[str, Float64[np.ndarray, "_"]]
    clean_error: float
    clean_bound: float
    area: Area
    area_unbounded: Area
    photos: int

    @classmethod
    def of(cls, probed: ProbeMap) -> "ResponseMap":
        """Sum up what was measured, with the default bound of the clean error."""
        found = {name: mean_and_error(each.figures[FIGURE], probed.spread) for name, each in probed.responses.items()}
        return cls(
            means={name: mean for name, (mean, _) in found.items()},
            errors={name: error for name, (_, error) in found.items()},
            clean_error=float(probed.clean_error.mean()),
            clean_bound=CLEAN_BOUND,
            area=probed.area(CLEAN_BOUND),
            area_unbounded=probed.area(None),
            photos=probed.photos,
        )

    def to_json(self) -> dict[str, Any]:
        """The same with null for NaN."""
        return {
            "means": {name: plain(values) for name, values in self.means.items()},
            "errors": {name: plain(values) for name, values in self.errors.items()},
            "clean_error": self.clean_error,
            "clean_bound": self.clean_bound,
            "area": self.area._asdict(),
            "area_unbounded": self.area_unbounded._asdict(),
            "photos": self.photos,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "ResponseMap":
        """Read what `to_json` gave.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        means, errors = (
            {name: np.array(values, np.float64) for name, values in content[key].items()} for key in ("means", "errors")
        )
        return cls(
            means,
            errors,
            content["clean_error"],
            content["clean_bound"],
            Area(**content["area"]),
            Area(**content["area_unbounded"]),
            content["photos"],
        )


def plain(values: Any) -> Any:
    """Give an array as nested lists of numbers, with null for NaN.

    >>> plain(np.array([[0.5, np.nan]]))
    [[0.5, None]]
    """
    if np.ndim(values):
        return [plain(entry) for entry in values]
    return None if np.isnan(values) else float(values)
