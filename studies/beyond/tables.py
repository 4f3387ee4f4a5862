"""Tables of given systems on test sets, as Markdown, from results that are committed.

    python studies/beyond/tables.py --results docs/results/rivals --sets rain100l+rain100l_more sirr20 --figures psnr_y

A column is the mean over the pictures of its sets, and the last one the mean over the columns. A system that is not
measured on all of a column's sets has a dash there.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import tyro

from derain.evaluation.metrics import METRIC
from derain.study.run.result import Result
from derain.study.run.store import Store


def main(
    results: tuple[Path, ...],
    sets: tuple[str, ...],
    figures: tuple[str, ...] = ("psnr_y", "removal_controlled", "clean_error"),
    systems: tuple[str, ...] = (),
    threshold: int = 10,
) -> None:
    """
    Args:
        results: folders of `derain study run`; of two results of one name the later folder's counts.
        sets: columns; test sets joined by "+" are one.
        figures: what a cell shows, in this order.
        systems: rows, in this order; all if none are named.
        threshold: of the mask, in grey levels.
    """
    found = {result.axes["network"]: result for folder in results for result in _results(folder)}
    print("|", " | ".join(["", *sets, "mean"]), "|")
    print("|" + "---|" * (2 + len(sets)))
    for name in systems or sorted(found):
        columns = [[_mean(found[name], each.split("+"), figure, threshold) for figure in figures] for each in sets]
        means = [None if None in values else fmean(values) for values in zip(*columns, strict=True)]
        cells = [_text(figures, values) for values in [*columns, means]]
        print("|", " | ".join([name, *cells]), "|")


def _results(folder: Path) -> list[Result]:
    store = Store(folder)
    read = [store.result(path.stem) for path in sorted((folder / "results").glob("*.json"))]
    return [result for result in read if result is not None]


def _mean(result: Result, tests: Sequence[str], figure: str, threshold: int) -> float | None:
    """Over the pictures of all sets; None where one is not measured or the figure is not defined."""
    if not all(test in result.tests for test in tests):
        return None
    measured = [result.tests[test] for test in tests]
    values = [test.value(figure, threshold) for test in measured]
    known = [value for value in values if value is not None]
    return fmean(known, [len(test.names) for test in measured]) if len(known) == len(values) else None


def _text(figures: Sequence[str], values: Sequence[float | None]) -> str:
    return ", ".join(
        "-" if value is None else METRIC[figure].text(value) for figure, value in zip(figures, values, strict=True)
    )


if __name__ == "__main__":
    tyro.cli(main)
