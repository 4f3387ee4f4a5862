"""The search replayed on a recorded grid: how often it finds what trying everything finds, with how many trainings."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from math import isfinite
from pathlib import Path
from statistics import fmean
from typing import Any

from rich.console import Console
from rich.table import Table

from derain.advice.search import (
    MOST_SEEDS,
    Candidate,
    Measurement,
    Results,
    Search,
    Trial,
    gather,
    noise,
    ranking,
    score,
    search,
)
from derain.advice.settings import AdviceSettings, Preference
from derain.errors import InputError, unreadable
from derain.support.files import regular, write_json
from derain.support.randomness import generator
from derain.support.records import claim_file, json_with

_NUMBERS = ("score", "error", "psnr_y", "removal", "clean_error")


@dataclass(frozen=True)
class Replay:
    """Results of many replays with one budget.

    Attributes:
        budget: trainings at most.
        hits: share of the replays that end on the rain of the exhaustive choice, at most one grid step from its count.
        as_good: share of those that hit, or end where the score over all seeds is within the noise of the best.
        trainings: mean number of trainings used,
        share: and as a share of one training of every candidate.
        loss: mean loss of score against the exhaustive choice, in dB, over all seeds.
    """

    budget: int
    hits: float
    as_good: float
    trainings: float
    share: float
    loss: float


def read_grid(path: Path, preference: Preference = "balanced") -> dict[Trial, Measurement]:
    """The results of a full grid: a JSON list with an entry for every rain, count and seed.

    An entry has "rain", "count", "seed" and "score", in dB, or in its place "psnr_y" with "removal" and "clean_error"
    as far as they are asked for; where it is known "error", the standard error of the score. Other keys are allowed.

    Raises:
        InputError: the file is not such a list, or an entry of the grid is missing or there twice; it is named.
    """
    try:
        entries = json.loads(regular(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise unreadable(path, error, "the grid") from error
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(f"{path} is not a list of results, each with rain, count, seed and score")
    grid: dict[Trial, Measurement] = {}
    for number, entry in enumerate(entries, start=1):
        where = f"{path}, entry {number}"
        for key, kind in (("rain", str), ("count", int), ("seed", int)):
            if type(entry.get(key)) is not kind:
                raise InputError(f"{where}: {key} is missing, or no {'text' if kind is str else 'whole number'}")
        cell = Trial(Candidate(entry["rain"], entry["count"]), entry["seed"])
        if cell in grid:
            raise InputError(f"{where}: {cell} is there twice")
        grid[cell] = _measurement(entry, where, preference)
    rains, counts = _axes(grid)
    seeds = sorted({cell.seed for cell in grid})
    for rain, count, seed in product(rains, counts, seeds):
        if (cell := Trial(Candidate(rain, count), seed)) not in grid:
            raise InputError(f"{path} lacks {cell}")
    return {replace(cell, seed=seeds.index(cell.seed)): measurement for cell, measurement in grid.items()}


def replay(grid: Results, budget: int, replays: int, seed: int = 0, min_removal: float | None = None) -> Replay:
    """Search the grid again and again, with the order of the rains and of every candidate's seeds drawn at random.

    Args:
        grid: a measurement for every rain, count and seed (`read_grid`).
        budget: trainings at most.
        replays: how many.
        seed: of the orders.
        min_removal: least controlled removal, for the search and for the exhaustive choice.

    Raises:
        InputError: the budget is less than a training for every rain, or the grid lacks the controlled removal.
    """
    whole, by_candidate = _whole(grid, min_removal), gather(grid)
    seeds = len(grid) // len(by_candidate)
    found = []
    for number in range(replays):
        rng = generator(seed, "replay", budget, number)
        order = {candidate: rng.permutation(seeds) for candidate in by_candidate}
        shuffled = tuple(whole.rains[index] for index in rng.permutation(len(whole.rains)))

        def measure(trials: Sequence[Trial], order: Mapping[Candidate, Any] = order) -> list[Measurement]:
            return [grid[replace(trial, seed=int(order[trial.candidate][trial.seed]))] for trial in trials]

        found.append(search(replace(whole, rains=shuffled, budget=budget), measure))
    return _judged(whole, grid, budget, found)


def replay_everything_once(grid: Results, replays: int, seed: int = 0, min_removal: float | None = None) -> Replay:
    """The choice after one training of every candidate, of a seed drawn at random: the yardstick of a search.

    Args:
        grid, replays, seed, min_removal: as of `replay`.

    Raises:
        InputError: the grid lacks the controlled removal.
    """
    whole, by_candidate = _whole(grid, min_removal), gather(grid)
    seeds = len(grid) // len(by_candidate)
    found = []
    for number in range(replays):
        rng = generator(seed, "everything once", number)
        found.append({Trial(each, 0): grid[Trial(each, int(rng.integers(seeds)))] for each in by_candidate})
    return _judged(whole, grid, len(by_candidate), found)


def _judged(whole: Search, grid: Results, budget: int, found: Sequence[Results]) -> Replay:
    """The choice of a search, held against the exhaustive one."""
    by_candidate = gather(grid)
    value = {candidate: whole.value(measurements) for candidate, measurements in by_candidate.items()}
    scores = {candidate: fmean(each.score for each in group) for candidate, group in by_candidate.items()}
    best = ranking(whole, grid)[0]
    chosen = [ranking(whole, results)[0] for results in found]
    hits = [
        each.rain == best.rain and abs(whole.counts.index(each.count) - whole.counts.index(best.count)) <= 1
        for each in chosen
    ]
    as_good = [
        hit or value[best] - value[each] <= noise(grid, best, each) for hit, each in zip(hits, chosen, strict=True)
    ]
    used = fmean(map(len, found))
    loss = fmean(scores[best] - scores[each] for each in chosen)
    return Replay(budget, fmean(hits), fmean(as_good), used, used / len(by_candidate), loss)


def replay_file(path: Path, settings: AdviceSettings, out: Path, console: Console, replays: int = 200) -> list[Replay]:
    """Replay a recorded grid with every second budget from one training a rain to half of the candidates, and with one
    training of every candidate; `out` gets replay.json.

    Args:
        path: the grid (`read_grid`).
        settings: of which preference, least removal and seed are used.
        out: folder for the result.
        console: for the table.
        replays: of every budget.

    Raises:
        InputError: as of `read_grid` and `replay`; or `out` cannot be written.
    """
    written = out / "replay.json"
    claim_file(written, "derain advise", json_with("exhaustive", "replays", "everything_once"))
    grid = read_grid(path, settings.prefer)
    whole = _whole(grid, settings.min_removal)
    best = ranking(whole, grid)[0]
    candidates = len(whole.rains) * len(whole.counts)
    half = max(len(whole.rains), candidates // 2)
    budgets = sorted({*range(len(whole.rains), half, 2), half})
    found = [replay(grid, budget, replays, settings.seed, settings.min_removal) for budget in budgets]
    once = replay_everything_once(grid, replays, settings.seed, settings.min_removal)
    write_json(
        written,
        {
            "exhaustive": asdict(best),
            "candidates": candidates,
            "replays": [asdict(each) for each in found],
            "everything_once": asdict(once),
        },
    )
    table = Table(box=None, caption_justify="left")
    for column in ("budget", "trainings used", "share of the grid", "hits", "hits or as good", "loss dB"):
        table.add_column(column, justify="right")
    for each in (*found, once):
        table.add_row(
            f"{each.budget}",
            f"{each.trainings:.1f}",
            f"{each.share:.0%}",
            f"{each.hits:.0%}",
            f"{each.as_good:.0%}",
            f"{each.loss:.2f}",
        )
    table.caption = (
        f"{replays} replays of every budget on {candidates} candidates; in the last line every candidate is trained "
        f"once. A hit is within one grid step of the exhaustive choice over all seeds, {best}; as good is what the "
        "noise cannot tell from it."
    )
    console.print(table)
    return found


def _whole(grid: Results, min_removal: float | None) -> Search:
    """All of the grid's candidates; its budget would pay for every cell."""
    rains, counts = _axes(grid)
    seeds = len(grid) // (len(rains) * len(counts))
    return Search(rains, counts, len(grid), min_removal, min(seeds, MOST_SEEDS))


def _axes(grid: Results) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Rains and counts, sorted."""
    candidates = gather(grid)
    return tuple(sorted({each.rain for each in candidates})), tuple(sorted({each.count for each in candidates}))


def _measurement(entry: Mapping[str, Any], where: str, preference: Preference) -> Measurement:
    numbers: dict[str, float | None] = {}
    for key in _NUMBERS:
        value = entry.get(key)
        if value is not None and (type(value) not in (int, float) or not isfinite(value)):
            raise InputError(f"{where}: {key} must be a number, not {value!r}")
        numbers[key] = value
    psnr_y, removal, clean_error = (numbers[key] for key in ("psnr_y", "removal", "clean_error"))
    found = numbers["score"]
    if psnr_y is not None:
        found = score(preference, psnr_y, removal, clean_error)
    elif found is None:
        raise InputError(f"{where} has neither score nor psnr_y")
    elif preference != "balanced":
        raise InputError(f"{where}: --prefer {preference} needs psnr_y, not a score alone")
    return Measurement(found, numbers["error"], psnr_y, removal, clean_error)
