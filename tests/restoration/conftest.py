"""Fixtures of the tests of restoration."""

from collections.abc import Callable

import pytest
import torch

from derain.networks import build, parse
from derain.networks.base import Network

SMALL = {
    "resnet": "resnet:features=8,blocks=2",
    "unet": "unet:base=4,levels=3,norm=none,activation=leaky_relu",
    "half_unet": "half_unet:base=4,levels=2,norm=none",
    "swinir": "swinir:features=8,groups=1,blocks=2,heads=2,window_px=4",
    "spdnet": "spdnet:features=8,blocks=1",
    "rcdnet": "rcdnet:stages=2,rain_maps=4,dual_channels=4,blocks=1",
    "prenet": "prenet:iterations=2,features=8",
    "syn2real": "syn2real:features=2",
}


@pytest.fixture(scope="session")
def small() -> Callable[[str], Network]:
    """Makes a small network of a name of the registry, the same whenever it is asked."""

    def make(name: str) -> Network:
        torch.manual_seed(0)
        return build(*parse(SMALL[name])).eval()

    return make
