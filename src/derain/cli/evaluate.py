"""`derain evaluate` measures a model, or restored pictures, on pairs of rainy and clean pictures."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from derain.errors import InputError
from derain.support.choices import Match

if TYPE_CHECKING:
    from derain.pictures.degradation import Degradation
    from derain.pictures.pairs import Pair


@dataclass(frozen=True)
class Evaluate:
    """Measure models, or a folder of restored pictures, on pairs of rainy and clean pictures."""

    clean: Path
    """Folder of the clean pictures."""
    rainy: Path | None = None
    """Folder of rainy pictures."""
    degradation: str | None = None
    """Degradation of the rainy pictures, as `derain synth` takes it: rain by default, or noise, jpeg:large and others
    (docs/concepts/degradations.md). In place of --rainy it is laid on the clean pictures."""
    seed: int = 0
    """Seed of the degradation, without --rainy."""
    model: tuple[Path, ...] = ()
    """One or more: balanced, strong, light, model files of runs, ONNX files, .pth files of official weights; or, to
    compare with, a filter that learnt nothing: nothing, opening, median, blur."""
    restored: Path | None = None
    """In place of a model: folder of any program's results on the rainy pictures, under the same names."""
    restored_clean: Path | None = None
    """Folder of the same program's results on the clean pictures."""
    network: tuple[str, ...] = ()
    """FILE.py:CLASS for a network of your own, one or more; NAME:key=value for what official weights do not tell."""
    best: bool = False
    """Restore every picture and its mirror image, and take the mean, as `derain restore --best` does."""
    specificity: bool = False
    """Restore structure as bright as the rain that is no rain as well, and say how much of it is taken away."""
    match: Match = "names"
    """Pictures find each other by equal names, by the names of a set (docs/how-to/data.md), or by two patterns, such
    as '{name}_rain.png' '{name}_clean.png'."""
    metric: tuple[str, ...] = ()
    """FILE.py:CLASS for a figure of your own beside the others, one or more (docs/how-to/own-loss.md)."""
    threshold: float = 10.0
    """Rain is where a channel of O - B exceeds this many levels of 0..255."""
    json: Path | None = None
    """File for the results."""
    device: str = "cpu"
    """Torch device to restore on."""
    threads: int | None = None
    """CPU threads; all cores by default."""

    def run(self, console: Console) -> None:
        self._check()
        names = self._names()
        with ExitStack() as kept:
            self._measure(console, names, kept)

    def _measure(self, console: Console, names: list[str], kept: ExitStack) -> None:
        from derain.degradations import load_degradation
        from derain.evaluation.evaluate import Evaluation, compare, compare_own, evaluate, is_result
        from derain.evaluation.own_metrics import UserMetric
        from derain.evaluation.restorers import FolderRestorer, Restorer
        from derain.evaluation.specificity import Specificity, specificity, specificity_table
        from derain.networks.loading import load_models
        from derain.networks.mirrored import Mirrored
        from derain.restoration.pairs import AnySizeRestorer
        from derain.support.files import write_json
        from derain.support.processes import use_threads
        from derain.support.progress import counting
        from derain.support.records import claim_file, is_json

        use_threads(self.threads)
        if self.json is not None:
            claim_file(self.json, "derain evaluate", is_json(is_result))
        metrics = [UserMetric(text) for text in self.metric]
        degradation = None if self.degradation is None else load_degradation(self.degradation)
        residual = "rain" if degradation is None else degradation.residual
        if self.specificity and residual != "rain":
            raise InputError(f"--specificity is for rain, which {self.degradation} is not")
        pairs = self._pairs(degradation, kept)
        restorers: dict[str, Restorer] = {}
        if self.restored is not None:
            restorers["restored"] = FolderRestorer(self.restored, self.restored_clean)
        for name, (network, _) in zip(names, load_models(self.model, self.network), strict=True):
            restorer = AnySizeRestorer(Mirrored(network) if self.best else network, self.device)
            restorers["restored" if len(names) == 1 else name] = restorer
        evaluations: dict[str, Evaluation] = {}
        specific: dict[str, Specificity] = {}
        with counting(console, "pairs") as report:

            def show(done: int) -> None:
                rounds = len(restorers) * (2 if self.specificity else 1)
                report((len(evaluations) + len(specific)) * len(pairs) + done, rounds * len(pairs))

            for name, source in restorers.items():
                evaluations[name] = evaluate(pairs, source, self.threshold, show, metrics, residual)
                if self.specificity:
                    specific[name] = specificity(pairs, source, evaluations[name], show)
        if self.json is not None:
            by_name = {name: evaluation.to_json() for name, evaluation in evaluations.items()}
            for name, each in specific.items():
                by_name[name]["specificity"] = each.to_json()
            for each_json in by_name.values() if metrics else ():
                each_json["own_metrics"] = {metric.name: metric.code for metric in metrics}
            write_json(self.json, by_name if len(by_name) > 1 else by_name["restored"])
        console.print(compare(evaluations))
        if metrics:
            console.print(compare_own(evaluations))
        if specific:
            console.print(specificity_table(specific))

    def _pairs(self, degradation: "Degradation | None", kept: ExitStack) -> "list[Pair]":
        """The pairs of two folders; or the clean pictures beside what the degradation makes of them, as long as `kept`
        is open.
        """
        from tempfile import TemporaryDirectory

        from derain.pictures.pairs import match_pairs
        from derain.rain.synthesis import synthesise

        if self.rainy is not None:
            return match_pairs(self.rainy, self.clean, self.match)
        assert degradation is not None
        scratch = Path(kept.enter_context(TemporaryDirectory(prefix="derain-")))
        synthesise([self.clean], degradation, self.seed, scratch, self.device)
        return match_pairs(scratch / "rainy", self.clean)

    def _check(self) -> None:
        """Refuse flags that do not go together."""
        if self.rainy is None and self.degradation is None:
            raise InputError("give --rainy, or --degradation to lay on the clean pictures")
        if self.model and self.restored is not None:
            raise InputError("give --model or --restored, not both")
        if self.restored_clean is not None and self.restored is None:
            raise InputError("--restored-clean goes with --restored")
        if (self.network or self.best or self.specificity) and not self.model:
            raise InputError("--network, --best and --specificity go with --model")
        if not self.model and self.restored is None:
            raise InputError("give --model or --restored")

    def _names(self) -> list[str]:
        """The models without folders and suffixes, where that tells them apart."""
        names = [model.stem for model in self.model]
        if len(set(names)) < len(names):
            names = [str(model) for model in self.model]
        if len(set(names)) < len(names):
            raise InputError("give every --model once")
        return names
