"""Batches: a pure function of (seed, k), O = clip(B + R), cut and flipped as the objective says."""

from itertools import product

import numpy as np
import pytest
import torch

from derain.evaluation.test_sets import degraded_set
from derain.networks import build
from derain.rain import RainBank, load_rain
from derain.support.randomness import generator
from derain.training.objective import Objective

CPU = torch.device("cpu")


@pytest.fixture
def patches() -> torch.Tensor:
    """Every patch has a grey level of its own, plus a ramp from left to right."""
    levels = torch.arange(10, 60, 5)[:, None, None, None] + torch.arange(32)[None, None, None, :]
    return levels.expand(-1, 3, 32, 32).to(torch.uint8).contiguous()


def objective(patches: torch.Tensor, rain: str = "medium", patch_size_px: int = 16, seed: int = 0) -> Objective:
    return Objective(patches, load_rain(rain), batch_size=24, patch_size_px=patch_size_px, seed=seed)


def test_a_batch_depends_on_seed_and_index_alone(patches: torch.Tensor) -> None:
    first = objective(patches)
    later = first.batch(7)
    for _ in range(3):
        first.batch(2)
    assert all(torch.equal(a, b) for a, b in zip(first.batch(7), later, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(objective(patches).batch(7), later, strict=True))
    assert not torch.equal(first.batch(8)[0], later[0])
    assert not torch.equal(objective(patches, seed=1).batch(7)[0], later[0])


def test_rain_is_added_grey_and_clipped(patches: torch.Tensor) -> None:
    rainy, clean = (255 * picture for picture in objective(patches).batch(0))
    assert rainy.shape == clean.shape == (24, 3, 16, 16)
    rain = rainy - clean
    assert rain.min() >= 0
    assert rainy.max() <= 255
    assert torch.allclose(rainy, rainy.round(), atol=1e-3)
    unclipped = rainy.amax(1) < 254.5
    assert torch.allclose(rain.amax(1)[unclipped], rain.amin(1)[unclipped], atol=1e-3)
    assert rain.mean() > 10


def test_rain_free_backgrounds_are_cut_anywhere_and_flipped_in_half_of_the_cases(
    patches: torch.Tensor, tmp_path
) -> None:
    description = tmp_path / "none.toml"
    description.write_text('rain_free = 1.0\n[[family]]\nkind = "streaks"\nrange = "medium"\n')
    seen = objective(patches, str(description))
    batches = [seen.batch(k) for k in range(40)]
    assert all(torch.equal(rainy, clean) for rainy, clean in batches)
    clean = torch.cat([clean for _, clean in batches]) * 255
    slope = (clean[:, 0, 0, 1:] - clean[:, 0, 0, :-1]).mean(-1)
    assert torch.allclose(slope.abs(), torch.ones(len(slope)), atol=1e-3)
    assert 0.4 < (slope > 0).float().mean() < 0.6
    # The darkest pixel is level + column of the cut: all levels and all 17 columns turn up.
    darkest = clean.amin((1, 2, 3)).round().int()
    assert set(darkest.tolist()) >= set(range(10, 71))


def test_whole_patches_are_used_when_nothing_is_cut(patches: torch.Tensor) -> None:
    _, clean = objective(patches, patch_size_px=32).batch(0)
    assert set((255 * clean).amin((1, 2, 3)).round().int().tolist()) <= set(range(10, 60, 5))


def test_a_bank_holds_the_layers_that_are_drawn(patches: torch.Tensor) -> None:
    rain = load_rain("medium")
    bank = RainBank.render(rain, 70, 32, seed=3, device=CPU)
    assert bank.layers.shape == (70, 1, 32, 32)
    assert torch.equal(bank.layers, RainBank.render(rain, 70, 32, seed=3, device=CPU).layers)
    black = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    drawn = Objective(black, bank, batch_size=8, patch_size_px=32, seed=0).batch(0)[0]
    layers = {layer.numpy().tobytes() for layer in bank.layers}
    assert all(
        np.ascontiguousarray((255 * picture[:1]).round().to(torch.uint8).numpy()).tobytes() in layers
        for picture in drawn
    )


def test_background_and_rain_are_cut_independently_and_only_the_background_is_flipped() -> None:
    # Every pixel of both tells its place: 12 x 12 pixels, of which 10 x 10 are cut at 3 x 3 places.
    row, column = torch.meshgrid(torch.arange(12), torch.arange(12), indexing="ij")
    background = torch.stack([row, column, torch.zeros_like(row)])[None].to(torch.uint8)
    layer = (12 * row + column)[None, None].to(torch.uint8)
    bank = RainBank(load_rain("medium"), layer)
    seen = Objective(background, bank, batch_size=2000, patch_size_px=10, seed=0)
    rainy, clean = (255 * picture for picture in seen.batch(0))
    rain = (rainy - clean).mean(1).round().int()
    rain_places = [divmod(int(cut[0, 0]), 12) for cut in rain]
    for cut, (top, left) in zip(rain, rain_places, strict=True):
        assert torch.equal(cut, layer[0, 0, top : top + 10, left : left + 10].int())
    tops, lefts = (clean[:, channel].amin((1, 2)).round().int().tolist() for channel in (0, 1))
    flipped = (clean[:, 1, 0, 0] > clean[:, 1, 0, 9]).tolist()
    places = list(product(range(3), range(3)))
    # Every place of the rain occurs with every place of the background, flipped and not.
    assert set(zip(rain_places, zip(tops, lefts, strict=True), flipped, strict=True)) == set(
        product(places, places, (False, True))
    )


class Dusk:
    """A made-up degradation: every picture is darker by a number of levels of its own."""

    name = "dusk"
    residual = "everywhere"

    def degrade(self, clean: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        levels = torch.from_numpy(rng.integers(50, 60, len(clean))).to(clean.device)
        return (clean - levels[:, None, None, None]).clamp(min=0)

    def describe(self) -> dict[str, str]:
        return {"name": self.name}


def test_another_degradation_than_rain_is_trained_and_measured_by_the_same_code(patches: torch.Tensor) -> None:
    bright = patches + 100
    seen = Objective(bright, Dusk(), batch_size=8, patch_size_px=16, seed=0)
    dark, clean = (255 * picture for picture in seen.batch(0))
    darker = (clean - dark).round()
    assert torch.equal(darker.amin((1, 2, 3)), darker.amax((1, 2, 3)))
    assert set(darker.unique().tolist()) <= set(range(50, 60))

    torch.manual_seed(0)
    network = build("resnet", {"features": 4, "blocks": 1})
    optimiser = torch.optim.Adam(network.parameters(), lr=0.03)
    measured = degraded_set("dusk", {}, Dusk(), bright, generator(0, "test"))
    before = measured.measure(network, CPU)["mean"]["psnr_rgb"]
    for k in range(3):
        dark, clean = seen.batch(k)
        optimiser.zero_grad()
        network.own_loss(dark, clean).backward()
        optimiser.step()
    assert measured.measure(network, CPU)["mean"]["psnr_rgb"] > before + 1
