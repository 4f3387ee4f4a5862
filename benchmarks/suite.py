"""The figures of speed of the pages, each added to a history as a line of JSON, and the history drawn.

    python -m benchmarks.suite [--data "$DERAIN_DATA"] [--only rain startup]

Every program runs in a process of its own. A line holds date, commit, CPU, the machine's load at the start, and name,
value, unit and ratio to the peer. Figures that need photographs are left out without data.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import tyro

from benchmarks import (
    channels_last,
    complexity,
    kept_memory,
    networks,
    objective,
    probe,
    rain,
    report,
    restore,
    startup,
    study,
)  # fmt: skip
from benchmarks.history import HISTORY, PICTURE, Figure, append, circumstances, draw
from derain.support.workers import worker_pool

Program = Callable[[], Iterator[Figure]]
STUDY_LENGTH = 0.02


def programs(data: Path | None) -> Mapping[str, Program]:
    found: dict[str, Program] = {
        "startup": startup.figures,
        "rain": rain.figures,
        "complexity": partial(complexity.figures, 20),
        "objective": objective.figures,
        "channels_last": channels_last.figures,
        "kept_memory": kept_memory.figures,
        "networks": partial(networks.figures, repetitions=1),
        "restore": restore.figures,
        "report": report.figures,
    }
    if data is not None:
        found["probe"] = partial(probe.figures, data / "natural" / "test")
        found["study"] = partial(study.figures, data, STUDY_LENGTH)
    return found


def main(
    data: Path | None = None, only: tuple[str, ...] = (), history: Path = HISTORY, picture: Path = PICTURE
) -> None:
    made = circumstances()
    for name, program in programs(data).items():
        if not only or name in only:
            with worker_pool(1) as process:
                for figure in process.submit(listed, program).result():
                    print(figure, flush=True)
                    append(figure, made, history)
    draw(history, picture)


def listed(program: Program) -> list[Figure]:
    return list(program())


if __name__ == "__main__":
    tyro.cli(main)
