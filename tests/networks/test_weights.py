"""Model files: what is loaded, and what is refused."""

from pathlib import Path

import pytest
import safetensors.torch
import torch

from derain.errors import InputError
from derain.networks import build, load_model, load_official
from derain.networks.export import export_float16
from derain.networks.weights import describe, read_tensors, write_tensors


@pytest.fixture
def model(tmp_path: Path) -> Path:
    network = build("resnet", {"features": 4, "blocks": 1})
    path = tmp_path / "model.safetensors"
    write_tensors(path, network.state_dict(), describe("resnet", network))
    return path


def refused(path: Path) -> str:
    with pytest.raises(InputError) as error:
        load_model(path)
    assert str(path) in str(error.value)
    return str(error.value)


def test_truncated_file(model: Path) -> None:
    model.write_bytes(model.read_bytes()[:-100])
    assert "no whole safetensors file" in refused(model)


def test_no_safetensors_file(model: Path) -> None:
    torch.save({"weight": torch.zeros(1)}, model)
    assert "written by torch.save and is no safetensors file" in refused(model)


def test_missing_file(model: Path) -> None:
    assert "no file" in refused(model.with_name("other.safetensors"))


def test_foreign_safetensors_file(model: Path) -> None:
    safetensors.torch.save_file({"weight": torch.zeros(1)}, model)
    assert "holds weights without a network; bring a network of your own as an ONNX file" in refused(model)


def test_file_of_an_unknown_network(model: Path) -> None:
    write_tensors(model, {}, {"network": {"name": "resnext", "hyperparameters": {}}})
    assert "unknown network 'resnext'" in refused(model)


@pytest.mark.parametrize(
    ("hyperparameters", "difference"),
    [({"features": 4, "blocks": 2}, "body.1"), ({"features": 8, "blocks": 1}, "has the shape")],
)
def test_weights_of_another_network(model: Path, hyperparameters: dict[str, int], difference: str) -> None:
    tensors = build("resnet", {"features": 4, "blocks": 1}).state_dict()
    write_tensors(model, tensors, describe("resnet", build("resnet", hyperparameters)))
    sentence = refused(model)
    assert "does not hold the weights of resnet" in sentence
    assert difference in sentence


def test_weights_under_another_networks_name(model: Path) -> None:
    tensors = build("resnet", {"features": 4, "blocks": 1}).state_dict()
    write_tensors(model, tensors, describe("unet", build("unet", {"base": 4, "levels": 2})))
    assert "does not hold the weights of unet" in refused(model)


def test_official_weights_of_another_network_are_refused() -> None:
    with pytest.raises(InputError, match="no official layout of weights is known for unet"):
        load_official("unet", build("unet", {"base": 4, "levels": 2}).state_dict())
    with pytest.raises(InputError, match=r"no official weights of resnet: conv_first\.weight is missing"):
        load_official("resnet", build("unet", {"base": 4, "levels": 2}).state_dict())
    with pytest.raises(InputError, match="no official weights of resnet: extra is not part of it"):
        load_official("resnet", {**build("resnet", {"blocks": 1}).state_dict(), "extra": torch.zeros(1)})


def test_a_float16_copy_is_half_as_large_and_gives_the_same_picture(model: Path, tmp_path: Path) -> None:
    write_tensors(model, load_model(model)[0].state_dict(), {**load_model(model)[1], "seed": 7})
    copy = tmp_path / "copy.safetensors"
    assert 0 < export_float16(*load_model(model), copy) < 1 / 255
    assert {tensor.dtype for tensor in safetensors.torch.load_file(copy).values()} == {torch.float16}
    (network, header), (rounded, kept) = load_model(model), load_model(copy)
    assert kept == header
    assert {parameter.dtype for parameter in rounded.parameters()} == {torch.float32}
    rainy = torch.rand(1, 3, 30, 40)
    assert 0 < (network(rainy) - rounded(rainy)).abs().max() < 1 / 255


def test_counters_of_a_network_stay_whole_numbers(tmp_path: Path) -> None:
    network = build("unet", {"base": 4, "levels": 2, "norm": "batch"})
    write_tensors(tmp_path / "model.safetensors", network.state_dict(), describe("unet", network))
    export_float16(*load_model(tmp_path / "model.safetensors"), tmp_path / "copy.safetensors")
    copy = safetensors.torch.load_file(tmp_path / "copy.safetensors")
    assert {tensor.dtype for name, tensor in copy.items() if "num_batches" in name} == {torch.int64}


@pytest.mark.parametrize("factor", [1e7, 1e38])
def test_a_model_that_float16_would_change_is_not_written(factor: float, model: Path, tmp_path: Path) -> None:
    network, header = load_model(model)
    with torch.no_grad():
        network.conv_last.weight.mul_(factor)
    write_tensors(model, network.state_dict(), header)
    with pytest.raises(InputError, match=r"copy\.safetensors is not written: with float16 weights"):
        export_float16(*load_model(model), tmp_path / "copy.safetensors")
    assert not (tmp_path / "copy.safetensors").exists()


def test_the_command_writes_it_beside_the_model(model: Path, monkeypatch, capsys) -> None:
    from derain import cli

    monkeypatch.setattr("sys.argv", ["derain", "export", "--model", str(model), "--to", "float16"])
    cli.main()
    assert "differs from the model by at most" in capsys.readouterr().out
    assert load_model(model.with_name("model.float16.safetensors"))[1] == load_model(model)[1]


@pytest.mark.parametrize("archive", [True, False])
def test_a_file_of_torch_save_under_another_name_is_named(tmp_path: Path, archive: bool) -> None:
    path = tmp_path / "model.pth.tar"
    torch.save({"weight": torch.zeros(3)}, path, _use_new_zipfile_serialization=archive)
    with pytest.raises(InputError, match=r"model\.pth\.tar was written by torch\.save and is no safetensors file"):
        read_tensors(path)
