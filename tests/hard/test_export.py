"""Networks whose export takes long."""

from pathlib import Path

import torch

from derain.networks import build, parse
from derain.networks.export import export_onnx
from derain.networks.onnx import OnnxNetwork


def test_syn2real_gives_the_same_pictures_in_onnx(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build(*parse("syn2real:features=2")).eval()
    assert export_onnx(network, {}, tmp_path / "model.onnx") < 1e-5
    exported, rainy = OnnxNetwork(tmp_path / "model.onnx", "model.onnx"), torch.rand(2, 3, 33, 50)
    with torch.no_grad():
        assert torch.allclose(exported(rainy), network(rainy), atol=1e-5)
