"""Settings of the advice. Free of torch, so that the command line answers at once."""

from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Literal

from derain.errors import InputError
from derain.study.plan.scales import SCALES
from derain.support.choices import Match, Recipe
from derain.training.settings import TrainingSettings

Preference = Literal["balanced", "removal", "picture"]
_SCALE = SCALES["cpu"]


@dataclass(frozen=True)
class AdviceSettings:
    """Photos, candidates, what counts as best, and how a candidate is trained; the defaults suit a CPU."""

    backgrounds: tuple[Path, ...] = ()
    """Folders of background photos; an eighth of the photos, 16 at most, is kept out to measure on."""
    network: str = "unet:base=16,levels=4,norm=none,activation=leaky_relu,input_skip=true"
    """Network, with hyperparameters as in resnet:features=16,blocks=4."""
    budget: int = 8
    """Trainings at most, repeated seeds included; at least one for every rain."""
    rains: tuple[str, ...] = ("small", "medium", "large", "wide")
    """Rains to choose from: presets or TOML files."""
    counts: tuple[int, ...] | None = None
    """Numbers of backgrounds to choose from; by default 8, 16, ... 1024, as far as patches do not overlap."""
    recipe: Recipe = "paper"
    """Rendering of the streaks; a TOML file of rain may set its own."""
    prefer: Preference = "balanced"
    """Best is the highest PSNR-Y on unseen rain; removal adds 2 dB for every tenth of the rain that is removed, picture
    takes off 0.5 dB for every grey level of clean error."""
    min_removal: float | None = None
    """Least controlled removal of unseen rain, such as 0.7."""
    validation_pairs: tuple[Path, Path] | None = None
    """Two folders of rainy and clean pictures: one more probe beside the rains laid on photos kept out."""
    match: Match = "names"
    """Rule by which the pictures of the validation pairs find each other."""
    iterations: int = field(default=_SCALE.iterations, metadata={"group": "training"})
    """Iterations of every training."""
    batch_size: int = _SCALE.batch_size
    """Samples in a batch."""
    background_size: int = _SCALE.background_size
    """Side of the background patches in pixels; rain is rendered at this size."""
    patch_size: int = _SCALE.patch_size
    """Side of the training samples cut from backgrounds and rain."""
    layers: int | None = _SCALE.layers
    """Draw rain from a bank of this many layers; 0: fresh rain for every sample."""
    learning_rate: float = _SCALE.learning_rate
    """Adam's learning rate; it falls to zero along a cosine."""
    warmup: int = _SCALE.warmup
    """Iterations over which the learning rate rises linearly."""
    skip_bad: bool = False
    """Leave out photos that are broken or smaller than the patch, instead of stopping."""
    seed: int = 0
    """Seed of the photos kept out, of the probes and of the first training of a candidate; repeats count on from it."""
    workers: int | None = None
    """Trainings at a time, a CPU thread each; by default as many as there are CPUs."""

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise InputError(f"--workers must be at least 1, not {self.workers}")
        if self.min_removal is not None and not isfinite(self.min_removal):
            raise InputError(f"--min-removal must be a finite number, not {self.min_removal}")

    def training(self, rain: str, count: int, seed: int) -> TrainingSettings:
        """Settings of a candidate's training; whatever the seed, the same photos are kept out.

        >>> AdviceSettings((Path("photos"),)).training("medium", 64, seed=2).split_seed
        0
        """
        return TrainingSettings(
            backgrounds=self.backgrounds,
            count=count,
            rain=rain,
            recipe=self.recipe,
            network=self.network,
            iterations=self.iterations,
            batch_size=self.batch_size,
            background_size=self.background_size,
            patch_size=self.patch_size,
            layers=self.layers or None,
            skip_bad=self.skip_bad,
            learning_rate=self.learning_rate,
            warmup=self.warmup,
            validate_every=self.iterations,  # at the end alone: what matters is that it keeps photos out
            seed=seed,
            split_seed=self.seed,
        )
