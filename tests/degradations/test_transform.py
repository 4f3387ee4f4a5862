"""Rain in other people's pipelines: the type that went in, rain by its seed, frames that belong together."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from derain import RainTransform, load_rain
from derain.errors import InputError
from derain.rain import compose
from derain.support.randomness import generator

ARRAY = np.random.default_rng(0).integers(0, 150, (40, 60, 3), dtype=np.uint8)
TENSOR = torch.from_numpy(ARRAY).permute(2, 0, 1)


class Marked(torch.Tensor):
    """Stands for the picture types of torchvision."""


@pytest.mark.parametrize(
    "picture",
    [
        ARRAY,
        np.stack([ARRAY, ARRAY]),
        (ARRAY / 255).astype(np.float32),
        TENSOR,
        TENSOR.float() / 255,
        torch.stack([TENSOR, TENSOR]),
        TENSOR.as_subclass(Marked),
    ],
)
def test_the_rainy_picture_has_the_form_of_the_clean_one(picture: np.ndarray | torch.Tensor):
    rainy = RainTransform("medium")(picture, seed=1)
    assert type(rainy) is type(picture)
    assert (rainy.dtype, rainy.shape) == (picture.dtype, picture.shape)
    assert (rainy >= picture - 1e-6).all()
    assert (rainy > picture).any()


def test_the_layer_and_the_mask_explain_the_picture():
    rainy, layer, mask = RainTransform("medium").parts(Image.fromarray(ARRAY), seed=3)
    expected = compose(TENSOR[None], load_rain("medium").layers(1, 40, 60, generator(3, "transform")))[0]
    assert torch.equal(torch.from_numpy(np.array(rainy)).permute(2, 0, 1), expected.byte())
    assert torch.equal(compose(TENSOR[None], layer)[0], expected)
    assert torch.equal(mask[0], (expected - TENSOR).amax(0, keepdim=True) > 10)


def test_a_pipeline_hands_on_masks_and_follows_torch_s_seed():
    rain = RainTransform("lines")
    drawn = []
    for _ in range(2):
        torch.manual_seed(5)
        drawn.append(nn.Sequential(nn.Identity(), rain)(TENSOR))
    assert torch.equal(*drawn)
    assert not torch.equal(rain(TENSOR), drawn[0])
    assert rain(TENSOR, {"mask": 1}, "box")[1:] == ({"mask": 1}, "box")


def test_samples_of_a_batch_differ_and_frames_of_a_video_share_rain_that_falls():
    black = torch.zeros(3, 3, 64, 48, dtype=torch.uint8)
    batch = RainTransform("medium").parts(black, seed=2).layer
    assert not torch.equal(batch[0], batch[1])
    frames = RainTransform("medium", video=True, speed_px=10).parts(black, seed=2).layer
    assert frames.any()
    assert torch.equal(frames[1, :, 10:], frames[0, :, :-10])
    assert torch.equal(frames[2, :, 20:], frames[0, :, :-20])
    blurred = RainTransform("motion:large", video=True)(TENSOR.expand(3, -1, -1, -1), seed=2)
    assert torch.equal(blurred[0], blurred[2])


@pytest.mark.parametrize(
    ("picture", "says"),
    [(ARRAY[..., 0], r"\(h, w, 3\)"), (TENSOR.int(), "uint8 or floats"), (TENSOR[:1], "shape")],
)
def test_something_that_is_no_picture_is_named(picture: object, says: str):
    with pytest.raises(InputError, match=says):
        RainTransform("medium")(picture)
