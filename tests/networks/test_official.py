"""Files of official weights: which network they are of, how they are unwrapped, and what is refused."""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from derain import cli
from derain.errors import InputError
from derain.networks import NETWORKS, build
from derain.networks.loading import load_model, model_hash
from derain.networks.official import load_official_file, read_official_file, recognise
from derain.networks.weights import write_tensors
from derain.pictures.images import write_image

# Official weights, by the goldens that hold them.
GOLDENS = {
    "msrresnet_f64b16": "resnet",
    "swinir_d60_noup": "swinir",
    "spdnet": "spdnet",
    "rcdnet_simple": "rcdnet",
    "prenet6": "prenet",
    "vrgnet_derain6": "prenet",
    "syn2real_derain_v2": "syn2real",
}


def resnet(**changes: Tensor) -> dict[str, Tensor]:
    """Official weights of a small network, whose names are ours."""
    torch.manual_seed(0)
    return {**build("resnet", {"features": 4, "blocks": 1}).state_dict(), **changes}


@pytest.fixture
def save(tmp_path: Path) -> Callable[[object], Path]:
    def write(content: object) -> Path:
        torch.save(content, tmp_path / "found.pth")
        return tmp_path / "found.pth"

    return write


def refused(path: Path, network: str | None = None) -> str:
    with pytest.raises(InputError) as error:
        load_model(path, network)
    sentence = str(error.value)
    assert str(path) in sentence
    assert "\n" not in sentence
    return sentence


def test_every_network_with_an_official_layout_says_how_it_is_told() -> None:
    for name, entry in NETWORKS.items():
        assert (entry.official is None) == (not entry.official_keys), name


@pytest.mark.parametrize("golden", list(GOLDENS))
def test_official_weights_tell_whose_they_are_and_only_one_network_claims_them(goldens: Path, golden: str) -> None:
    state = safetensors.torch.load_file(goldens / f"{golden}.safetensors")
    assert recognise(state) == GOLDENS[golden]
    claims = [name for name, entry in NETWORKS.items() if any(keys <= state.keys() for keys in entry.official_keys)]
    assert claims == [GOLDENS[golden]]


@pytest.mark.parametrize("name", [name for name, entry in NETWORKS.items() if entry.official_keys])
def test_one_missing_name_is_enough_to_be_no_longer_recognised(name: str) -> None:
    for keys in NETWORKS[name].official_keys:
        state = dict.fromkeys(keys, torch.zeros(1))
        assert recognise(state) == name
        for key in keys:
            assert recognise({other: tensor for other, tensor in state.items() if other != key}) is None


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"params": state},
        lambda state: {"params": resnet(extra=torch.zeros(1)), "params_ema": state},
        lambda state: {"epoch": 3, "state_dict": {f"module.{name}": tensor for name, tensor in state.items()}},
        lambda state: {"state_dict": {"params": state}},
    ],
    ids=["plain", "params", "params_ema", "parallel", "nested"],
)
@pytest.mark.parametrize("legacy", [False, True])
def test_what_surrounds_the_weights_is_taken_off(tmp_path: Path, wrap: Callable, legacy: bool) -> None:
    path, state = tmp_path / "FOUND.PT", resnet()
    torch.save(wrap(state), path, _use_new_zipfile_serialization=not legacy)
    network, header = load_model(path)
    assert all(torch.equal(tensor, state[name]) for name, tensor in network.state_dict().items())
    assert header["network"]["name"] == "resnet"
    assert not network.training
    write_tensors(tmp_path / "ours.safetensors", network.state_dict(), header)
    rainy = torch.rand(1, 3, 9, 11)
    assert torch.equal(load_model(tmp_path / "ours.safetensors")[0](rainy), network(rainy))


def test_weights_of_half_precision_become_single(save) -> None:
    network, _ = load_model(save({name: tensor.half() for name, tensor in resnet().items()}))
    assert {tensor.dtype for tensor in network.state_dict().values()} == {torch.float32}


def test_what_the_weights_do_not_tell_is_named_logged_and_part_of_the_hash(save, caplog) -> None:
    path, named, rainy = save(resnet()), "resnet:input_skip=false", torch.rand(1, 3, 9, 11)
    with caplog.at_level("INFO", logger="derain"):
        (network, _), (without, _) = load_model(path), load_model(path, named)
    assert torch.allclose(network(rainy), rainy + without(rainy), atol=1e-6)
    assert "read as official weights of resnet:features=4,blocks=1,extra_conv=false,input_skip=true" in caplog.text
    assert "extra_conv=false,input_skip=false" in caplog.text
    assert model_hash(path) != model_hash(path, named)


