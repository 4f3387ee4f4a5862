"""derain: train deraining networks that generalise, and measure whether they do.

The names below load what they need when they are first used, so that `import derain` is quick.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "InputError": "derain.errors",
    "TrainingError": "derain.errors",
    "generator": "derain.randomness",
    "list_images": "derain.images",
    "read_image": "derain.images",
    "write_image": "derain.images",
    "Pair": "derain.pairs",
    "match_pairs": "derain.pairs",
    "LARGE": "derain.rain",
    "MEDIUM": "derain.rain",
    "SMALL": "derain.rain",
    "Rain": "derain.rain",
    "RainRange": "derain.rain",
    "compose": "derain.rain",
    "load_rain": "derain.rain",
    "rain_mask": "derain.rain",
    "render_streaks": "derain.rain",
    "synthesise": "derain.synthesis",
    "ContentFilter": "derain.backgrounds",
    "PatchSet": "derain.backgrounds",
    "load_patches": "derain.backgrounds",
    "split_photos": "derain.backgrounds",
    "Objective": "derain.objective",
    "NETWORKS": "derain.networks",
    "Network": "derain.networks",
    "build": "derain.networks",
    "load_model": "derain.networks",
    "load_official": "derain.networks",
    "TrainingSettings": "derain.settings",
    "train": "derain.training",
    "METRICS": "derain.metrics",
    "MetricSums": "derain.metrics",
    "measure": "derain.metrics",
    "structural_complexity": "derain.complexity",
    "fourier_complexity": "derain.complexity",
    "complexity_of_images": "derain.complexity",
    "complexity_of_rain": "derain.complexity",
    "Evaluation": "derain.evaluation",
    "FolderRestorer": "derain.evaluation",
    "NetworkRestorer": "derain.evaluation",
    "evaluate": "derain.evaluation",
    "read_log": "derain.runlog",
    "TiledRestorer": "derain.restoration",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'derain' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
