"""The search as a function of what has been measured: where it looks next, when it repeats, when it stops."""

from collections.abc import Callable, Sequence

import pytest

from derain.advice.search import Candidate, Measurement, Search, Trial, next_round, noise, ranking, score, search
from derain.errors import InputError

COUNTS = (8, 16, 32, 64, 128, 256, 512, 1024)
RAINS = ("small", "medium", "large", "wide")
HEIGHT = {"small": 24.0, "medium": 25.0, "large": 27.0, "wide": 26.0}


def step(count: int) -> int:
    return COUNTS.index(count)


def peak(at: int, slope: float = 0.5) -> Callable[[Candidate], float]:
    return lambda candidate: HEIGHT[candidate.rain] - slope * abs(step(candidate.count) - at)


def measure(value: Callable[[Candidate], float], error: float | None = None) -> Callable:
    return lambda trials: [Measurement(value(trial.candidate), error) for trial in trials]


def found(space: Search, value: Callable[[Candidate], float], error: float | None = None) -> Candidate:
    return ranking(space, search(space, measure(value, error)))[0]


@pytest.mark.parametrize("at", range(len(COUNTS)))
def test_eight_trainings_find_the_best_rain_and_its_count_within_a_doubling(at: int) -> None:
    best = found(Search(RAINS, COUNTS, budget=8), peak(at, slope=0.1))
    assert best.rain == "large"
    # With two trainings more for the leading rain than its first, the ends are not always reached.
    assert abs(step(best.count) - at) <= (2 if at == 0 else 1)


@pytest.mark.parametrize("at", range(len(COUNTS)))
def test_with_enough_budget_the_count_is_exact_and_most_of_the_grid_untouched(at: int) -> None:
    space = Search(("large", "wide"), COUNTS, budget=100, seeds=1)
    results = search(space, measure(peak(at)))
    assert ranking(space, results)[0] == Candidate("large", COUNTS[at])
    assert len(results) <= 12


def test_every_rain_first_then_the_leading_one_and_what_may_still_pass_it() -> None:
    rounds: list[Sequence[Trial]] = []
    search(
        Search(RAINS, COUNTS, budget=8),
        measure(peak(6)),
        lambda each: rounds.append([(trial.candidate.rain, trial.candidate.count) for trial in each.trials]),
    )
    assert rounds == [
        [(rain, 128) for rain in RAINS],
        [("large", 512), ("wide", 512)],
        # At half a decibel a doubling the other rains, a decibel or more behind, do not reach the leading one.
        [("large", 1024)],
        [("large", 256)],
    ]


def test_the_budget_is_never_exceeded() -> None:
    for budget in range(4, 30):
        assert len(search(Search(RAINS, COUNTS, budget), measure(peak(3), error=10.0))) <= budget


def test_the_two_best_are_repeated_while_they_are_within_the_noise() -> None:
    def measure_noisily(trials: Sequence[Trial]) -> list[Measurement]:
        return [Measurement(25.0 + 0.001 * trial.candidate.count + (-1) ** trial.seed * 0.5) for trial in trials]

    space = Search(("medium",), (8, 16, 32), budget=20)
    seeds = [trial.seed for trial in search(space, measure_noisily) if trial.candidate.count == 32]
    assert seeds == [0, 1, 2]


def test_seeds_that_agree_are_repeated_once_to_know_that_they_do() -> None:
    results = search(Search(("medium",), (8, 16, 32), budget=20), measure(lambda candidate: float(candidate.count)))
    assert sorted(trial.seed for trial in results) == [0, 0, 1, 1]


def test_noise_is_the_spread_over_seeds_where_it_is_known() -> None:
    first, second = Candidate("medium", 8), Candidate("medium", 16)
    once = {
        Trial(first, 0): Measurement(2.0, error=3.0),
        Trial(second, 0): Measurement(5.0, error=4.0),
    }
    assert noise(once, first, second) == pytest.approx(5.0)
    again = once | {Trial(first, 1): Measurement(4.0)}
    assert noise(again, first, second) == pytest.approx(2**0.5 * 1.5**0.5)


