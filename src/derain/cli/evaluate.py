"""`derain evaluate` measures a model, or restored pictures, on pairs of rainy and clean pictures."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from derain.errors import InputError
from derain.support.choices import Match


@dataclass(frozen=True)
class Evaluate:
    """Measure a model, or a folder of restored pictures, on pairs of rainy and clean pictures."""

    rainy: Path
    """Folder of rainy pictures."""
    clean: Path
    """Folder of the clean pictures."""
    match: Match = "names"
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

        from derain.evaluation.evaluate import evaluate
        from derain.evaluation.restorers import FolderRestorer, NetworkRestorer, Restorer
        from derain.networks import load_model
        from derain.pictures.pairs import match_pairs
        from derain.support.devices import exact_float32
        from derain.support.files import make_folder, write_json

        exact_float32()
        if self.json is not None:
            make_folder(self.json.parent)
        pairs = match_pairs(self.rainy, self.clean, self.match)
        restorer: Restorer
        if self.model is not None:
            network, _ = load_model(self.model, self.network)
            restorer = NetworkRestorer(network, self.device)
        elif self.restored is not None:
            restorer = FolderRestorer(self.restored, self.restored_clean)
        else:
            raise InputError("give --model or --restored")
        evaluation = evaluate(pairs, restorer, self.threshold)
        if self.json is not None:
            write_json(self.json, evaluation.to_json())
        console.print(evaluation.table())
