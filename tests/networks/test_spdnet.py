"""SPDNet against the authors' code."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from derain.errors import InputError
from derain.networks import build, load_official
from derain.networks.spdnet import haar, inverse_haar, official


# The layers see 0..255 in the case io, where fresh weights amplify rounding beyond use in float32, and 0..1 in io_unit.
@pytest.mark.parametrize(
    ("case", "single", "double"),
    [("io", [2e-2, None, None], 1e-3), ("io_unit", [2e-6, 2e-6, 2e-6], 1e-11)],
)
def test_spdnet_agrees_with_the_official_network(
    goldens: Path, case: str, single: list[float | None], double: float
) -> None:
    state = safetensors.torch.load_file(goldens / "spdnet.safetensors")
    pictures = safetensors.torch.load_file(goldens / f"spdnet.{case}.safetensors")
    network = load_official("spdnet", state)
    with torch.no_grad():
        stages = network.stages(pictures["input"] / 255)
        precise = network.double().stages(pictures["input"].double() / 255)
    for number in (1, 2, 3):
        tolerance = single[number - 1]
        difference = (255 * stages[number - 1] - pictures[f"out{number}"]).abs().max()
        assert tolerance is None or difference <= tolerance
        assert (255 * precise[number - 1] - pictures[f"out{number}.f64"]).abs().max() <= double


@pytest.mark.parametrize("case", ["l1_final", "official_loss", "l1_final_unit", "official_loss_unit"])
def test_spdnet_gradients_agree_with_the_official_network(goldens: Path, case: str) -> None:
    state = safetensors.torch.load_file(goldens / "spdnet.safetensors")
    pictures = safetensors.torch.load_file(goldens / f"spdnet.io{'_unit' if 'unit' in case else ''}.safetensors")
    norms = json.loads((goldens / "spdnet.grad.json").read_text())[case]["norms_f64"]
    # Each norm goes through the names as a tensor filled with it; layers that are never used have none.
    _, expected = official({name: tensor.double().fill_(norms.get(name) or 0.0) for name, tensor in state.items()})
    network = load_official("spdnet", state).double()
    stages, clean = network.stages(pictures["input"].double() / 255), pictures["target"].double() / 255
    if case.startswith("official"):
        loss = 255**2 * network.own_loss(pictures["input"].double() / 255, clean)
    else:
        loss = 255 * torch.nn.functional.l1_loss(stages[-1], clean)
    loss.backward()
    rounding = 1e-9 * max(filter(None, norms.values()))
    for name, parameter in network.named_parameters():
        assert float(parameter.grad.norm()) == pytest.approx(float(expected[name].max()), rel=1e-6, abs=rounding), name


@pytest.mark.parametrize("size", ["even", "odd"])
def test_the_wavelet_agrees_with_the_official_network(goldens: Path, size: str) -> None:
    wavelet = safetensors.torch.load_file(goldens / "spdnet.wavelet.safetensors")
    torch.testing.assert_close(haar(wavelet[f"{size}.x"]), wavelet[f"{size}.cat_to_convd"], rtol=0, atol=1e-6)
    torch.testing.assert_close(inverse_haar(wavelet["inverse.in_8ch"]), wavelet["inverse.idwt"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", [(6, 8), (5, 7)])
def test_a_coarse_level_is_resized_as_in_the_official_network(goldens: Path, size: tuple[int, int]) -> None:
    wavelet = safetensors.torch.load_file(goldens / "spdnet.wavelet.safetensors")
    network = load_official("spdnet", safetensors.torch.load_file(goldens / "spdnet.safetensors"))
    merge = network.passes[0].backbone.merge[0]
    merge.block = torch.nn.Identity()
    resized = merge(wavelet["fuse_up.in"], torch.zeros(1, 32, *size))
    torch.testing.assert_close(resized, wavelet["fuse_up.out_{}x{}".format(*size)], rtol=0, atol=1e-6)


def test_official_weights_that_do_not_fit_are_refused(goldens: Path) -> None:
    state = safetensors.torch.load_file(goldens / "spdnet.safetensors")
    with pytest.raises(InputError, match=r"no official weights of spdnet: sub1.fuse34.up.weight is not part of it"):
        load_official("spdnet", {**state, "sub1.fuse34.up.weight": torch.zeros(3)})
    del state["conv_init2.conv.weight"]
    with pytest.raises(InputError, match=r"no official weights of spdnet: conv_init2.conv.weight is missing"):
        load_official("spdnet", state)


def test_the_inverse_wavelet_brings_the_picture_back() -> None:
    picture = torch.rand(2, 3, 6, 10)
    *bands, low = haar(picture).chunk(4, dim=1)
    interleaved = torch.stack([low, *bands], dim=2).flatten(1, 2)
    torch.testing.assert_close(inverse_haar(interleaved), picture)


def test_only_layers_that_are_used_are_declared() -> None:
    assert build("spdnet").parameter_count() == 2_981_525


def test_own_loss_adds_the_squared_errors_of_all_three_pictures() -> None:
    network, rainy, clean = (
        build("spdnet", {"features": 2, "blocks": 1}),
        torch.rand(2, 3, 8, 8),
        torch.rand(2, 3, 8, 8),
    )
    with torch.no_grad():
        errors = [(stage - clean).square().mean() for stage in network.stages(rainy)]
        assert float(network.own_loss(rainy, clean)) == pytest.approx(float(sum(errors)), rel=1e-5)


def test_memory_format_changes_nothing() -> None:
    torch.manual_seed(0)
    network = build("spdnet", {"features": 8, "blocks": 1})
    rainy = torch.rand(2, 3, 21, 18)
    expected = network(rainy)
    network.to(memory_format=torch.channels_last)
    assert torch.allclose(network(rainy.to(memory_format=torch.channels_last)), expected, atol=1e-5)


@pytest.mark.parametrize("hyperparameters", [{"features": 31}, {"features": 0}, {"blocks": 0}])
def test_impossible_hyperparameters_are_refused(hyperparameters: dict[str, int]) -> None:
    with pytest.raises(InputError, match="spdnet needs features that are even and at least 2 and blocks of at least 1"):
        build("spdnet", hyperparameters)
