"""Results of looking into a network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from derain.evaluation.statistics import mean_defined
from derain.probe.explanation.attribution import Attribution
from derain.probe.explanation.separation import Separation


@dataclass(frozen=True, eq=False)
class Explained:
    """A network that was looked into.

    Attributes:
        name: as it was given.
        sha256: of the model.
        backgrounds: number of backgrounds that it was trained on; None: its header does not say.
        layer: whose features were parted; None: it has no convolution.
        separation: of the features.
        attributions: of the first backgrounds, by rain.
    """

    name: str
    sha256: str
    backgrounds: int | None
    layer: str | None
    separation: Separation | None
    attributions: Mapping[str, Sequence[Attribution]]

    def means(self, figure: str) -> dict[str, float | None]:
        """The mean over pictures of a figure of the attributions, by rain."""
        return {
            rain: mean_defined(getattr(each, figure) for each in found) for rain, found in self.attributions.items()
        }

    def to_json(self) -> dict[str, Any]:
        """All attributes; attributions without their maps."""
        return {
            "name": self.name,
            "sha256": self.sha256,
            "backgrounds": self.backgrounds,
            "layer": self.layer,
            "separation": None if self.separation is None else self.separation.to_json(),
            "diffusion_index": self.means("diffusion_index"),
            "rain_density": self.means("rain_density"),
            "attributions": {rain: [each.to_json() for each in found] for rain, found in self.attributions.items()},
        }
