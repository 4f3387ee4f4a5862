"""RCDNet against the official code (RCDNet_simple, and the layout of RCDNet for_syn)."""

import json
from copy import deepcopy
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor
from torch.nn.functional import l1_loss, mse_loss

from derain.errors import InputError
from derain.networks import build, load_official
from derain.networks.rcdnet import RCDNet, official

SMALL = {"stages": 3, "rain_maps": 4, "dual_channels": 5, "blocks": 2}


def named_outputs(network: RCDNet, rainy: Tensor) -> dict[str, Tensor]:
    """Pictures and rain layers by the official names, 0..255."""
    pictures, layers = network.unroll(rainy / 255)
    outputs = {"B0": pictures[0]}
    outputs |= {f"ListB.{i:02}": picture for i, picture in enumerate(pictures[1:])}
    outputs |= {f"ListR.{i:02}": layer for i, layer in enumerate(layers)}
    return {name: 255 * output for name, output in outputs.items()}


def test_rcdnet_agrees_with_the_official_network_at_every_stage(goldens: Path) -> None:
    network = load_official("rcdnet", safetensors.torch.load_file(goldens / "rcdnet_simple.safetensors"))
    expected = safetensors.torch.load_file(goldens / "rcdnet_simple.io.safetensors")
    with torch.no_grad():
        single = named_outputs(network, expected["input"])
        double = named_outputs(network.double(), expected["input"].double())
    assert network.parameter_count() == 2_975_186
    assert expected.keys() == {*single, "input", "target", *(name for name in expected if name.endswith(".f64"))}
    for name, output in single.items():
        assert (output - expected[name]).abs().max() <= 2e-3, name
        if f"{name}.f64" in expected:
            assert (double[name] - expected[f"{name}.f64"]).abs().max() <= 1e-9, name


@pytest.mark.parametrize("case", ["l1_final_eval", "official_loss_train"])
def test_rcdnet_gradients_agree_with_the_official_network(goldens: Path, case: str) -> None:
    state = safetensors.torch.load_file(goldens / "rcdnet_simple.safetensors")
    pair = safetensors.torch.load_file(goldens / "rcdnet_simple.io.safetensors")
    expected = json.loads((goldens / "rcdnet_simple.grad.json").read_text())[case]
    network = load_official("rcdnet", state).double().train(expected["mode"] == "train")
    rainy, clean = pair["input"].double() / 255, pair["target"].double() / 255
    if case == "l1_final_eval":
        loss = 255 * l1_loss(network(rainy), clean)
    else:
        loss = 255**2 * network.own_loss(rainy, clean)
    loss.backward()
    assert loss.item() == pytest.approx(expected["loss_f64"], rel=1e-10)
    # Our tensors lie where the official ones do, which tells the official name of each.
    names = {tensor.data_ptr(): name for name, tensor in state.items()}
    ours = official(state)[1]
    noise = expected["keys_with_no_real_gradient"]["keys"]
    largest = max(expected["norms_f64"].values())
    for name, parameter in network.named_parameters():
        norm, theirs = parameter.grad.norm().item(), names[ours[name].data_ptr()]
        if theirs in noise:
            assert norm < 1e-9 * largest, name
        else:
            assert norm == pytest.approx(expected["norms_f64"][theirs], rel=1e-6), name


def for_syn(network: RCDNet) -> dict[str, Tensor]:
    """The weights of `network` in the layout of RCDNet for_syn, with what that declares and never uses."""
    state = network.state_dict()
    steps = state.pop("background_steps")[:, None]
    kernels = state.pop("kernels")
    layout = {
        "weight0": state.pop("first_kernels"),
        "conv": torch.stack([torch.rand_like(kernels), kernels]),
        "w_z_f": state.pop("dual_filter"),
        "eta1": torch.rand(1),
        "eta2": steps[0],
        "eta11": state.pop("rain_steps")[:, None],
        "eta12": steps[1:],
        "tau": state.pop("threshold"),
        "mnet.tau": torch.rand(1, 4, 1, 1),
        "mnet.resm1.0.weight": torch.rand(4, 4, 3, 3),
    }
    rooms = {
        "rain_nets": "m_stage",
        "background_nets": "x_stage",
        "first_background_net": "xnet",
        "last_background_net": "fxnet",
    }
    for name, tensor in state.items():
        room, rest = name.split(".", 1)
        for block in range(2):
            rest = rest.replace(f"blocks.{block}.", f"res{'m' if room == 'rain_nets' else 'x'}{block + 1}.")
        layout[f"{rooms[room]}.{rest.replace('threshold', 'tau')}"] = tensor
    return layout


