"""SwinIR against the official code, and its parts."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from derain.errors import InputError
from derain.networks import build, load_official, parse
from derain.networks.swinir import SwinIR, SwinIRHyperparameters, _seam, official

SMALL = "swinir:features=8,groups=2,blocks=2,heads=2,window_px=4"


def small(settings: str = "") -> SwinIR:
    torch.manual_seed(0)
    return build(*parse(SMALL + settings)).eval()


@pytest.fixture(scope="module")
def state(goldens: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(goldens / "swinir_d60_noup.safetensors")


@pytest.fixture(scope="module")
def pictures(goldens: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(goldens / "swinir_d60_noup.io.safetensors")


def test_swinir_agrees_with_the_official_network(state, pictures) -> None:
    network = load_official("swinir", state)
    with torch.no_grad():
        output = network(pictures["input"])
        precise = network.double()(pictures["input"].double())
    assert (output - pictures["output"]).abs().max() <= 5e-6
    assert (precise - pictures["output.f64"]).abs().max() <= 1e-10


def test_swinir_gradients_agree_with_the_official_network(goldens: Path, state, pictures) -> None:
    gradients = json.loads((goldens / "swinir_d60_noup.grad.json").read_text())
    network = load_official("swinir", state).double().train()
    loss = torch.nn.functional.l1_loss(network(pictures["input"].double()), pictures["target"].double())
    loss.backward()
    assert float(loss.detach()) == pytest.approx(gradients["loss_f64"], rel=1e-12)
    for name, parameter in network.named_parameters():
        assert float(parameter.grad.norm()) == pytest.approx(gradients["norms_f64"][name], rel=1e-6, abs=1e-15)


def test_index_and_mask_are_the_official_ones(goldens: Path) -> None:
    buffers = safetensors.torch.load_file(goldens / "swinir_d60_noup.buffers.safetensors")
    attention = SwinIR(SwinIRHyperparameters()).layers[0].residual_group.blocks[0].attn
    name = "layers.0.residual_group.blocks.0.attn.relative_position_index"
    assert torch.equal(attention.relative_position_index, buffers[name])
    seam = _seam(torch.zeros(1, 3, 48, 64), 8)
    assert torch.equal(seam.squeeze(1), buffers["attn_mask_for_48x64"] == -100)


def test_weights_tell_the_hyperparameters_and_keep_the_picture() -> None:
    settings = "features=12,groups=3,blocks=1,heads=3,window_px=5,mlp_ratio=3,reconstruction=pixelshuffle"
    network = build(*parse(f"swinir:{settings},input_skip=false")).eval()
    loaded = load_official("swinir", network.state_dict())
    assert loaded.hyperparameters == network.hyperparameters
    rainy = torch.rand(1, 3, 11, 7)
    assert torch.equal(loaded(rainy), network(rainy))


def test_official_index_and_mask_are_left_out_by_name_and_nothing_else() -> None:
    state = small().state_dict()
    block = "layers.1.residual_group.blocks.1."
    recomputed = {f"{block}attn.relative_position_index": torch.zeros(16, 16), f"{block}attn_mask": torch.zeros(4, 16)}
    assert official({**state, **recomputed})[1].keys() == state.keys()
    with pytest.raises(InputError, match=r"no official weights of swinir: absolute_pos_embed is not part of it"):
        load_official("swinir", {**state, "absolute_pos_embed": torch.zeros(1)})
    del state["conv_first.weight"]
    with pytest.raises(InputError, match=r"no official weights of swinir: conv_first.weight is missing"):
        load_official("swinir", state)


@pytest.mark.parametrize(("settings", "count"), [("", 905_283), (":reconstruction=pixelshuffle", 940_015)])
def test_swinir_sizes(settings: str, count: int) -> None:
    assert build(*parse(f"swinir{settings}")).parameter_count() == count


def test_skips_add_what_they_say() -> None:
    rainy = torch.rand(1, 3, 9, 10)
    network, without = small(), small(",input_skip=false")
    mean = torch.tensor([0.4488, 0.4371, 0.4040]).reshape(3, 1, 1)
    assert torch.allclose(network(rainy) - rainy, without(rainy) - mean, atol=1e-6)
    bare = small(",feature_skip=false,input_skip=false")
    with torch.no_grad():
        for parameter in bare.conv_after_body.parameters():
            parameter.zero_()
    # Nothing passes by conv_after_body, so the picture no longer depends on the input.
    assert torch.equal(bare(rainy), bare(1 - rainy))


def test_after_the_shift_top_and_bottom_do_not_see_each_other() -> None:
    network = small()
    rainy = torch.rand(1, 3, 64, 64, requires_grad=True)
    network(rainy)[..., :2, :2].sum().backward()
    seen = rainy.grad.abs().sum(dim=(0, 1))
    assert seen[:4, :4].min() > 0
    reach = network.descriptor.receptive_field_px // 2 + 2
    assert seen[reach:].max() == 0
    assert seen[:, reach:].max() == 0


def test_borders_are_reflected_up_to_the_window() -> None:
    network = small()
    rainy = torch.rand(1, 3, 6, 5)
    reflected = torch.nn.functional.pad(rainy, (0, 3, 0, 2), mode="reflect")
    assert torch.allclose(network(rainy), network(reflected)[..., :6, :5], atol=1e-6)


def test_own_loss_is_charbonnier() -> None:
    network, rainy = small(), torch.rand(2, 3, 8, 8)
    with torch.no_grad():
        derained = network(rainy)
        assert network.own_loss(rainy, derained).item() == pytest.approx(1e-3)
        assert network.own_loss(rainy, derained - 0.5).item() == pytest.approx((0.25 + 1e-6) ** 0.5, rel=1e-5)


def test_a_fresh_swinir_starts_as_the_official_one_does() -> None:
    torch.manual_seed(0)
    network = SwinIR(SwinIRHyperparameters())
    for name, parameter in network.named_parameters():
        if ".qkv.weight" in name or ".fc1.weight" in name or "bias_table" in name:
            assert parameter.std().item() == pytest.approx(0.02, rel=0.1), name
        elif ".attn." in name or ".mlp." in name:
            assert parameter.abs().max().item() == 0 or name.endswith("weight"), name
        elif "norm" in name:
            assert torch.equal(parameter, torch.full_like(parameter, name.endswith("weight"))), name


def test_memory_format_does_not_matter() -> None:
    rainy = torch.rand(2, 3, 16, 12)
    network = small()
    expected = network(rainy)
    network.to(memory_format=torch.channels_last)
    assert torch.allclose(network(rainy.contiguous(memory_format=torch.channels_last)), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ("features=61", r"features that its heads divide, not 61 for 6 heads"),
        ("groups=0", r"swinir needs groups of at least 1, not 0"),
        ("window_px=1", r"window_px of at least 2, not 1"),
        ("reconstruction=nearest", r"reconstruction must be convolution or pixelshuffle"),
    ],
)
def test_wrong_hyperparameters_are_refused(settings: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        build(*parse(f"swinir:{settings}"))


def test_a_picture_too_small_to_reflect_is_refused() -> None:
    with pytest.raises(InputError, match=r"SwinIR needs pictures of at least 3 x 3 pixels, not 20 x 2"):
        small()(torch.rand(1, 3, 2, 20))
