"""Networks of which the answer is known, and the figures of derain.evaluation.metrics."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from derain.errors import InputError
from derain.evaluation.metrics import measure
from derain.evaluation.statistics import mean_and_error
from derain.networks import build, parse
from derain.networks.running import quantise
from derain.networks.user import UserNetwork
from derain.probe.maps import FAMILIES, Scene, lay_scene
from derain.probe.measure import FIGURES, ProbeMap, probe_network
from derain.probe.space import ProbeSpace


class Recall(nn.Module):
    """Knows the backgrounds, and gives this much of them."""

    def __init__(self, clean: Tensor, share: float) -> None:
        super().__init__()
        self.clean, self.share = clean.float() / 255, share

    def forward(self, rainy: Tensor) -> Tensor:
        return self.share * self.clean + (1 - self.share) * rainy


class Darken(nn.Module):
    def forward(self, rainy: Tensor) -> Tensor:
        return 0.8 * rainy


def means(answer: ProbeMap, figure: str) -> np.ndarray:
    return np.concatenate([mean_and_error(each.figures[figure])[0] for each in answer.responses.values()])


def test_doing_nothing_and_perfection(scene: Scene) -> None:
    nothing, perfect = (probe_network(network, scene) for network in (nn.Identity(), Recall(scene.clean, 1.0)))
    assert set(means(nothing, "removal_controlled")) == {0.0}
    assert set(means(perfect, "removal_controlled")) == {1.0}
    for answer in (nothing, perfect):
        assert set(means(answer, "damage")) == {0.0}
        assert set(answer.clean_error) == {0.0}
    assert nothing.area(10.0).value == 0.0
    assert perfect.area(10.0) == (1.0, 1.0, 1.0)
    assert perfect.area(10.0, minus=nothing).value == 1.0


def test_half_of_the_rain_and_a_darker_picture(scene: Scene) -> None:
    assert means(probe_network(Recall(scene.clean, 0.6), scene), "removal_controlled") == pytest.approx(0.6, abs=0.02)
    darker = probe_network(Darken(), scene)
    assert means(darker, "removal_controlled") == pytest.approx(0.2, abs=0.02)
    assert means(darker, "removal").min() > 0.3
    assert darker.clean_error.min() > 10
    assert darker.area(None).value == 0.0


def test_figures_and_pictures_are_those_of_single_pictures(scene: Scene) -> None:
    torch.manual_seed(0)
    network = build(*parse("unet:base=4,levels=2,norm=none")).eval()
    answer = probe_network(network, scene)
    rain_map, cell = scene.maps[1], 2
    response = answer.responses[rain_map.name]
    rainy = scene.rainy(rain_map.rains[cell])
    for background, (o, b) in enumerate(zip(rainy, scene.clean, strict=True)):
        with torch.inference_mode():
            x, c = (quantise(network(each[None].float() / 255))[0] for each in (o, b))
        expected = measure(o, b, x, c, 10.0)
        for figure in FIGURES:
            value = np.nan if expected[figure] is None else expected[figure]
            assert response.figures[figure][cell, background] == pytest.approx(value, abs=1e-3, nan_ok=True)
        assert answer.clean_error[background] == pytest.approx(expected["clean_error"], abs=1e-3)
        if background == 0:
            assert np.array_equal(response.rainy[cell], o.numpy())
            assert np.abs(response.restored[cell].astype(int) - x.numpy()).max() <= 1


def test_rain_too_faint_to_be_masked_has_no_value(photos, space: ProbeSpace) -> None:
    faint = ProbeSpace(space.lengths_px, (0.0,), (7,), (250.0,), (0.01, 1.0), (), count=4, size_px=32)
    scene = lay_scene(faint, sorted(photos.iterdir()), 0)
    answer = probe_network(Recall(scene.clean, 1.0), scene)
    values = answer.responses["brightness x angle_deg"].figures["removal_controlled"]
    assert np.isnan(values[0]).all()
    assert (values[1] == 1).all()
    assert answer.area(10.0).value == 1.0


def test_few_photos_give_no_spread(photos, space: ProbeSpace) -> None:
    scene = lay_scene(space, sorted(photos.iterdir())[:3], 0)
    area = probe_network(Recall(scene.clean, 1.0), scene).area(10.0)
    assert area == (1.0, None, None)


def test_code_of_ones_own_that_fails_is_one_sentence(scene: Scene) -> None:
    class Failing(nn.Module):
        def forward(self, rainy: Tensor) -> Tensor:
            raise RuntimeError("only small pictures")

    with pytest.raises(InputError, match="the code of Failing fails: RuntimeError: only small pictures"):
        probe_network(UserNetwork(Failing(), "hash"), scene, "cpu")


def test_a_network_that_gives_nan_is_refused_and_left_in_its_mode(scene: Scene) -> None:
    class Broken(nn.Module):
        def forward(self, rainy: Tensor) -> Tensor:
            return rainy / 0 * 0

    broken = Broken().train()
    with pytest.raises(InputError, match="NaN"):
        probe_network(broken, scene)
    assert broken.training


def test_every_cell_is_reported(scene: Scene) -> None:
    calls: list[None] = []
    probe_network(nn.Identity(), scene, report=lambda: calls.append(None))
    assert len(calls) == sum(len(rain_map.rains) for rain_map in scene.maps)
    assert scene.maps[-1].name == FAMILIES