def test_counts_closer_than_seeds_differ_are_both_looked_around_even_where_pictures_tell_them_apart() -> None:
    def asked(behind: float) -> list[Trial]:
        """The next trainings where 128 backgrounds are `behind` dB behind 64 and every picture is, too."""
        scores = {32: 23.0, 64: 25.0, 128: 25.0 - behind}
        step = next_round(
            Search(("medium",), COUNTS, budget=20),
            {
                Trial(Candidate("medium", count), 0): Measurement(value, pictures=((value, value + 1),))
                for count, value in scores.items()
            },
        )
        assert step is not None
        return list(step.trials)

    # The standard error between two trainings that differ in their seeds alone is at least 0.4 dB.
    assert asked(behind=0.38) == [Trial(Candidate("medium", 512), 0)]
    assert asked(behind=0.42) == [Trial(Candidate("medium", count), 1) for count in (64, 128)]


def test_without_seeds_pictures_are_compared_with_themselves() -> None:
    first, second = Candidate("medium", 8), Candidate("medium", 16)
    results = {
        # The same pictures, easy and hard ones: the difference is 1 for all of them, and None says nothing.
        Trial(first, 0): Measurement(20.0, error=5.0, pictures=((10.0, 30.0, None), (15.0, 25.0, 20.0))),
        Trial(second, 0): Measurement(21.0, error=5.0, pictures=((11.0, 31.0, 7.0), (16.0, 26.0, 21.0))),
    }
    assert noise(results, first, second) == 0


def test_below_the_least_removal_the_nearest_counts() -> None:
    def falling(trials: Sequence[Trial]) -> list[Measurement]:
        """More backgrounds, a better picture and less removal."""
        return [
            Measurement(20.0 + step(trial.candidate.count), removal=0.9 - 0.1 * step(trial.candidate.count))
            for trial in trials
        ]

    for least, best in ((0.45, 128), (0.65, 32), (2.0, 8), (-1.0, 1024)):
        space = Search(("medium",), COUNTS, budget=20, min_removal=least)
        assert ranking(space, search(space, falling))[0].count == best


def test_a_rain_that_reaches_the_least_removal_at_few_backgrounds_alone_is_not_given_up() -> None:
    def falling(trials: Sequence[Trial]) -> list[Measurement]:
        steps = [step(trial.candidate.count) for trial in trials]
        return [
            Measurement(HEIGHT[trial.candidate.rain] - 0.5 * abs(at - 4), removal=0.85 - 0.03 * at)
            for trial, at in zip(trials, steps, strict=True)
        ]

    for rains in (RAINS, tuple(reversed(RAINS))):
        space = Search(rains, COUNTS, budget=16, min_removal=0.75)
        best = ranking(space, search(space, falling))[0]
        assert best.rain == "large"
        assert best.count in (32, 64)


def test_a_preference_moves_the_score_and_needs_its_figure() -> None:
    few, many = (25.0, 0.85, 14.0), (26.5, 0.7, 8.0)
    assert score("balanced", *few) < score("balanced", *many)
    assert score("removal", *few) > score("removal", *many)
    assert score("picture", *many) - score("picture", *few) > score("balanced", *many) - score("balanced", *few)
    with pytest.raises(InputError, match="--prefer removal needs the controlled removal"):
        score("removal", 25.0, None, 3.0)
    with pytest.raises(InputError, match="--min-removal needs the controlled removal"):
        found(Search(("medium",), COUNTS, 3, min_removal=0.5), peak(3))


def test_nothing_is_left_to_do_when_all_is_measured() -> None:
    space = Search(("medium",), (8,), budget=5)
    assert next_round(space, {Trial(Candidate("medium", 8), 0): Measurement(1.0)}) is None


@pytest.mark.parametrize(
    ("rains", "counts", "budget", "sentence"),
    [
        (RAINS, COUNTS, 3, "a budget of 3 trainings is less than one for each of the 4 rains"),
        (RAINS, (), 8, "at least one rain and one number of backgrounds"),
        ((), COUNTS, 8, "at least one rain and one number of backgrounds"),
        (RAINS, (16, 8), 8, "must be positive and ascend"),
        (RAINS, (0, 8), 8, "must be positive and ascend"),
        (("wide", "wide"), COUNTS, 8, "two of the rains to choose from are called 'wide'"),
    ],
)
def test_what_cannot_be_searched_is_refused(rains: tuple, counts: tuple, budget: int, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        Search(rains, counts, budget)
