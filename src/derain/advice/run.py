"""The search with real trainings: candidates trained in worker processes and measured on the probes."""

import json
import multiprocessing
import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from derain.advice.report import average, command, describe_measurement, draw_trade_off, explain, table, trade_off
from derain.advice.scoring import Probes, check_probe, probes_beside, summarise
from derain.advice.search import Candidate, Measurement, Round, Search, Trial, ranking, search
from derain.advice.settings import AdviceSettings
from derain.errors import InputError, TrainingError
from derain.evaluation.evaluate import evaluate_network
from derain.networks import load_model
from derain.networks.user import is_user_network
from derain.pictures.backgrounds import photo_sizes
from derain.pictures.images import list_images
from derain.rain import load_rain
from derain.rain.unseen import UNSEEN
from derain.support.files import make_folder, write_json
from derain.support.processes import dedicate_to_network, end_with_parent, ended_on_error
from derain.training.log import last_iteration
from derain.training.loop import train
from derain.training.prepare import prepare, split_backgrounds
from derain.training.settings import TrainingSettings

_DEFAULT_COUNTS = tuple(2**power for power in range(3, 11))

# Of every probe, by its name, the figures of its pictures.
ProbeFigures = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Job:
    """A training and what is measured afterwards, as it is handed to a worker process."""

    settings: TrainingSettings
    photos: tuple[Path, ...]
    out: Path
    device: str
    probes: Probes


def advise(settings: AdviceSettings, out: Path, console: Console, device: str = "cpu") -> Candidate:
    """Search, say what is done and why, and write the advice; the same call again trains nothing twice.

    `out` gets runs/RAIN-COUNT-SEED (a run each, with probes.json: what was measured), advice.json and, where matplotlib
    is installed, trade-off.png.

    Args:
        settings: what is asked.
        out: the folder of the advice.
        console: for progress, table and recommendation.
        device: torch device to train and measure on.

    Returns:
        The candidate that is recommended.

    Raises:
        InputError: whatever is wrong with photos, pairs, rains, counts, network or budget, before anything is trained;
            or a run in `out` was made with other settings.
        TrainingError: a training cannot go on.
    """
    if not settings.backgrounds:
        raise InputError("give --backgrounds, a folder of photos")
    rains = [load_rain(text, settings.recipe) for text in settings.rains]
    names = tuple(rain.name for rain in rains)
    texts = dict(zip(names, settings.rains, strict=True))
    _refuse_one_folder(names)
    # The photos that are kept out are the same for all candidates.
    photos, kept_out = _photos(settings)
    space = Search(names, _counts(settings, photos), settings.budget, settings.min_removal)
    # What is wrong with photos, counts and network shows now, at the largest candidate.
    smallest_px = prepare(
        replace(settings.training(settings.rains[0], space.counts[-1], settings.seed), layers=None),
        torch.device("cpu"),
    ).network.descriptor.smallest_size_px
    probes = Probes(
        probes_beside(rains),
        tuple(kept_out),
        settings.background_size,
        settings.seed,
        settings.skip_bad,
        settings.validation_pairs,
        settings.match,
    )
    laid = {}
    for each in probes.lay():
        check_probe(each, smallest_px)
        laid[each.name] = each.source
    make_folder(out)

    console.print(
        f"{len(space.rains)} rains, {len(space.counts)} numbers of backgrounds from {space.counts[0]} to "
        f"{space.counts[-1]}: {len(space.rains) * len(space.counts)} candidates, at most {space.budget} trainings of "
        f"{settings.iterations:,} iterations. Measured on {len(kept_out)} photos kept out, under {', '.join(laid)}."
    )
    for probe in UNSEEN:
        if probe.name not in laid:
            console.print(f"The probe {probe.name} is left out for all: it is among the rains to choose from.")

    def job(trial: Trial) -> Job:
        rain, count = trial.candidate.rain, trial.candidate.count
        training = settings.training(texts[rain], count, settings.seed + trial.seed)
        folder = out / "runs" / f"{_folder(rain)}-{count}-{training.seed}"
        return Job(training, tuple(photos), folder, device, probes)

    def announce(step: Round) -> None:
        done = sum(len(each["trials"]) for each in rounds)
        rounds.append({"reason": step.reason, "trials": [str(trial) for trial in step.trials]})
        console.print(f"\n{done} of {space.budget} trainings done. Next: {step.reason}.")

    def measure(trials: Sequence[Trial]) -> list[Measurement]:
        found = _run_all(pool, {str(trial): job(trial) for trial in trials}, console)
        measurements = [summarise(figures, settings.prefer) for figures in found]
        for trial, measurement in zip(trials, measurements, strict=True):
            console.print(f"  {trial}: {describe_measurement(measurement)}")
        return measurements

    rounds: list[dict[str, Any]] = []
    # Fresh processes: a forked one would inherit torch's threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(settings.workers or os.cpu_count(), context, end_with_parent) as pool, ended_on_error():
        results = search(space, measure, announce)

    best = ranking(space, results)[0]
    reason = explain(space, results)
    training = replace(job(Trial(best, 0)).settings, validate_every=0, split_seed=None)
    command_line = command(training, out / "recommended")
    advice = {
        "recommendation": {**asdict(best), "reason": reason, "command": command_line},
        "trade_off": [asdict(candidate) for candidate in trade_off(average(results))],
        "results": [
            {**asdict(trial.candidate), "seed": settings.seed + trial.seed, **_figures(measurement)}
            for trial, measurement in results.items()
        ],
        "rounds": rounds,
        "probes": laid,
        "settings": asdict(settings),
    }
    # Paths become text.
    write_json(out / "advice.json", json.loads(json.dumps(advice, default=str)))
    drawn = draw_trade_off(results, best, out / "trade-off.png")

    console.print("", table(results, best), "")
    console.print(f"Recommended: {best}. {reason}")
    console.print(
        "To train it on all photos (this length is what was measured; a longer one may be balanced elsewhere):"
    )
    console.print(f"  {command_line}", soft_wrap=True, highlight=False)
    written = (
        "advice.json and trade-off.png" if drawn else "advice.json (the curve is drawn where matplotlib is installed)"
    )
    console.print(f"In {out}: {written}")
    return best


