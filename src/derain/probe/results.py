"""Results of a probe on one network or on two."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from derain.evaluation.statistics import mean_and_error
from derain.probe.area import Area
from derain.probe.maps import Scene
from derain.probe.measure import LEAST_PHOTOS, THRESHOLD, ProbeMap
from derain.probe.space import ProbeSpace
from derain.probe.trained import Box, TrainedStreaks, boxes

CLEAN_BOUNDS = (5.0, 10.0, 15.0, 20.0)
"""Bounds of the clean error, in grey levels, at which the area is always given."""


@dataclass(frozen=True)
class Probed:
    """A network that was asked.

    Attributes:
        name: its file as it was given.
        sha256: of the file.
        trained: streaks that it was trained on; None: its header does not say.
        answer: what was measured.
    """

    name: str
    sha256: str
    trained: list[TrainedStreaks] | None
    answer: ProbeMap

    @property
    def label(self) -> str:
        """Its name without the folders above its own."""
        return "/".join(Path(self.name).parts[-2:])

    def note(self) -> str | None:
        """Why its maps have no box."""
        if self.trained is None:
            return f"The header of {self.label} does not say which rain it was trained on: its maps have no box."
        return None if self.trained else f"{self.label} was trained on rain without streaks: its maps have no box."


@dataclass(frozen=True)
class Panel:
    """One figure of a network, or of the difference of two, on all maps.

    Attributes:
        title: whose it is.
        means: over backgrounds, a value a cell, by the names of the maps; NaN where no pixel is masked.
        errors: their standard errors.
        boxes: training ranges, by the names of the maps.
        difference: whether it is one of two networks.
    """

    title: str
    means: Mapping[str, Float64[np.ndarray, "_"]]
    errors: Mapping[str, Float64[np.ndarray, "_"]]
    boxes: Mapping[str, list[Box]]
    difference: bool


@dataclass(frozen=True)
class Results:
    """All that a probe found, on one or two networks; a difference is that of the second minus the first.

    Attributes:
        space: what was asked.
        scene: the rain and the backgrounds.
        networks: one or two.
        clean_bound: of the generalisation area that is shown first, in grey levels.
    """

    space: ProbeSpace
    scene: Scene
    networks: tuple[Probed, ...]
    clean_bound: float

    @property
    def clean_bounds(self) -> list[float | None]:
        """At which the area is given, ascending: the bound that is asked for among the others, and none at last."""
        return [*sorted({self.clean_bound, *CLEAN_BOUNDS}), None]

    @property
    def titles(self) -> list[str]:
        """Names of the networks in figures."""
        return [each.label for each in self.networks] if len(self.networks) == 1 else ["A", "B"]

    def panels(self, figure: str) -> list[Panel]:
        """One a network, and one of the difference of two."""
        shown = [
            self._panel(title, [each.answer], figure, each.trained)
            for title, each in zip(self.titles, self.networks, strict=True)
        ]
        if len(self.networks) == 2:
            shown.append(self._panel("B - A", [each.answer for each in self.networks], figure, None))
        return shown

    def _panel(self, title: str, answers: list[ProbeMap], figure: str, trained: list[TrainedStreaks] | None) -> Panel:
        means, errors = {}, {}
        for rain_map in self.scene.maps:
            first, *second = [answer.responses[rain_map.name].figures[figure] for answer in answers]
            values = second[0] - first if second else first
            means[rain_map.name], errors[rain_map.name] = mean_and_error(values, answers[0].spread)
        drawn = {rain_map.name: boxes(trained, rain_map, self.space.recipe) for rain_map in self.scene.maps}
        return Panel(title, means, errors, drawn, len(answers) == 2)

    def areas(self, clean_bound: float | None) -> list[Area]:
        """The generalisation area of every network, and of the difference of two."""
        answers = [each.answer for each in self.networks]
        found = [answer.area(clean_bound) for answer in answers]
        return found if len(answers) == 1 else [*found, answers[1].area(clean_bound, minus=answers[0])]

    def notes(self) -> list[str]:
        """Notes for the reader, in sentences."""
        photos, count = self.scene.patches.photos, len(self.scene.patches.patches)
        found = [
            f"Means over {count} backgrounds of {photos} photos; nothing checks that the networks were not trained on "
            "these photos."
        ]
        if photos < LEAST_PHOTOS:
            found.append(
                f"Backgrounds of {photos} photos are too few to give a spread: there have to be {LEAST_PHOTOS}."
            )
        if self.space.recipe == "paper" and self.space.lengths_px[-1] > 35:
            found.append("Streaks of the recipe paper are no longer than about 35 px, whatever their length.")
        values = self.networks[0].answer.responses.values()
        empty = sum(int(np.isnan(r.figures["removal"]).all(1).sum()) for r in values)
        if empty:
            found.append(
                f"Grey cells ({empty}) have no value: their rain changes no pixel by more than {THRESHOLD:g} levels."
            )
        return [*found, *(note for each in self.networks if (note := each.note()))]
