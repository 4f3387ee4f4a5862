"""The settings of a training. Free of torch, so that the command line answers at once."""

import math
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

from derain.errors import InputError, one_of
from derain.support.choices import Convention, Match, Precision, Recipe
from derain.support.user_code import names_class

_CHOICES = {"recipe": get_args(Recipe), "precision": get_args(Precision)}

LOSS_TERMS = ("l1", "l2", "charbonnier", "frequency", "ssim")
"""Terms of a loss, on the network's last picture; `derain.training.losses` has them."""
_LARGEST_RATE = 1e30  # Adam's steps are float32
_SSIM_WINDOW_PX = 11

Part = Literal["optimiser", "objective"]
"""Parts of the description of a run that a setting can stand in."""

# Metadata of a setting.
# group: it begins a group of flags, which `derain train --help` shows under this title.
# alias: another name of its flag.
# axis: it is an axis of studies, too; no setting that a scale or a category chooses can be one.
# added_to: every setting newer than the first version names the part of the description of a run that it stands in. It
# stands there, and in the identity of a study's training, only where it differs from its default: so what was trained
# before there was a choice stays what it is.


@dataclass(frozen=True)
class TrainingSettings:
    """The training objective, the network and how it is trained; the defaults are the paper's (section 3.1)."""

    backgrounds: tuple[Path, ...] = field(default=(), metadata={"group": "data"})
    """Folders of background photos. Needed, unless there are --pairs."""
    count: int = 0
    """Number of background patches to train on, and of patches of --pairs. Needed: 1 or more."""
    pairs: tuple[Path, Path] | None = None
    """Two folders of rainy and clean pictures to train on as they are, alone or beside backgrounds under rain."""
    pairs_share: float = field(default=0.5, metadata={"added_to": "objective"})
    """Share of the samples of a batch that are cut from --pairs, where there are backgrounds as well."""
    match: Match = "names"
    """Rule by which the pictures of --pairs and of --validation-pairs find each other: a set's, or two patterns."""
    background_size: int = 128
    """Side of the background patches in pixels; rain is rendered at this size."""
    patch_size: int | None = None
    """Side of the training samples cut from backgrounds and rain; the background size by default."""
    min_std: float = 0.0
    """Leave out patches whose luma varies less than this (standard deviation, 0..255): blank paper, clear sky."""
    max_white: float = 1.0
    """Leave out patches in which a larger share of the pixels is white."""
    skip_bad: bool = False
    """Leave out photos that are broken or smaller than the patch, instead of stopping."""
    rain: str = field(default="medium", metadata={"group": "rain", "alias": "--degradation"})
    """Rain to train on: small, medium, large, lines, wide, or a TOML file; or another degradation, such as noise,
    jpeg:large or medium+jpeg, or FILE.py:CLASS for your own (docs/concepts/degradations.md)."""
    recipe: Recipe = "paper"
    """Rendering of the streaks; a TOML file of rain may set its own."""
    layers: int | None = None
    """Draw rain from a bank of this many layers in place of fresh rain for every sample."""
    network: str = field(default="resnet", metadata={"group": "network"})
    """resnet, unet, half_unet, swinir, spdnet, rcdnet, prenet, syn2real, or FILE.py:CLASS for your own; with
    hyperparameters as in resnet:features=16,blocks=4. `derain networks` compares them."""
    init: Path | None = None
    """Model to begin from in place of fresh weights: balanced, strong, light, the model file of a run, or official
    weights."""
    iterations: int = field(default=250_000, metadata={"group": "optimisation"})
    """Training iterations. The default is the paper's: hours on a GPU, weeks to months on a CPU; 2,000 to 5,000 suit a
    CPU."""
    loss: str = field(default="l1", metadata={"axis": True})
    """l1 (the paper's), l2, charbonnier, frequency, ssim, a weighted sum as l1+ssim:0.2, own (of its own paper), or
    FILE.py:CLASS for your own."""
    batch_size: int = 16
    """Samples in a batch."""
    learning_rate: float = 2e-4
    """Adam's learning rate; it falls to zero along a cosine."""
    betas: tuple[float, float] = (0.9, 0.99)
    """Adam's betas."""
    warmup: int = 0
    """Iterations over which the learning rate rises linearly."""
    precision: Precision = field(default="float32", metadata={"axis": True, "added_to": "optimiser"})
    """Precision of the products. bfloat16 takes two thirds of the time on CPUs that support it, and ten times as long
    on others."""
    average_decay: float = 0.999
    """Decay of the averaged weights, which are the ones saved; (k+1)/(k+10) while that is smaller; 0: no averaging."""
    seed: int = 0
    """Seed of everything that is drawn."""
    validate_every: int = field(default=0, metadata={"group": "watching"})
    """Measure every so many iterations, and at the end; 0: never."""
    stop_when_slacking: bool = False
    """Stop when the network slacks off on the validation under unseen rain, and keep the weights of the best point."""
    probe_every: int = 0
    """Map the response to rain every so many iterations, coarsely, on the photos of the validation; 0: never."""
    validation: Path | None = None
    """Folder of photos to validate on, in place of photos kept out of the training set."""
    validation_pairs: tuple[Path, Path] | None = None
    """Two folders of rainy and clean pictures to measure as well."""
    split_seed: int | None = None
    """Seed that chooses the photos kept out of training, where they are to be the same for several seeds."""

    def __post_init__(self) -> None:
        self._check_choices()
        self._check_numbers()
        self._check_together()

    def _check_choices(self) -> None:
        for name, choices in _CHOICES.items():
            one_of(getattr(self, name), choices, name)
        if isinstance(self.match, str):
            one_of(self.match, get_args(Convention), "match")
        terms = {} if self.loss == "own" or names_class(self.loss) else read_loss(self.loss)
        if "ssim" in terms and self.sample_size < _SSIM_WINDOW_PX:
            raise InputError(f"--loss {self.loss} needs samples of at least {_SSIM_WINDOW_PX} pixels a side")

    def _check_numbers(self) -> None:
        for name in ("count", "iterations", "batch_size", "background_size", "patch_size", "layers", "learning_rate"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise InputError(f"{_flag(name)} must be greater than 0 and finite, not {value}")
        if self.learning_rate > _LARGEST_RATE:
            raise InputError(f"--learning-rate must be at most {_LARGEST_RATE:g}, not {self.learning_rate}")
        for name in ("warmup", "validate_every", "probe_every", "seed", "split_seed"):
            if (getattr(self, name) or 0) < 0:
                raise InputError(f"{_flag(name)} must not be negative, as {getattr(self, name)} is")
        if not 0 <= self.min_std <= 127.5:
            raise InputError(f"--min-std must lie between 0 and 127.5 levels, not {self.min_std}")
        if not 0 <= self.max_white <= 1:
            raise InputError(f"--max-white must be a share between 0 and 1, not {self.max_white}")
        for name, value in (("average_decay", self.average_decay), *(("betas", beta) for beta in self.betas)):
            if not 0 <= value < 1:
                raise InputError(f"{_flag(name)} must be at least 0 and less than 1, not {value}")

    def _check_together(self) -> None:
        if self.patch_size is not None and self.patch_size > self.background_size:
            raise InputError(
                f"--patch-size {self.patch_size} is larger than --background-size {self.background_size}, "
                "from which it is cut"
            )
        if not self.validate_every and (self.validation_pairs or self.stop_when_slacking):
            raise InputError("--validation-pairs and --stop-when-slacking need --validate-every")
        if self.pairs is not None:
            self._check_pairs()
        if self.warmup >= self.iterations:
            raise InputError(f"--warmup {self.warmup} must be shorter than --iterations {self.iterations}")
        if self.validation is not None and not self.validate_every and not self.probe_every:
            raise InputError("--validation needs --validate-every or --probe-every")

    def _check_pairs(self) -> None:
        if self.backgrounds and not 0 < self.pair_samples < self.batch_size:
            share = f"--pairs-share {self.pairs_share} of --batch-size {self.batch_size}"
            raise InputError(f"{share} is {self.pair_samples} samples: it must leave some of either kind")
        photos = self.backgrounds or self.validation is not None
        if not photos and (self.probe_every or self.stop_when_slacking):
            raise InputError("--probe-every and --stop-when-slacking need --backgrounds or --validation")
        if not photos and self.validate_every and self.validation_pairs is None:
            raise InputError("--validate-every needs --backgrounds, --validation or --validation-pairs")

    @property
    def pair_samples(self) -> int:
        """Number of samples of a batch that are cut from pairs.

        >>> TrainingSettings((Path("photos"),), 8, (Path("rainy"), Path("clean")), pairs_share=0.25).pair_samples
        4
        """
        if self.pairs is None:
            return 0
        return round(self.pairs_share * self.batch_size) if self.backgrounds else self.batch_size

    @property
    def sample_size(self) -> int:
        """Side of the training samples in pixels."""
        return self.patch_size or self.background_size

    def added(self, *parts: Part) -> dict[str, Any]:
        """The settings of these parts that are newer than the first version and differ from their defaults.

        >>> TrainingSettings((Path("photos"),), 8, precision="bfloat16").added("optimiser", "objective")
        {'precision': 'bfloat16'}
        """
        added = [each for each in fields(self) if each.metadata.get("added_to") in parts]
        return {each.name: value for each in added if (value := getattr(self, each.name)) != each.default}


SETTING_AXES = {each.name: each for each in fields(TrainingSettings) if each.metadata.get("axis")}
"""The settings that are axes of studies, by name."""


def read_loss(text: str) -> dict[str, float]:
    """The terms of a loss with their weights, from a text TERM or TERM:WEIGHT, several joined by "+".

    Raises:
        InputError: an unknown term (the closest valid one is named), a term given twice, or a weight that is not
            greater than 0 and finite.

    >>> read_loss("l1+ssim:0.2")
    {'l1': 1.0, 'ssim': 0.2}
    """
    terms: dict[str, float] = {}
    for part in text.split("+"):
        name, colon, weight = part.partition(":")
        one_of(name, (*LOSS_TERMS, "own"), "term of the loss")
        if name == "own":
            raise InputError(f"the loss {text!r} is no sum: own stands alone and without a weight")
        if name in terms:
            raise InputError(f"the loss {text!r} has the term {name} twice")
        try:
            terms[name] = float(weight) if colon else 1.0
        except ValueError:
            terms[name] = math.nan
        if not 0 < terms[name] < math.inf:
            raise InputError(f"the loss {text!r} needs a weight greater than 0 for {name}, not {weight!r}")
    return terms


def _flag(name: str) -> str:
    assert name in {field.name for field in fields(TrainingSettings)}
    return "--" + name.replace("_", "-")
