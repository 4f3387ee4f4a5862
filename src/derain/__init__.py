"""derain: train deraining networks that generalise, and measure whether they do.

The names below load what they need when they are first used, so that `import derain` is quick.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "InputError": "derain.errors",
    "TrainingError": "derain.errors",
    "generator": "derain.support.randomness",
    "list_images": "derain.pictures.images",
    "read_image": "derain.pictures.images",
    "write_image": "derain.pictures.images",
    "Pair": "derain.pictures.pairs",
    "match_pairs": "derain.pictures.pairs",
    "LARGE": "derain.rain",
    "MEDIUM": "derain.rain",
    "SMALL": "derain.rain",
    "Rain": "derain.rain",
    "RainRange": "derain.rain",
    "compose": "derain.rain",
    "load_rain": "derain.rain",
    "rain_mask": "derain.rain",
    "render_streaks": "derain.rain",
    "synthesise": "derain.rain.synthesis",
    "ContentFilter": "derain.pictures.backgrounds",
    "PatchSet": "derain.pictures.backgrounds",
    "load_patches": "derain.pictures.backgrounds",
    "split_photos": "derain.pictures.backgrounds",
    "Objective": "derain.training.objective",
    "NETWORKS": "derain.networks",
    "Network": "derain.networks",
    "build": "derain.networks",
    "load_model": "derain.networks",
    "load_official": "derain.networks",
    "TrainingSettings": "derain.training.settings",
    "train": "derain.training.loop",
    "METRICS": "derain.evaluation.metrics",
    "MetricSums": "derain.evaluation.metrics",
    "measure": "derain.evaluation.metrics",
    "structural_complexity": "derain.evaluation.complexity",
    "fourier_complexity": "derain.evaluation.complexity",
    "complexity_of_images": "derain.evaluation.complexity",
    "complexity_of_rain": "derain.evaluation.complexity",
    "Evaluation": "derain.evaluation.evaluate",
    "FolderRestorer": "derain.evaluation.restorers",
    "NetworkRestorer": "derain.evaluation.restorers",
    "evaluate": "derain.evaluation.evaluate",
    "read_log": "derain.training.log",
    "TiledRestorer": "derain.restoration",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'derain' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
