import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console
from torch import nn

from derain.cli import main
from derain.errors import InputError
from derain.evaluation.evaluate import evaluate, evaluate_network
from derain.evaluation.metrics import METRICS, measure
from derain.evaluation.own_metrics import UserMetric
from derain.evaluation.restorers import FolderRestorer, NetworkRestorer
from derain.networks.user import UserNetwork
from derain.pictures.images import read_image, write_image
from derain.pictures.pairs import match_pairs

NAMES = [metric.name for metric in METRICS]
RAIN_NAMES = ["e_r", "e_b", "removal", "damage", "removal_controlled"]


class Darker(nn.Module):
    """Keeps four fifths of the light; all of it while training."""

    def forward(self, rainy):
        return rainy if self.training else 0.8 * rainy


class Broken(nn.Module):
    def forward(self, rainy):
        return rainy / 0 * 0


@pytest.fixture
def folder(tmp_path):
    """Three pairs a, b, c in rainy/ and clean/; the rain of c is faint. What is in restored/ equals clean/."""
    rng = np.random.default_rng(0)
    for name in ("rainy", "clean", "restored"):
        (tmp_path / name).mkdir()
    for name, brightness in (("a", 60), ("b", 60), ("c", 20)):
        clean = rng.integers(0, 180, (24, 32, 3), dtype=np.uint8)
        rain = (rng.random((24, 32, 1)) < 0.3) * np.uint8(brightness)
        write_image(tmp_path / "clean" / f"{name}.png", clean)
        write_image(tmp_path / "rainy" / f"{name}.png", clean + rain)
        write_image(tmp_path / "restored" / f"{name}.png", clean)
    return tmp_path


@pytest.fixture
def pairs(folder):
    return match_pairs(folder / "rainy", folder / "clean")


def tensor(path):
    return torch.from_numpy(read_image(path)).permute(2, 0, 1)


def printed(evaluation):
    console = Console(width=100)
    with console.capture() as capture:
        console.print(evaluation.table())
    return capture.get()


def test_a_network_is_measured_on_rainy_and_on_clean_pictures(pairs):
    result = evaluate(pairs, NetworkRestorer(Darker(), "cpu")).to_json()
    assert [image["name"] for image in result["images"]] == ["a", "b", "c"]
    for pair, image in zip(pairs, result["images"], strict=True):
        rainy, clean = tensor(pair.rainy), tensor(pair.clean)
        restored, restored_clean = ((0.8 * each.float()).round().byte() for each in (rainy, clean))
        assert image == {"name": pair.name} | measure(rainy, clean, restored, restored_clean, 10.0)


def test_json_has_exactly_this_layout(pairs):
    result = evaluate(pairs, NetworkRestorer(Darker(), "cpu"), threshold=30.0).to_json()
    assert list(result) == ["threshold", "images", "mean", "left_out", "pooled", "input", "sensitivity"]
    assert result["threshold"] == 30
    assert all(list(image) == ["name", *NAMES] for image in result["images"])
    assert [list(result[key]) for key in ("mean", "left_out", "input")] == [NAMES] * 3
    assert list(result["pooled"]) == NAMES[:6]
    assert list(result["sensitivity"]) == ["5", "10", "25", "50"]
    assert all(list(figures) == RAIN_NAMES for figures in result["sensitivity"].values())
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_means_and_sensitivity_are_means_over_images(pairs):
    at_10 = evaluate(pairs, NetworkRestorer(Darker(), "cpu")).to_json()
    at_50 = evaluate(pairs, NetworkRestorer(Darker(), "cpu"), threshold=50.0).to_json()
    for name in NAMES:
        assert at_10["mean"][name] == pytest.approx(np.mean([image[name] for image in at_10["images"]]))
    for result in (at_10, at_50):
        assert result["sensitivity"]["10"] == {name: at_10["mean"][name] for name in RAIN_NAMES}
        assert result["sensitivity"]["50"] == {name: at_50["mean"][name] for name in RAIN_NAMES}
    # At t=50 the faint rain of c is under the threshold.
    assert at_50["images"][2]["removal"] is None
    assert at_50["left_out"] == dict.fromkeys(NAMES, 0) | dict.fromkeys(
        ["e_r", "removal", "damage", "removal_controlled"], 1
    )


def test_the_table_says_which_way_is_better(pairs):
    text = " ".join(printed(evaluate(pairs, NetworkRestorer(nn.Identity(), "cpu"))).split())
    assert "Higher is better: E_R, removal, controlled removal, PSNR RGB" in text
    assert "lower is better: E_B, damage, clean error." in text


def test_doing_nothing_equals_the_input_row(pairs):
    result = evaluate(pairs, NetworkRestorer(nn.Identity(), "cpu")).to_json()
    assert result["mean"] == result["input"]
    assert (result["input"]["removal"], result["input"]["removal_controlled"]) == (0, 0)
    assert (result["input"]["clean_error"], result["input"]["e_r"]) == (0, 0)


