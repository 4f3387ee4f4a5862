"""Properties of every network of the registry."""

import shutil
import subprocess
import sys
from dataclasses import fields

import pytest
import torch

from derain.errors import InputError
from derain.networks import NETWORKS, build, load_model, parse
from derain.networks.base import Network
from derain.networks.weights import describe, write_tensors

SMALL = {
    "resnet": "resnet:features=8,blocks=2",
    "unet": "unet:base=4,levels=3,norm=none,activation=leaky_relu",
    "half_unet": "half_unet:base=4,levels=2,norm=none",
    "swinir": "swinir:features=8,groups=2,blocks=2,heads=2,window_px=4",
    "spdnet": "spdnet:features=8,blocks=1",
    "rcdnet": "rcdnet:stages=2,rain_maps=4,dual_channels=4,blocks=1",
    "prenet": "prenet:iterations=2,features=8",
    "syn2real": "syn2real:features=2",
}


def small(name: str) -> Network:
    torch.manual_seed(0)
    network = build(*parse(SMALL[name]))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.01 * torch.randn_like(parameter))
    return network.eval()


@pytest.fixture(params=list(NETWORKS))
def network(request: pytest.FixtureRequest) -> Network:
    return small(request.param)


def test_every_network_has_a_small_variant_here() -> None:
    assert SMALL.keys() == NETWORKS.keys()


def test_size_is_kept_from_the_smallest_up(network: Network) -> None:
    smallest = network.descriptor.smallest_size_px
    for side in [*range(smallest, 70, 7), 70]:
        rainy = torch.rand(1, 3, side, side + 5)
        stages = network.stages(rainy)
        assert [stage.shape for stage in stages] == [rainy.shape] * network.descriptor.stages
        assert torch.equal(network(rainy), stages[-1])


def test_every_parameter_gets_a_gradient(network: Network) -> None:
    network(torch.rand(2, 3, 24, 24)).square().mean().backward()
    without = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert without == []


def test_float32_agrees_with_float64(network: Network) -> None:
    rainy = torch.rand(1, 3, 40, 32)
    single = network(rainy)
    assert torch.allclose(single.double(), network.double()(rainy.double()), atol=1e-5)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a compiler")
def test_compiled_they_give_the_same_pictures() -> None:
    # In a process of its own: torch cannot compile through the type checks that the tests switch on. The compiler takes
    # minutes for all networks, so it gets the one of the most kinds of steps; the rest are run as torch traces them.
    code = f"""
import torch
from derain.networks import build, parse
torch.set_num_threads(1)
for name, text in {SMALL}.items():
    torch.manual_seed(0)
    network = build(*parse(text)).eval()
    rainy = torch.rand(1, 3, 24, 24)
    compiled = torch.compile(network, backend="inductor" if name == "swinir" else "aot_eager")
    with torch.no_grad():
        expected = network(rainy)
        difference = (compiled(rainy) - expected).abs().max() / expected.abs().max()
    assert difference < 1e-4, (text, difference)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_pixels_outside_the_receptive_field_change_nothing_and_the_field_is_not_overstated(network: Network) -> None:
    field, multiple = network.descriptor.receptive_field_px, network.descriptor.size_multiple_px
    side = (2 * field // multiple + 2) * multiple + 1 if field else 40
    widest = 0
    for offset in range(multiple):
        rainy = torch.rand(1, 3, side, min(side, 96), dtype=torch.float64, requires_grad=True)
        centre = side // 2 + offset
        network.double()(rainy)[..., centre, rainy.shape[-1] // 2].sum().backward()
        touched = rainy.grad.abs().sum(dim=(0, 1, 3)).nonzero().flatten()
        widest = max(widest, 1 + 2 * int((touched - centre).abs().max()))
    if field:
        assert 0.8 * field <= widest <= field
    else:
        assert len(touched) == side


def test_saved_and_loaded_it_gives_the_same_picture(network: Network, tmp_path, request) -> None:
    name = request.node.callspec.params["network"]
    write_tensors(tmp_path / "model.safetensors", network.state_dict(), {**describe(name, network), "seed": 7})
    loaded, header = load_model(tmp_path / "model.safetensors")
    rainy = torch.rand(1, 3, 20, 23)
    assert torch.equal(loaded(rainy), network(rainy))
    assert header["seed"] == 7
    assert not loaded.training


def test_descriptor_fields_are_filled(network: Network) -> None:
    values = {field.name: getattr(network.descriptor, field.name) for field in fields(network.descriptor)}
    assert all(value for name, value in values.items() if name != "receptive_field_px"), values


@pytest.mark.parametrize(
    ("blocks", "extra_conv", "count"),
    [(4, False, 335_875), (8, False, 631_299), (16, False, 1_222_147), (16, True, 1_259_075), (32, False, 2_403_843)],
)
def test_resnet_sizes(blocks: int, extra_conv: bool, count: int) -> None:
    assert build("resnet", {"blocks": blocks, "extra_conv": extra_conv}).parameter_count() == count


def test_a_fresh_resnet_returns_almost_its_input() -> None:
    torch.manual_seed(0)
    rainy = torch.rand(1, 3, 16, 16)
    assert (build("resnet", {"blocks": 4})(rainy) - rainy).abs().max() < 1e-2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("resnt", r"unknown network 'resnt'.*resnet, unet.*mean resnet"),
        ("resnet:feature=16", r"unknown hyperparameter of resnet 'feature'.*mean features"),
        ("resnet:features=many", r"features must be a whole number, not 'many'"),
        ("resnet:features=0", r"resnet needs features and blocks of at least 1"),
        ("resnet:features", r"features needs a value"),
        ("resnet:features=4,blocks=1,features=8", r"features is given twice"),
        ("unet:norm=layer", r"norm must be none or batch, not 'layer'"),
        ("unet:input_skip=yes", r"input_skip must be true or false"),
        ("unet:levels=20", r"levels from 1 to 8"),
    ],
)
def test_a_wrong_network_text_is_refused_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        build(*parse(text))
