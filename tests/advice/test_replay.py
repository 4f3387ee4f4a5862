"""Replays on made-up grids of which the best candidate is known, and grids that cannot be read."""

import json
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
from rich.console import Console

from derain.advice.replay import Replay, read_grid, replay, replay_everything_once, replay_file
from derain.advice.search import Candidate, Measurement, Trial
from derain.advice.settings import AdviceSettings
from derain.errors import InputError

COUNTS = (8, 16, 32, 64, 128, 256, 512, 1024)
RAINS = ("small", "medium", "large", "wide")
STEPS = np.arange(len(COUNTS))


def peak_inside(rng: np.random.Generator) -> np.ndarray:
    return -rng.uniform(0.1, 0.5) * (STEPS - rng.uniform(0, 7)) ** 2


def rising(rng: np.random.Generator) -> np.ndarray:
    return -rng.uniform(0.2, 1) * (7 - STEPS)


def falling(rng: np.random.Generator) -> np.ndarray:
    return -rng.uniform(0.2, 1) * STEPS


def saturating(rng: np.random.Generator) -> np.ndarray:
    """As PSNR did in the first measurement (docs/results/first-measurement.md): steep up to 64, then slowly up."""
    return 0.1 * STEPS - rng.uniform(4, 9) * np.exp(-STEPS / rng.uniform(0.6, 1.5))


SHAPES = {"peak inside": peak_inside, "rising": rising, "falling": falling, "saturating": saturating}


def made_up(shape: str, noise_db: float, number: int, rains_tie: bool = False) -> dict[Trial, Measurement]:
    """A grid of three seeds; the rains differ by up to 3 dB, or are all the same."""
    rng = np.random.default_rng([number, list(SHAPES).index(shape)])
    tied = SHAPES[shape](rng)
    grid = {}
    for rain in RAINS:
        truth = 27 + (tied if rains_tie else rng.uniform(0, 3) + SHAPES[shape](rng))
        for count, value in zip(COUNTS, truth, strict=True):
            for seed in range(3):
                grid[Trial(Candidate(rain, count), seed)] = Measurement(
                    float(value + rng.normal(0, noise_db)), noise_db
                )
    return grid


def average(shape: str, noise_db: float, budget: int, rains_tie: bool = False) -> Mapping[str, float]:
    replays = [replay(made_up(shape, noise_db, number, rains_tie), budget, 3) for number in range(20)]
    figures = {name: fmean(getattr(each, name) for each in replays) for name in ("hits", "as_good", "share", "loss")}
    print(f"{shape:12} {noise_db} dB{' tie' if rains_tie else '    '} budget {budget:2}", *figures.items())
    return figures


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_with_half_of_the_grid_the_best_is_found(shape: str) -> None:
    exact = average(shape, 0.0, 16)
    assert exact["hits"] >= 0.75
    assert exact["share"] < 0.5
    assert exact["loss"] < 0.2
    noisy = average(shape, 0.3, 16)
    assert noisy["as_good"] >= 0.75
    assert noisy["loss"] < 0.25


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_with_a_quarter_of_the_grid_less_is_lost_than_by_looking_at_the_middle_alone(shape: str) -> None:
    quarter, middle = average(shape, 0.3, 8), average(shape, 0.3, 4)
    assert quarter["share"] == 0.25
    # Larger counts are looked at first; where scores fall with the count, that is lost.
    assert shape == "falling" or quarter["as_good"] >= 0.45
    assert quarter["loss"] < 0.6 * middle["loss"]


def test_where_rains_tie_any_of_them_is_as_good() -> None:
    tie = average("peak inside", 0.2, 12, rains_tie=True)
    assert tie["as_good"] >= 0.7
    assert tie["loss"] < 0.3


