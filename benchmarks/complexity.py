"""Structural complexity of patches of 128x128 on one thread: the direct sum of overlaps over the single pass.

    python -m benchmarks.complexity

The direct sum makes all eight levels at full size, each from the patches themselves, and every overlap once; by NumPy
(the tests' reference) and by PyTorch. Repetitions are interleaved, the medians compared.
"""

from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter

import torch
from torch import Tensor

from benchmarks.history import Figure, show
from derain.evaluation.complexity import FACTOR, LEVELS, SIZE_PX, structural_complexity
from tests.reference.complexity_reference import bagrov

REPETITIONS = 50


def direct_numpy(patches: Tensor) -> Tensor:
    return torch.from_numpy(bagrov(patches.numpy(), FACTOR, LEVELS))


def direct_torch(patches: Tensor) -> Tensor:
    levels = [patches]
    for k in range(1, LEVELS + 1):
        means = torch.nn.functional.avg_pool2d(patches[:, None], FACTOR**k)
        levels.append(torch.nn.functional.interpolate(means, scale_factor=FACTOR**k)[:, 0])
    own = [(level * level).mean((1, 2)) for level in levels]
    shared = [(levels[k] * levels[k + 1]).mean((1, 2)) for k in range(LEVELS)]
    return torch.stack([(shared[k] - (own[k] + own[k + 1]) / 2).abs() for k in range(LEVELS)], 1)


def figures(repetitions: int = REPETITIONS) -> Iterator[Figure]:
    torch.set_num_threads(1)
    programs: tuple[Callable[[Tensor], Tensor], ...] = (structural_complexity, direct_numpy, direct_torch)
    for count in (16, 64):
        patches = torch.rand(count, SIZE_PX, SIZE_PX, dtype=torch.float64)
        times: dict[str, list[float]] = {program.__name__: [] for program in programs}
        for _ in range(repetitions):
            for program in programs:
                start = perf_counter()
                program(patches)
                times[program.__name__].append(1000 * (perf_counter() - start))
        single = median(times["structural_complexity"])
        for program in programs[1:]:
            torch.testing.assert_close(program(patches), structural_complexity(patches))
            peer = f"the speed of {program.__name__}"
            yield Figure(f"complexity, {count} patches", single, "ms", median(times[program.__name__]) / single, peer)


if __name__ == "__main__":
    show(figures())
