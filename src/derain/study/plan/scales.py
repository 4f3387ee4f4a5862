"""The three scales at which a study runs: the paper's own, and two documented reductions of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from derain.errors import one_of
from derain.support.choices import ScaleName


@dataclass(frozen=True)
class Scale:
    """The settings that all trainings of a study share; fields as in `derain.training.settings.TrainingSettings`."""

    name: ScaleName
    iterations: int
    background_size: int
    patch_size: int
    batch_size: int
    learning_rate: float
    warmup: int
    layers: int | None
    reduction: str
    """The differences from the paper, in words."""


SCALES: Mapping[ScaleName, Scale] = {
    scale.name: scale
    for scale in (
        Scale(
            "paper", 250_000, 128, 128, 16, 2e-4, 0, None,
            "none: the paper's section 3.1; but half of the samples are flipped left to right, and averaged weights "
            "are measured, as at every scale",
        ),
        Scale(
            "gpu", 20_000, 128, 128, 16, 2e-4, 0, None,
            "20,000 iterations in place of 250,000",
        ),
        Scale(
            "cpu", 4_500, 128, 64, 16, 1e-3, 200, 4_000,
            "4,500 iterations in place of 250,000, samples of 64x64 cut from the 128x128 backgrounds and rain, "
            "rain from a bank of 4,000 layers, learning rate 1e-3 with a warm-up of 200",
        ),
    )
}  # fmt: skip


def scale_of(name: str) -> Scale:
    """The scale by its name.

    Raises:
        InputError: there is none of that name.
    """
    return SCALES[one_of(name, SCALES, "scale")]
