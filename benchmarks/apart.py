"""E_R and the removal beyond the range trained on, each taken apart, from the published results of the campaign.

    python -m benchmarks.apart

With O = B + R and the network f, the change of the rainy pixels is f(O) - O = -because + anyway, where

    because = R - (f(O) - f(B))     is taken away because of the rain, and
    anyway  = f(B) - B              is done to the same pixels without rain, damage.

So E_R^2 = because^2 + anyway^2 + interaction, as mean squares over the mask: the interaction is -2 times the mean
product of the two. It is large where a network that removes rain darkens the same pixels without rain as well; it falls
to 0 with either part. The published values are means over pictures of root mean squares, and the squares of these means
are compared here.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from statistics import fmean
from typing import Any

import tyro

from benchmarks.campaign import EIGHT, PAPER, PLAIN, RANGES, SEEDS
from derain.probe.response import ResponseMap
from derain.probe.trained import trained_streaks
from derain.study.judge.curves import Point, turning_interval, turns_at
from derain.study.judge.response import Part, by_parameter, within_and_beyond

RESULTS = Path("docs/results/campaign/results")
RESNET = {**PLAIN, "network": "resnet", "precision": "bfloat16"}
FEW, MANY = 8, 1024
THRESHOLDS = ("10", "50")
Trained = Mapping[str, Any]


def main(results: Path = RESULTS) -> None:
    """
    Args:
        results: files of published results.
    """
    every = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(results.glob("*.json"))]
    print("| t | trained on | fall of E_R^2 | because of the rain | without rain as well | interaction |")
    print("|---|---|---|---|---|---|")
    for threshold in THRESHOLDS:
        for rain in RANGES:
            print(row(threshold, rain, cell(every, PLAIN, rain, FEW), cell(every, PLAIN, rain, MANY)))
        print(row(threshold, "medium, ResNet", cell(every, RESNET, "medium", FEW), cell(every, RESNET, "medium", MANY)))
    for rain in RANGES:
        print(f"\n| {rain}: beyond the range by | cells | {FEW} backgrounds | {MANY} |\n|---|---|---|---|")
        for line in removal_by_parameter(cell(every, PLAIN, rain, FEW), cell(every, PLAIN, rain, MANY)):
            print(line)
    print("\n| trained on | streaks | turning point | in 95 % of draws of seeds |\n|---|---|---|---|")
    for rain in PAPER:
        for line in turns(every, rain):
            print(line)


def turns(every: Sequence[Trained], rain: str) -> Iterator[str]:
    """Turning points of the removal beyond the range, and at angles beyond it, over eight counts."""
    cells = {count: cell(every, PLAIN, rain, count) for count in EIGHT}
    beyond: Mapping[str, Callable[[Trained], float]] = {
        "beyond the range": outside,
        "at angles beyond it": lambda each: parts(each)["angle"].removal,
    }
    for name, value in beyond.items():
        curve = {count: Point([value(each) for each in group], {}, 0) for count, group in cells.items()}
        point, *ends = (f"{at:.0f}" if isfinite(at) else "none" for at in (turns_at(curve), *turning_interval(curve)))
        yield f"| {rain} | {name} | {point} | {' to '.join(ends)} |"


def cell(every: Sequence[Trained], plain: Mapping[str, Any], rain: str, count: int) -> list[Trained]:
    """The trainings of a rain and count, all else as in the core of the campaign."""
    wanted = {**plain, "rain": rain, "count": count}
    found = [each for each in every if all(each["axes"].get(axis) == value for axis, value in wanted.items())]
    return sorted((each for each in found if each["axes"]["seed"] in SEEDS), key=lambda each: each["axes"]["seed"])


def squares(trained: Trained, threshold: str) -> dict[str, float]:
    """E_R^2 and its three parts, in squared grey levels.

    >>> squares({"rain100l_apart": {"10": {"e_r": 5.0, "because": 3.0, "anyway": 2.0}}}, "10")
    {'e_r': 25.0, 'because': 9.0, 'anyway': 4.0, 'interaction': 12.0}
    """
    found = {name: trained["rain100l_apart"][threshold][name] ** 2 for name in ("e_r", "because", "anyway")}
    return {**found, "interaction": found["e_r"] - found["because"] - found["anyway"]}


def row(threshold: str, name: str, few: Sequence[Trained], many: Sequence[Trained]) -> str:
    """The fall from few to many backgrounds, and the shares of it; with those of every seed in brackets."""
    before, after = ([squares(each, threshold) for each in cell] for cell in (few, many))
    falls = {part: [one[part] - other[part] for one, other in zip(before, after, strict=True)] for part in before[0]}
    texts = [f"{fmean(falls['e_r']):.0f}"]
    for part in ("because", "anyway", "interaction"):
        shares = [f"{100 * own / whole:.0f}" for own, whole in zip(falls[part], falls["e_r"], strict=True)]
        seeds = f" ({', '.join(shares)})" if len(shares) > 1 else ""
        texts.append(f"{100 * fmean(falls[part]) / fmean(falls['e_r']):.0f} %{seeds}")
    return f"| {threshold} | {name} | {' | '.join(texts)} |"


def removal_by_parameter(few: Sequence[Trained], many: Sequence[Trained]) -> Iterator[str]:
    """Controlled removal, seed by seed, of streaks that are beyond the range trained on by the same parameters."""
    found = [[parts(each) for each in cell] for cell in (few, many)]
    for name, part in found[0][0].items():
        seeds = [", ".join(f"{each[name].removal:.2f}".replace("0.", ".") for each in cell) for cell in found]
        yield f"| {name} | {part.cells} | {' | '.join(seeds)} |"


def outside(trained: Trained) -> float:
    found = within_and_beyond(ResponseMap.from_json(trained["probe"]), trained_streaks(trained["run"]))
    assert found is not None  # the paper's ranges are of streaks
    return found[1]


def parts(trained: Trained) -> Mapping[str, Part]:
    return by_parameter(ResponseMap.from_json(trained["probe"]), trained_streaks(trained["run"]))


if __name__ == "__main__":
    tyro.cli(main)