def test_pictures_in_memory_are_measured_as_those_on_disk(pairs):
    pictures = [(pair.name, tensor(pair.rainy), tensor(pair.clean)) for pair in pairs]
    in_memory = evaluate_network(pictures, Darker(), "cpu", threshold=25.0).to_json()
    assert in_memory == evaluate(pairs, NetworkRestorer(Darker(), "cpu"), threshold=25.0).to_json()


@pytest.mark.parametrize("training", [True, False])
def test_a_network_keeps_its_mode_and_its_averages(pairs, training):
    network = nn.Sequential(nn.BatchNorm2d(3)).train(training)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    evaluate(pairs, NetworkRestorer(network, "cpu"))
    assert network.training == training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_network_that_gives_nan_is_refused_and_keeps_its_mode(pairs):
    network = Broken()
    with pytest.raises(InputError, match=r"rainy.a\.png: the network gives NaN"):
        evaluate(pairs, NetworkRestorer(network, "cpu"))
    with pytest.raises(InputError, match=r"^street: the network gives NaN"):
        evaluate_network([("street", tensor(pairs[0].rainy), tensor(pairs[0].clean))], network, "cpu")
    assert network.training


def test_code_of_ones_own_that_fails_on_a_picture_is_a_sentence_with_its_name(pairs):
    class Small(nn.Module):
        def forward(self, rainy):
            raise RuntimeError("only small pictures")

    with pytest.raises(InputError, match=r"rainy.a\.png: the code of Small fails: RuntimeError: only small pictures"):
        evaluate(pairs, NetworkRestorer(UserNetwork(Small(), "hash"), "cpu"))


def test_a_pair_of_two_sizes_is_named(folder, pairs):
    write_image(folder / "clean" / "b.png", np.zeros((24, 31, 3), np.uint8))
    with pytest.raises(InputError, match=r"^b: .*24 x 32 and 24 x 31"):
        evaluate(pairs, NetworkRestorer(nn.Identity(), "cpu"))


def test_the_table_starts_with_the_rainy_input_and_shows_both_thresholds(pairs):
    text = printed(evaluate(pairs, NetworkRestorer(Darker(), "cpu")))
    rows = [line.split() for line in text.splitlines() if line.startswith(("input", "restored"))]
    assert [row[:2] for row in rows] == [["input", "10"], ["restored", "10"], ["input", "50"], ["restored", "50"]]
    result = evaluate(pairs, NetworkRestorer(Darker(), "cpu")).to_json()
    assert float(rows[0][2]) == 0
    assert float(rows[1][4]) == pytest.approx(result["mean"]["removal"], abs=0.006)
    assert float(rows[3][4]) == pytest.approx(result["sensitivity"]["50"]["removal"], abs=0.006)
    assert float(rows[1][-1]) == pytest.approx(result["mean"]["ssim_y"], abs=6e-5)
    caption = " ".join(text[text.index("Means") :].split())
    assert caption.startswith("Means over 3 images; left out where not defined: input, t=50: E_R 1, removal 1")
    assert "t=10" not in caption


def test_the_table_fits_a_terminal_of_80_columns(pairs):
    lines = printed(evaluate(pairs, NetworkRestorer(Darker(), "cpu"))).splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80


@pytest.mark.parametrize(("threshold", "shown"), [(5.0, ["5", "5", "50", "50"]), (50.0, ["50", "50"])])
def test_the_table_shows_the_threshold_asked_for_and_50(pairs, threshold, shown):
    table = evaluate(pairs, NetworkRestorer(Darker(), "cpu"), threshold).table()
    assert list(table.columns[1].cells) == shown


def test_a_folder_of_results_is_measured(folder, pairs):
    evaluation = evaluate(pairs, FolderRestorer(folder / "restored", None))
    mean = evaluation.to_json()["mean"]
    assert (mean["removal"], mean["damage"], mean["e_b"]) == (1, 0, 0)
    assert (mean["removal_controlled"], mean["clean_error"], mean["psnr_y"]) == (None, None, None)
    assert "clean error 3" in " ".join(printed(evaluation).split())


def test_results_may_have_another_suffix_and_stand_beside_results_on_clean_pictures(folder, pairs):
    results = folder / "results"
    results.mkdir()
    for path in sorted((folder / "restored").iterdir()):
        Image.open(path).save(results / f"{path.stem}.bmp")
    mean = evaluate(pairs, FolderRestorer(results, folder / "clean")).to_json()["mean"]
    assert (mean["removal_controlled"], mean["clean_error"]) == (1, 0)


def test_results_on_clean_pictures_are_named_as_these(folder):
    for path in sorted((folder / "rainy").iterdir()):
        path.rename(folder / "rainy" / f"rain-{path.name}")
    for path in sorted((folder / "clean").iterdir()):
        path.rename(folder / "clean" / f"norain-{path.name}")
    pairs = match_pairs(folder / "rainy", folder / "clean", "rain100l")
    result = evaluate(pairs, FolderRestorer(folder / "rainy", folder / "clean")).to_json()
    assert result["mean"] == result["input"]


def test_a_missing_result_is_named_before_anything_is_measured(folder, pairs):
    (folder / "restored" / "c.png").unlink()
    done = []
    with pytest.raises(InputError, match=r"restored holds no result for .*rainy.c\.png"):
        evaluate(pairs, FolderRestorer(folder / "restored", None), progress=done.append)
    assert done == []


