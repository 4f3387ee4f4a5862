"""`derain study` plans, runs, tabulates and reports studies."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console

from derain.errors import InputError, TrainingError
from derain.support.choices import ScaleName

Studies = Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="PATH ...")]


@dataclass(frozen=True)
class Plan:
    """Say what studies would train: every training once, whatever number of figures share it."""

    studies: Studies
    """Files of studies, and folders of such files."""
    scale: ScaleName = "paper"
    """Scale of the trainings."""
    seeds: tuple[int, ...] = ()
    """Seeds in place of the studies' own."""
    measure: bool = False
    """Measure what a training step costs on this machine, once, and add it all up."""
    device: str = "cpu"
    """Torch device to measure on."""
    json: Path | None = None
    """File for the same as JSON."""

    def run(self, console: Console) -> None:
        from derain.study.plan.scales import scale_of
        from derain.study.plan.spec import load_studies
        from derain.study.report.terminal import plan_json, plan_table
        from derain.support.files import write_json
        from derain.support.processes import dedicate_to_network
        from derain.support.records import claim_file, json_with

        if self.json is not None:
            claim_file(self.json, "derain study plan", json_with("trainings", "scale", "studies", "networks"))
        if self.measure:
            dedicate_to_network(threads=1)  # as the trainings are
        content = plan_json(load_studies(self.studies), scale_of(self.scale), self.seeds, self.device, self.measure)
        console.print(plan_table(content))
        if self.json is not None:
            write_json(self.json, content)


@dataclass(frozen=True)
class Run:
    """Train and measure what is missing of studies; the same command goes on after an interruption."""

    studies: Studies
    """Files of studies, and folders of such files."""
    out: Path
    """Folder for the results; several studies, and several runs at a time, may share it."""
    scale: ScaleName | None = None
    """Scale of the trainings; there is no default, as one takes from minutes to days."""
    seeds: tuple[int, ...] = ()
    """Seeds in place of the studies' own."""
    only: tuple[str, ...] = ()
    """Train these first, such as --only count=8 count=1024 rain=wide; what is left waits for another command."""
    on: Literal["local", "ray"] = "local"
    """Place of the trainings: processes of this machine, or a Ray cluster."""
    address: str = "auto"
    """Address of the Ray cluster; its machines must share the folder of the results."""
    workers: int | None = None
    """Trainings at a time on this machine; by default as many as its CPUs allow."""
    threads: int = 1
    """CPU threads of a training; results are equal to the last bit only at an equal number."""
    device: str = "cpu"
    """Torch device."""
    gpus: float = 0.0
    """Share of a GPU that a training takes on a Ray cluster."""
    minutes: float | None = None
    """Stop after so long; the same command goes on."""

    def run(self, console: Console) -> None:
        import os

        from derain.study.plan.scales import SCALES, scale_of
        from derain.study.plan.spec import load_studies
        from derain.study.report.terminal import Watcher
        from derain.study.run.local import LocalExecutor
        from derain.study.run.prepare import prepare
        from derain.study.run.scheduler import Executor, run
        from derain.study.run.store import Store
        from derain.study.run.task import called

        if self.threads < 1 or (self.workers is not None and self.workers < 1):
            raise InputError("--workers and --threads must be 1 or more")
        if self.minutes is not None and not self.minutes >= 0:
            raise InputError(f"--minutes must be 0 or more, not {self.minutes}")
        store = Store(self.out)
        studies = load_studies(self.studies)
        executor: Executor
        if self.on == "ray":
            from derain.study.run.ray import RayExecutor

            executor = RayExecutor(self.out, self.address, self.device, self.threads, self.gpus)
        else:
            workers = self.workers or max(1, (os.cpu_count() or 1) // self.threads)
            executor = LocalExecutor(self.out, workers, self.device, self.threads)
        if self.scale is None and any(study.grid for study in studies):
            iterations = ", ".join(f"{each.name} ({each.iterations:,} iterations)" for each in SCALES.values())
            raise InputError(f"give the scale of every training with --scale: {iterations}")
        tasks = prepare(studies, scale_of(self.scale or "paper"), self.seeds, store, self.only)
        seconds = None if self.minutes is None else 60 * self.minutes
        with Watcher(console, len(tasks)) as watcher:
            state = run(tasks, store, executor, watcher.show, seconds)
        for identity, reason in state.failed.items():
            console.print(f"failed: {state.names[identity]}: {reason}", markup=False, soft_wrap=True)
        console.print(
            f"{state.done} of {len(tasks)} {called(tasks)} done; results in {self.out}", markup=False, soft_wrap=True
        )
        if state.failed:
            raise TrainingError(f"{len(state.failed)} {called(tasks)} failed; the same command tries them again")


@dataclass(frozen=True)
class Table:
    """Print all figures of a folder of results."""

    results: tyro.conf.Positional[Path]
    """Folder of results."""
    threshold: Literal[10, 50] = 10
    """Threshold of the rain mask, in grey levels."""
    csv: Path | None = None
    """File for all figures at both thresholds as CSV."""
    json: Path | None = None
    """File for the same as JSON."""

    def run(self, console: Console) -> None:
        from derain.study.report.terminal import results_table
        from derain.study.run.store import Store, is_table, is_table_csv, to_csv
        from derain.support.files import write_bytes, write_json
        from derain.support.progress import print_whole
        from derain.support.records import claim_file, is_json

        if self.csv is not None:
            claim_file(self.csv, "derain study table", is_table_csv)
        if self.json is not None:
            claim_file(self.json, "derain study table", is_json(is_table))
        records = Store(self.results).records()
        print_whole(console, results_table(records, self.threshold))
        if self.csv is not None:
            write_bytes(self.csv, to_csv(records).encode())
        if self.json is not None:
            write_json(self.json, records)


@dataclass(frozen=True)
class Report:
    """Write one page of a folder of results: figures, pictures, verdicts and tables."""

    results: tyro.conf.Positional[Path]
    """Folder of results."""
    out: Path | None = None
    """The report goes into its subfolder report/; by default into that of the results."""
    device: str = "cpu"
    """Torch device that restores the pictures shown."""

    def run(self, console: Console) -> None:
        from derain.study.report.page import write_report
        from derain.support.devices import exact_float32
        from derain.support.progress import counting

        exact_float32()
        with counting(console, "report") as report:
            page = write_report(self.results, self.out, None, self.device, report)
        console.print(f"report: {page}", markup=False, soft_wrap=True)


@dataclass(frozen=True)
class Study:
    """Studies: trainings changed one axis at a time, measured decoupled, with figures and verdicts."""

    command: (
        Annotated[Plan, tyro.conf.subcommand("plan")]
        | Annotated[Run, tyro.conf.subcommand("run")]
        | Annotated[Table, tyro.conf.subcommand("table")]
        | Annotated[Report, tyro.conf.subcommand("report")]
    )

    def run(self, console: Console) -> None:
        self.command.run(console)
