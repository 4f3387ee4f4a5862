"""The filters that learnt nothing, against OpenCV's."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from derain.errors import InputError
from derain.networks import load_model
from derain.networks.filters import FILTERS
from derain.networks.loading import load_models, model_hash

PICTURE = np.random.default_rng(1).integers(0, 256, (33, 47, 3), np.uint8)

ORACLES = {
    "nothing": lambda picture: picture,
    "opening": lambda picture: cv2.morphologyEx(picture, cv2.MORPH_OPEN, np.ones((1, 7), np.uint8)),
    "median": lambda picture: cv2.medianBlur(picture, 5),
    "blur": lambda picture: cv2.GaussianBlur(picture, (0, 0), 2),
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_gives_what_opencv_gives(name: str) -> None:
    network, header = load_model(name)
    rainy = torch.from_numpy(PICTURE).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        found = (network(rainy)[0].permute(1, 2, 0) * 255).numpy()
    expected = ORACLES[name](PICTURE.astype(np.float32)) if name != "median" else ORACLES[name](PICTURE)
    np.testing.assert_allclose(found, expected, atol=0.02)
    assert (header, network.parameter_count()) == ({}, 0)


@pytest.mark.parametrize("name", FILTERS)
def test_no_pixel_beyond_the_window_of_a_filter_matters(name: str) -> None:
    network, _ = load_model(name)
    rainy = torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(0)).requires_grad_()
    network(rainy)[0, :, 24, 24].sum().backward()
    assert rainy.grad is not None
    rows, columns = torch.nonzero(rainy.grad[0].abs().sum(0), as_tuple=True)
    reach = network.descriptor.receptive_field_px // 2
    assert max((rows - 24).abs().max(), (columns - 24).abs().max()) <= reach


def test_filters_and_models_are_loaded_together_and_told_apart() -> None:
    assert [len(header) > 0 for _, header in load_models(["blur", "balanced"])] == [False, True]
    assert len({model_hash(name) for name in (*FILTERS, "balanced")}) == 5


def test_a_picture_too_small_to_be_mirrored_is_refused() -> None:
    with pytest.raises(InputError, match="at least 9 x 9 pixels"):
        load_model("blur")[0](torch.zeros(1, 3, 8, 20))


def test_a_misspelt_filter_is_no_file() -> None:
    with pytest.raises(InputError, match="'openning' is neither"):
        load_model(Path("openning"))
