"""Advice with real, tiny trainings: what is written and said, that it goes on where it stopped, and what is refused."""

import json
import shlex
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import tyro
from rich.console import Console

from derain.advice.run import advise
from derain.advice.search import Candidate
from derain.advice.settings import AdviceSettings
from derain.errors import InputError
from derain.pictures.images import list_images, write_image
from derain.training.settings import TrainingSettings


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen pictures: two are kept out."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for index in range(16):
        coarse = np.kron(rng.integers(0, 200, (6, 6, 3)), np.ones((8, 8, 1)))
        write_image(folder / f"{index}.png", coarse.astype(np.uint8))
    return folder


def tiny(photos: Path) -> AdviceSettings:
    return AdviceSettings(
        backgrounds=(photos,),
        network="unet:base=4,levels=2,norm=none",
        budget=4,
        rains=("small", "wide"),
        counts=(8, 16),
        iterations=4,
        batch_size=2,
        background_size=32,
        patch_size=16,
        layers=4,
        warmup=2,
        workers=2,
    )


def run(settings: AdviceSettings, out: Path) -> tuple[Candidate, str]:
    """The recommendation, and what was shown."""
    shown = StringIO()
    return advise(settings, out, Console(file=shown, width=1000)), shown.getvalue()


@pytest.fixture(scope="module")
def advised(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Candidate, str]:
    out = tmp_path_factory.mktemp("advice")
    return out, *run(tiny(photos), out)


