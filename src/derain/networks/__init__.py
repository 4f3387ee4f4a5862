"""Networks, one file each, with an explicit registry and weights that say what they are."""

from derain.networks.base import Descriptor, Network
from derain.networks.loading import load_model
from derain.networks.official import load_official
from derain.networks.registry import NETWORKS, build, parse

__all__ = ["NETWORKS", "Descriptor", "Network", "build", "load_model", "load_official", "parse"]