def perturbed(**settings: bool) -> RCDNet:
    """A small network, no two of whose weights are equal."""
    torch.manual_seed(0)
    network = build("rcdnet", {**SMALL, **settings})
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return network.eval()


def test_weights_for_synthetic_rain_load_and_what_is_never_used_is_left_out() -> None:
    network, rainy = perturbed(), torch.rand(1, 3, 20, 17)
    loaded = load_official("rcdnet", for_syn(network))
    assert loaded.hyperparameters == network.hyperparameters
    assert torch.equal(loaded(rainy), network(rainy))


@pytest.mark.parametrize("name", ["mnet2.tau", "conv2", "m_stage.0.resm3.0.weight", "proxNet_B_0.layer.0.0.weight"])
def test_official_weights_with_an_unknown_one_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"these are no official weights of rcdnet: .* is not part of it"):
        load_official("rcdnet", {**for_syn(perturbed()), name: torch.rand(4, 4, 3, 3)})


def test_official_weights_without_kernels_are_refused() -> None:
    state = for_syn(perturbed())
    del state["conv"]
    with pytest.raises(InputError, match="these are no official weights of rcdnet: kernels is missing"):
        load_official("rcdnet", state)


@pytest.mark.slow
def test_checkpointing_changes_neither_pictures_nor_gradients_nor_statistics() -> None:
    rainy, clean = torch.rand(2, 2, 3, 20, 17)
    states = []
    for network in (perturbed(), perturbed(activation_checkpointing=True)):
        network.train()
        pictures = network.stages(rainy)
        torch.stack([mse_loss(picture, clean) for picture in pictures]).sum().backward()
        gradients = {f"{name}.grad": parameter.grad for name, parameter in network.named_parameters()}
        states.append({**network.state_dict(), **gradients, "pictures": torch.stack(pictures)})
    plain, checkpointed = states
    assert all(torch.equal(tensor, checkpointed[name]) for name, tensor in plain.items())


def test_checkpointing_keeps_less_for_the_way_back() -> None:
    kept = []
    for checkpointing in (False, True):
        sizes: dict[int, int] = {}

        def keep(tensor: Tensor, sizes: dict[int, int] = sizes) -> Tensor:
            sizes[tensor.data_ptr()] = tensor.nbytes
            return tensor

        network = perturbed(activation_checkpointing=checkpointing).train()
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            network(torch.rand(1, 3, 32, 32))
        kept.append(sum(sizes.values()))
    assert kept[1] < kept[0] / 2


def test_own_loss_weighs_the_last_picture_and_the_last_rain_layer_most() -> None:
    network, rainy, clean = perturbed(), torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8)
    with torch.no_grad():
        pictures, layers = network.unroll(rainy)
        loss = network.own_loss(rainy, clean)
    weighted = [(1.0 if i == len(pictures) - 1 else 0.1, p - clean) for i, p in enumerate(pictures)]
    weighted += [(1.0 if i == len(layers) - 1 else 0.1, r - (rainy - clean)) for i, r in enumerate(layers)]
    expected = sum(weight * float(error.square().mean()) for weight, error in weighted)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_a_fresh_network_starts_from_upright_streaks_that_are_equal_in_the_colours() -> None:
    kernels = build("rcdnet", {"rain_maps": 8}).kernels.detach()
    assert torch.equal(kernels[0], kernels[1])
    assert torch.equal(kernels[0], kernels[2])
    assert torch.allclose(kernels.flip(-1), kernels)
    assert torch.allclose(kernels.flip(-2), kernels)
    lengths = (kernels[0, :, :, 4] > 0.01 * kernels[0, :, 4:5, 4]).sum(dim=1)
    widths = (kernels[0, :, 4, :] > 0.01 * kernels[0, :, 4, 4:5]).sum(dim=1)
    assert (lengths > widths)[1:].all()
    assert (lengths.diff() >= 0).all()


def test_every_weight_of_a_fresh_network_learns_on_its_own() -> None:
    network = build("rcdnet", SMALL)
    before = deepcopy(network.state_dict())
    with torch.no_grad():
        network.first_kernels[0, 0, 4, 4] += 1
        network.rain_steps[0] += 1
    changed = {name: int((tensor != before[name]).sum()) for name, tensor in network.state_dict().items()}
    assert {name: count for name, count in changed.items() if count} == {"first_kernels": 1, "rain_steps": 1}


def test_rcdnet_refuses_a_single_stage() -> None:
    with pytest.raises(InputError, match=r"rcdnet needs stages of at least 2 .* not 1, 32, 32 and 4"):
        build("rcdnet", {"stages": 1})
