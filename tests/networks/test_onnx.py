"""ONNX: every network survives the journey, and files that are no deraining network are named."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper
from torch import nn

from derain.errors import InputError
from derain.networks import build, load_model, parse
from derain.networks.export import export_onnx
from derain.networks.loading import model_hash
from derain.networks.onnx import OnnxNetwork
from derain.networks.user import UserNetwork
from derain.networks.weights import describe, write_tensors

# SPDNet is ill conditioned until it is trained, and has a test of its own below; Syn2Real takes long (tests/hard).
NETWORKS = [
    "resnet:features=4,blocks=1",
    "unet:base=4,levels=3,norm=none",
    "unet:base=4,levels=2,norm=batch",
    "half_unet:base=4,levels=2",
    "swinir:features=8,groups=1,blocks=2,heads=2,window_px=4",
    "rcdnet:stages=2,rain_maps=4,dual_channels=4,blocks=1",
    "prenet:iterations=2,features=4",
    "prenet:iterations=2,features=4,lstm=last,last_exit=true,input_skip=false",
]


@pytest.mark.slow
@pytest.mark.parametrize("text", NETWORKS)
def test_an_exported_network_gives_the_same_pictures_at_any_size(text: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build(*parse(text)).eval()
    assert export_onnx(network, {"seed": 3}, tmp_path / "model.onnx") < 1e-5
    exported = OnnxNetwork(tmp_path / "model.onnx", "model.onnx")
    for height, width in ((16, 16), (33, 50)):
        rainy = torch.rand(2, 3, height, width)
        with torch.no_grad():
            assert torch.allclose(exported(rainy), network(rainy), atol=1e-5)
    metadata = {entry.key: entry.value for entry in onnx.load(tmp_path / "model.onnx").metadata_props}
    assert metadata["derain"] == '{"seed": 3}'


@pytest.mark.slow
def test_a_file_opens_in_older_programs_and_says_nothing_of_this_disk(tmp_path: Path) -> None:
    """ONNX Runtime 1.14 is the oldest that reads opset 18, and no file of a later form than 8."""
    export_onnx(build("unet", {"base": 4, "levels": 2}).eval(), {}, tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert (model.ir_version, [each.version for each in model.opset_import]) == (8, [18])
    for name, side in (("rainy", model.graph.input), ("derained", model.graph.output)):
        assert [each.name for each in side] == [name]
        shape = side[0].type.tensor_type.shape
        assert [each.dim_param or each.dim_value for each in shape.dim] == [1, 3, "height", "width"]
    assert b".py" not in (tmp_path / "model.onnx").read_bytes()


@pytest.mark.slow
def test_programs_that_fix_the_size_beforehand_find_that_of_the_result(tmp_path: Path) -> None:
    """As VapourSynth's vs-mlrt does for every clip, and chaiNNer to learn the scale."""
    export_onnx(*load_model("balanced"), tmp_path / "model.onnx")
    for height, width in ((48, 64), (211, 333), (17, 31)):
        model = onnx.load(tmp_path / "model.onnx")
        for side, value in ((2, height), (3, width)):
            model.graph.input[0].type.tensor_type.shape.dim[side].dim_value = value
        del model.graph.value_info[:]
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
        session = onnxruntime.InferenceSession(inferred.SerializeToString(), providers=["CPUExecutionProvider"])
        assert session.get_outputs()[0].shape == [1, 3, height, width]


@pytest.mark.slow
def test_spdnet_survives_the_journey_when_its_pictures_are_tame(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build("spdnet", {"features": 4, "blocks": 1}).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(0.5)
    export_onnx(network, {}, tmp_path / "model.onnx")
    rainy = torch.rand(1, 3, 21, 30)
    with torch.no_grad():
        assert torch.allclose(OnnxNetwork(tmp_path / "model.onnx", "model.onnx")(rainy), network(rainy), atol=1e-4)


@pytest.mark.slow
def test_the_command_writes_it_beside_the_model(tmp_path: Path, monkeypatch, capsys) -> None:
    from derain import cli

    network = build("resnet", {"features": 4, "blocks": 1})
    model = tmp_path / "model.safetensors"
    write_tensors(model, network.state_dict(), describe("resnet", network))
    monkeypatch.setattr("sys.argv", ["derain", "export", "--model", str(model)])
    cli.main()
    assert "differs from the model by at most" in capsys.readouterr().out
    rainy = torch.rand(1, 3, 20, 20)
    exported = OnnxNetwork(tmp_path / "model.onnx", "model.onnx")
    with torch.no_grad():
        assert torch.allclose(exported(rainy), load_model(model)[0](rainy), atol=1e-5)


def onnx_file(path: Path, shape: list[int | str], kind: int = TensorProto.FLOAT) -> Path:
    picture = helper.make_tensor_value_info("picture", kind, shape)
    result = helper.make_tensor_value_info("result", kind, shape)
    graph = helper.make_graph([helper.make_node("Identity", ["picture"], ["result"])], "graph", [picture], [result])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, path)
    return path


