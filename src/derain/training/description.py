"""The description of a training: all that determines it, as JSON for its files and as a hash for studies."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from derain.evaluation.test_sets import ValidationSet
from derain.pictures.backgrounds import PatchSet
from derain.training.losses import determined_loss
from derain.training.pairs import PairPatches
from derain.training.settings import TrainingSettings

_HASHED = (
    "count", "iterations", "loss", "batch_size", "background_size", "patch_size", "layers", "min_std", "max_white",
    "learning_rate", "betas", "warmup", "average_decay", "seed",
)  # fmt: skip
"""Settings that stand in every identity; those added later stand there where they differ from their defaults."""


def describe_run(
    settings: TrainingSettings,
    network: Mapping[str, Any],
    rain: Mapping[str, Any],
    patches: PatchSet | None,
    validation: Sequence[ValidationSet],
    pairs: PairPatches | None = None,
    init: str | None = None,
) -> dict[str, Any]:
    """Describe a run for run.json, the header of its weights, and the check before it goes on.

    The order is that in which differences are looked for: a cause before its effects. All values are those that JSON
    gives back, so that the description equals one that was read from a file.

    Args:
        settings: of the training.
        network: from `derain.networks.weights.describe`.
        rain: the description of the rain.
        patches: the backgrounds; None: it trains on pairs alone, and no rain is laid on anything.
        validation: the sets that are measured along the training.
        pairs: that are trained on as they are.
        init: hash of the model that it begins from; None: fresh weights.
    """
    description = {
        "seed": settings.seed,
        **network,
        **({"init": init} if init else {}),
        "optimiser": {
            "name": "adam",
            "iterations": settings.iterations,
            "learning_rate": settings.learning_rate,
            "betas": list(settings.betas),
            "warmup": settings.warmup,
            "schedule": "cosine",
            "average_decay": settings.average_decay,
            **settings.added("optimiser"),
        },
        "validation": {
            "validate_every": settings.validate_every,
            "sets": [{"name": each.name, **each.source} for each in validation],
        },
        **({"stop_when_slacking": True} if settings.stop_when_slacking else {}),
        "objective": {
            "loss": determined_loss(settings.loss),
            "count": settings.count,
            **({"photos": patches.photos} if patches else {}),
            "background_size": settings.background_size,
            "patch_size": settings.sample_size,
            "batch_size": settings.batch_size,
            "layers": settings.layers,
            **({"rain": rain, "content_hash": patches.content_hash} if patches else {}),
            **({"pairs": {"samples": settings.pair_samples, **pairs.describe()}} if pairs else {}),
            **settings.added("objective"),
        },
    }
    parsed: dict[str, Any] = json.loads(json.dumps(description))
    return parsed


def identity(settings: TrainingSettings, photos: str, network: Mapping[str, Any], rain: Mapping[str, Any]) -> str:
    """Hash all that determines the trained weights: 16 hexadecimal digits.

    Args:
        settings: of the training.
        photos: hash of the photos; their place does not matter.
        network: its name and all hyperparameters, or the hash of its code.
        rain: the description of the rain.
    """
    hashed = {name: getattr(settings, name) for name in _HASHED} | settings.added("optimiser", "objective")
    hashed |= {"loss": determined_loss(settings.loss), "photos": photos, "network": network, "rain": rain}
    return sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()[:16]
