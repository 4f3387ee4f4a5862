"""The findings of the search for people: lines, table, trade-off curve, recommendation, and the command to train it."""

import shlex
from collections.abc import Mapping
from dataclasses import fields
from io import BytesIO
from pathlib import Path
from statistics import fmean
from typing import Literal

from rich.table import Table

from derain.advice.search import Candidate, Measurement, Results, Search, gather, noise, ranking, score_spread
from derain.evaluation.statistics import mean_defined
from derain.support.files import write_bytes
from derain.training.settings import TrainingSettings

Summary = Mapping[Candidate, Measurement]


def describe_measurement(measurement: Measurement) -> str:
    """One line; the score is named where it is not the PSNR-Y itself.

    >>> describe_measurement(Measurement(score=27.0, error=0.2, psnr_y=27.0, removal=0.71, clean_error=12.0))
    'PSNR-Y 27.00 dB, controlled removal 0.71, clean error 12.0, standard error 0.20 dB'
    """
    parts = (
        ("score {:.2f} dB", None if measurement.score == measurement.psnr_y else measurement.score),
        ("PSNR-Y {:.2f} dB", measurement.psnr_y),
        ("controlled removal {:z.2f}", measurement.removal),
        ("clean error {:.1f}", measurement.clean_error),
        ("standard error {:.2f} dB", measurement.error),
    )
    return ", ".join(text.format(value) for text, value in parts if value is not None)


def explain(space: Search, results: Results) -> str:
    """Why the best candidate is recommended, what stands against it, and where the search could not see."""
    summary = average(results)
    best, *others = ranking(space, results)
    parts = []
    if not space.reaches([summary[best]]):
        parts.append(
            f"No candidate that was tried has a controlled removal of {space.min_removal:g}; "
            f"this one comes nearest, with {summary[best].removal:.2f}."
        )
    else:
        among = "" if space.min_removal is None else f" among those with a controlled removal of {space.min_removal:g}"
        parts.append(f"It has the highest score{among}: {summary[best].score:.2f} dB.")
        if others and space.reaches([summary[others[0]]]):
            difference, error = summary[best].score - summary[others[0]].score, noise(results, best, others[0])
            known = "from the spread over seeds"
            if score_spread(results) is None:
                known = "over the pictures; another seed may change more"
            clear = "more than" if difference > error else "within"
            parts.append(
                f"The next, {others[0]}, is {difference:.2f} dB behind: {clear} the noise of {error:.2f} dB ({known})."
            )
            if difference <= error:
                parts.append("Either may be the better one.")
    if len({candidate.count for candidate in summary if candidate.rain == best.rain}) == 1 < len(space.counts):
        parts.append(
            "It was tried with this number of backgrounds alone, so nothing is known of others: raise --budget."
        )
    elif best.count == space.counts[-1] > space.counts[0]:
        parts.append("It is the largest number of backgrounds that was offered: more may be better still.")
    return " ".join(parts)


def average(results: Results) -> dict[Candidate, Measurement]:
    """Every candidate's score and figures, means over its seeds."""

    return {
        candidate: Measurement(
            score=fmean(each.score for each in group),
            psnr_y=mean_defined([each.psnr_y for each in group]),
            removal=mean_defined([each.removal for each in group]),
            clean_error=mean_defined([each.clean_error for each in group]),
        )
        for candidate, group in gather(results).items()
    }


def trade_off(summary: Summary) -> list[Candidate]:
    """The curve of controlled removal against clean error, from the least clean error up: the candidates than which no
    other removes more of the rain at no more clean error.

    >>> weak, strong, poor = (Candidate("medium", count) for count in (512, 64, 8))
    >>> [each.count for each in trade_off({
    ...     weak: Measurement(28.0, removal=0.6, clean_error=8.0),
    ...     strong: Measurement(27.0, removal=0.8, clean_error=12.0),
    ...     poor: Measurement(20.0, removal=0.7, clean_error=40.0),
    ... })]
    [512, 64]
    """
    points = [
        (measurement.clean_error, -measurement.removal, candidate)
        for candidate, measurement in summary.items()
        if measurement.clean_error is not None and measurement.removal is not None
    ]
    curve: list[Candidate] = []
    least = float("inf")
    for _, left, candidate in sorted(points):
        if left < least:
            curve.append(candidate)
            least = left
    return curve