def test_a_foreign_file_with_free_sizes_is_taken(tmp_path: Path) -> None:
    network = OnnxNetwork(onnx_file(tmp_path / "foreign.onnx", [1, 3, "h", "w"]), "foreign.onnx")
    rainy = torch.from_numpy(np.random.default_rng(0).random((2, 3, 5, 7), np.float32))
    assert torch.equal(network(rainy), rainy)


def test_a_file_of_an_earlier_version_says_what_it_needs(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "earlier.onnx", [1, 3, "h", "w"])
    needs = {"paper": "", "smallest_size_px": 9, "size_multiple_px": 8, "receptive_field_px": 103, "stages": 1}
    model = onnx.load(path)
    helper.set_model_props(
        model, {"derain": "{}", "derain_descriptor": json.dumps({"value_range": [0.0, 1.0], **needs})}
    )
    onnx.save(model, path)
    network, _ = load_model(path)
    assert asdict(network.descriptor) == needs
    with pytest.raises(InputError, match="needs pictures of at least 9 x 9 pixels, not 20 x 8"):
        network(torch.rand(1, 3, 8, 20))


def scaling_file(path: Path, factor: np.ndarray, beside: bool = False) -> Path:
    """A picture times an array, which may lie in a file beside it."""
    picture, result = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, *sides])
        for name, sides in (("picture", "hw"), ("result", "uv"))
    )
    nodes = [helper.make_node("Mul", ["picture", "factor"], ["result"])]
    graph = helper.make_graph(nodes, "graph", [picture], [result], [onnx.numpy_helper.from_array(factor, "factor")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, path, save_as_external_data=beside, location="factor.data", size_threshold=0)
    return path


def test_weights_beside_the_file_are_found_from_any_folder(tmp_path: Path) -> None:
    path = scaling_file(tmp_path / "large.onnx", np.full((1, 3, 1, 1), 0.5, np.float32), beside=True)
    rainy = torch.rand(1, 3, 5, 7)
    assert torch.equal(OnnxNetwork(path, "large.onnx")(rainy), rainy / 2)


def test_weights_beside_the_file_are_part_of_its_hash(tmp_path: Path) -> None:
    path = scaling_file(tmp_path / "large.onnx", np.full((1, 3, 1, 1), 0.5, np.float32), beside=True)
    before, content = model_hash(path), path.read_bytes()
    (tmp_path / "factor.data").write_bytes(np.full((1, 3, 1, 1), 0.25, np.float32).tobytes())
    assert path.read_bytes() == content
    assert model_hash(path) != before


@pytest.mark.parametrize(
    ("factor", "sentence"),
    [
        ((1, 3, 8, 8), r"picky\.onnx fails on a picture of 1 x 9 pixels \("),
        ((1, 3, 9, 8), r"picky\.onnx must give float32 \(1, 3, 9, 1\) .*not float32 \(1, 3, 9, 8\)"),
    ],
)
def test_a_foreign_network_that_does_not_take_a_size_is_named(
    tmp_path: Path, factor: tuple[int, ...], sentence: str
) -> None:
    network = OnnxNetwork(scaling_file(tmp_path / "picky.onnx", np.ones(factor, np.float32)), "picky.onnx")
    with pytest.raises(InputError, match=sentence):
        network(torch.rand(1, 3, 9, 1))


def test_a_foreign_network_of_one_size_sees_other_pictures_tile_by_tile(tmp_path: Path) -> None:
    network = OnnxNetwork(onnx_file(tmp_path / "fixed.onnx", [1, 3, 32, 48]), "fixed.onnx")
    for height, width in ((32, 48), (9, 100), (101, 33), (5, 7)):
        rainy = torch.rand(1, 3, height, width)
        assert torch.allclose(network(rainy), rainy, atol=1e-6)


def test_a_foreign_network_of_multiples_of_8_is_padded(tmp_path: Path) -> None:
    picture, result = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, *sides])
        for name, sides in (("picture", "hw"), ("result", "uv"))
    )
    nodes = [
        helper.make_node("SpaceToDepth", ["picture"], ["small"], blocksize=8),
        helper.make_node("DepthToSpace", ["small"], ["result"], blocksize=8),
    ]
    graph = helper.make_graph(nodes, "graph", [picture], [result])
    path = tmp_path / "eighths.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)
    network, _ = load_model(path)
    assert network.descriptor.size_multiple_px == 8
    rainy = torch.rand(1, 3, 21, 30)
    assert torch.equal(network(rainy), rainy)


