"""The network of Syn2Real against its official code."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from derain.errors import InputError
from derain.networks import build, load_official, parse
from derain.networks.syn2real import official

NAME = "syn2real_derain_v2"


def weights(goldens: Path, of_2020: bool = False) -> dict[str, Tensor]:
    tensors = safetensors.torch.load_file(goldens / f"{NAME}.safetensors")
    return tensors | (safetensors.torch.load_file(goldens / f"{NAME}_2020.delta.safetensors") if of_2020 else {})


def pictures(goldens: Path, variant: str = NAME) -> dict[str, Tensor]:
    """Inputs are kept in -1..1; in double precision they come to 0..1 without loss."""
    found = safetensors.torch.load_file(goldens / f"{variant}.io.safetensors")
    return {name: (tensor.double() + 1) / 2 if name.endswith("input") else tensor for name, tensor in found.items()}


@pytest.mark.parametrize(
    ("variant", "decoder", "case"),
    [(NAME, "latent", ""), (NAME, "latent", "size72x40."), (f"{NAME}_2020", "features", "")],
)
def test_syn2real_agrees_with_the_official_network(goldens: Path, variant: str, decoder: str, case: str) -> None:
    expected = pictures(goldens, variant)
    network = load_official("syn2real", weights(goldens, variant.endswith("2020")))
    assert network.hyperparameters.decoder == decoder
    rainy = expected[f"{case}input"]
    with torch.no_grad():
        assert (network(rainy.float()) - expected[f"{case}output"]).abs().max() <= 1e-5
        picture, latent = network.double().with_latent(rainy)
    assert (picture - expected[f"{case}output.f64"]).abs().max() <= 1e-11
    assert (latent - expected[f"{case}z.f64"]).abs().max() <= 1e-10


@pytest.mark.parametrize("case", ["eval_smooth_l1", "train_smooth_l1", "train_z_mean_square"])
def test_syn2real_gradients_agree_with_the_official_network(goldens: Path, case: str) -> None:
    pair, expected = pictures(goldens), json.loads((goldens / f"{NAME}.grad.json").read_text())[case]
    network = load_official("syn2real", weights(goldens)).double().train(case.startswith("train"))
    rainy, clean = pair["input"], pair["target"].double()
    if case == "eval_smooth_l1":
        loss = network.own_loss(rainy, clean)
    else:
        picture, latent = network.with_latent(pair["train_input"])
        of_levels = ((rainy * 255).round() / 255).float().double()  # as a target it was never in -1..1
        loss = latent.square().mean() if "_z_" in case else smooth_l1_loss(picture, torch.cat([clean, of_levels]))
    loss.backward()
    assert loss.item() == pytest.approx(expected["loss_f64"], rel=1e-10)
    # Each norm goes through the names as a tensor filled with it.
    known = {name: norm for name, norm in expected["norms_f64"].items() if norm is not None}
    names = official({name: tensor.double().fill_(known.get(name, 0)) for name, tensor in weights(goldens).items()})[1]
    rounding = 1e-9 * max(known.values())  # a bias in front of BatchNorm has no gradient but this
    for name, parameter in network.named_parameters():
        ours = 0.0 if parameter.grad is None else float(parameter.grad.norm())
        assert ours == pytest.approx(float(names[name].max()), rel=1e-6, abs=rounding), name


def test_syn2real_has_the_published_number_of_weights() -> None:
    assert build("syn2real").parameter_count() == 2_605_710
    assert build("syn2real", {"decoder": "features"}).parameter_count() == 2_624_630 - 12_584


def test_the_latent_is_an_eighth_of_the_picture() -> None:
    network = build(*parse("syn2real:features=4")).eval()
    picture, latent = network.with_latent(torch.rand(2, 3, 32, 40))
    assert (picture.shape, latent.shape) == ((2, 3, 32, 40), (2, 8, 4, 5))
    with pytest.raises(InputError, match="features of at least 1"):
        build("syn2real", {"features": 0})