def test_a_result_of_another_size_is_named_before_anything_is_measured(folder, pairs):
    write_image(folder / "restored" / "c.png", np.zeros((24, 31, 3), np.uint8))
    done = []
    for restorer in (
        FolderRestorer(folder / "restored", None),
        FolderRestorer(folder / "clean", folder / "restored"),
    ):
        with pytest.raises(InputError, match=r"restored.c\.png has 31 x 24 pixels, but .*c\.png has 32 x 24"):
            evaluate(pairs, restorer, progress=done.append)
    assert done == []


def test_bad_folders_are_refused(folder):
    with pytest.raises(InputError, match="does not exist"):
        FolderRestorer(folder / "nowhere", None)
    with pytest.raises(InputError, match="does not exist"):
        FolderRestorer(folder / "restored", folder / "nowhere")
    Image.open(folder / "restored" / "a.png").save(folder / "restored" / "a.bmp")
    with pytest.raises(InputError, match=r"a\.png and a\.bmp differ only in suffix"):
        FolderRestorer(folder / "restored", None)


def test_progress_counts_the_pairs(pairs):
    done = []
    evaluate(pairs, NetworkRestorer(nn.Identity(), "cpu"), progress=done.append)
    assert done == [1, 2, 3]


def test_a_bad_threshold_is_refused(pairs):
    with pytest.raises(InputError, match=r"^the threshold .* -1"):
        evaluate(pairs, NetworkRestorer(nn.Identity(), "cpu"), threshold=-1.0)


def test_several_models_stand_in_one_table_and_one_file(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    arguments = ["evaluate", "--rainy", photos, "--clean", photos, "--model", "nothing", "blur", "--json", out]
    monkeypatch.setattr(sys, "argv", ["derain", *map(str, arguments)])
    main()
    rows = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.split()[1:2] == ["10"]]
    assert rows == ["input", "nothing", "blur"]
    found = json.loads(out.read_text())
    assert list(found) == ["nothing", "blur"]
    assert found["nothing"]["mean"]["clean_error"] == 0 < found["blur"]["mean"]["clean_error"]


OWN_METRIC = """
class Brightest:
    name = "brightest"
    better = "lower"
    range = (0, 255)
    unit = "grey levels"

    def __call__(self, rainy, clean, restored, restored_clean):
        return (restored.int() - clean.int()).abs().max()

class TooHigh(Brightest):
    def __call__(self, rainy, clean, restored, restored_clean):
        return 256

class Known(Brightest):
    name = "damage"

class Broken(Brightest):
    def __call__(self, rainy, clean, restored, restored_clean):
        return restored_clean.nothing

class Unnamed:
    pass
"""


def test_a_figure_of_your_own_stands_in_tables_and_in_the_json_with_the_hash_of_its_code(folder, capsys, monkeypatch):
    (folder / "own.py").write_text(OWN_METRIC)
    results = [f"--{name}={folder / name}" for name in ("rainy", "clean")]
    results += ["--model", "nothing", "--metric", f"{folder / 'own.py'}:Brightest", "--json", f"{folder / 'own.json'}"]
    monkeypatch.setattr(sys, "argv", ["derain", "evaluate", *results])
    main()
    assert "brightest (lower is better)" in capsys.readouterr().out
    written = json.loads((folder / "own.json").read_text())
    assert [image["brightest"] for image in written["images"]] == [60.0, 60.0, 20.0]
    assert written["mean"]["brightest"] == pytest.approx(140 / 3)
    assert len(written["own_metrics"]["brightest"]["code"]) == 64


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("TooHigh", "'brightest' is 256.0, which is outside its range"),
        ("Known", "'damage' needs a name of its own"),
        ("Broken", "'brightest' fails: AttributeError"),
        ("Unnamed", "Unnamed needs name"),
    ],
)
def test_a_figure_of_your_own_that_makes_no_sense_is_a_sentence(folder, pairs, name, says):
    (folder / "own.py").write_text(OWN_METRIC)
    with pytest.raises(InputError, match=says):
        evaluate(pairs, NetworkRestorer(nn.Identity(), "cpu"), metrics=[UserMetric(f"{folder / 'own.py'}:{name}")])


def test_a_degradation_is_laid_on_clean_pictures_and_measured_by_its_own_figures(folder, capsys, monkeypatch):
    arguments = ["--clean", folder / "clean", "--degradation", "noise:large", "--model", "nothing"]
    monkeypatch.setattr(sys, "argv", ["derain", "evaluate", *map(str, arguments), "--json", str(folder / "out.json")])
    main()
    assert "No pixel stays as it was" in " ".join(capsys.readouterr().out.split())
    written = json.loads((folder / "out.json").read_text())
    assert written["residual"] == "everywhere"
    assert [image["name"] for image in written["images"]] == ["a", "b", "c"]
    assert (written["mean"]["e_b"], written["mean"]["removal"], written["mean"]["damage"]) == (None, 0.0, 0.0)
    assert written["input"]["psnr_rgb"] == written["mean"]["psnr_rgb"] < 45
