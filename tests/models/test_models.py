"""Models by name."""

from pathlib import Path

import pytest
import torch

from derain import models
from derain.errors import InputError
from derain.evaluation.evaluate import evaluate_network
from derain.models import NAMES, find_model
from derain.networks import load_model
from derain.painting import generate
from derain.rain import Lines, compose
from derain.support.randomness import generator


def test_paths_stay_as_they_are(tmp_path: Path) -> None:
    assert find_model(tmp_path / "model.safetensors") == tmp_path / "model.safetensors"


def test_names_are_files_in_the_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "__file__", str(tmp_path / "__init__.py"))
    for name in NAMES:
        with pytest.raises(InputError, match=f"the model {name} is not in the box"):
            find_model(Path(name))
        (tmp_path / f"{name}.safetensors").touch()
        assert find_model(Path(name)) == tmp_path / f"{name}.safetensors"


def test_an_unknown_name_is_neither_in_the_box_nor_a_file() -> None:
    with pytest.raises(InputError, match=r"'balancd' is neither a model in the box .* nor a file.*mean balanced"):
        find_model(Path("balancd"))


def test_a_file_without_a_suffix_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mymodel").touch()
    assert find_model(Path("mymodel")) == Path("mymodel")


def figures(rain: Lines) -> dict[str, dict[str, float]]:
    """Means of the models in the box, and of the rainy pictures, on scenes that are new to them."""
    pictures = []
    for index in range(10_000, 10_006):
        clean = torch.tensor(generate(index, 192)).movedim(-1, 0)
        layer = rain.layers(1, 192, 192, generator(index, "box"))
        pictures.append((str(index), compose(clean.float()[None], layer)[0].byte(), clean))
    evaluations = {name: evaluate_network(pictures, load_model(name)[0], "cpu") for name in NAMES}
    found = {name: evaluation.to_json()["mean"] for name, evaluation in evaluations.items()}
    return found | {"rainy": evaluations[NAMES[0]].to_json()["input"]}


@pytest.mark.parametrize("name", NAMES)
def test_the_models_are_small_and_say_what_they_were_trained_on(name: str) -> None:
    file = find_model(Path(name))
    assert file.stat().st_size <= 4_000_000
    _, header = load_model(file)
    assert header["objective"]["rain"]["name"] == {"balanced": "broad", "strong": "broad", "light": "light"}[name]


@pytest.mark.slow
def test_the_models_in_the_box_remove_thin_long_lines_that_are_new_to_them() -> None:
    found = figures(Lines(length_px=(70, 110), thickness_px=(0.8, 1.2)))
    for name in NAMES:
        assert found[name]["psnr_y"] > found["rainy"]["psnr_y"] + 2
        assert found[name]["removal_controlled"] > 0.4
        assert found[name]["clean_error"] < 8


@pytest.mark.slow
def test_strong_removes_more_faint_rain_than_balanced_and_changes_more() -> None:
    found = figures(Lines(number=(200, 400), length_px=(15, 30), thickness_px=(0.6, 1.0), level=(0.1, 0.2)))
    assert found["strong"]["removal_controlled"] > found["balanced"]["removal_controlled"]
    assert found["strong"]["clean_error"] > found["balanced"]["clean_error"] > found["light"]["clean_error"]
