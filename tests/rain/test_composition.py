import torch

from derain.rain import compose, rain_mask


def test_rain_is_added_to_all_channels_and_clipped():
    background = torch.tensor([10.0, 100.0, 250.0]).view(1, 3, 1, 1).expand(2, 3, 4, 5)
    layer = torch.full((2, 1, 4, 5), 30.0)
    rainy = compose(background, layer)
    assert rainy[1, :, 2, 2].tolist() == [40.0, 130.0, 255.0]
    assert background[0, :, 0, 0].tolist() == [10.0, 100.0, 250.0], "the background is left as it was"


def test_the_mask_asks_for_the_largest_channel_to_exceed_the_threshold():
    clean = torch.full((3, 1, 4), 250.0)
    clean[1] = 100.0
    rainy = compose(clean, torch.tensor([[[0.0, 10.0, 11.0, 200.0]]]))
    assert rain_mask(rainy, clean, 10).tolist() == [[[False, False, True, True]]]
    assert rain_mask(torch.stack([rainy, clean]), torch.stack([clean, clean]), 50).sum((1, 2, 3)).tolist() == [1, 0]


def test_the_mask_is_taken_after_clipping():
    white = torch.full((3, 2, 2), 255.0)
    assert not rain_mask(compose(white, torch.full((1, 2, 2), 100.0)), white, 0).any()


def test_8_bit_levels_do_not_wrap_around() -> None:
    clean = torch.full((3, 4, 4), 100, dtype=torch.uint8)
    assert (compose(clean + 100, torch.full((1, 4, 4), 100, dtype=torch.uint8)) == 255).all()
    assert not rain_mask(clean - 1, clean, 10.0).any()