class Deciding(nn.Module):
    """Looks at the picture before it decides."""

    def forward(self, rainy: torch.Tensor) -> torch.Tensor:
        return rainy if rainy.mean() > 0.5 else rainy / 2


def test_a_network_that_cannot_be_translated_is_one_sentence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(
        InputError, match=r"model\.onnx is not written: torch cannot translate .*data-dependent"
    ) as raised:
        export_onnx(UserNetwork(Deciding(), "0"), {}, tmp_path / "model.onnx")
    assert "\n" not in str(raised.value)
    assert capfd.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ([1, 1, "h", "w"], TensorProto.FLOAT),
        ([1, 3, 64, "w"], TensorProto.FLOAT),
        ([1, 3, "h", "w"], TensorProto.UINT8),
        ([3, "h", "w"], TensorProto.FLOAT),
    ],
)
def test_a_file_with_other_inputs_is_named(tmp_path: Path, shape: list[int | str], kind: int) -> None:
    with pytest.raises(InputError, match=r"other\.onnx must take one RGB picture of any size.*not picture: tensor"):
        OnnxNetwork(onnx_file(tmp_path / "other.onnx", shape, kind), "other.onnx")


def test_a_file_without_input_is_named(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Constant", [], ["result"], value_float=0.5)],
        "graph", [], [helper.make_tensor_value_info("result", TensorProto.FLOAT, [])],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    with pytest.raises(InputError, match=r"none\.onnx must take one RGB picture of any size.*not nothing"):
        OnnxNetwork(model.SerializeToString(), "none.onnx")


def test_the_suffix_may_be_in_capitals(tmp_path: Path) -> None:
    network, _ = load_model(onnx_file(tmp_path / "FOREIGN.ONNX", [1, 3, "h", "w"]))
    assert isinstance(network, OnnxNetwork)


def test_a_network_beside_an_onnx_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"f\.onnx is an ONNX file, which holds its network whole: leave out --network"
    ):
        load_model(tmp_path / "f.onnx", "mine.py:Net")


def test_a_file_that_is_no_onnx_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(InputError, match=r"text\.onnx is no whole ONNX file"):
        OnnxNetwork(tmp_path / "text.onnx", "text.onnx")
    with pytest.raises(InputError, match=r"cannot read .*none\.onnx"):
        OnnxNetwork(tmp_path / "none.onnx", "none.onnx")


@pytest.mark.slow
def test_an_onnx_file_of_another_program_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    network = build(*parse("resnet:features=4,blocks=1")).eval()
    onnx_file(path, ["n", 3, "h", "w"])
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"model\.onnx is no result of derain export and is not overwritten"):
        export_onnx(network, {}, path)
    assert path.read_bytes() == before
    path.unlink()
    for _ in range(2):
        assert export_onnx(network, {}, path) < 1e-5


def test_an_opset_that_is_not_known_is_named(tmp_path: Path) -> None:
    path = onnx_file(tmp_path / "model.onnx", ["n", 3, "h", "w"])
    model = onnx.load(path)
    model.opset_import[0].version = 99
    onnx.save(model, path)
    with pytest.raises(InputError, match=r"model\.onnx is of opset 99, and the ONNX Runtime .* up to \d+: export"):
        load_model(path)