def _folder(rain: str) -> str:
    return re.sub(r"[^\w.-]+", "_", rain)


def _refuse_one_folder(names: Sequence[str]) -> None:
    """Refuse rains whose runs would lie in one folder."""
    for first, second in combinations(names, 2):
        if first != second and _folder(first).lower() == _folder(second).lower():
            raise InputError(f"the runs of the rains {first!r} and {second!r} would lie in one folder: rename one")


def _photos(settings: AdviceSettings) -> tuple[list[Path], list[Path]]:
    """To train on, and kept out."""
    if sum(len(list_images(folder)) for folder in settings.backgrounds) < 2:
        raise InputError(f"advice keeps photos out to measure on, but {settings.backgrounds[0]} holds only one")
    return split_backgrounds(settings.training("", 1, settings.seed))


def _counts(settings: AdviceSettings, photos: list[Path]) -> tuple[int, ...]:
    """The numbers of backgrounds: those asked for, or powers of two as long as patches need not overlap."""
    if settings.counts is not None:
        return settings.counts
    side = settings.background_size
    available = sum((height // side) * (width // side) for height, width in photo_sizes(photos, settings.skip_bad))
    return tuple(count for count in _DEFAULT_COUNTS if count <= available) or _DEFAULT_COUNTS[:1]


def _figures(measurement: Measurement) -> dict[str, float | None]:
    return {name: getattr(measurement, name) for name in ("score", "error", "psnr_y", "removal", "clean_error")}


def _run_all(pool: Executor, jobs: Mapping[str, Job], console: Console) -> list[ProbeFigures]:
    """Train and measure at once; a bar each while they last."""
    columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        tasks = {name: bar.add_task(name, total=job.settings.iterations) for name, job in jobs.items()}
        try:
            runs = [pool.submit(_train_and_measure, job) for job in jobs.values()]
            while wait(runs, timeout=1.0).not_done:
                for name, job in jobs.items():
                    bar.update(tasks[name], completed=last_iteration(job.out))
            return [run.result() for run in runs]
        except BrokenProcessPool as error:
            raise TrainingError(
                "a training process was killed, perhaps for want of memory (fewer --workers need less); "
                "the same command goes on where it stopped"
            ) from error


def _train_and_measure(job: Job) -> ProbeFigures:
    """Whatever of it is done already is not done again.

    Raises:
        InputError: as of `train`, photos came or went since the start, or probes.json was not written by this.
        TrainingError: as of `train`.
    """
    dedicate_to_network(threads=1)
    if split_backgrounds(job.settings) != (list(job.photos), list(job.probes.photos)):
        raise InputError("photos came or went while the advice was made: give the same command with another --out")
    model = train(job.settings, job.out, job.device)
    sets = job.probes.lay()
    sources = {each.name: each.source for each in sets}
    path = job.out / "probes.json"
    if path.exists():
        try:
            measured = json.loads(path.read_bytes())
            if measured["sources"] == json.loads(json.dumps(sources)):
                return dict(measured["images"])
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(f"{path} was not written by derain advise; without it is measured again") from error
    name = job.settings.network
    network, _ = load_model(model, name if is_user_network(name) else None)
    images = {each.name: evaluate_network(each.samples, network, job.device).to_json()["images"] for each in sets}
    write_json(path, {"sources": sources, "images": images})
    return images
