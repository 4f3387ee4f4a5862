"""The commands: rain, training, measuring, models; typed dataclasses become flags, the work is done elsewhere."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console

from derain.advice.settings import AdviceSettings
from derain.cli.progress import progress_bar
from derain.errors import InputError
from derain.probe.space import CLEAN_BOUND, ProbeSpace
from derain.settings import TrainingSettings


@dataclass(frozen=True)
class Synth:
    """Lay rain on photos: OUT/rainy, OUT/clean, OUT/rain and OUT/mask get NAME.png for every photo."""

    photos: tyro.conf.Positional[tuple[Path, ...]]
    """Photos, and folders of photos."""
    out: Path
    """Folder for the results."""
    rain: str = "medium"
    """small, medium, large, lines, wide, or a TOML file."""
    recipe: Literal["paper", "corrected"] = "paper"
    """How streaks are rendered where the rain does not say it itself."""
    seed: int = 0
    """Seed of the rain."""
    device: str = "cpu"
    """Torch device to render on."""

    def run(self, console: Console) -> None:
        from derain.rain import load_rain
        from derain.synthesis import synthesise

        rain = load_rain(self.rain, self.recipe)
        with progress_bar(console) as bar:
            task = bar.add_task("photos", total=None)
            count = synthesise(
                list(self.photos), rain, self.seed, self.out, self.device,
                lambda done, photos: bar.update(task, completed=done, total=photos),
            )  # fmt: skip
        console.print(f"{count} photos under {rain.name!r} in {self.out}", markup=False)


@dataclass(frozen=True)
class Train:
    """Train a network on chosen backgrounds and rain; the same command again goes on with an interrupted run."""

    settings: Annotated[TrainingSettings, tyro.conf.arg(name="")]
    out: Path
    """Folder of the run: it gets run.json, log.jsonl, tensorboard/ and model.safetensors."""
    device: str = "cpu"
    """Torch device to train on."""
    threads: int | None = None
    """CPU threads; results are equal to the last bit only at an equal number of threads."""
    checkpoint_every: int = 1000
    """Iterations between checkpoints, of which there is one a minute at least."""

    def run(self, console: Console) -> None:
        from derain import training
        from derain.processes import dedicate_to_network
        from derain.runlog import read_log

        dedicate_to_network(self.threads)
        with progress_bar(console) as bar:
            task = bar.add_task("training", total=self.settings.iterations)

            def show(progress: training.Progress) -> None:
                bar.update(task, completed=progress.iteration)
                if progress.loss is not None:
                    bar.update(task, description=f"loss {progress.loss:.4f}")

            model = training.train(self.settings, self.out, self.device, self.checkpoint_every, show)
        for event in read_log(self.out):
            if event["event"] == "slacking":
                best = event["best"]["iteration"]
                console.print(f"stopped at {event['iteration']}: it slacks off; the model is that of iteration {best}")
        console.print(f"{self.out} is finished; model: {model}", markup=False, soft_wrap=True)


@dataclass(frozen=True)
class Evaluate:
    """Measure a model, or a folder of restored pictures, on pairs of rainy and clean pictures."""

    rainy: Path
    """Folder of rainy pictures."""
    clean: Path
    """Folder of the clean pictures."""
    match: Literal["names", "rain100l", "rain1400"] = "names"
    """How the pictures find each other: equal names, rain-1 with norain-1, or 1_2 with 1."""
    model: Path | None = None
    """balanced, strong, the model file of a run, an ONNX file, or a .pth file of official weights."""
    network: str | None = None
    """FILE.py:CLASS for a network of your own; NAME:key=value for what official weights do not tell."""
    restored: Path | None = None
    """In place of a model: folder with the restored rainy pictures, of equal names."""
    restored_clean: Path | None = None
    """Folder with the results of the same system on the clean pictures."""
    threshold: float = 10.0
    """Rain is where a channel of O - B exceeds this many levels of 0..255."""
    device: str = "cpu"
    """Torch device to restore on."""
    json: Path | None = None
    """File for the results."""

    def run(self, console: Console) -> None:
        if self.model is not None and self.restored is not None:
            raise InputError("give --model or --restored, not both")
        if self.restored_clean is not None and self.restored is None:
            raise InputError("--restored-clean goes with --restored")
        if self.network is not None and self.model is None:
            raise InputError("--network goes with --model")

        from derain.evaluation import FolderRestorer, NetworkRestorer, Restorer, evaluate
        from derain.files import make_folder, write_json
        from derain.models import find_model
        from derain.onnx import load_network
        from derain.pairs import match_pairs
        from derain.processes import exact_float32

        exact_float32()
        if self.json is not None:
            make_folder(self.json.parent)
        pairs = match_pairs(self.rainy, self.clean, self.match)
        restorer: Restorer
        if self.model is not None:
            network, _ = load_network(find_model(self.model), self.network)
            restorer = NetworkRestorer(network, self.device)
        elif self.restored is not None:
            restorer = FolderRestorer(self.restored, self.restored_clean)
        else:
            raise InputError("give --model or --restored")
        evaluation = evaluate(pairs, restorer, self.threshold)
        if self.json is not None:
            write_json(self.json, evaluation.to_json())
        console.print(evaluation.table())


@dataclass(frozen=True)
class Probe:
    """Map which rain a network removes and which it ignores; the same command again goes on."""

    space: Annotated[ProbeSpace, tyro.conf.arg(name="")]
    backgrounds: Path
    """Folder of photos that the networks were not trained on."""
    model: Path | None = None
    """balanced, strong, the model file of a run, an ONNX file, or a .pth file of official weights."""
    compare: tuple[Path, Path] | None = None
    """In place of a model: two of them, side by side with their difference."""
    network: str | None = None
    """FILE.py:CLASS for a network of your own; NAME:key=value for what official weights do not tell."""
    out: Path = Path("probe")
    """Folder for map.json, map.csv, the figures and index.html."""
    pairs: tuple[Path, Path] | None = None
    """Two folders of rainy and clean pictures, whose streaks become one more family of rain."""
    match: Literal["names", "rain100l", "rain1400"] = "names"
    """How the pictures of the pairs find each other."""
    clean_bound: float = CLEAN_BOUND
    """Largest clean error, in grey levels, at which the generalisation area counts."""
    seed: int = 0
    """Seed of backgrounds, rain and bootstrap."""
    device: str = "cpu"
    """Torch device of the networks."""

    def run(self, console: Console) -> None:
        if (self.model is None) == (self.compare is None):
            raise InputError("give --model or --compare" + (", not both" if self.model is not None else ""))

        from derain.models import find_model
        from derain.probe.run import describe, probe
        from derain.processes import exact_float32

        exact_float32()
        models = tuple(map(find_model, (self.model,) if self.model is not None else self.compare or ()))
        with progress_bar(console) as bar:
            task = bar.add_task("cells", total=None)
            results = probe(
                models, self.backgrounds, self.out, self.space, self.clean_bound, self.pairs, self.match,
                self.network, self.seed, self.device,
                lambda done, cells: bar.update(task, completed=done, total=cells),
            )  # fmt: skip
        console.print(*describe(results), f"page: {self.out / 'index.html'}", sep="\n", markup=False, soft_wrap=True)


@dataclass(frozen=True)
class Advise:
    """Find, with few trainings, how many backgrounds and which rain to train on; the same command again goes on."""

    settings: Annotated[AdviceSettings, tyro.conf.arg(name="")]
    out: Path = Path("advice")
    """Folder for the runs, advice.json and trade-off.png, or for replay.json."""
    device: str = "cpu"
    """Torch device to train and measure on."""
    replay: Path | None = None
    """In place of training: replay the search on a recorded grid of results (a JSON list, docs/advice.md), with
    budgets of its own."""

    def run(self, console: Console) -> None:
        if self.replay is not None:
            from derain.advice.replay import replay_file

            replay_file(self.replay, self.settings, self.out, console)
        else:
            from derain.advice.run import advise

            advise(self.settings, self.out, console, self.device)


@dataclass(frozen=True)
class Complexity:
    """Measure the structural complexity of folders of pictures and of rain."""

    folders: tyro.conf.Positional[tuple[Path, ...]] = ()
    """Folders of pictures."""
    rain: tuple[str, ...] = ()
    """Rain to measure as well: small, medium, large, lines, wide, or TOML files."""
    recipe: Literal["paper", "corrected"] = "paper"
    """How streaks are rendered where the rain does not say it itself."""
    method: Literal["bagrov", "fourier"] = "bagrov"
    """Made coarser by averages over blocks (Bagrov et al. 2020) or by filters (Kravchenko et al. 2024)."""
    json: Path | None = None
    """File for the results."""

    def run(self, console: Console) -> None:
        from derain.complexity import compare
        from derain.files import make_folder, write_json
        from derain.rain import load_rain

        if self.json is not None:
            make_folder(self.json.parent)
        rains = [load_rain(rain, self.recipe) for rain in self.rain]
        with progress_bar(console) as bar:
            task = bar.add_task("complexity", total=None)
            comparison = compare(
                self.folders, rains, self.method,
                report=lambda done, total: bar.update(task, completed=done, total=total),
            )  # fmt: skip
        if self.json is not None:
            write_json(self.json, comparison.to_json())
        console.print(comparison.table())


@dataclass(frozen=True)
class Networks:
    """List the networks: what they are, what they cost, and whether they pass their checks, which are run now."""

    def run(self, console: Console) -> None:
        from rich.table import Table

        from derain.networks.summary import summarise_all

        columns = ("network", "paper", "parameters", "multiply-adds", "receptive field", "checks passed")
        table = Table(*columns, box=None, caption="multiply-adds of one picture of 128x128; defaults of every network")
        summaries = summarise_all()
        for each in summaries:
            table.add_row(
                each.name,
                each.network.descriptor.paper,
                f"{each.network.parameter_count():,}",
                f"{each.multiply_adds / 1e9:.1f} G",
                f"{field} px" if (field := each.network.descriptor.receptive_field_px) else "whole picture",
                f"{len(each.passed)} of {len(each.passed) + len(each.failed)}",
            )
        console.print(table)
        for each in summaries:
            for check in each.failed:
                console.print(f"{each.name} fails: {check}")


@dataclass(frozen=True)
class Export:
    """Write a model in another form; the pictures it makes are verified against the model's."""

    model: Path
    """balanced, strong, or the model file of a run."""
    to: Literal["onnx", "float16"] = "onnx"
    """ONNX, or a model file of half the size."""
    out: Path | None = None
    """File for the result; beside the model by default, and in this folder for balanced and strong."""
    network: str | None = None
    """FILE.py:CLASS, where the model is that of a network of your own."""

    def run(self, console: Console) -> None:
        from derain.models import find_model
        from derain.networks import load_model
        from derain.networks.weights import export_float16
        from derain.onnx import export_onnx

        model = find_model(self.model)
        if self.out is not None and self.out.resolve() == model.resolve():
            raise InputError(f"{self.out} is the model itself: give another --out")
        suffix = ".onnx" if self.to == "onnx" else ".safetensors"
        if self.out is not None and self.out.suffix.lower() != suffix:
            raise InputError(f"{self.out} would not be found to be what it is: give an --out that ends in {suffix}")
        if self.to == "onnx":
            out = self.out or self.model.with_suffix(".onnx")
            difference = export_onnx(*load_model(model, self.network), out)
        else:
            out = self.out or self.model.with_suffix(".float16.safetensors")
            difference = export_float16(model, out, self.network)
        said = f"{out}: differs from the model by at most {difference:.1e} (of 0..1)"
        console.print(said, markup=False, soft_wrap=True)


@dataclass(frozen=True)
class Demo:
    """Train the same small network on few and on many backgrounds, and see which one removes rain it never saw."""

    out: Path = Path("demo")
    """Folder for the report, the results and the two models."""
    data: Path | None = None
    """Folder of image sets (natural/train, rain/rain100l, ...) in place of the photographs that come along."""

    def run(self, console: Console) -> None:
        from derain.demo import run_demo

        run_demo(self.out, self.data, console)
