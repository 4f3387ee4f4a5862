"""A network, or a folder of results of any program, measured on a set of pairs: one table, one JSON."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import UInt8
from rich.table import Table
from torch import Tensor, nn

from derain.evaluation.metrics import METRICS, RAIN_METRICS, Figures, MetricSums, OwnMetric
from derain.evaluation.restorers import FolderRestorer, NetworkRestorer, Restorer, naming, read_picture
from derain.pictures.pairs import Pair
from derain.support.choices import Residual

SENSITIVITY = (5.0, 10.0, 25.0, 50.0)
"""Thresholds of the rain mask, in grey levels, at which the figures that depend on it are reported."""
_SECOND_THRESHOLD = 50.0
_NAME_LETTERS = 9  # so that the table fits a terminal of 80


Sample = tuple[str, UInt8[Tensor, "3 _ _"], UInt8[Tensor, "3 _ _"]]
"""A pair in memory: (name, rainy, clean)."""


class Result(NamedTuple):
    """A pair of pictures and what was made of them, RGB 0..255; `restored_clean` where it is known."""

    name: str
    rainy: UInt8[Tensor, "3 _ _"]
    clean: UInt8[Tensor, "3 _ _"]
    restored: UInt8[Tensor, "3 _ _"]
    restored_clean: UInt8[Tensor, "3 _ _"] | None


@dataclass(frozen=True)
class Evaluation:
    """The figures of a set of pairs, and those of its rainy pictures as they are.

    Attributes:
        names: of the pairs, in their order.
        restored: the figures of the results.
        untouched: the figures of doing nothing: X = O and f(B) = B.
    """

    names: list[str]
    restored: MetricSums
    untouched: MetricSums

    def to_json(self) -> dict[str, Any]:
        """All figures on the 0..255 scale; what is not defined is null.

        Keys: "threshold"; "images" (a list, each with "name" and the figures of METRICS); "mean" over images;
        "left_out" (of each figure, the number of images without it, which its mean leaves out); "pooled" over all
        pixels; "input" (the mean of the rainy pictures as they are); "sensitivity" (threshold: means over images); and
        "residual", where the degradation is not rain (`derain.support.choices.Residual`).
        """
        rows = zip(self.names, self.restored.images(), strict=True)
        return {
            "threshold": self.restored.threshold,
            **({} if self.restored.residual == "rain" else {"residual": self.restored.residual}),
            "images": [{"name": name, **figures} for name, figures in rows],
            "mean": self.restored.mean(),
            "left_out": self.restored.left_out(),
            "pooled": self.restored.pooled(),
            "input": self.untouched.mean(),
            "sensitivity": {f"{threshold:g}": means for threshold, means in self.sensitivity().items()},
        }

    def sensitivity(self) -> dict[float, Figures]:
        """Give the means of the figures that depend on the threshold, at every one of SENSITIVITY."""
        means = {threshold: self.restored.mean(threshold) for threshold in SENSITIVITY}
        return {at: {metric.name: mean[metric.name] for metric in RAIN_METRICS} for at, mean in means.items()}

    def table(self) -> Table:
        """The table of `compare`, with the results alone."""
        return compare({"restored": self})


def compare(evaluations: Mapping[str, Evaluation]) -> Table:
    """Means over images: the rainy input, then each system, at the threshold asked for and again at 50.

    Figures that do not depend on the threshold stand once. The caption says what was left out of the means, and which
    way is better.

    Args:
        evaluations: one or more of the same pairs at one threshold, by the names of their rows.
    """
    first = next(iter(evaluations.values()))
    rows = {"input": first.untouched, **{name: each.restored for name, each in evaluations.items()}}
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, caption_justify="left")
    table.add_column("mean of", vertical="bottom", overflow="fold", max_width=_NAME_LETTERS)
    table.add_column("t", vertical="bottom", justify="right", no_wrap=True)
    for metric in METRICS:
        table.add_column(metric.label.replace(" ", "\n"), vertical="bottom", justify="right", no_wrap=True)
    left_out, residual = [], first.restored.residual
    for threshold in dict.fromkeys((first.restored.threshold, _SECOND_THRESHOLD)):
        shown = METRICS if threshold == first.restored.threshold else RAIN_METRICS
        for row, sums in rows.items():
            mean, missing = sums.mean(threshold), sums.left_out(threshold)
            table.add_row(row, f"{threshold:g}", *(metric.text(mean[metric.name]) for metric in shown))
            missing = missing if residual != "everywhere" else {**missing, "e_b": 0}
            counts = [f"{metric.label} {missing[metric.name]}" for metric in shown if missing[metric.name]]
            left_out += [f"{row}, t={threshold:g}: {', '.join(counts)}"] if counts else []
    stated = f"left out where not defined: {'; '.join(left_out)}" if left_out else "nothing left out"
    table.caption = f"Means over {len(first.names)} images; {stated}. {_how_to_read(residual)}"
    return table


def compare_own(evaluations: Mapping[str, Evaluation]) -> Table:
    """Means over images of the figures of your own; arguments and rows as of `compare`."""
    first = next(iter(evaluations.values()))
    own = first.restored.metrics[len(METRICS) :]
    table = Table("mean of", box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for metric in own:
        table.add_column(f"{metric.label} ({metric.better} is better)", justify="right", overflow="fold")
    for row, sums in {"input": first.untouched, **{name: each.restored for name, each in evaluations.items()}}.items():
        mean, missing = sums.mean(), sums.left_out()
        left_out = {name: f" ({number} left out)" if number else "" for name, number in missing.items()}
        table.add_row(row, *(metric.text(mean[metric.name]) + left_out[metric.name] for metric in own))
    return table


def _how_to_read(residual: Residual) -> str:
    """Name the better way of each figure, and explain the two that this project's results rest on."""
    better = {way: [metric.label for metric in METRICS if metric.better == way] for way in ("higher", "lower")}
    ways = "; ".join(f"{way} is better: {', '.join(labels)}" for way, labels in better.items())
    spoilt = "rain" if residual == "rain" else "degradation"
    does = "brightens" if residual == "rain" else "changes"
    return (
        f"{ways[0].upper()}{ways[1:]}. "
        f"Controlled removal: share of the {spoilt} that is removed because it is {spoilt}. "
        f"Clean error: harm to a {'dry' if residual == 'rain' else 'clean'} picture, in grey levels. "
        f"t: {spoilt} is what {does} a pixel by more than t grey levels."
        + (" No pixel stays as it was, so E_B is not defined." if residual == "everywhere" else "")
    )


