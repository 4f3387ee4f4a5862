"""The response to rain of one network of a study."""

from typing import Any

import numpy as np
from torch import nn

from derain.evaluation.statistics import mean_and_error
from derain.evaluation.test_sets import photos
from derain.pictures.backgrounds import Category
from derain.probe.maps import Scene, lay_scene
from derain.probe.measure import probe_network
from derain.probe.space import CLEAN_BOUND, FULL

_FIGURE = "removal_controlled"


def lay(category: Category) -> Scene:
    """The probed rain on the test photos of a category.

    Raises:
        InputError: a photo is bad or too small.
    """
    return lay_scene(FULL, photos(category.test), 0)


def respond(network: nn.Module, category: Category, device: str) -> dict[str, Any]:
    """The map of a network on the test photos of its category: of every cell the mean controlled removal and its
    standard error, None where it is not defined; the clean error; and the generalisation area with its interval, within
    the default bound of the clean error and without a bound."""
    probed = probe_network(network, lay(category), device)
    statistics = {name: mean_and_error(each.figures[_FIGURE], probed.spread) for name, each in probed.responses.items()}
    return {
        "means": {name: _plain(mean) for name, (mean, _) in statistics.items()},
        "errors": {name: _plain(error) for name, (_, error) in statistics.items()},
        "clean_error": float(probed.clean_error.mean()),
        "clean_bound": CLEAN_BOUND,
        "area": probed.area(CLEAN_BOUND)._asdict(),
        "area_unbounded": probed.area(None)._asdict(),
        "photos": probed.photos,
    }


def _plain(values: np.ndarray) -> list[float | None]:
    """NaN, which None is read back as, is not for JSON."""
    return [None if np.isnan(value) else float(value) for value in values]
