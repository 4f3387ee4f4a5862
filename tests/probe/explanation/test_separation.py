"""Separation of features that are made to be of content, of rain, or of both."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from derain.errors import InputError
from derain.networks import NETWORKS, build, parse
from derain.networks.filters import FILTERS
from derain.probe.explanation.layers import features, last_layer
from derain.probe.explanation.scene import crossed
from derain.probe.explanation.separation import separation, shares
from derain.rain import load_rain

CONTENTS, RAINS = 6, 4
LAYERS = {
    "unet:base=4,levels=2": "last",
    "half_unet:base=4,levels=2": "last",
    "resnet:features=8,blocks=2": "conv_last",
    "prenet:iterations=2,features=8": "exit",
    "swinir:features=8,groups=2,blocks=2,heads=2,window_px=4": "conv_last",
    "spdnet:features=8,blocks=1": "passes.2.last",
    "rcdnet:stages=2,rain_maps=4,dual_channels=4,blocks=1": "last_background_net.blocks.0.3",
    "syn2real:features=2": "exit",
}


def made(of_content: float, of_rain: float, noise: float = 0.05) -> Tensor:
    rng = torch.Generator().manual_seed(0)
    content = torch.randn(CONTENTS, 1, 30, generator=rng) * of_content
    rain = torch.randn(1, RAINS, 30, generator=rng) * of_rain
    return content + rain + noise * torch.randn(CONTENTS, RAINS, 30, generator=rng)


def test_features_of_content_lie_apart_by_content() -> None:
    found = separation(made(of_content=1, of_rain=0), seed=0)
    assert found.of_content > 0.97 > 0.02 > found.of_rain
    assert found.index_of_content > 10 > 2 > found.index_of_rain
    assert found.index_of_content_pca > 10 > 2 > found.index_of_rain_pca


def test_features_of_rain_lie_apart_by_rain() -> None:
    found = separation(made(of_content=0, of_rain=1), seed=0)
    assert found.of_rain > 0.97 > 0.02 > found.of_content
    assert found.index_of_rain > 10 > 2 > found.index_of_content
    assert found.to_json()["points"] == separation(made(of_content=0, of_rain=1), seed=0).to_json()["points"]


def test_noise_has_the_shares_of_chance() -> None:
    means = np.mean([shares(torch.randn(CONTENTS, RAINS, 500)) for _ in range(20)], axis=0)
    assert means == pytest.approx([5 / 23, 3 / 23, 15 / 23], abs=0.02)


def test_the_index_after_pca_is_that_of_the_features_themselves() -> None:
    """Calinski and Harabasz 1974: dispersion between over that within, each by its degrees of freedom."""
    values = made(of_content=0.5, of_rain=1, noise=0.5)
    of_content, of_rain, of_both = shares(values)
    expected = (of_rain / (RAINS - 1)) / ((of_content + of_both) / (CONTENTS * RAINS - RAINS))
    assert separation(values, seed=0).index_of_rain_pca == pytest.approx(expected, rel=1e-4)


def test_features_that_do_not_vary_are_refused() -> None:
    with pytest.raises(InputError, match="alike for all pictures"):
        shares(torch.ones(3, 2, 5))


def test_one_layer_of_a_rain_lies_on_all_backgrounds() -> None:
    clean = torch.stack([torch.full((3, 48, 48), level, dtype=torch.uint8) for level in (0, 0, 255)])
    pictures = crossed(clean, [load_rain("small"), load_rain("wide")], seed=0)
    assert torch.equal(pictures[:, 0], clean)
    assert torch.equal(pictures[0, 1], pictures[1, 1])
    assert int((pictures[0, 1] > 0).sum()) > 100 < int((pictures[0, 2] > 0).sum())
    assert torch.equal(pictures[2, 1], clean[2])


@pytest.mark.parametrize(("network", "layer"), LAYERS.items())
def test_the_layer_that_makes_the_picture_is_found(network: str, layer: str) -> None:
    assert last_layer(build(*parse(network)).eval(), torch.rand(1, 3, 32, 32)) == layer


def test_features_are_what_the_last_call_of_a_layer_takes_or_gives() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Conv2d(3, 3, 1, bias=False)
            nn.init.constant_(self.inner.weight, 1.0)

        def forward(self, picture: Tensor) -> Tensor:
            result: Tensor = self.inner(self.inner(picture))
            return result

    pictures = torch.rand(2, 3, 4, 5)
    once = pictures.sum(1, keepdim=True).expand(-1, 3, -1, -1)
    assert torch.allclose(features(Twice(), pictures, "inner", of_input=True), once.flatten(1))
    assert torch.allclose(features(Twice(), pictures, "inner", of_input=False), 3 * once.flatten(1))
    with pytest.raises(InputError, match="did you mean inner"):
        features(Twice(), pictures, "iner", of_input=True)


def test_every_network_has_its_layer_here_and_a_filter_has_none() -> None:
    assert {network.partition(":")[0] for network in LAYERS} == set(NETWORKS)
    assert last_layer(FILTERS["blur"](), torch.rand(1, 3, 16, 16)) is None
