"""The one door to networks: by a name, a model file or an ONNX file."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import derain
from derain import cli
from derain.errors import InputError
from derain.models import find_model
from derain.networks import build
from derain.networks.export import export_onnx
from derain.networks.loading import load_models, model_hash
from derain.networks.weights import describe, write_tensors


@pytest.fixture
def model(tmp_path: Path) -> Path:
    network = build("resnet", {"features": 4, "blocks": 1})
    write_tensors(tmp_path / "model.safetensors", network.state_dict(), describe("resnet", network))
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize(("name", "loss"), [("balanced", "l1+ssim:0.2"), ("strong", "ssim"), ("light", "l1+ssim:0.2")])
def test_models_in_the_box_are_loaded_and_hashed_by_their_names(name: str, loss: str) -> None:
    network, header = derain.load_model(name)
    assert header["objective"]["loss"] == loss
    same, _ = derain.load_model(find_model(name))
    rainy = torch.rand(1, 3, 20, 24)
    with torch.no_grad():
        assert torch.equal(network(rainy), same(rainy))
    assert model_hash(name) == model_hash(find_model(name))


def test_a_path_may_be_text(model: Path) -> None:
    assert derain.load_model(str(model))[1] == derain.load_model(model)[1]


def test_a_name_that_is_no_model_is_answered_with_the_closest_one() -> None:
    with pytest.raises(InputError, match=r"'balancd' is neither a model in the box .*mean balanced"):
        derain.load_model("balancd")


def test_a_model_is_of_the_network_that_is_named_or_is_refused(model: Path) -> None:
    for right in ("resnet", "resnet:features=4", "resnet:blocks=1,features=4"):
        derain.load_model(model, right)
    for wrong in ("unet", "resnet:features=8"):
        with pytest.raises(InputError, match=f"holds the weights of resnet, not of {wrong}"):
            derain.load_model(model, wrong)


@pytest.mark.slow
def test_what_is_in_an_onnx_file_is_not_exported_again(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    export_onnx(*derain.load_model(model), model.with_suffix(".onnx"))
    command = ["derain", "export", "--model", str(model.with_suffix(".onnx")), "--to", "float16"]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "give the model file that it was written from" in capsys.readouterr().err


@pytest.mark.parametrize("network", [None, 3, "unet", {}, {"name": "unet"}, {"hyperparameters": {}},
    {"name": 3, "hyperparameters": {}}, {"name": "unet", "hyperparameters": []}])  # fmt: skip
def test_a_header_that_describes_no_network_is_refused(tmp_path: Path, network: object) -> None:
    path = tmp_path / "crafted.safetensors"
    write_tensors(path, {"a": torch.zeros(1)}, {"network": network})
    for named in (None, "unet"):
        with pytest.raises(InputError, match=r"crafted.safetensors holds no model: its header names no network"):
            derain.load_model(path, named)
    with pytest.raises(InputError, match="holds no model"):
        load_models([path], ["mine.py:Mine"])


@pytest.mark.parametrize("header", ["[]", "3", '"unet"', "null", "{", '{"format": "1"}'])
def test_a_header_of_another_shape_is_refused(tmp_path: Path, header: str) -> None:
    path = tmp_path / "crafted.safetensors"
    save_file({"a": torch.zeros(1)}, path, {"derain": header})
    with pytest.raises(InputError, match=r"crafted.safetensors (was not written|is no whole|holds weights)"):
        derain.load_model(path)
