"""The reason that is given follows from the figures."""

from pathlib import Path

import pytest
from rich.console import Console

from derain.advice.report import draw_trade_off, explain, table, trade_off
from derain.advice.search import Candidate, Measurement, Search, Trial

FEW, MANY = Candidate("medium", 8), Candidate("medium", 64)


def results(few: float, many: float, error: float = 0.1) -> dict[Trial, Measurement]:
    return {
        Trial(FEW, 0): Measurement(few, error, few, removal=0.8, clean_error=20.0),
        Trial(MANY, 0): Measurement(many, error, many, removal=0.6, clean_error=8.0),
    }


@pytest.mark.parametrize(
    ("least", "few", "many", "error", "said", "not_said"),
    [
        (None, 25.0, 27.0, 0.1, "2.00 dB behind: more than the noise of 0.14 dB (over the pictures", "Either"),
        (None, 25.0, 25.1, 0.1, "Either may be the better one", "more than the noise"),
        (None, 25.0, 27.0, 0.1, "more may be better still", "No candidate"),
        (None, 27.0, 25.0, 0.1, "It has the highest score: 27.00 dB", "more may be better still"),
        (0.7, 25.0, 27.0, 0.1, "among those with a controlled removal of 0.7: 25.00 dB", "behind"),
        (0.9, 25.0, 27.0, 0.1, "has a controlled removal of 0.9; this one comes nearest, with 0.80", "behind"),
    ],
)
def test_the_reason(least: float | None, few: float, many: float, error: float, said: str, not_said: str) -> None:
    reason = explain(Search(("medium",), (8, 64), 2, least), results(few, many, error))
    assert said in reason
    assert not_said not in reason


def test_a_number_of_backgrounds_that_was_not_varied_is_said_to_be_unknown() -> None:
    space = Search(("medium",), (8, 64), 2)
    alone = "tried with this number of backgrounds alone"
    assert alone in explain(space, {Trial(MANY, 0): Measurement(27.0)})
    assert alone not in explain(space, results(25.0, 27.0))


def test_the_table_marks_what_is_recommended_and_the_curve() -> None:
    measured = results(25.0, 27.0) | {Trial(Candidate("wide", 8), 0): Measurement(20.0, 0.1, 20.0, 0.5, 30.0)}
    console = Console(width=100)
    with console.capture() as shown:
        console.print(table(measured, MANY, "recommended"))
    lines = [line.split() for line in shown.get().splitlines()]
    assert ["medium", "64", "1", "27.00", "27.00", "0.60", "8.0", "*", "recommended"] in lines
    assert ["medium", "8", "1", "25.00", "25.00", "0.80", "20.0", "*"] in lines
    assert ["wide", "8", "1", "20.00", "20.00", "0.50", "30.0"] in lines


def test_without_the_figures_there_is_no_curve(tmp_path: Path) -> None:
    bare = {Trial(FEW, 0): Measurement(25.0)}
    assert trade_off({FEW: Measurement(25.0)}) == []
    pytest.importorskip("matplotlib")
    assert draw_trade_off(bare, FEW, "recommended", tmp_path / "curve.png")