def test_another_network_than_the_files_is_refused(save) -> None:
    path = save(resnet())
    assert "holds official weights of resnet, not of unet:base=4" in refused(path, "unet:base=4")
    assert "cannot read the network in mine.py: No such file" in refused(path, "mine.py:Mine")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"weight": torch.zeros(3)}, r"of no network that is known here: resnet \(body\.0.*; prenet \(.* or derainet"),
        ({}, "of no network that is known here"),
        ([torch.zeros(3)], "holds no tensors by name, neither by themselves nor under one of params_ema, params"),
        ({"model": resnet()}, "holds no tensors by name"),
        ({1: torch.zeros(3)}, "holds no tensors by name"),
        (resnet(extra=torch.zeros(1)), "no official weights of resnet: extra is not part of it"),
        (
            resnet(**{"conv_hr.weight": torch.zeros(4, 5, 3, 3)}),
            r"conv_hr\.weight has the shape \(4, 5, 3, 3\), not \(4, 4, 3, 3\)",
        ),
        (resnet(**{"conv_first.weight": torch.tensor(1.0)}), "their shapes do not fit together"),
        (resnet(**{"conv_first.weight": torch.zeros(0, 3, 3, 3)}), "resnet needs features and blocks of at least 1"),
        (nn.Linear(2, 2), "holds more than tensors, which is not read, as code could be in it"),
    ],
)
def test_files_that_hold_something_else_are_one_sentence(save, content: object, sentence: str) -> None:
    assert re.search(sentence, refused(save(content)))


class Code:
    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("ran",)


@pytest.mark.parametrize("legacy", [False, True])
def test_code_in_a_file_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, legacy: bool) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({**resnet(), "extra": Code()}, "found.pth", _use_new_zipfile_serialization=not legacy)
    assert "holds more than tensors" in refused(tmp_path / "found.pth")
    assert [path.name for path in tmp_path.iterdir()] == ["found.pth"]


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.95])
def test_truncated_files_are_named(tmp_path: Path, share: float, legacy: bool) -> None:
    path = tmp_path / "found.pth"
    torch.save(resnet(), path, _use_new_zipfile_serialization=not legacy)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    assert re.search(r"is no whole file of PyTorch weights|holds more than tensors", refused(path))


def test_files_that_are_none_are_named(tmp_path: Path) -> None:
    assert "cannot read" in refused(tmp_path / "none.pth")
    (tmp_path / "folder.pth").mkdir()
    assert "cannot read" in refused(tmp_path / "folder.pth")
    (tmp_path / "text.pth").write_text("hello")
    with pytest.raises(InputError, match=r"text\.pth is no whole file of PyTorch weights"):
        read_official_file(tmp_path / "text.pth")


def test_the_commands_take_official_weights(tmp_path: Path, save, monkeypatch, capsys) -> None:
    (tmp_path / "photos").mkdir()
    write_image(tmp_path / "photos" / "a.png", np.random.default_rng(0).integers(0, 256, (24, 30, 3)).astype(np.uint8))

    def derain(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["derain", *map(str, arguments)])
        try:
            cli.main()
        except SystemExit as stop:
            return int(stop.code or 0)
        return 0

    photos, path = tmp_path / "photos", save({"params": resnet()})
    assert derain("evaluate", "--rainy", photos, "--clean", photos, "--model", path) == 0
    assert derain("restore", photos, "--out", tmp_path / "out", "--model", path) == 0
    assert "1 restored" in capsys.readouterr().out
    again = ("restore", photos, "--out", tmp_path / "out", "--model", path, "--network", "resnet:input_skip=false")
    assert derain(*again) == 0
    assert "1 restored" in capsys.readouterr().out
    save({"weight": torch.zeros(1)})
    assert derain("evaluate", "--rainy", photos, "--clean", photos, "--model", path) == 2
    assert "holds the official weights of no network" in re.sub(r"\s+", " ", capsys.readouterr().err)


@pytest.mark.parametrize("suffix", [".pth", ".ckpt"])
def test_a_suffix_is_enough_to_be_read_as_official_weights(tmp_path: Path, suffix: str) -> None:
    torch.save(resnet(), tmp_path / f"found{suffix}")
    load_official_file(tmp_path / f"found{suffix}")
    load_model(tmp_path / f"found{suffix}")