def is_result(content: Any) -> bool:
    """True for what `derain evaluate --json` writes: `Evaluation.to_json`, or several by the names of models.

    >>> is_result({"threshold": 10.0, "images": [], "mean": {}}), is_result({"version": 1, "images": []})
    (True, False)
    """
    results = [content] if "images" in content else list(content.values())
    return bool(results) and all({"threshold", "images", "mean"} <= each.keys() for each in results)


def evaluate(
    pairs: list[Pair],
    restorer: Restorer,
    threshold: float = 10.0,
    progress: Callable[[int], None] | None = None,
    metrics: Sequence[OwnMetric] = (),
    residual: Residual = "rain",
) -> Evaluation:
    """Measure what `restorer` makes of the pairs.

    Args:
        pairs: rainy and clean pictures; one pair at a time is in memory.
        threshold: of the rain mask, in grey levels.
        progress: called with the number of pairs done.
        metrics: figures of your own, beside those of METRICS (docs/how-to/own-loss.md).
        residual: what the degradation leaves of a picture.

    Raises:
        InputError: a picture or a result is missing or broken, sizes differ, the network cannot restore a picture, or
            the threshold is not within 0..255. The results in a folder are looked for before anything is measured.
    """
    if isinstance(restorer, FolderRestorer):
        restorer.check(pairs)
    return collect(_results(pairs, restorer), threshold, progress, metrics, residual)


def evaluate_network(
    pictures: Iterable[Sample],
    network: nn.Module,
    device: torch.device | str,
    threshold: float = 10.0,
    progress: Callable[[int], None] | None = None,
    residual: Residual = "rain",
) -> Evaluation:
    """Measure a network on pairs in memory, (name, rainy, clean); everything else as in `evaluate`.

    >>> clean = torch.full((3, 16, 16), 100, dtype=torch.uint8)
    >>> nothing = evaluate_network([("street", clean + 50, clean)], nn.Identity(), "cpu")
    >>> nothing.to_json()["mean"]["removal"], nothing.to_json()["mean"]["clean_error"]
    (0.0, 0.0)
    """
    results = network_results(pictures, NetworkRestorer(network, device))
    return collect(results, threshold, progress, residual=residual)


def network_results(pictures: Iterable[Sample], restorer: NetworkRestorer) -> Iterator[Result]:
    """Restore pairs in memory, one after the other. Errors as of `evaluate_network`."""
    for name, rainy, clean in pictures:
        with naming(name):
            yield Result(name, rainy, clean, restorer.picture(rainy), restorer.picture(clean))


def collect(
    results: Iterable[Result],
    threshold: float = 10.0,
    progress: Callable[[int], None] | None = None,
    metrics: Sequence[OwnMetric] = (),
    residual: Residual = "rain",
) -> Evaluation:
    """Measure results one by one, beside the rainy pictures as they are. Arguments and errors as of `evaluate`."""
    evaluation = Evaluation([], *(MetricSums(threshold, SENSITIVITY, metrics, residual) for _ in range(2)))
    for name, rainy, clean, restored, restored_clean in results:
        with naming(name):
            evaluation.restored.add(rainy, clean, restored, restored_clean)
        evaluation.untouched.add(rainy, clean, rainy, clean)
        evaluation.names.append(name)
        if progress is not None:
            progress(len(evaluation.names))
    return evaluation


def _results(pairs: list[Pair], restorer: Restorer) -> Iterator[Result]:
    for pair in pairs:
        rainy, clean = read_picture(pair.rainy), read_picture(pair.clean)
        yield Result(pair.name, rainy, clean, restorer.restore(pair, rainy), restorer.restore_clean(pair, clean))
