"""The whole command: what it writes, what it says, and that it goes on where it stopped."""

import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from derain.errors import InputError
from derain.networks import build, load_model
from derain.networks.export import export_onnx
from derain.networks.loading import names_for
from derain.networks.weights import describe as describe_network
from derain.networks.weights import write_tensors
from derain.pictures.images import list_images
from derain.probe.measure import FIGURES
from derain.probe.records import to_json
from derain.probe.run import describe, probe
from derain.probe.space import ProbeSettings, ProbeSpace

Model = Callable[..., Path]


@pytest.fixture(scope="module")
def finished(model: Model, photos: Path, space: ProbeSpace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    probe([model("a.safetensors")], ProbeSettings(photos, space), out)
    return out


@pytest.fixture
def only_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out what is drawn and written at the end."""
    monkeypatch.setattr("derain.probe.run._write", lambda results, out: None)


def measured(out: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (out / "measured").iterdir()}


@pytest.mark.slow
def test_what_is_written(finished: Path, space: ProbeSpace) -> None:
    document = json.loads((finished / "map.json").read_text())
    cells = {each["name"]: len(each["cells"]) for each in document["maps"]}
    assert cells == {"length_px x angle_deg": 6, "width x quantity": 4, "brightness x angle_deg": 6, "families": 2}
    [network] = document["networks"]
    for figure in FIGURES:
        for name, found in network["figures"][figure].items():
            assert len(found["mean"]) == len(found["standard_error"]) == cells[name]
            assert {len(backgrounds) for backgrounds in found["backgrounds"]} == {space.count}
    assert [area["clean_bound"] for area in network["area"]] == [5.0, 10.0, 15.0, 20.0, None]
    assert len({source["photo"] for source in document["backgrounds"]["sources"]}) == space.count
    assert document["difference"] is None

    rows = list(csv.DictReader((finished / "map.csv").read_text().splitlines()))
    assert len(rows) == sum(cells.values()) * 4
    values = {
        (row["length_px"], row["angle_deg"]): float(row["mean"])
        for row in rows
        if row["map"] == "length_px x angle_deg" and row["figure"] == "removal"
    }
    means = network["figures"]["removal"]["length_px x angle_deg"]["mean"]
    assert values["30", "-60.0"] == pytest.approx(means[3])

    names = {path.name for path in (finished / "figures").iterdir()}
    assert names == {f"{figure}.{kind}" for figure in (*FIGURES, "clean_error") for kind in ("png", "svg")}


def test_the_page_stands_alone(finished: Path) -> None:
    page = (finished / "index.html").read_text()
    assert not re.search(r"""(src|href)=["']|url\((?!data:)""", page)
    cells = json.loads(re.search(r'id="cells">(.*?)</script>', page)[1])
    assert [cell["place"] for cell in cells][::8] == [
        "length 10 px, angle -60°",
        "width 7 px, quantity 50",
        "family lines",
    ]
    assert page.count("<button") == len(cells) * len(FIGURES)
    assert set(re.findall(r'data-cell="(\d+)"', page)) == {str(n) for n in range(len(cells))}
    assert page.count('class="box') == 3 * len(FIGURES)


def test_names_of_models_are_no_html(model: Model, photos: Path, space: ProbeSpace, tmp_path: Path) -> None:
    probe([model("<b>&.safetensors")], ProbeSettings(photos, space), tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text()
    assert "&lt;b&gt;&amp;.safetensors</td>" in page
    assert "<b>" not in page


@pytest.mark.usefixtures("only_measured")
def test_what_is_measured_is_not_measured_again(
    model: Model, photos: Path, space: ProbeSpace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = probe([model("a.safetensors")], ProbeSettings(photos, space), tmp_path)
    before = measured(tmp_path)
    lost = sorted(before)[0]
    (tmp_path / "measured" / lost).unlink()
    seen: list[tuple[int, int]] = []
    again = probe(
        [model("a.safetensors")], ProbeSettings(photos, space), tmp_path, report=lambda *done: seen.append(done)
    )
    after = measured(tmp_path)
    assert {name for name in after if after[name] != before[name]} == {lost}
    assert to_json(again)["networks"][0]["figures"] == to_json(first)["networks"][0]["figures"]
    assert seen[-1] == (18, 18)

    monkeypatch.setattr("derain.probe.run.measure_map", None)  # nothing is left to measure
    probe([model("a.safetensors")], ProbeSettings(photos, space), tmp_path)
    assert measured(tmp_path) == after


@pytest.mark.usefixtures("only_measured")
def test_other_weights_rain_or_seed_are_measured_anew(
    model: Model, photos: Path, space: ProbeSpace, tmp_path: Path
) -> None:
    probe([model("a.safetensors")], ProbeSettings(photos, space), tmp_path)
    assert len(measured(tmp_path)) == 4
    probe([model("b.safetensors", seed=1)], ProbeSettings(photos, space), tmp_path)
    assert len(measured(tmp_path)) == 8
    probe([model("a.safetensors")], ProbeSettings(photos, replace(space, lengths_px=(10, 40))), tmp_path)
    assert len(measured(tmp_path)) == 9
    probe([model("a.safetensors")], ProbeSettings(photos, space, seed=1), tmp_path)
    assert len(measured(tmp_path)) == 13


@pytest.mark.slow
def test_a_comparison(model: Model, photos: Path, space: ProbeSpace, tmp_path: Path) -> None:
    a, b = model("a.safetensors"), model("b.safetensors", seed=1)
    results = probe([a, b], ProbeSettings(photos, space), tmp_path)
    document = json.loads((tmp_path / "map.json").read_text())
    of_a, of_b = (network["figures"]["damage"]["families"]["mean"] for network in document["networks"])
    difference = document["difference"]["figures"]["damage"]["families"]["mean"]
    assert difference == pytest.approx([second - first for first, second in zip(of_a, of_b, strict=True)])
    assert any(difference)
    page = (tmp_path / "index.html").read_text()
    assert page.count("<button") == 18 * len(FIGURES) * 3
    assert "restored by B" in page
    assert [line[:3] for line in describe(results)][:3] == ["A, ", "B, ", "B -"]


@pytest.mark.usefixtures("only_measured")
def test_networks_of_a_comparison_are_measured_once(
    model: Model, photos: Path, space: ProbeSpace, tmp_path: Path
) -> None:
    a, b = model("a.safetensors"), model("b.safetensors", seed=1)
    probe([a], ProbeSettings(photos, space), tmp_path)
    alone = measured(tmp_path)
    probe([a, b], ProbeSettings(photos, space), tmp_path)
    assert measured(tmp_path).items() > alone.items()
    same = probe([a, a], ProbeSettings(photos, space), tmp_path)
    assert same.areas(None)[2] == (0.0, 0.0, 0.0)
    assert not any(values.any() for values in same.panels("damage")[2].means.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rain", "said"), [(None, "does not say which rain"), ("lines", "rain without streaks"), ("medium", None)]
)
def test_a_map_without_a_box_says_why(
    rain: str | None, said: str | None, model: Model, photos: Path, space: ProbeSpace, tmp_path: Path
) -> None:
    lines = describe(probe([model("a.safetensors", rain=rain)], ProbeSettings(photos, space), tmp_path / "out"))
    page = (tmp_path / "out" / "index.html").read_text()
    assert ("no box" in " ".join(lines)) == ("no box" in page) == (said is not None)
    assert ('class="box' in page) == (said is None)
    assert said is None or said in page


def test_few_photos_and_faint_rain_are_said(model: Model, photos: Path, space: ProbeSpace, tmp_path: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for photo in list_images(photos)[:3]:
        (few / photo.name).symlink_to(photo)
    faint = replace(space, brightnesses=(0.01, 1.0), count=3)
    notes = " ".join(describe(probe([model("a.safetensors")], ProbeSettings(few, faint), tmp_path / "out")))
    assert "photos are too few to give a spread" in notes
    assert "Grey cells (3) have no value" in notes
    document = json.loads((tmp_path / "out" / "map.json").read_text())
    [network] = document["networks"]
    assert network["area"][0]["low"] is None
    assert network["figures"]["removal"]["families"]["standard_error"] == [None, None]
    assert network["figures"]["removal"]["brightness x angle_deg"]["mean"][:3] == [None] * 3
    assert "–" in (tmp_path / "out" / "index.html").read_text()


@pytest.mark.slow
@pytest.mark.usefixtures("only_measured")
def test_an_onnx_file_answers_alike_and_keeps_its_box(
    model: Model, photos: Path, space: ProbeSpace, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    path = model("a.safetensors")
    export_onnx(*load_model(path), tmp_path / "a.onnx")
    first, second = probe([path, tmp_path / "a.onnx"], ProbeSettings(photos, space), tmp_path / "out").networks
    assert second.trained == first.trained
    for name, response in second.answer.responses.items():
        assert np.allclose(
            response.figures["removal"], first.answer.responses[name].figures["removal"], 0, 0.01, equal_nan=True
        )


@pytest.mark.usefixtures("only_measured")
def test_a_network_of_ones_own(model: Model, photos: Path, space: ProbeSpace, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n\nclass Mine(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.layer = nn.Conv2d(3, 3, 1)\n\n    def forward(self, x):\n        return self.layer(x)\n"
    )
    name = f"{tmp_path / 'mine.py'}:Mine"
    network = build(name, {})
    write_tensors(tmp_path / "mine.safetensors", network.state_dict(), describe_network(name, network))
    with pytest.raises(InputError, match="--network"):
        probe([tmp_path / "mine.safetensors"], ProbeSettings(photos, space), tmp_path / "out")
    results = probe([tmp_path / "mine.safetensors"], ProbeSettings(photos, space), tmp_path / "out", named=[name])
    assert results.networks[0].answer.clean_error.shape == (space.count,)

    both = [tmp_path / "mine.safetensors", model("a.safetensors")]
    compared = probe(both, ProbeSettings(photos, space), tmp_path / "out", named=[name]).networks
    assert [each.name for each in compared] == [str(path) for path in both]
    with pytest.raises(InputError, match=r"holds the weights of unet, not of .*mine\.py:Mine"):
        probe(both[1:], ProbeSettings(photos, space), tmp_path / "out", named=[name])


@pytest.mark.usefixtures("only_measured")
def test_two_networks_of_ones_own_are_compared(photos: Path, space: ProbeSpace, tmp_path: Path) -> None:
    for name, channels in (("One", 2), ("Two", 4)):
        (tmp_path / f"{name}.py").write_text(
            f"from torch import nn\n\nclass {name}(nn.Sequential):\n    def __init__(self):\n"
            f"        super().__init__(nn.Conv2d(3, {channels}, 1), nn.Conv2d({channels}, 3, 1))\n"
        )
    names = [f"{tmp_path / 'One.py'}:One", f"{tmp_path / 'Two.py'}:Two"]
    models = [tmp_path / "1.safetensors", tmp_path / "2.safetensors"]
    for model, name in zip(models, names, strict=True):
        network = build(name, {})
        write_tensors(model, network.state_dict(), describe_network(name, network))
    assert names_for([*models, "blur"], names[::-1]) == [*names, None]
    compared = probe(models, ProbeSettings(photos, space), tmp_path / "out", named=names[::-1]).networks
    assert [each.name for each in compared] == [str(path) for path in models]
    with pytest.raises(InputError, match=r"none of the models is of the network .*Two\.py:Two"):
        probe(models[:1], ProbeSettings(photos, space), tmp_path / "out", named=names)


def test_bad_input_is_named(model: Model, photos: Path, space: ProbeSpace, tmp_path: Path) -> None:
    a, out = model("a.safetensors"), tmp_path / "out"
    with pytest.raises(InputError, match=r"missing\.safetensors"):
        probe([tmp_path / "missing.safetensors"], ProbeSettings(photos, space), out)
    with pytest.raises(InputError, match=r"missing\.onnx"):
        probe([tmp_path / "missing.onnx"], ProbeSettings(photos, space), out)
    with pytest.raises(InputError, match="one model, or two"):
        probe([a, a, a], ProbeSettings(photos, space), out)
    for bound in (-1.0, float("inf")):
        with pytest.raises(InputError, match=f"clean error must be finite and not negative, but is {bound:g}"):
            probe([a], ProbeSettings(photos, space, clean_bound=bound), out)
    with pytest.raises(InputError, match="does not exist"):
        probe([a], ProbeSettings(tmp_path / "nowhere", space), out)
    with pytest.raises(InputError, match="less than a patch of 4096 x 4096"):
        probe([a], ProbeSettings(photos, replace(space, size_px=4096)), out)
    assert not out.exists()


@pytest.mark.usefixtures("only_measured")
def test_on_photos_with_recovered_streaks(data: Path, model: Model, space: ProbeSpace, tmp_path: Path) -> None:
    pairs = (data / "rain" / "rain12" / "rainy", data / "rain" / "rain12" / "clean")
    photos = tmp_path / "photos"
    photos.mkdir()
    for photo in list_images(data / "natural" / "test")[:5]:
        (photos / photo.name).symlink_to(photo)
    results = probe(
        [model("a.safetensors")], ProbeSettings(photos, replace(space, size_px=64), pairs=pairs), tmp_path / "out"
    )
    assert results.scene.maps[-1].rows[-1] == "recovered"
    assert results.scene.patches.photos == 5


@pytest.mark.parametrize("name", ["map.json", "map.csv", "index.html", "figures/clean_error.svg"])
def test_files_of_somebody_else_are_not_overwritten(
    model: Model, photos: Path, space: ProbeSpace, tmp_path: Path, name: str
) -> None:
    own = tmp_path / "out" / name
    own.parent.mkdir(parents=True)
    own.write_text("{}")
    with pytest.raises(InputError, match="derain probe"):
        probe([model("a.safetensors")], ProbeSettings(photos, space), tmp_path / "out")
    assert own.read_text() == "{}"
