"""`derain train` trains one network."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from derain.support.progress import progress_bar
from derain.training.settings import TrainingSettings


@dataclass(frozen=True)
class Train:
    """Train a network on chosen backgrounds and rain; the same command again goes on with an interrupted run."""

    out: Path
    """Folder of the run: it gets run.json, photos.json, log.jsonl, tensorboard/ and model.safetensors."""
    settings: Annotated[TrainingSettings, tyro.conf.arg(name="")]
    device: str = field(default="cpu", metadata={"group": "machine"})
    """Torch device to train on."""
    threads: int | None = None
    """CPU threads. Results are equal to the last bit only at an equal number."""
    checkpoint_every: int = 1000
    """Iterations between checkpoints; there is one a minute at least."""

    def run(self, console: Console) -> None:
        from derain.support.processes import dedicate_to_network
        from derain.training import loop as training
        from derain.training.log import read_log

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
