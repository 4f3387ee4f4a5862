"""The search with real trainings: candidates trained in worker processes and measured on the probes."""

import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from derain.advice.report import average, command, describe_measurement, draw_trade_off, explain, table, trade_off
from derain.advice.scoring import Probes, check_probe, probes_beside, summarise
from derain.advice.search import Candidate, Measurement, Results, Round, Search, Trial, ranking, search
from derain.advice.settings import AdviceSettings
from derain.errors import InputError, TrainingError
from derain.evaluation.evaluate import evaluate_network
from derain.networks import load_model
from derain.pictures.backgrounds import photo_sizes
from derain.pictures.images import list_images
from derain.rain import load_rain
from derain.rain.unseen import UNSEEN
from derain.support.files import folded, make_folder, write_json
from derain.support.processes import dedicate_to_network
from derain.support.progress import progress_bar
from derain.support.records import OwnedFolder, alone_in
from derain.support.workers import worker_pool
from derain.training.log import last_iteration
from derain.training.loop import train
from derain.training.prepare import prepare, split_backgrounds
from derain.training.settings import TrainingSettings

_DEFAULT_COUNTS = tuple(2**power for power in range(3, 11))

# The figures of every picture of every probe, by the probe's name.
ProbeFigures = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Job:
    """A training and what is measured afterwards, as it is handed to a worker process."""

    settings: TrainingSettings
    photos: tuple[Path, ...]
    out: Path
    device: str
    probes: Probes


@dataclass(frozen=True)
class _Task:
    """A search in which nothing is found wrong.

    Attributes:
        settings: what was asked.
        rains: as they were asked for, by their names.
        photos: to train on.
        space: what is searched.
        probes: what is measured on.
        sources: of the probes, by their names.
    """

    settings: AdviceSettings
    rains: Mapping[str, str]
    photos: tuple[Path, ...]
    space: Search
    probes: Probes
    sources: Mapping[str, Mapping[str, Any]]

    def training(self, trial: Trial) -> TrainingSettings:
        rain, count = trial.candidate.rain, trial.candidate.count
        return self.settings.training(self.rains[rain], count, self.settings.seed + trial.seed)

    def job(self, trial: Trial, out: Path, device: str) -> Job:
        training = self.training(trial)
        folder = out / "runs" / f"{_folder(trial.candidate.rain)}-{training.count}-{training.seed}"
        return Job(training, self.photos, folder, device, self.probes)


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
    task = _task(settings)
    OwnedFolder(out, "advice.json", "derain advise").claim(
        ("recommendation", "trade_off", "results"), ["trade-off.png"]
    )
    make_folder(out)
    _announce(task, console)
    rounds: list[dict[str, Any]] = []

    def announce(step: Round) -> None:
        done = sum(len(each["trials"]) for each in rounds)
        rounds.append({"reason": step.reason, "trials": [str(trial) for trial in step.trials]})
        console.print(f"\n{done} of {task.space.budget} trainings done. Next: {step.reason}.")

    def measure(trials: Sequence[Trial]) -> list[Measurement]:
        found = _run_all(pool, {str(trial): task.job(trial, out, device) for trial in trials}, console)
        measurements = [summarise(figures, settings.prefer) for figures in found]
        for trial, measurement in zip(trials, measurements, strict=True):
            console.print(f"  {trial}: {describe_measurement(measurement)}")
        return measurements

    with alone_in(out, "derain advise"), worker_pool(settings.workers) as pool:
        results = search(task.space, measure, announce)
    return _recommend(task, results, rounds, _of_nothing(task, device), out, console)


def _of_nothing(task: _Task, device: str) -> Measurement:
    """The figures of doing nothing, on what the candidates are measured on."""
    network, _ = load_model("nothing")
    found = {each.name: evaluate_network(each.samples, network, device) for each in task.probes.lay()}
    return summarise({name: each.to_json()["images"] for name, each in found.items()}, task.settings.prefer)


def _task(settings: AdviceSettings) -> _Task:
    """Check whatever may be wrong with photos, pairs, rains, counts, network and budget."""
    if not settings.backgrounds:
        raise InputError("give --backgrounds, a folder of photos")
    rains = [load_rain(text, settings.recipe) for text in settings.rains]
    names = tuple(rain.name for rain in rains)
    _refuse_one_folder(names)
    # The photos that are kept out are the same for all candidates.
    photos, kept_out = _photos(settings)
    space = Search(names, _counts(settings, photos), settings.budget, settings.min_removal)
    # The largest candidate shows now what is wrong with photos, counts and network.
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
    laid = probes.lay()
    for each in laid:
        check_probe(each, smallest_px)
    sources = {each.name: each.source for each in laid}
    return _Task(settings, dict(zip(names, settings.rains, strict=True)), tuple(photos), space, probes, sources)


def _announce(task: _Task, console: Console) -> None:
    space, probes = task.space, task.sources
    console.print(
        f"{len(space.rains)} rains, {len(space.counts)} numbers of backgrounds from {space.counts[0]} to "
        f"{space.counts[-1]}: {len(space.rains) * len(space.counts)} candidates, at most {space.budget} trainings of "
        f"{task.settings.iterations:,} iterations. Measured on {len(task.probes.photos)} photos kept out, under "
        f"{', '.join(probes)}."
    )
    for probe in UNSEEN:
        if probe.name not in probes:
            console.print(f"The probe {probe.name} is left out for all: it is among the rains to choose from.")


def _recommend(
    task: _Task, results: Results, rounds: list[dict[str, Any]], nothing: Measurement, out: Path, console: Console
) -> Candidate:
    """Write and show what was found, beside doing nothing; the best candidate."""
    best = ranking(task.space, results)[0]
    reason = explain(task.space, results)
    is_better = average(results)[best].score > nothing.score
    if not is_better:
        advised = "so train longer, or on other rains, before you use it"
        reason = f"Doing nothing scores {nothing.score:.2f} dB, {advised}. {reason}"
    command_line = command(
        replace(task.training(Trial(best, 0)), validate_every=0, split_seed=None), out / "recommended"
    )
    advice = {
        "recommendation": {**asdict(best), "reason": reason, "command": command_line, "better_than_nothing": is_better},
        "trade_off": [asdict(candidate) for candidate in trade_off(average(results))],
        "results": [
            {**asdict(trial.candidate), "seed": task.settings.seed + trial.seed, **_figures(measurement)}
            for trial, measurement in results.items()
        ],
        "nothing": _figures(nothing),
        "rounds": rounds,
        "probes": task.sources,
        "settings": asdict(task.settings),
    }
    # Paths become text.
    write_json(out / "advice.json", json.loads(json.dumps(advice, default=str)))
    called = "recommended" if is_better else "best"
    drawn = draw_trade_off(results, best, called, out / "trade-off.png")

    console.print("", table(results, best, called), "", f"Doing nothing: {describe_measurement(nothing)}", "")
    verdict = "Recommended" if is_better else "Nothing is recommended. The best candidate"
    console.print(f"{verdict}: {best}. {reason}")
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
        if first != second and folded(_folder(first)) == folded(_folder(second)):
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
    with progress_bar(console, transient=True) as bar:
        tasks = {name: bar.add_task(f"  {name}", total=job.settings.iterations) for name, job in jobs.items()}
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
    network, _ = load_model(model, job.settings.network)
    images = {each.name: evaluate_network(each.samples, network, job.device).to_json()["images"] for each in sets}
    write_json(path, {"sources": sources, "images": images})
    return images