def table(results: Results, best: Candidate, called: str) -> Table:
    """All candidates that were measured, from the least clean error up, with those of the trade-off curve marked.

    Args:
        results: all measurements.
        best: the candidate that is marked by a word, too.
        called: this word, such as "recommended".
    """
    summary, seeds = average(results), {candidate: len(group) for candidate, group in gather(results).items()}
    curve = trade_off(summary)
    shown = Table(box=None, padding=(0, 1, 0, 0), caption_justify="left")
    shown.caption = "* trade-off curve: no other candidate removes more at no more clean error"
    for column in (
        "rain",
        "backgrounds",
        "seeds",
        "score\ndB",
        "PSNR-Y\ndB",
        "controlled\nremoval",
        "clean\nerror",
        "",
    ):
        justify: Literal["left", "right"] = "left" if column in ("rain", "") else "right"
        shown.add_column(column, justify=justify, vertical="bottom", no_wrap=True)
    for candidate, measured in sorted(summary.items(), key=lambda item: (item[1].clean_error or 0.0, item[0])):
        shown.add_row(
            candidate.rain,
            str(candidate.count),
            str(seeds[candidate]),
            f"{measured.score:.2f}",
            _number(measured.psnr_y, 2),
            _number(measured.removal, 2),
            _number(measured.clean_error, 1),
            ("*" if candidate in curve else " ") + (f" {called}" if candidate == best else ""),
        )
    return shown


def draw_trade_off(results: Results, best: Candidate, called: str, path: Path) -> bool:
    """Controlled removal against clean error as a PNG, a line a rain; False: matplotlib is not installed.

    Args:
        results, best, called: as of `table`.
        path: of the picture.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    summary = average(results)
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    for rain in dict.fromkeys(candidate.rain for candidate in summary):
        points = sorted(
            (candidate.count, measured.clean_error, measured.removal)
            for candidate, measured in summary.items()
            if candidate.rain == rain and measured.clean_error is not None and measured.removal is not None
        )
        axes.plot([error for _, error, _ in points], [removal for *_, removal in points], "o-", label=rain)
        for count, error, removal in points:
            axes.annotate(f"{count}", (error, removal), xytext=(5, 5), textcoords="offset points")
    chosen = summary[best]
    if chosen.clean_error is not None and chosen.removal is not None:
        axes.plot(chosen.clean_error, chosen.removal, "o", ms=16, mfc="none", mec="black", label=called)
    axes.set_xlabel("clean error (grey levels): what is done to a picture without rain; lower is better")
    axes.set_ylabel("controlled removal of unseen rain; higher is better")
    axes.set_title("numbers: backgrounds trained on")
    axes.grid(alpha=0.3)
    axes.margins(0.12)
    axes.legend()
    picture = BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    write_bytes(path, picture.getvalue())
    return True


def command(training: TrainingSettings, out: Path) -> str:
    """The command line of a training: what differs from the defaults, as flags.

    >>> command(TrainingSettings((Path("my photos"),), count=64, rain="wide", skip_bad=True), Path("runs/best"))
    "derain train --backgrounds 'my photos' --count 64 --skip-bad --rain wide --out runs/best"
    """
    words = ["derain", "train"]
    for field in fields(training):
        value = getattr(training, field.name)
        if value != field.default:
            words.append("--" + field.name.replace("_", "-"))
            words += [] if value is True else [str(each) for each in (value if isinstance(value, tuple) else (value,))]
    return shlex.join([*words, "--out", str(out)])


def _number(value: float | None, decimals: int) -> str:
    return "-" if value is None else f"{value:z.{decimals}f}"
