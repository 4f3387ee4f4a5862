"""Models in the form of the Hugging Face Hub: what is saved comes back, and what is no such model is named."""

import json
import socket
from pathlib import Path

import pytest
import torch

from derain.errors import InputError
from derain.networks import build, load_model
from derain.networks.base import Network
from derain.networks.pretrained import from_pretrained, save_pretrained
from derain.networks.user import load_user_network
from derain.networks.weights import describe

SMALL = {"base": 4, "levels": 2}
OWN = "from torch import nn\n\nclass Mine(nn.Conv2d):\n    def __init__(self):\n        super().__init__(3, 3, 1)\n"


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    return build("unet", SMALL).eval()


@pytest.fixture
def folder(network: Network, tmp_path: Path) -> Path:
    save_pretrained(network, tmp_path / "mine")
    return tmp_path / "mine"


def same_pictures(one: Network, other: Network) -> bool:
    rainy = torch.rand(1, 3, 20, 30)
    with torch.no_grad():
        return torch.equal(one(rainy), other(rainy))


def test_what_is_saved_comes_back_without_the_network(
    folder: Path, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "socket", None)
    loaded = from_pretrained(folder)
    assert not loaded.training
    assert same_pictures(loaded, network)


def test_the_folder_holds_what_the_hub_expects_and_a_model_file(folder: Path, network: Network) -> None:
    assert sorted(each.name for each in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    assert (folder / "README.md").read_text().startswith("---\nlibrary_name: derain\n")
    assert same_pictures(load_model(folder / "model.safetensors")[0], network)


def test_a_model_in_the_box_keeps_its_history(tmp_path: Path) -> None:
    network, header = load_model("balanced")
    save_pretrained(network, tmp_path, header)
    assert same_pictures(from_pretrained(tmp_path), network)
    assert json.loads((tmp_path / "config.json").read_text())["objective"] == header["objective"]
    assert f"| iterations | {header['optimiser']['iterations']} |" in (tmp_path / "README.md").read_text()


def test_a_card_that_a_person_wrote_stays(folder: Path, network: Network) -> None:
    (folder / "README.md").write_text("mine")
    save_pretrained(network, folder)
    assert (folder / "README.md").read_text() == "mine"


@pytest.mark.parametrize(("file", "content"), [("config.json", b'{"model_type": "bert"}'), ("model.safetensors", b"x")])
def test_files_of_another_kind_are_not_replaced(network: Network, tmp_path: Path, file: str, content: bytes) -> None:
    (tmp_path / file).write_bytes(content)
    with pytest.raises(InputError, match=f"{file} is no result of save_pretrained"):
        save_pretrained(network, tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == [file]


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ('{"model_type": "bert"}', r"config\.json describes no network of derain, but a model of another kind"),
        ('{"library_name": "derain", "network": "unet"}', r"config\.json describes no network of derain"),
        ("[]", r"config\.json describes no network of derain"),
        ("{", r"config\.json is no JSON"),
        ('{"library_name": "derain", "network": {"name": "unett", "hyperparameters": {}}}', r"config\.json: .* unet\?"),
        (
            '{"library_name": "derain", "network": {"name": "resnet", "hyperparameters": {}}}',
            r"model\.safetensors does not hold the weights of resnet, which .*config\.json names: ",
        ),
    ],
)
def test_a_config_of_another_network_is_named(folder: Path, config: str, sentence: str) -> None:
    (folder / "config.json").write_text(config)
    with pytest.raises(InputError, match=sentence):
        from_pretrained(folder)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_file_that_is_missing_is_named(folder: Path, missing: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(InputError, match=missing):
        from_pretrained(folder)


def test_a_folder_that_is_not_there_is_not_asked_of_the_hub() -> None:
    with pytest.raises(InputError, match="there is no folder models/of/mine"):
        from_pretrained("models/of/mine")


def test_a_hub_that_is_out_of_reach_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="there is no folder nobody/nothing, and the Hugging Face Hub does not give"):
        from_pretrained("nobody/nothing")


def test_a_network_of_ones_own_is_run_only_when_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(OWN)
    name = f"{tmp_path / 'mine.py'}:Mine"
    network = load_user_network(name)
    with pytest.raises(InputError, match=r"UserNetwork is no network of derain\.NETWORKS"):
        save_pretrained(network, tmp_path / "folder")
    save_pretrained(network, tmp_path / "folder", describe(name, network))
    with pytest.raises(InputError, match="it runs only in a command that names it"):
        from_pretrained(tmp_path / "folder")
    assert same_pictures(from_pretrained(tmp_path / "folder", named=name), network)