@pytest.mark.slow
def test_it_trains_within_the_budget_and_keeps_everything(advised: tuple[Path, Candidate, str]) -> None:
    out, best, _ = advised
    advice = json.loads((out / "advice.json").read_text())
    runs = sorted(path.name for path in (out / "runs").iterdir())
    assert 2 <= len(runs) <= 4
    assert {f"{each['rain']}-{each['count']}-{each['seed']}" for each in advice["results"]} == set(runs)
    assert Candidate(advice["recommendation"]["rain"], advice["recommendation"]["count"]) == best
    scores = {(each["rain"], each["count"]): each["score"] for each in advice["results"]}
    assert scores[best.rain, best.count] == max(scores.values())
    assert all(each["score"] == each["psnr_y"] for each in advice["results"])
    assert advice["trade_off"]
    assert (out / "trade-off.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_it_says_what_it_does_and_why(advised: tuple[Path, Candidate, str]) -> None:
    out, best, shown = advised
    assert "2 rains, 2 numbers of backgrounds from 8 to 16: 4 candidates, at most 4 trainings" in shown
    assert "Measured on 2 photos kept out, under threads, other streaks, heavy, drizzle, veils." in shown
    assert "0 of 4 trainings done. Next: a first look at every rain." in shown
    assert "small rain on 16 backgrounds, seed 0: PSNR-Y" in shown
    nothing = json.loads((out / "advice.json").read_text())["nothing"]
    assert f"Doing nothing: PSNR-Y {nothing['psnr_y']:.2f} dB, controlled removal 0.00, clean error 0.0" in shown
    scores = [each["score"] for each in json.loads((out / "advice.json").read_text())["results"]]
    is_better = json.loads((out / "advice.json").read_text())["recommendation"]["better_than_nothing"]
    assert is_better == (max(scores) > nothing["score"])
    verdict = "Recommended" if is_better else "Nothing is recommended. The best candidate"
    assert f"{verdict}: {best}" in shown
    assert (f"Doing nothing scores {nothing['score']:.2f} dB" in shown) == (not is_better)
    assert "controlled" in shown


@pytest.mark.slow
def test_the_command_trains_what_is_recommended(advised: tuple[Path, Candidate, str], photos: Path) -> None:
    out, best, shown = advised
    line = json.loads((out / "advice.json").read_text())["recommendation"]["command"]
    assert line in shown
    program, command, *flags = shlex.split(line)
    assert (program, command, flags[-2:]) == ("derain", "train", ["--out", str(out / "recommended")])
    expected = tiny(photos).training(best.rain, best.count, 0)
    assert tyro.cli(TrainingSettings, args=flags[:-2]) == replace(expected, validate_every=0, split_seed=None)


@pytest.mark.slow
def test_the_same_photos_are_kept_out_of_all_runs(advised: tuple[Path, Candidate, str]) -> None:
    out, *_ = advised
    measured = [json.loads(path.read_text())["sources"] for path in out.glob("runs/*/probes.json")]
    assert len(measured) >= 2
    assert all(each == measured[0] for each in measured)
    for path in out.glob("runs/*/run.json"):
        assert json.loads(path.read_text())["objective"]["photos"] <= 14


@pytest.mark.slow
def test_the_same_call_again_trains_nothing_and_another_preference_neither(
    advised: tuple[Path, Candidate, str], photos: Path
) -> None:
    out, best, _ = advised
    before = {path: path.read_bytes() for path in (out / "runs").rglob("*") if path.is_file()}
    assert run(tiny(photos), out)[0] == best
    assert {path: path.read_bytes() for path in (out / "runs").rglob("*") if path.is_file()} == before
    _, shown = run(replace(tiny(photos), budget=2, prefer="picture", min_removal=5.0), out)
    assert {path: path.read_bytes() for path in (out / "runs").rglob("*") if path.is_file()} == before
    assert "No candidate that was tried has a controlled removal of 5;" in shown
    assert "this one comes nearest" in shown
    assert ": score " in shown


@pytest.mark.slow
def test_runs_of_other_settings_are_refused(advised: tuple[Path, Candidate, str], photos: Path) -> None:
    with pytest.raises(InputError, match=r"was made with optimiser\.iterations = 4, not 5"):
        run(replace(tiny(photos), iterations=5), advised[0])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"backgrounds": ()}, "give --backgrounds"),
        ({"rains": ("small", "medum")}, r"unknown rain 'medum'; .*did you mean medium\?"),
        ({"rains": ("small", "small")}, "two of the rains to choose from are called 'small'"),
        ({"rains": ()}, "at least one rain"),
        ({"budget": 1}, "a budget of 1 trainings is less than one for each of the 2 rains"),
        ({"counts": (8, 100_000)}, "only 4046 patches of 32 x 32 pixels can be cut from 14 photos, not 100000"),
        ({"network": "unett"}, "unett"),
        ({"background_size": 64, "patch_size": 64}, "48 x 48 pixels, less than a patch of 64 x 64"),
        ({"validation_pairs": (Path("missing"), Path("missing"))}, "the folder missing does not exist"),
        ({"rains": ("{photos}/../a.toml", "{photos}/../b.toml")}, "rains 'city rain' and 'City/rain' would lie in one"),
    ],
)
def test_what_cannot_be_advised_on_is_refused_before_anything_is_trained(
    photos: Path, tmp_path: Path, change: dict[str, object], sentence: str
) -> None:
    for name, called in (("a", "city rain"), ("b", "City/rain")):
        (photos.parent / f"{name}.toml").write_text(f'name = "{called}"\n[[family]]\nkind = "lines"\n')
    if "rains" in change:
        change = {"rains": tuple(rain.format(photos=photos) for rain in change["rains"])}
    with pytest.raises(InputError, match=sentence):
        run(replace(tiny(photos), **change), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_single_photo_is_too_few(photos: Path, tmp_path: Path) -> None:
    write_image(tmp_path / "photo.png", np.zeros((48, 48, 3), np.uint8))
    with pytest.raises(InputError, match=r"keeps photos out to measure on, but .* holds only one"):
        run(replace(tiny(photos), backgrounds=(tmp_path,)), tmp_path / "out")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"workers": 0}, "--workers must be at least 1, not 0"),
        ({"min_removal": float("nan")}, "--min-removal must be a finite number, not nan"),
    ],
)
def test_a_setting_out_of_its_range_is_refused(photos: Path, change: dict[str, float], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        replace(tiny(photos), **change)


@pytest.mark.parametrize(
    ("rainy_px", "level", "network", "sentence"),
    [
        (16, 0, "unet:base=4,levels=2,norm=none", "none of the validation pairs shows rain"),
        (
            4,
            90,
            "spdnet:features=2,blocks=1",
            "street of the validation pairs has 4 x 4 pixels, but the network needs at least 5",
        ),
    ],
)
def test_pairs_that_cannot_be_measured_are_refused_before_anything_is_trained(
    photos: Path, tmp_path: Path, rainy_px: int, level: int, network: str, sentence: str
) -> None:
    for name, value in (("rainy", level), ("clean", 50)):
        (tmp_path / name).mkdir()
        write_image(tmp_path / name / "street.png", np.full((rainy_px, rainy_px, 3), value, np.uint8))
    settings = replace(tiny(photos), network=network, validation_pairs=(tmp_path / "rainy", tmp_path / "clean"))
    with pytest.raises(InputError, match=sentence):
        run(settings, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_network_of_ones_own_is_measured_and_a_broken_record_is_named(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n\nclass Mine(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.layer = nn.Conv2d(3, 3, 1)\n\n    def forward(self, x):\n        return self.layer(x)\n"
    )
    settings = replace(tiny(photos), network=f"{tmp_path / 'mine.py'}:Mine", rains=("small",), counts=(8,), budget=1)
    assert run(settings, tmp_path / "out")[0] == Candidate("small", 8)
    record = tmp_path / "out" / "runs" / "small-8-0" / "probes.json"
    record.write_text("{")
    with pytest.raises(InputError, match=r"probes\.json was not written by derain advise"):
        run(settings, tmp_path / "out")


@pytest.mark.slow
def test_it_runs_on_photos_and_pairs(data: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for photo in list_images(data / "natural" / "train")[:9]:
        (tmp_path / "photos" / photo.name).symlink_to(photo)
    pairs = (data / "rain" / "rain12" / "rainy", data / "rain" / "rain12" / "clean")
    settings = replace(
        tiny(tmp_path / "photos"),
        budget=1,
        rains=("medium",),
        counts=None,
        validation_pairs=pairs,
        iterations=1,
        warmup=0,
    )
    best, shown = run(settings, tmp_path / "out")
    assert "8 numbers of backgrounds from 8 to 1024" in shown
    assert "veils, validation pairs." in shown
    assert best == Candidate("medium", 128)


@pytest.mark.parametrize("name", ["advice.json", "trade-off.png"])
def test_files_of_somebody_else_are_not_overwritten(photos: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("{}")
    with pytest.raises(InputError, match="derain advise"):
        run(tiny(photos), tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "{}")]
