"""Search for the best candidate with few trainings: bisection on log2 of the backgrounds, where it promises most.

The search knows a candidate only through its measurements, so that trainings and replays of recorded grids share it.
It takes the score of a rain to have one peak along the counts. It is a function of the results so far: whatever has
been measured, `next_round` says what to measure next and why.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isinf, log2, sqrt
from statistics import fmean
from typing import NamedTuple

from derain.advice.settings import Preference
from derain.errors import InputError
from derain.evaluation.statistics import error_of_means, seed_spread

MOST_SEEDS = 3
_REMOVAL_DB, _CLEAN_ERROR_DB = 20.0, 0.5
_AT_ONCE = 2

# Standard error of the difference of two trainings, at least: by the campaign's spread over seeds of 0.3 dB.
_SEEDS_DB = 0.4


@dataclass(frozen=True, order=True)
class Candidate:
    """A piece of advice: a rain, by its name, and a number of backgrounds."""

    rain: str
    count: int

    def __str__(self) -> str:
        return f"{self.rain} rain on {self.count} backgrounds"


@dataclass(frozen=True, order=True)
class Trial:
    """One training of a candidate; seeds count from 0."""

    candidate: Candidate
    seed: int

    def __str__(self) -> str:
        return f"{self.candidate}, seed {self.seed}"


@dataclass(frozen=True)
class Measurement:
    """Results of a training.

    Attributes:
        score: what is sought to be highest, in dB (`score`).
        error: standard error of the score over the pictures, in dB; None where it is not known.
        psnr_y: mean over the probes, in dB, as are
        removal: controlled removal, and
        clean_error: in grey levels; None where they are not known.
        pictures: of every probe the pictures' scores, by which two measurements are compared picture by picture.
    """

    score: float
    error: float | None = None
    psnr_y: float | None = None
    removal: float | None = None
    clean_error: float | None = None
    pictures: tuple[tuple[float | None, ...], ...] = ()


Results = Mapping[Trial, Measurement]


class Round(NamedTuple):
    """Trials to measure next, at once, and the reason."""

    trials: tuple[Trial, ...]
    reason: str


@dataclass(frozen=True)
class Search:
    """The candidates, and what is asked of them.

    Attributes:
        rains: names of the rains.
        counts: numbers of backgrounds, ascending; the bisection is made for equal steps on a logarithmic scale.
        budget: trainings at most.
        min_removal: least controlled removal; a candidate below it comes after all that reach it.
        seeds: trainings of one candidate at most.

    Raises:
        InputError: no candidates, a count or a rain that is there twice, or a budget of less than a training a rain.
    """

    rains: tuple[str, ...]
    counts: tuple[int, ...]
    budget: int
    min_removal: float | None = None
    seeds: int = MOST_SEEDS

    def __post_init__(self) -> None:
        if not self.rains or not self.counts:
            raise InputError("advice needs at least one rain and one number of backgrounds to choose from")
        if list(self.counts) != sorted(set(self.counts)) or self.counts[0] < 1:
            raise InputError(f"the numbers of backgrounds must be positive and ascend, not {list(self.counts)}")
        for name in self.rains:
            if self.rains.count(name) > 1:
                raise InputError(f"two of the rains to choose from are called {name!r}")
        if self.budget < len(self.rains):
            raise InputError(
                f"a budget of {self.budget} trainings is less than one for each of the {len(self.rains)} rains: "
                f"raise --budget or give fewer --rains"
            )

    def value(self, measurements: Sequence[Measurement]) -> float:
        """Order of candidates: the mean score over seeds. Below the least removal it is the removal that
        counts, and any candidate that falls short has a lower value than any that does not.
        """
        if self.reaches(measurements):
            return fmean(each.score for each in measurements)
        return -1e6 + fmean(_removal(each) for each in measurements)

    def reaches(self, measurements: Sequence[Measurement]) -> bool:
        """True for a mean over seeds that has the least removal."""
        return self.min_removal is None or fmean(_removal(each) for each in measurements) >= self.min_removal


def score(preference: Preference, psnr_y: float, removal: float | None, clean_error: float | None) -> float:
    """Score to be highest, in dB: PSNR-Y, and by preference 2 dB more for every tenth of the rain that is
    removed (controlled removal) or 0.5 dB less for every grey level of clean error.

    Raises:
        InputError: the figure that the preference weighs is missing.

    >>> score("balanced", 27.0, 0.7, 12.0), score("removal", 27.0, 0.7, 12.0), score("picture", 27.0, 0.7, 12.0)
    (27.0, 41.0, 21.0)
    """
    if preference == "balanced":
        return psnr_y
    extra = removal if preference == "removal" else clean_error
    if extra is None:
        needed = "controlled removal" if preference == "removal" else "clean error"
        raise InputError(f"--prefer {preference} needs the {needed}, which is not among the figures")
    return psnr_y + _REMOVAL_DB * extra if preference == "removal" else psnr_y - _CLEAN_ERROR_DB * extra


def search(
    space: Search,
    measure: Callable[[Sequence[Trial]], Sequence[Measurement]],
    report: Callable[[Round], None] = lambda step: None,
) -> dict[Trial, Measurement]:
    """Measure what `next_round` asks for until it asks for nothing more.

    Args:
        space: the candidates.
        measure: gives a measurement for every trial of a round, in their order.
        report: called with every round before it is measured.

    >>> def measure(trials):
    ...     return [Measurement(score=28 - abs(trial.candidate.count - 64) / 64) for trial in trials]
    >>> results = search(Search(("medium",), (8, 16, 32, 64, 128, 256, 512), budget=5), measure)
    >>> ranking(Search(("medium",), (8, 16, 32, 64, 128, 256, 512), budget=5), results)[0].count
    64
    """
    results: dict[Trial, Measurement] = {}
    while (step := next_round(space, results)) is not None:
        report(step)
        results.update(zip(step.trials, measure(step.trials), strict=True))
    return results


def next_round(space: Search, results: Results) -> Round | None:
    """Trials to measure next; None: the budget is spent, or more trainings would hardly change the choice.

    1. Every rain in the middle of the counts.
    2. The leading rain, and the most promising other one, each in the middle of a gap beside its best count or one that
       cannot be told from it: first at larger counts, then in the widest gap. A rain is promising if it would pass the
       best score there by rising as steeply as any was seen to change, and by what is within the noise.
    3. Where neither is left: another seed of the two best candidates as long as they are within the noise, and once in
       any case, since the pictures of a single training do not show how much seeds differ.
    """
    left = space.budget - len(results)
    if left == 0:
        return None
    if not results:
        middle = space.counts[len(space.counts) // 2]
        return Round(tuple(Trial(Candidate(rain, middle), 0) for rain in space.rains), "a first look at every rain")
    return _bisect(space, results, left) or _repeat(space, results, left)


def ranking(space: Search, results: Results) -> list[Candidate]:
    """The candidates that were measured, best first."""
    by_candidate = gather(results)
    return sorted(by_candidate, key=lambda candidate: -space.value(by_candidate[candidate]))


def gather(results: Results) -> dict[Candidate, list[Measurement]]:
    """The measurements of every candidate, over its seeds."""
    gathered: dict[Candidate, list[Measurement]] = {}
    for trial, measurement in results.items():
        gathered.setdefault(trial.candidate, []).append(measurement)
    return gathered


def score_spread(results: Results, count: int | None = None) -> float | None:
    """Spread of the score over seeds (`derain.evaluation.statistics.seed_spread`) of the candidates that have several.

    Args:
        results: all measurements.
        count: of those with this number of backgrounds only, where there are any: with few backgrounds seeds differ
            many times as much as with many (docs/results/removal-or-damage.md).
    """
    scores = {candidate: [each.score for each in group] for candidate, group in gather(results).items()}
    alike = seed_spread(values for candidate, values in scores.items() if candidate.count == count)
    return seed_spread(scores.values()) if alike is None else alike


def noise(results: Results, first: Candidate, second: Candidate) -> float:
    """Standard error of the difference between two candidates' scores, in dB.

    From the spread over seeds where it is known; otherwise from the paired differences over the pictures of their only
    trainings, or from the errors that these state. It is 0 where nothing is known.
    """
    gathered = gather(results)
    a, b = gathered[first], gathered[second]
    spreads = [score_spread(results, candidate.count) for candidate in (first, second)]
    if spreads[0] is not None and spreads[1] is not None:
        return sqrt(spreads[0] ** 2 / len(a) + spreads[1] ** 2 / len(b))
    if a[0].pictures and b[0].pictures:
        pairs = zip(a[0].pictures, b[0].pictures, strict=True)
        return error_of_means([_differences(*pair) for pair in pairs])
    return sqrt((a[0].error or 0.0) ** 2 + (b[0].error or 0.0) ** 2)


def _bisect(space: Search, results: Results, left: int) -> Round | None:
    """The leading rain and the most promising other one, each in the middle of a gap beside its best counts."""
    ranked, by_candidate = ranking(space, results), gather(results)
    best_of = {candidate.rain: candidate for candidate in reversed(ranked)}
    steepest = _steepest(space, by_candidate)
    promising: list[tuple[float, Candidate, Candidate]] = []
    for rain in dict.fromkeys(candidate.rain for candidate in ranked):
        own = [candidate for candidate in ranked if candidate.rain == rain]
        tried = [candidate.count for candidate in own]
        count = _gap(space.counts, tried, _near(space, results, own))
        if count is not None:
            rise = steepest * min(abs(log2(count / each)) for each in tried)
            # By its score, even below the least removal: it may reach that at another count.
            reached = fmean(each.score for each in by_candidate[best_of[rain]])
            promise = reached + rise + noise(results, best_of[rain], ranked[0])
            if rain == ranked[0].rain:
                promise = inf
            if promise > space.value(by_candidate[ranked[0]]):
                promising.append((promise, best_of[rain], Candidate(rain, count)))
    # Sorting is stable: where promises are equal, as they are at first, the better score stays in front.
    chosen = sorted(promising, key=lambda entry: -entry[0])[: min(_AT_ONCE, left)]
    if not chosen:
        return None
    reason = " and ".join(
        f"{best.rain} {'above' if candidate.count > best.count else 'below'} its best, {best.count}"
        for _, best, candidate in chosen
    )
    if not isinf(steepest):
        reason += f" (scores were seen to change by up to {steepest:.2f} dB a doubling)"
    return Round(tuple(Trial(candidate, 0) for *_, candidate in chosen), reason)


def _near(space: Search, results: Results, ranked: Sequence[Candidate]) -> list[int]:
    """Counts of those candidates of a rain that cannot be told from its best, which is the first of them."""
    by_candidate = gather(results)
    best = space.value(by_candidate[ranked[0]])
    return [
        each.count
        for each in ranked
        if each is ranked[0]
        or best - space.value(by_candidate[each]) <= max(noise(results, ranked[0], each), _SEEDS_DB)
    ]


def _steepest(space: Search, by_candidate: Mapping[Candidate, Sequence[Measurement]]) -> float:
    """The largest change of score seen, per doubling, between neighbouring counts of a rain; infinite at first."""
    ordered = sorted(candidate for candidate, group in by_candidate.items() if space.reaches(group))
    return max(
        (
            abs(space.value(by_candidate[b]) - space.value(by_candidate[a])) / log2(b.count / a.count)
            for a, b in pairwise(ordered)
            if a.rain == b.rain
        ),
        default=inf,
    )


def _gap(counts: Sequence[int], tried: Sequence[int], near: Sequence[int]) -> int | None:
    """The count in the middle of a run of untried ones beside one of those `near` the best: first of the larger counts,
    then of the widest run.

    >>> counts = (8, 16, 32, 64, 128, 256, 512)
    >>> _gap(counts, tried=[32], near=[32]), _gap(counts, tried=[64, 8, 256], near=[64])
    (128, 32)
    >>> _gap(counts, tried=[64, 128, 32], near=[64]), _gap(counts, tried=[64, 128, 32], near=[64, 128])
    (None, 256)
    """
    ends = [-1, *sorted(counts.index(count) for count in tried), len(counts)]
    close = {counts.index(count) for count in near}
    runs = [(b - a, a, b) for a, b in pairwise(ends) if b - a > 1 and close & {a, b}]
    if not runs:
        return None
    # Scores mostly rise with the count (docs/results/index.md).
    _, a, b = max(runs, key=lambda run: (len(tried) == 1 and run[1] in close, run))
    # In the middle, and of two middle ones that which is closer to the near end.
    return counts[(a + b) // 2 if a in close else (a + b + 1) // 2]


def _repeat(space: Search, results: Results, left: int) -> Round | None:
    """Another seed of the two best candidates, or of the one that has fewer."""
    ranked = ranking(space, results)
    by_candidate = gather(results)
    if len(ranked) < 2 or not space.reaches(by_candidate[ranked[1]]):
        return None
    first, second = ranked[:2]
    seeds = {candidate: len(by_candidate[candidate]) for candidate in (first, second)}
    fewest = min(seeds.values())
    difference = space.value(by_candidate[first]) - space.value(by_candidate[second])
    error = noise(results, first, second)
    known = score_spread(results) is not None
    if fewest == space.seeds or (known and difference > error):
        return None
    trials = [Trial(candidate, fewest) for candidate in (first, second) if seeds[candidate] == fewest]
    why = f"within the noise of {error:.2f} dB" if known else "and how much seeds differ is not known yet"
    reason = f"another seed, as {first} and {second} differ by {difference:.2f} dB, {why}"
    return Round(tuple(trials[:left]), reason)


def _differences(first: Sequence[float | None], second: Sequence[float | None]) -> list[float]:
    return [x - y for x, y in zip(first, second, strict=True) if x is not None and y is not None]


def _removal(measurement: Measurement) -> float:
    if measurement.removal is None:
        raise InputError("--min-removal needs the controlled removal, which is not among the figures")
    return measurement.removal