@pytest.mark.parametrize("test", ["rain100l", "rain12", "ddn_sirr"])
def test_on_real_grids_little_is_lost_with_forty_percent_of_the_trainings(test: str) -> None:
    grid = read_grid(Path(__file__).parents[2] / "docs" / "results" / "campaign" / f"grid-{test}.json")
    found = replay(grid, len({cell.candidate for cell in grid}) * 4 // 10, 50)
    assert found.loss < 0.2
    assert found.as_good > 0.9


def test_trying_everything_once_misses_as_often_as_seeds_change_places() -> None:
    def scored(noise_db: float) -> dict[Trial, Measurement]:
        """The second count is better by 1 dB; of its two seeds one is worse by the noise."""
        scores = {(8, 0): 25.0, (8, 1): 25.0, (32, 0): 20.0, (32, 1): 20.0, (128, 0): 26.0, (128, 1): 26.0 - noise_db}
        return {Trial(Candidate("medium", count), seed): Measurement(score) for (count, seed), score in scores.items()}

    assert replay_everything_once(scored(0.5), 50) == Replay(3, 1.0, 1.0, 3.0, 1.0, 0.0)
    assert 0.3 < replay_everything_once(scored(1.5), 50).hits < 0.7


def test_a_replay_depends_on_its_seed_alone() -> None:
    grid = made_up("peak inside", 0.5, 0)
    assert replay(grid, 8, 20, seed=1) == replay(grid, 8, 20, seed=1)
    assert replay(grid, 8, 20, seed=1) != replay(grid, 8, 20, seed=2)


@pytest.mark.slow
def test_more_budget_loses_less() -> None:
    assert average("rising", 0.1, 20)["loss"] < average("rising", 0.1, 6)["loss"]


def test_the_least_removal_moves_the_exhaustive_choice_too() -> None:
    grid = {
        Trial(Candidate("medium", count), 0): Measurement(20.0 + step, removal=0.9 - 0.1 * step)
        for step, count in enumerate(COUNTS)
    }
    assert replay(grid, 8, 1, min_removal=0.45) == Replay(8, 1.0, 1.0, 5.0, 5 / 8, 0.0)


def entries() -> list[dict[str, object]]:
    return [
        {"rain": rain, "count": count, "seed": seed, "score": 20.0 + (rain == "wide") - abs(step - 5) * 2, "error": 0.1}
        for rain in ("medium", "wide")
        for step, count in enumerate(COUNTS)
        for seed in (3, 7)
    ]


def written(tmp_path: Path, grid: object) -> Path:
    path = tmp_path / "grid.json"
    path.write_text(json.dumps(grid))
    return path


def test_a_recorded_grid_is_replayed_with_many_budgets(tmp_path: Path) -> None:
    path = written(tmp_path, entries())
    console = Console(width=100, file=StringIO())
    replays = replay_file(path, AdviceSettings(), tmp_path / "out", console, replays=5)
    assert [each.budget for each in replays] == [2, 4, 6, 8]
    assert replays[-1].hits == 1
    results = json.loads((tmp_path / "out" / "replay.json").read_text())
    assert results["exhaustive"]["count"] == 256
    assert results["replays"][-1]["share"] <= 0.5
    assert results["everything_once"]["trainings"] == 16
    assert "rain on 256 backgrounds" in console.file.getvalue()
    three = [
        {**entry, "rain": rain}
        for rain in ("small", "medium", "wide")
        for entry in entries()
        if entry["rain"] == "wide"
    ]
    replays = replay_file(written(tmp_path, three), AdviceSettings(), tmp_path / "out", console, replays=1)
    assert [each.budget for each in replays] == [3, 5, 7, 9, 11, 12]  # to half of the grid


def test_figures_are_weighed_by_the_preference(tmp_path: Path) -> None:
    cells = [
        {"rain": "medium", "count": 8, "seed": 0, "psnr_y": 25.0, "removal": 0.9, "clean_error": 20.0},
        {"rain": "medium", "count": 64, "seed": 0, "psnr_y": 26.0, "removal": 0.7, "clean_error": 9.0},
    ]
    path = written(tmp_path, cells)
    few, many = (Trial(Candidate("medium", count), 0) for count in (8, 64))
    assert read_grid(path)[few].score < read_grid(path)[many].score
    assert read_grid(path, "removal")[few].score > read_grid(path, "removal")[many].score
    cells[1].pop("clean_error")
    with pytest.raises(InputError, match="--prefer picture needs the clean error"):
        read_grid(written(tmp_path, cells), "picture")
    with pytest.raises(InputError, match=r"grid\.json, entry 1: --prefer removal needs psnr_y, not a score alone"):
        read_grid(written(tmp_path, entries()), "removal")


def test_a_missing_cell_is_named(tmp_path: Path) -> None:
    grid = entries()
    del grid[5]
    with pytest.raises(InputError, match=r"grid.json lacks medium rain on 32 backgrounds, seed 7"):
        read_grid(written(tmp_path, grid))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"count": "8"}, "entry 1: count is missing, or no whole number"),
        ({"rain": None}, "entry 1: rain is missing, or no text"),
        ({"score": "high"}, "entry 1: score must be a number, not 'high'"),
        ({"error": float("nan")}, r"grid\.json, entry 1: error must be a number, not nan"),
        ({"score": float("inf")}, r"grid\.json, entry 1: score must be a number, not inf"),
        ({"score": None}, "entry 1 has neither score nor psnr_y"),
        ({"seed": 7}, "entry 2: medium rain on 8 backgrounds, seed 7 is there twice"),
    ],
)
def test_an_entry_that_makes_no_sense_is_named(tmp_path: Path, change: dict[str, object], sentence: str) -> None:
    grid = entries()
    grid[0].update(change)
    with pytest.raises(InputError, match=sentence):
        read_grid(written(tmp_path, grid))


def test_a_file_that_is_no_grid_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"grid.json is not a list of results"):
        read_grid(written(tmp_path, {"rain": "medium"}))
    with pytest.raises(InputError, match=r"cannot read the grid .*missing.json: No such file"):
        read_grid(tmp_path / "missing.json")
    (tmp_path / "half.json").write_text("[{")
    with pytest.raises(InputError, match=r"cannot read the grid .*half.json"):
        read_grid(tmp_path / "half.json")
