"""derain: train deraining networks that generalise, and measure whether they do.

The names in `derain.__all__` are public and stay; every other module and name is private and may change at any time.
`import derain` is quick, as a name loads what it needs when it is first used.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the one list of the public names: type checkers read it here, and `_homes` below
    from derain.degradations import load_degradation as load_degradation
    from derain.degradations.transform import RainTransform as RainTransform
    from derain.errors import DerainError as DerainError
    from derain.errors import InputError as InputError
    from derain.errors import MissingExtraError as MissingExtraError
    from derain.errors import MissingFileError as MissingFileError
    from derain.errors import TrainingError as TrainingError
    from derain.evaluation.complexity import complexity_of_images as complexity_of_images
    from derain.evaluation.complexity import complexity_of_rain as complexity_of_rain
    from derain.evaluation.complexity import fourier_complexity as fourier_complexity
    from derain.evaluation.complexity import structural_complexity as structural_complexity
    from derain.evaluation.evaluate import Evaluation as Evaluation
    from derain.evaluation.evaluate import evaluate as evaluate
    from derain.evaluation.metrics import METRICS as METRICS
    from derain.evaluation.metrics import MetricSums as MetricSums
    from derain.evaluation.metrics import measure as measure
    from derain.evaluation.restorers import FolderRestorer as FolderRestorer
    from derain.evaluation.restorers import NetworkRestorer as NetworkRestorer
    from derain.networks import NETWORKS as NETWORKS
    from derain.networks import Network as Network
    from derain.networks import build as build
    from derain.networks import load_model as load_model
    from derain.networks import load_official as load_official
    from derain.networks.pretrained import from_pretrained as from_pretrained
    from derain.networks.pretrained import save_pretrained as save_pretrained
    from derain.pictures.backgrounds import ContentFilter as ContentFilter
    from derain.pictures.backgrounds import PatchSet as PatchSet
    from derain.pictures.backgrounds import load_patches as load_patches
    from derain.pictures.backgrounds import split_photos as split_photos
    from derain.pictures.images import list_images as list_images
    from derain.pictures.images import read_image as read_image
    from derain.pictures.images import write_image as write_image
    from derain.pictures.pairs import Pair as Pair
    from derain.pictures.pairs import match_pairs as match_pairs
    from derain.rain import LARGE as LARGE
    from derain.rain import MEDIUM as MEDIUM
    from derain.rain import SMALL as SMALL
    from derain.rain import Rain as Rain
    from derain.rain import RainRange as RainRange
    from derain.rain import compose as compose
    from derain.rain import load_rain as load_rain
    from derain.rain import rain_mask as rain_mask
    from derain.rain import render_streaks as render_streaks
    from derain.rain.synthesis import synthesise as synthesise
    from derain.restoration import TiledRestorer as TiledRestorer
    from derain.support.randomness import generator as generator
    from derain.training.log import read_log as read_log
    from derain.training.loop import train as train
    from derain.training.objective import Objective as Objective
    from derain.training.settings import TrainingSettings as TrainingSettings

else:  # hidden from type checkers, to which a module's __getattr__ means that every name exists
    from functools import cache

    @cache
    def _homes() -> dict[str, str]:
        """Map every public name to the module that defines it, as the list above says."""
        import ast

        with open(__file__, encoding="utf-8") as file:  # noqa: PTH123 (pathlib takes longer than all the command needs)
            found = ast.walk(ast.parse(file.read()))
        imports = [each for each in found if isinstance(each, ast.ImportFrom) and each.module.startswith("derain.")]
        return {alias.name: each.module for each in imports for alias in each.names}

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name == "__all__":
            return list(_homes())
        if name not in _homes():
            raise AttributeError(f"module 'derain' has no attribute {name!r}")
        return getattr(import_module(_homes()[name]), name)

    def __dir__() -> list[str]:
        return list(_homes())
