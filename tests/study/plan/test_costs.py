"""The estimate of a training's cost, from a step that is timed once."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from derain.pictures.backgrounds import Category
from derain.study.plan.costs import seconds_a_training
from derain.study.plan.scales import Scale
from derain.study.plan.trainings import Training

SCALE = Scale("cpu", 1000, 128, 64, 2, 1e-3, 0, None, "small")
TRAINING = Training("resnet:features=4,blocks=1", Category((Path("a"),)), 8, "medium", 0, 1.0, SCALE)


@pytest.mark.slow
def test_a_training_costs_by_its_pixels_samples_and_iterations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def cost(length: float = 1.0, **change: int) -> float:
        return seconds_a_training(replace(TRAINING, length=length, scale=replace(SCALE, **change)), "cpu")

    # The step that is kept has two samples of 64 x 64, as those of this training.
    once = cost()
    [step] = json.loads((tmp_path / "derain" / "costs.json").read_text()).values()
    assert once == pytest.approx(1000 * step)
    assert cost(patch_size=128) == pytest.approx(4 * once)
    assert cost(patch_size=32) == pytest.approx(once / 4)
    assert cost(batch_size=16) == pytest.approx(8 * once)
    assert cost(length=2.5) == pytest.approx(2.5 * once)
    assert cost(length=0.5, patch_size=128, batch_size=4) == pytest.approx(4 * once)
