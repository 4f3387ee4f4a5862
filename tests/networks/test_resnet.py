"""ResNet against the official code (MSRResNet)."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from derain.networks import load_official


@pytest.mark.parametrize(("case", "single", "double"), [("io", 1e-6, 1e-11), ("io_noresidual", 5e-9, 1e-13)])
def test_resnet_agrees_with_the_official_network(goldens: Path, case: str, single: float, double: float) -> None:
    state = safetensors.torch.load_file(goldens / "msrresnet_f64b16.safetensors")
    pictures = safetensors.torch.load_file(goldens / f"msrresnet_f64b16.{case}.safetensors")
    network = load_official("resnet", state, {"input_skip": case == "io"})
    with torch.no_grad():
        output = network(pictures["input"])
        precise = network.double()(pictures["input"].double())
    assert (output - pictures["output"]).abs().max() <= single
    assert (precise - pictures["output.f64"]).abs().max() <= double


def test_resnet_gradients_agree_with_the_official_network(goldens: Path) -> None:
    state = safetensors.torch.load_file(goldens / "msrresnet_f64b16.safetensors")
    pictures = safetensors.torch.load_file(goldens / "msrresnet_f64b16.io.safetensors")
    gradients = json.loads((goldens / "msrresnet_f64b16.grad.json").read_text())
    network = load_official("resnet", state).double()
    loss = torch.nn.functional.l1_loss(network(pictures["input"].double()), pictures["target"].double())
    loss.backward()
    for name, parameter in network.named_parameters():
        assert float(parameter.grad.norm()) == pytest.approx(gradients["norms_f64"][name], rel=1e-6, abs=1e-15)
