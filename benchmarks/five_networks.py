"""The five networks, small variants, after an equal and small number of iterations, tested on Rain100L.

    python -m benchmarks.five_networks --data "$DERAIN_DATA" --runs runs/networks --out docs/results/five_networks.json

Medium rain, 64 natural backgrounds, 1,000 iterations of 8 samples of 64x64, one seed, two trainings at a time with one
thread each; run it again to go on after an interruption.
"""

import time
from pathlib import Path
from typing import Any

import torch
import tyro
from torch import nn

from benchmarks.trainings import on_rain100l, train_all
from derain.evaluation.metrics import METRICS
from derain.networks import build, parse
from derain.networks.running import channels_last
from derain.support.files import write_json
from derain.training.log import read_log

NETWORKS = {
    "spdnet": "spdnet:features=8,blocks=1",
    "rcdnet": "rcdnet:stages=4,rain_maps=16,dual_channels=8,blocks=2",
    "swinir": "swinir:features=16,groups=2,blocks=2,heads=2",
    "unet": "unet:base=16,levels=4,norm=none,activation=leaky_relu",
    "resnet": "resnet:features=16,blocks=4",
}


def main(data: Path, runs: Path, out: Path, workers: int = 2) -> None:
    train_all({name: [*on_rain100l(data), *flags(text)] for name, text in NETWORKS.items()}, runs, workers)
    results = {name: result(text, runs / name) for name, text in NETWORKS.items()}
    write_json(out, results)
    for name, values in results.items():
        figures = [metric.text(values["mean"][metric.name]) for metric in METRICS]
        cells = [f"`{NETWORKS[name]}`", f"{values['parameters']:,}", f"{values['seconds']:.2f}", *figures]
        print(f"| {' | '.join(cells)} |")


def flags(text: str) -> list[str]:
    return [
        *("--count", "64", "--rain", "medium", "--network", text, "--iterations", "1000", "--batch-size", "8"),
        *("--layers", "1000", "--learning-rate", "5e-4", "--warmup", "100", "--validate-every", "500"),
    ]


def result(text: str, run: Path) -> dict[str, Any]:
    """Parameters, seconds of a training step, and the means on Rain100L after the last iteration."""
    measured = [event for event in read_log(run) if event["event"] == "validation" and event["set"] == "pairs"]
    network = build(*parse(text))
    return {
        "network": text,
        "parameters": network.parameter_count(),
        "seconds": seconds_a_step(network),
        "mean": measured[-1]["mean"],
        "sensitivity": measured[-1]["sensitivity"],
    }


def seconds_a_step(network: nn.Module) -> float:
    torch.set_num_threads(1)
    network = channels_last(network)
    rainy = torch.rand(8, 3, 64, 64).contiguous(memory_format=torch.channels_last)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        nn.functional.l1_loss(network(rainy), rainy).backward()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    tyro.cli(main)
