"""Verdicts on the paper's findings, and how often chance alone would give them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from derain.study.judge.curves import Figure, compared, figure_of, turning_interval
from derain.study.judge.results import Results
from derain.study.judge.rules import Curves, Level, Part, rules
from derain.study.judge.turning import NotTested


@dataclass(frozen=True)
class Verdict:
    """The ruling of one figure of merit on a part of a finding.

    Attributes:
        finding: such as "F4".
        part: of the finding, such as "flat"; "" where it has one only.
        figure: name of one of `derain.METRICS`.
        threshold: of the rain mask, 10 or 50; None: the figure does not depend on it.
        line: the curve, such as "unet, natural"; of a comparison, what its curves have in common.
        verdict: "reproduced", "indicated", "not reproduced" or "not tested".
        numbers: direction, size, spread and turning points that say why, or what is missing.
        chance: share of shuffles of the same points in which the rule is met, which is what luck alone does; None: the
            part is not tested.
    """

    finding: str
    part: str
    figure: str
    threshold: int | None
    line: str
    verdict: Level
    numbers: str
    chance: float | None


def judge(results: Results, complexity: Mapping[str, float] | None = None) -> list[Verdict]:
    """Verdicts on all findings of a study: finding by finding, figure by figure, curve by curve, part by part.

    Args:
        results: of the study; trainings that are not done are left out.
        complexity: structural complexity of the categories, by name, which F6b needs (docs/concepts/complexity.md).
    """
    by_finding = rules(complexity)
    verdicts = []
    for finding in results.study.findings:
        rule = by_finding[finding]
        for name, threshold in rule.figures:
            figure = figure_of(results.cells, name, threshold)
            for label, curves in compared(figure, rule.over):
                for part, how in rule.parts.items():
                    found = _judged(how, figure, rule.chosen(curves), rule.over)
                    verdicts.append(Verdict(finding, part, name, threshold, label, *found))
    return verdicts


def _judged(part: Part, figure: Figure, curves: Curves, over: Sequence[str]) -> tuple[Level, str, float | None]:
    try:
        if not curves:
            raise NotTested("no training with this figure is done")
        ruling = part.decide(figure, curves)
    except NotTested as missing:
        return "not tested", str(missing), None
    seeds = min(point.seeds for curve in curves.values() for point in curve.values())
    intervals = _intervals(curves, over) if part.turns else []
    numbers = [ruling.numbers, *intervals, "one seed" if seeds == 1 else f"{seeds} seeds"]
    chance = fmean(_is_met(part, figure, shuffled) for shuffled in part.shuffled(curves))
    return ruling.level(seeds), "; ".join(numbers), chance


def _intervals(curves: Curves, over: Sequence[str]) -> list[str]:
    """The turning points in 95 % of the draws of seeds and images, by what tells the curves apart."""
    texts = []
    for line, curve in curves.items():
        ends = " to ".join("none" if math.isinf(end) else f"{end:.0f}" for end in turning_interval(curve))
        texts.append(" ".join([*(line.told_by(axis) for axis in over[:1]), ends]))
    return [f"in 95 % of draws {', '.join(texts)}"]


def _is_met(part: Part, figure: Figure, curves: Curves) -> bool:
    try:
        return part.decide(figure, curves).met
    except NotTested:
        return False
