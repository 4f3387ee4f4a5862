"""Playing with rain: equal settings give equal rain, parameters do what they say, figures are those of metrics."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from derain.app.play import OWN, SAMPLES, RainSettings, play, sample
from derain.errors import InputError
from derain.evaluation.metrics import measure
from derain.networks import build
from derain.rain import PRESETS
from derain.restoration.restorer import TiledRestorer

PICTURE = np.random.default_rng(0).integers(0, 200, (48, 64, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def restorer() -> TiledRestorer:
    torch.manual_seed(0)
    return TiledRestorer(build("unet", {"base": 4, "levels": 2}))


def test_the_pictures_fit_together(restorer: TiledRestorer) -> None:
    played = play(PICTURE, RainSettings(), restorer)
    assert played.layer.shape == played.mask.shape == (48, 64)
    added = played.rainy.astype(int) - PICTURE
    assert (played.rainy == np.minimum(PICTURE.astype(int) + played.layer[..., None], 255)).all()
    assert ((played.mask == 255) == (added.max(-1) > 10)).all()
    assert (played.restored == restorer.picture(played.rainy)).all()


def test_the_figures_are_those_of_metrics(restorer: TiledRestorer) -> None:
    played = play(PICTURE, RainSettings(brightness=0.7), restorer)

    def tensor(picture: np.ndarray) -> torch.Tensor:
        return torch.tensor(picture).permute(2, 0, 1)

    pictures = (tensor(played.rainy), tensor(PICTURE), tensor(played.restored), tensor(restorer.picture(PICTURE)))
    for threshold in (10.0, 50.0):
        assert played.evaluation.restored.mean(threshold) == measure(*pictures, threshold)
    figures = measure(*pictures, 50.0)
    table = played.table()
    assert f"<td>{figures['e_r']:.1f}</td>" in table
    assert f"<td>{figures['removal_controlled']:.2f}</td>" in table
    assert f"<td>{figures['psnr_y']:.2f}</td>" in table


@pytest.mark.parametrize("rain", [OWN, *PRESETS])
def test_equal_settings_give_equal_rain(restorer: TiledRestorer, rain: str) -> None:
    settings = RainSettings(rain=rain, seed=3)
    layer = play(PICTURE, settings, restorer).layer
    assert (play(PICTURE, settings, restorer).layer == layer).all()
    assert (play(PICTURE, replace(settings, seed=4), restorer).layer != layer).any()
    assert layer.max() > 10


@pytest.mark.parametrize(
    "changed",
    [
        {"quantity": 60.0},
        {"width": 3},
        {"length_px": 12},
        {"angle_deg": -40.0},
        {"brightness": 0.5},
        {"recipe": "corrected"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_every_parameter_changes_the_rain(restorer: TiledRestorer, changed: dict[str, object]) -> None:
    layer = play(PICTURE, RainSettings(), restorer).layer
    other = play(PICTURE, replace(RainSettings(), **changed), restorer).layer
    assert (other != layer).any()
    if "brightness" in changed:
        assert other.max() == round(layer.max() / 2)


def test_settings_that_make_no_sense_are_named(restorer: TiledRestorer) -> None:
    with pytest.raises(InputError, match="width must be odd"):
        play(PICTURE, RainSettings(width=4), restorer)
    with pytest.raises(InputError, match="a seed must not be negative"):
        play(PICTURE, RainSettings(seed=-1), restorer)


@pytest.mark.slow
def test_the_samples_are_pictures_of_their_own() -> None:
    pictures = [sample(name) for name in SAMPLES]
    assert {picture.shape for picture in pictures} == {(320, 320, 3)}
    assert len({picture.tobytes() for picture in pictures}) == len(SAMPLES)
