"""The same code on a GPU: it trains, goes on and restores as on the CPU."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from derain.evaluation.evaluate import evaluate_network
from derain.networks import NETWORKS, build, load_model, parse
from derain.probe.maps import lay_scene
from derain.probe.measure import probe_network
from derain.probe.space import COARSE
from derain.rain import RainBank, load_rain
from derain.restoration import TiledRestorer
from derain.training.log import read_log
from derain.training.loop import train
from derain.training.objective import Objective
from derain.training.settings import TrainingSettings

GPU = "cuda"
UNET = "unet:base=4,levels=2,norm=none"
SMALL = {
    "resnet": "resnet:features=8,blocks=2",
    "unet": UNET,
    "swinir": "swinir:features=8,groups=2,blocks=2,heads=2,window_px=4",
    "spdnet": "spdnet:features=8,blocks=1",
    "rcdnet": "rcdnet:stages=2,rain_maps=4,dual_channels=4,blocks=1",
    "prenet": "prenet:iterations=2,features=8",
    "syn2real": "syn2real:features=2",
}

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


@pytest.fixture
def settings(photos: Path) -> TrainingSettings:
    return TrainingSettings(
        backgrounds=(photos,),
        count=8,
        rain="medium",
        network=UNET,
        iterations=60,
        batch_size=4,
        background_size=64,
        patch_size=32,
        layers=20,
        learning_rate=1e-3,
        warmup=3,
    )


@pytest.mark.parametrize("rain", ["medium", "wide"])
@pytest.mark.parametrize("banked", [False, True])
def test_batches_are_those_of_the_cpu(rain: str, banked: bool) -> None:
    patches = torch.randint(0, 256, (10, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))

    def batch(device: str) -> list[torch.Tensor]:
        place = torch.device(device)
        fresh = load_rain(rain)
        degradation = RainBank.render(fresh, 40, 64, 0, place) if banked else fresh
        objective = Objective(patches.to(place), degradation, 16, 48, seed=0)
        return [picture.cpu() for picture in objective.batch(3)]

    (rainy, clean), (same_rainy, same_clean) = batch("cpu"), batch(GPU)
    assert torch.allclose(clean, same_clean, rtol=0, atol=1e-6)  # a division ends on the other side of the last bit
    # Sums in another order may end on the other side of a whole level.
    difference = (255 * (rainy - same_rainy)).abs()
    assert difference.max() < 2.5
    assert (difference > 0.5).float().mean() < 0.01


@pytest.mark.parametrize("name", list(NETWORKS))
def test_networks_and_their_gradients_are_those_of_the_cpu(name: str) -> None:
    torch.manual_seed(0)
    network = build(*parse(SMALL[name])).double().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.01 * torch.randn_like(parameter))
    rainy = torch.rand(2, 3, 40, 36, dtype=torch.float64)
    found = []
    for device in ("cpu", GPU):
        network.to(device).zero_grad()
        derained = network(rainy.to(device))
        derained.square().mean().backward()
        found.append([derained.detach().cpu(), *(p.grad.cpu().clone() for p in network.parameters())])
    for ours, theirs in zip(*found, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_training_goes_on_and_ends_near_that_of_the_cpu(
    settings: TrainingSettings, tmp_path: Path, precision: str
) -> None:
    settings = dataclasses.replace(settings, precision=precision, validate_every=30)

    def stop(progress: object) -> None:
        if getattr(progress, "iteration", 0) == 45:
            raise InterruptedError

    straight, own = train(settings, tmp_path / "straight", GPU), train(settings, tmp_path / "cpu")
    with pytest.raises(InterruptedError):
        train(settings, tmp_path / "interrupted", GPU, checkpoint_every=20, report=stop)
    resumed = train(settings, tmp_path / "interrupted", GPU, checkpoint_every=20)
    assert [e["iteration"] for e in read_log(resumed.parent) if e["event"] == "resumed"] == [40]
    assert load_model(straight)[1]["environment"]["device"].startswith(GPU)
    losses = [[e["loss"] for e in read_log(m.parent) if e["event"] == "progress"] for m in (straight, resumed, own)]
    assert losses[1][-1] == pytest.approx(losses[0][-1], rel=0.02)
    assert losses[2] == pytest.approx(losses[0], rel=0.05)
    picture = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        restored = [load_model(model)[0](picture) for model in (straight, resumed, own)]
    assert (restored[0] - restored[1]).abs().max() < 3 / 255
    assert (restored[0] - restored[2]).abs().max() < 10 / 255


def test_a_training_begun_on_a_gpu_goes_on_without_it(settings: TrainingSettings, tmp_path: Path) -> None:
    def stop(progress: object) -> None:
        if getattr(progress, "iteration", 0) == 30:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        train(settings, tmp_path, GPU, checkpoint_every=20, report=stop)
    train(settings, tmp_path, "cpu")
    devices = [e["environment"]["device"] for e in read_log(tmp_path) if e["event"] in ("started", "resumed")]
    assert devices == ["cuda:0", "cpu"]


@pytest.fixture
def network() -> torch.nn.Module:
    torch.manual_seed(0)
    network = build(*parse(UNET)).eval()
    with torch.no_grad():
        network.last.weight.mul_(10)
    return network


def test_pictures_are_restored_as_on_the_cpu(network: torch.nn.Module) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (300, 411, 3), dtype=np.uint8)
    ours, theirs = (TiledRestorer(network, device, tile_px=128).picture(photo).astype(int) for device in ("cpu", GPU))
    assert np.abs(ours - theirs).max() <= 1
    assert (ours != theirs).mean() < 0.02


def test_figures_are_those_of_the_cpu(network: torch.nn.Module) -> None:
    generator = torch.Generator().manual_seed(0)
    clean = torch.randint(0, 200, (3, 64, 64), dtype=torch.uint8, generator=generator)
    rainy = clean + 50 * torch.randint(0, 2, (1, 64, 64), dtype=torch.uint8, generator=generator)
    ours, theirs = (evaluate_network([("a", rainy, clean)], network, d).to_json()["mean"] for d in ("cpu", GPU))
    assert theirs == pytest.approx(ours, rel=5e-3)


def test_the_response_to_rain_is_that_of_the_cpu(network: torch.nn.Module, photos: Path) -> None:
    space = dataclasses.replace(COARSE, count=3, size_px=64)
    scene = lay_scene(space, sorted(photos.iterdir()), 0)
    ours, theirs = (probe_network(network, scene, device) for device in ("cpu", GPU))
    assert theirs.clean_error == pytest.approx(ours.clean_error, rel=5e-3)
    for name, response in ours.responses.items():
        same = theirs.responses[name].figures["removal_controlled"]
        assert same == pytest.approx(response.figures["removal_controlled"], abs=0.02, nan_ok=True)
