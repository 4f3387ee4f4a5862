"""The figures of a system on a test set of a study."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from torch import nn

from derain.evaluation.evaluate import Result as Restored
from derain.evaluation.evaluate import Sample, collect, network_results
from derain.evaluation.metrics import e_r
from derain.evaluation.statistics import mean_defined
from derain.evaluation.test_sets import Test
from derain.restoration.pairs import AnySizeRestorer
from derain.study.run.result import Measured, Result
from derain.study.run.store import THRESHOLDS

Restore = Callable[[Test, Iterable[Sample]], Iterable[Restored]]
"""Restores the samples of a test set, one after the other."""


@dataclass(frozen=True)
class System:
    """A system that is ready to be measured.

    Attributes:
        result: all that is known of it, without figures.
        restore: how it restores.
        network: in float32; None: it is not a network.
    """

    result: Result
    restore: Restore
    network: nn.Module | None


def by_network(network: nn.Module, device: str) -> Restore:
    """Restore with a network that maps RGB 0..1, (n, 3, h, w), to the same."""
    restorer = AnySizeRestorer(network, device)
    return lambda test, samples: network_results(samples, restorer)


def measure(test: Test, content: str, restore: Restore) -> Measured:
    """Measure what a system makes of a test set.

    Args:
        test: the test set.
        content: hash of what it shows.
        restore: how the system restores.

    Raises:
        InputError: a picture is bad, or the system cannot restore it.
    """
    perfect: dict[int, list[float | None]] = {threshold: [] for threshold in THRESHOLDS}

    def samples() -> Iterator[Sample]:
        for name, rainy, clean in test.samples():
            for threshold, values in perfect.items():
                values.append(e_r(clean, rainy, clean, float(threshold)))
            yield name, rainy, clean

    evaluation = collect(restore(test, samples()), residual=test.residual)
    return Measured(
        content=content,
        names=evaluation.names,
        mean={threshold: evaluation.restored.mean(float(threshold)) for threshold in THRESHOLDS},
        images={threshold: evaluation.restored.images(float(threshold)) for threshold in THRESHOLDS},
        input={threshold: evaluation.untouched.mean(float(threshold)) for threshold in THRESHOLDS},
        sensitivity={int(threshold): means for threshold, means in evaluation.sensitivity().items()},
        perfect_e_r={threshold: mean_defined(values) for threshold, values in perfect.items()},
    )
