"""The response to rain of one network of a study."""

from torch import nn

from derain.evaluation.test_sets import photos
from derain.pictures.backgrounds import Category
from derain.probe.maps import Scene, lay_scene
from derain.probe.measure import probe_network
from derain.probe.response import ResponseMap
from derain.probe.space import FULL


def lay(category: Category) -> Scene:
    """Lay the probed rain on the test photos of a category.

    Raises:
        InputError: a photo is bad or too small.
    """
    return lay_scene(FULL, photos(category.test), 0)


def respond(network: nn.Module, category: Category, device: str) -> ResponseMap:
    """Map the response of a network on the test photos of its category."""
    return ResponseMap.of(probe_network(network, lay(category), device))
