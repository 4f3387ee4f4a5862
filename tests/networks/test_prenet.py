"""PReNet and its published variants against the official code."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor
from torch.nn.functional import mse_loss, pad

from derain.errors import InputError
from derain.evaluation.metrics import ssim_rgb
from derain.networks import build, load_official, parse
from derain.networks.prenet import PReNet, official

# The goldens, what their weights do not tell, and the case of their gradients.
VARIANTS = {
    "prenet6": {},
    "prenet_real4": {"iterations": 4, "lstm": "last", "input_skip": False},
    "prenet_lstm6_noresidual": {"input_skip": False},
    "vrgnet_derain6": {},
}
CASES = [(name, case) for name in list(VARIANTS)[:3] for case in ("neg_ssim", "mse", "rec_mse_stages")]


@pytest.fixture(scope="module", params=list(VARIANTS))
def variant(request: pytest.FixtureRequest) -> str:
    return request.param


def weights(goldens: Path, variant: str) -> dict[str, Tensor]:
    return safetensors.torch.load_file(goldens / f"{variant}.safetensors")


def pictures(goldens: Path, variant: str) -> dict[str, Tensor]:
    return safetensors.torch.load_file(goldens / f"{variant}.io.safetensors")


def small(settings: str = "") -> PReNet:
    torch.manual_seed(0)
    return build(*parse(f"prenet:iterations=3,features=6{settings}")).eval()


def test_prenet_agrees_with_the_official_network_at_every_stage(goldens: Path, variant: str) -> None:
    expected = pictures(goldens, variant)
    network = load_official("prenet", weights(goldens, variant), VARIANTS[variant])
    with torch.no_grad():
        stages = network.stages(expected["input"])
        precise = network.double().stages(expected["input"].double())
    compared = {"output": -1} | {f"stage.{i}": i for i in range(len(stages)) if variant != "vrgnet_derain6"}
    assert expected.keys() - {"logvar", "logvar.f64"} == {
        *compared, *(f"{name}.f64" for name in compared), "input", "target",
    }  # fmt: skip
    for name, stage in compared.items():
        assert (stages[stage] - expected[name]).abs().max() <= 1e-6, name
        assert (precise[stage] - expected[f"{name}.f64"]).abs().max() <= 1e-12, name


@pytest.mark.parametrize(("variant", "case"), [*CASES, ("vrgnet_derain6", "eval_mse")])
def test_prenet_gradients_agree_with_the_official_network(goldens: Path, variant: str, case: str) -> None:
    pair = pictures(goldens, variant)
    expected = json.loads((goldens / f"{variant}.grad.json").read_text())[case]
    network = load_official("prenet", weights(goldens, variant), VARIANTS[variant]).double()
    rainy, clean = pair["input"].double(), pair["target"].double()
    if case == "neg_ssim":
        loss = network.own_loss(rainy, clean)
    elif case == "rec_mse_stages":
        loss = torch.stack([mse_loss(stage, clean) for stage in network.stages(rainy)]).sum()
    else:
        loss = mse_loss(network(rainy), clean)
    loss.backward()
    # The official SSIM has its window rounded to float32.
    assert loss.item() == pytest.approx(expected["loss_f64"], rel=1e-10, abs=4e-7 if case == "neg_ssim" else 0)
    # Each norm goes through the names as a tensor filled with it, but with as many rows as the weights have.
    state = weights(goldens, variant)
    norms = {
        name: tensor.double().fill_(expected["norms_f64"][name.removeprefix("derainet.")])
        for name, tensor in state.items()
    }
    theirs, tolerance = official(norms)[1], 2e-5 if case == "neg_ssim" else 1e-6
    for name, parameter in network.named_parameters():
        parts = 4 if name.startswith("gates") else 1
        for ours, norm in zip(parameter.grad.chunk(parts), theirs[name].chunk(parts), strict=True):
            assert ours.norm().item() == pytest.approx(norm.max().item(), rel=tolerance), name


def test_prenet_has_the_published_number_of_weights() -> None:
    assert build("prenet").parameter_count() == 168_963
    # VRGNet's without the three channels that no picture depends on.
    assert build("prenet", {"last_exit": True}).parameter_count() == 170_697 - 3 * (9 * 32 + 1)


@pytest.mark.parametrize("settings", ["", ",lstm=last", ",last_exit=true"])
def test_the_receptive_field_grows_by_13_pixels_an_iteration(settings: str) -> None:
    network = small(settings).double()
    assert network.descriptor.receptive_field_px == 1 + 2 * 3 * 13
    rainy = torch.rand(1, 3, 91, 91, dtype=torch.float64, requires_grad=True)
    network(rainy)[..., 45, 45].sum().backward()
    seen = rainy.grad.abs().sum(dim=(0, 1, 3)).nonzero().flatten()
    assert (seen.min(), seen.max()) == (45 - 39, 45 + 39)


def test_all_iterations_share_their_weights_and_more_of_them_begin_alike() -> None:
    rainy = torch.rand(1, 3, 20, 23)
    longer = build("prenet", {"iterations": 5, "features": 6})
    longer.load_state_dict(small().state_dict())
    for ours, theirs in zip(small().stages(rainy), longer.stages(rainy), strict=False):
        assert torch.equal(ours, theirs)


def test_the_last_iteration_may_have_an_exit_of_its_own() -> None:
    network, plain, rainy = small(",last_exit=true"), small(), torch.rand(1, 3, 20, 23)
    assert plain.load_state_dict(network.state_dict(), strict=False).missing_keys == []
    *before, last = network.stages(rainy)
    *expected, other = plain.stages(rainy)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(before, expected, strict=True))
    assert not torch.allclose(last, other, atol=1e-3)


def test_own_loss_is_minus_the_ssim_of_the_last_picture_with_a_black_border() -> None:
    network, rainy, clean = small(), torch.rand(2, 3, 24, 20), torch.rand(2, 3, 24, 20)
    with torch.no_grad():
        derained, loss = network(rainy), network.own_loss(rainy, clean)
    pairs = [(255 * pad(a, 4 * [5]), 255 * pad(b, 4 * [5])) for a, b in zip(derained, clean, strict=True)]
    assert loss.item() == pytest.approx(-sum(ssim_rgb(*pair) for pair in pairs) / 2, abs=1e-5)
    tiny = torch.rand(1, 3, 3, 2)
    assert -1 <= network.own_loss(tiny, tiny) <= 1


def test_own_loss_stays_exact_with_products_in_bfloat16() -> None:
    network, clean = small(), torch.full((1, 3, 24, 20), 0.9)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()  # the network gives its input back
        with torch.autocast("cpu", torch.bfloat16):
            assert network.own_loss(clean, clean).item() == pytest.approx(-1, abs=1e-6)


def test_official_weights_that_do_not_fit_are_refused() -> None:
    state = published(small())
    load_official("prenet", state)
    for extra in ("conv_z.0.weight", "extra"):
        with pytest.raises(InputError, match=rf"no official weights of prenet: {extra} is not part of it"):
            load_official("prenet", {**state, extra: torch.zeros(1)})
    with pytest.raises(InputError, match=r"entrance\.weight has the shape \(6, 3, 3, 3\), not \(6, 6, 3, 3\)"):
        load_official("prenet", {**state, "conv0.0.weight": torch.zeros(6, 3, 3, 3)})
    with pytest.raises(InputError, match="no official weights of prenet: their shapes do not fit together"):
        load_official("prenet", {**state, "conv_i.0.weight": torch.zeros(6, 4, 3, 3)})
    del state["conv_f.0.bias"]
    with pytest.raises(InputError, match=r"no official weights of prenet: conv_f\.0\.bias is missing"):
        load_official("prenet", state)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ("iterations=1", "prenet needs iterations of at least 2 and features of at least 1, not 1 and 32"),
        ("features=0", "not 6 and 0"),
        ("lstm=middle", "lstm must be first or last, not 'middle'"),
    ],
)
def test_impossible_hyperparameters_are_refused(settings: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        build(*parse(f"prenet:{settings}"))


def published(network: PReNet) -> dict[str, Tensor]:
    """The weights of `network` in the layout of the published code."""
    layout = {}
    for name, tensor in network.state_dict().items():
        layer, _, kind = name.rpartition(".")
        if layer == "gates":
            for gate, part in zip("ifog", tensor.chunk(4), strict=True):
                layout[f"conv_{gate}.0.{kind}"] = part
        elif layer.startswith("blocks"):
            layout[f"res_conv{int(layer[7]) + 1}.{2 * int(layer[-1]) - 2}.{kind}"] = tensor
        else:
            layout[{"entrance": "conv0.0", "exit": "conv.0"}[layer] + f".{kind}"] = tensor
    return layout
