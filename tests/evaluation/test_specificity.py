"""Specificity of restorers whose answer is known."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from derain.evaluation.evaluate import evaluate
from derain.evaluation.restorers import NetworkRestorer, Restorer, read_picture
from derain.evaluation.specificity import Specificity, specificity, winding_twin
from derain.networks.filters import FILTERS
from derain.painting import generate
from derain.pictures.images import write_image
from derain.pictures.pairs import Pair, match_pairs
from derain.rain import compose, load_rain
from derain.support.randomness import generator


class Perfect:
    """Takes away rain, and nothing else."""

    def restore(self, pair: Pair, rainy: Tensor) -> Tensor:
        return read_picture(pair.clean) if torch.equal(rainy, read_picture(pair.rainy)) else rainy

    def restore_clean(self, pair: Pair, clean: Tensor) -> Tensor:
        return clean


@pytest.fixture
def pairs(tmp_path: Path) -> list[Pair]:
    """Painted pictures under thin lines."""
    layers = load_rain("lines").layers(3, 96, 96, generator(0, "specificity"))
    for index, layer in enumerate(layers):
        clean = torch.from_numpy(generate(index, 96).copy()).movedim(-1, 0)
        rainy = compose(clean.float()[None], layer[None])[0].to(torch.uint8)
        for name, picture in (("rainy", rainy), ("clean", clean)):
            (tmp_path / name).mkdir(exist_ok=True)
            write_image(tmp_path / name / f"{index}.png", picture.movedim(0, -1).numpy())
    return match_pairs(tmp_path / "rainy", tmp_path / "clean")


def measured(pairs: list[Pair], restorer: Restorer) -> Specificity:
    return specificity(pairs, restorer, evaluate(pairs, restorer))


def test_perfect_removal_has_a_specificity_of_1(pairs: list[Pair]) -> None:
    assert measured(pairs, Perfect()) == Specificity(1, 0)


def test_doing_nothing_has_a_specificity_of_0(pairs: list[Pair]) -> None:
    assert measured(pairs, NetworkRestorer(FILTERS["nothing"](), "cpu")) == Specificity(0, 0)


def test_an_opening_removes_the_twin_as_it_removes_the_rain(pairs: list[Pair]) -> None:
    found = measured(pairs, NetworkRestorer(FILTERS["opening"](), "cpu"))
    assert found.of_rain is not None
    assert found.of_rain > 0.5
    assert found.of_twin == pytest.approx(found.of_rain, abs=0.03)


def test_the_twin_has_the_levels_of_the_rain_row_by_row(pairs: list[Pair]) -> None:
    clean = torch.full((3, 96, 96), 50, dtype=torch.uint8)
    rainy = read_picture(pairs[0].rainy) // 2 + 50
    twin = winding_twin(rainy, clean)
    assert torch.equal(twin.sort(2).values, rainy.sort(2).values)
    assert not torch.equal(twin, rainy)
