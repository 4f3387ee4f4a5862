from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.nn.functional import l1_loss, mse_loss

from derain.errors import InputError
from derain.evaluation.metrics import ssim_rgb
from derain.networks.similarity import ssim
from derain.training.loop import train
from derain.training.losses import loss_of
from derain.training.settings import TrainingSettings


def _pictures(number: int, height: int = 40, width: int = 33) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(3)
    clean = torch.randint(256, (number, 3, height, width), generator=rng).float()
    noise = 40 * torch.randn(clean.shape, generator=rng)
    return (clean + noise).round().clamp(0, 255), clean


def test_the_ssim_of_a_loss_is_the_metric_s():
    restored, clean = _pictures(2)
    expected = [ssim_rgb(*pair) for pair in zip(restored, clean, strict=True)]
    assert ssim(restored / 255, clean / 255).item() == pytest.approx(sum(expected) / 2, abs=1e-5)


def test_a_sum_weighs_its_terms():
    restored, clean = (picture / 255 for picture in _pictures(2))
    expected = l1_loss(restored, clean) + 0.2 * (1 - ssim(restored, clean)) + 3 * mse_loss(restored, clean)
    assert loss_of("l1+ssim:0.2+l2:3")(restored, clean).item() == pytest.approx(expected.item(), rel=1e-6)


def test_charbonnier_is_l1_but_for_a_round_bottom():
    restored, clean = (picture / 255 for picture in _pictures(2))
    assert loss_of("charbonnier")(restored, clean).item() == pytest.approx(l1_loss(restored, clean).item(), rel=2e-3)
    assert loss_of("charbonnier")(clean, clean).item() == pytest.approx(1e-3, rel=1e-5)


def test_the_frequency_loss_is_the_mean_of_numpy_s_coefficients_whatever_the_size():
    for height, width in ((40, 33), (64, 64)):
        restored, clean = (picture / 255 for picture in _pictures(2, height, width))
        found = np.fft.fft2((restored - clean).double().numpy()) / (height * width) ** 0.5
        expected = (np.abs(found.real) + np.abs(found.imag)).mean() / 2
        assert loss_of("frequency")(restored, clean).item() == pytest.approx(expected, rel=1e-5)


def test_l1_alone_has_torch_s_own_bits_and_gradient():
    restored, clean = (picture / 255 for picture in _pictures(2))
    gradients = []
    for loss in (loss_of("l1"), l1_loss):
        given = restored.clone().requires_grad_()
        value = loss(given, clean)
        value.backward()
        gradients.append((value.detach(), given.grad))
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(*gradients, strict=True))


def test_following_ssim_s_gradient_makes_the_pictures_more_alike():
    restored, clean = (picture / 255 for picture in _pictures(1))
    restored.requires_grad_()
    before = loss_of("ssim")(restored, clean)
    before.backward()
    assert restored.grad is not None
    moved = restored.detach() - 50 * restored.grad
    assert loss_of("ssim")(moved, clean) < before - 0.01


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sim", "did you mean ssim"),
        ("l1+l1", "term l1 twice"),
        ("l1+own", "own stands alone"),
        ("l1+ssim:-1", "weight greater than 0 for ssim"),
        ("l1:much", "weight greater than 0 for l1, not 'much'"),
        ("l1:inf", "weight greater than 0"),
        ("", "unknown"),
    ],
)
def test_a_loss_that_makes_no_sense_is_named(text: str, says: str):
    with pytest.raises(InputError, match=says):
        loss_of(text)


OWN = """
import torch

class Weighted:
    def __init__(self, weight=1.0):
        self.weight = weight
    def __call__(self, restored, clean):
        return self.weight * (restored - clean).abs().mean()

class Number(Weighted):
    def __call__(self, restored, clean):
        return float(super().__call__(restored.detach(), clean))

class Counting(Weighted):
    def __call__(self, restored, clean):
        self.weight += 1
        return super().__call__(restored, clean)

class Blind(Weighted):
    def __call__(self, restored, clean):
        return clean.mean()

class Infinite(Weighted):
    def __call__(self, restored, clean):
        return super().__call__(restored, clean) / 0

class Broken(Weighted):
    def __call__(self, restored, clean):
        return restored + clean[:, :1, 1:]
"""


@pytest.fixture
def own(tmp_path: Path) -> str:
    (tmp_path / "own.py").write_text(OWN)
    return f"{tmp_path}/own.py"


def test_a_loss_of_your_own_trains_to_the_bits_of_the_built_in_one_and_is_recorded_by_its_code(
    own: str, photos: Path, tmp_path: Path
):
    settings = TrainingSettings(
        (photos,), 2, network="resnet:features=4,blocks=1", iterations=2, batch_size=2, background_size=32
    )
    built_in = train(settings, tmp_path / "l1")
    settings = replace(settings, loss=f"{own}:Weighted:weight=1.0")
    mine = train(settings, tmp_path / "own")
    assert all(
        torch.equal(*pair) for pair in zip(*(load_file(model).values() for model in (built_in, mine)), strict=True)
    )
    (tmp_path / "own.py").write_text(OWN + "# changed")
    with pytest.raises(InputError, match=r"was made with objective\.loss\.code"):
        train(settings, tmp_path / "own")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Number", "gives no tensor of a single number"),
        ("Counting", "another number when it is called again"),
        ("Blind", "does not depend on the restored picture"),
        ("Infinite", "of two pictures is inf"),
        ("Broken", "fails: RuntimeError"),
        ("None", "has no class None"),
        ("Weighted:weight", "weight needs a value"),
        ("Weighted:heavy=1", "unexpected keyword argument 'heavy'"),
    ],
)
def test_a_loss_of_your_own_that_cannot_be_trained_with_is_named(own: str, name: str, says: str):
    with pytest.raises(InputError, match=says):
        loss_of(f"{own}:{name}")
