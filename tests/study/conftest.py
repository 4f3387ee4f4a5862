"""A small study: photos and pairs that are made here, and a scale of seconds."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from derain.pictures.images import write_image
from derain.rain import load_rain
from derain.rain.synthesis import synthesise
from derain.study.plan.scales import Scale
from derain.study.plan.spec import Study, load_study

STUDY = """
title = "Removal against count"
figure = "F4"
findings = "F4"

[plot]
figures = "e_r"
lines = "rain"

[data.barns]
train = "barns"
test = "sheds"

[tests.pairs]
rainy = "pairs/rainy"
clean = "pairs/clean"

[tests.sheds]
category = "barns"
streaks = "pairs"
pictures = 2
size_px = 32

[[grid]]
network = "resnet"
category = "barns"
count = [4, 8]
rain = "medium"
tests = "pairs"

[cpu]
note = "a small network"

[[cpu.grid]]
network = "resnet:features=4,blocks=1"
category = "barns"
count = [4, 8]
rain = ["small", "medium"]
tests = ["pairs", "sheds"]
"""


def write_photos(folder: Path, names: list[str], seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for name in names:
        write_image(
            folder / f"{name}.png", np.kron(rng.integers(0, 200, (4, 5, 3)), np.ones((16, 16, 1))).astype("uint8")
        )


@pytest.fixture
def tiny() -> Scale:
    """Six iterations of two samples; grids are those of the CPU."""
    return Scale("cpu", 6, 32, 16, 2, 1e-3, 0, None, "tiny")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with barns/, sheds/, pairs/ and study.toml."""
    write_photos(tmp_path / "barns", [f"barn{i}" for i in range(8)], 0)
    write_photos(tmp_path / "sheds", [f"shed{i}" for i in range(3)], 1)
    write_photos(tmp_path / "walls", [f"wall{i}" for i in range(2)], 2)
    synthesise([tmp_path / "walls"], load_rain("large"), 0, tmp_path / "pairs")
    (tmp_path / "study.toml").write_text(STUDY)
    return tmp_path


@pytest.fixture
def study(folder: Path) -> Study:
    return load_study(folder / "study.toml")


@pytest.fixture
def changed(folder: Path) -> Callable[..., Study]:
    """The study with pieces of its text replaced, alternately old and new."""

    def change(*pieces: str) -> Study:
        text = STUDY
        for old, new in zip(pieces[::2], pieces[1::2], strict=True):
            assert old in text
            text = text.replace(old, new)
        (folder / "study.toml").write_text(text)
        return load_study(folder / "study.toml")

    return change


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """The clock of this process stands still; this function puts it forward by some seconds."""
    passed = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: sum(passed))
    return passed.append


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
