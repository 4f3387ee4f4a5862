"""Results of the campaign beyond its report: every result, rounded, E_R taken apart, regimes, replayed advice.

    mkdir -p runs/campaign && cp -r docs/results/campaign/results runs/campaign/
    derain study run studies/f5.toml --seeds 0 1 --scale cpu --out runs/campaign
    derain study run studies/beyond/wide.toml studies/beyond/wide_causes.toml --scale cpu --out runs/campaign
    derain study report runs/campaign
    python -m benchmarks.campaign --results runs/campaign --out docs/results/campaign --images docs/images \\
        --data "$DERAIN_DATA"

What was measured before, copied by the first line, is not trained again, so that a campaign can be run in parts, on
several machines; without that line all of it is. Nothing is trained here. Networks that were trained here are run once
more on the test pairs, to tell what they do because of the rain from what they do to the picture anyway. With `--photo`
some restore a photo, for which their weights must be there.
"""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from math import ceil, log2
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, get_args

import numpy as np
import torch
import tyro
from torch import Tensor

from benchmarks.probe import correlation
from derain.advice.replay import Replay, read_grid, replay, replay_everything_once
from derain.advice.search import gather
from derain.advice.settings import Preference
from derain.evaluation.restorers import NetworkRestorer
from derain.evaluation.statistics import seed_spread, standard_error
from derain.networks import load_model
from derain.pictures.images import read_image
from derain.pictures.pairs import match_pairs
from derain.probe.maps import rain_maps
from derain.probe.response import ResponseMap
from derain.probe.space import FULL
from derain.probe.trained import boxes, trained_streaks
from derain.rain import RainRange, compose, load_rain
from derain.rain.streaks import Streaks
from derain.study.judge.response import within_and_beyond
from derain.study.judge.turning import NotTested, turning_point
from derain.study.report.figures import Quantity
from derain.study.run.store import FORMAT, Store
from derain.support.files import make_folder, write_bytes, write_json
from derain.support.pages import drawing
from derain.support.randomness import generator
from derain.training.checkpoint import MODEL

STREAKS = rain_maps(FULL)[0]
DRAWN = (
    "f5.cpu", "f5.cpu.within-and-beyond", "f6a.cpu", "f7.cpu", "f10.cpu", "f6a.cpu.within-and-beyond", "f11.cpu",
    "resnet.gpu", "resnet.gpu.response", "longer.cpu.within-and-beyond",
)  # fmt: skip
SIDE_PX = 256
TESTS = ("rain100l", "rain12", "ddn_sirr")
PAPER = ("small", "medium", "large")
RANGES = (*PAPER, "wide")
PLAIN = {
    "network": "unet:base=16,levels=4,norm=none,activation=leaky_relu",
    "category": "natural",
    "length": 1.0,
    "precision": "float32",
}
COUNTS = (8, 64, 256, 1024)
EIGHT = (8, 16, 32, 64, 128, 256, 512, 1024)  # on Rain100L, under the paper's ranges
SEEDS = (0, 1)  # those that every count and rain has
PREFERENCES = get_args(Preference)
COLOURS = {"small": "#0072b2", "medium": "#d55e00", "large": "#009e73", "wide": "#cc79a7"}
Trainings = list[dict[str, Any]]


def main(results: Path, out: Path, images: Path, data: Path | None = None, photo: Path | None = None) -> None:
    """
    Args:
        results: folder of `derain study run`.
        out: for the JSON files.
        images: for the figures.
        data: folder with rain/rain100l; without it E_R is not taken apart.
        photo: not trained on, to be shown restored.
    """
    store = Store(results)
    make_folder(out / "results")
    trainings = []
    for identity, result in finished(store):
        published = {"format": FORMAT, **publish(store, identity, result, data)}
        write_bytes(out / "results" / f"{identity}.json", json.dumps(published, separators=(",", ":")).encode())
        if published["axes"]["count"] is not None:  # a given system has none
            trainings.append(small(identity, published))
    write_json(out / "photos.json", photos(store, out / "photos.json"))
    alike = [
        t
        for t in trainings
        if all(t[axis] == value for axis, value in PLAIN.items()) and t["count"] in EIGHT and t["seed"] in SEEDS
    ]
    plain = [t for t in alike if t["count"] in COUNTS]
    for test in TESTS:
        print(f"\n{test}")
        print_table([t for t in trainings if test in t["tests"]], test)
    report = results / "report"
    write_bytes(out / "report.json", (report / "report.json").read_bytes())
    for name in DRAWN:
        if (drawn := report / "figures" / f"{name}.png").exists():
            write_bytes(images / f"campaign-{name.replace('.cpu', '')}.png", drawn.read_bytes())
    print_verdicts(out / "report.json")
    print_correlations(trainings)
    print_parts(alike)
    with drawing():
        if all(training["rain100l_apart"] for training in plain):
            save(draw_apart(plain), images / "campaign-apart.png")
        if photo is not None:
            save(draw_pictures(plain, store, photo), images / "campaign-pictures.jpg")
        save(draw_inside_outside(alike), images / "campaign-inside-outside.png")
        save(draw_regimes(plain), images / "campaign-regimes.png")
        save(draw_balance(plain), images / "campaign-balance.png")
    replays = [*replay_all(plain, out, RANGES, COUNTS), *replay_all(alike, out, PAPER, EIGHT, "-eight-counts")]
    write_json(out / "replays.json", replays)
    print_replays(replays)


def finished(store: Store) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((store.folder / "results").glob("*.json")):
        result = store.result(path.stem)
        assert result is not None
        yield path.stem, result.to_json()


def photos(store: Store, published: Path) -> dict[str, list[str]]:
    """The names of the photos and pairs of every set that was ever trained on or measured with."""
    known, seen = (json.loads(p.read_text()) if p.exists() else {} for p in (published, store.folder / "data.json"))
    return dict(sorted({**known, **{name: sorted(files) for name, files in seen.get("sets", {}).items()}}.items()))


def publish(store: Store, identity: str, result: dict[str, Any], data: Path | None) -> dict[str, Any]:
    """A result to five digits, with what is made of it where its network is at hand."""
    has_network = (store.run(identity) / MODEL).exists()
    if "rain100l_apart" not in result and has_network and data is not None and "rain100l" in result["tests"]:
        result["rain100l_apart"] = take_apart(store, identity, data)
    for test in result["tests"].values() if result["axes"]["count"] is not None else ():
        test.setdefault("psnr_y_error", standard_error([image["psnr_y"] for image in test["images"]["10"]]))
    return dict(rounded(result))


def small(identity: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """A training as the tables and figures below need it."""
    probe = result.get("probe")
    return {
        "id": identity,
        **result["axes"],
        "tests": result["tests"],
        "rain100l_apart": result.get("rain100l_apart"),
        "response": probe,
        "parts": parts(ResponseMap.from_json(probe), result["run"]) if probe else {},
    }


def parts(response: ResponseMap, header: Mapping[str, Any]) -> dict[str, float]:
    """Controlled removal of the probe's streaks within the range trained on, beyond it, and, to compare ranges on the
    same streaks, beyond the largest range of the paper.
    """
    own = within_and_beyond(response, trained_streaks(header))
    large = within_and_beyond(response, trained_streaks({"objective": {"rain": load_rain("large").describe()}}))
    found = dict(zip(("within its range", "beyond it"), own, strict=True)) if own else {}
    return found | ({"beyond large": large[1]} if large else {})


def rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: rounded(entry) for key, entry in value.items()}
    return [rounded(entry) for entry in value] if isinstance(value, list | tuple) else value


def take_apart(store: Store, identity: str, data: Path) -> dict[str, dict[str, float]]:
    """E_R taken apart, as benchmarks/apart.py defines it: the root mean squares over the mask of what is done "because"
    of the rain and "anyway", and of both together, "e_r", as means over the pairs. The squares of the two do not add up
    to that of E_R: the rest is their interaction.
    """
    path = store.run(identity) / "taken_apart.json"
    if path.exists():
        return dict(json.loads(path.read_text(encoding="utf-8")))
    restorer = NetworkRestorer(load_model(store.run(identity) / MODEL)[0], "cpu")
    found: dict[str, dict[str, list[float]]] = {t: {"e_r": [], "because": [], "anyway": []} for t in ("10", "50")}
    for pair in match_pairs(data / "rain/rain100l/rainy", data / "rain/rain100l/clean"):
        rainy, clean = (torch.from_numpy(read_image(each)).movedim(-1, 0) for each in (pair.rainy, pair.clean))
        derained, kept = (restorer.picture(each).float() for each in (rainy, clean))
        rainy, clean = rainy.float(), clean.float()
        rain = rainy - clean
        for threshold, values in found.items():
            mask = rain.amax(0) > float(threshold)
            values["e_r"].append(rms(derained - rainy, mask))
            values["because"].append(rms(rain - (derained - kept), mask))
            values["anyway"].append(rms(kept - clean, mask))
    means = {t: {name: fmean(entries) for name, entries in values.items()} for t, values in found.items()}
    write_json(path, means)
    return means


def rms(values: Tensor, mask: Tensor) -> float:
    return float(values[:, mask].square().mean().sqrt())


def cells(trainings: Trainings, rain: str) -> dict[int, Trainings]:
    """The trainings of a rain by their counts."""
    found: dict[int, Trainings] = {}
    for training in trainings:
        if training["rain"] == rain:
            found.setdefault(training["count"], []).append(training)
    return dict(sorted(found.items()))


def spread(values: Sequence[float]) -> float:
    return stdev(values) if len(values) > 1 else 0.0


def print_table(trainings: Trainings, test: str) -> None:
    """Means over seeds, with the standard deviation over them behind +-."""
    columns = {
        "E_R, t=50": lambda t: t["tests"][test]["mean"]["50"]["e_r"],
        "E_R, t=10": lambda t: t["tests"][test]["mean"]["10"]["e_r"],
        "E_B, t=50": lambda t: t["tests"][test]["mean"]["50"]["e_b"],
        "removal, t=50": lambda t: t["tests"][test]["mean"]["50"]["removal"],
        "controlled removal, t=50": lambda t: t["tests"][test]["mean"]["50"]["removal_controlled"],
        "controlled removal, t=10": lambda t: t["tests"][test]["mean"]["10"]["removal_controlled"],
        "clean error": lambda t: t["tests"][test]["mean"]["10"]["clean_error"],
        "PSNR-Y": lambda t: t["tests"][test]["mean"]["10"]["psnr_y"],
        "within its range": lambda t: t["parts"].get("within its range"),
        "beyond it": lambda t: t["parts"].get("beyond it"),
        "area, bounded": lambda t: t["response"] and t["response"]["area"]["value"],
        "area": lambda t: t["response"] and t["response"]["area_unbounded"]["value"],
    }
    print("| trained on | backgrounds | seeds |", " | ".join(columns), "|")
    print("|---|---|---|" + "---|" * len(columns))
    groups: dict[tuple[str, int], Trainings] = {}
    for training in trainings:
        groups.setdefault((kind(training), training["count"]), []).append(training)
    for (name, count), group in sorted(groups.items()):
        texts = []
        for column, value in columns.items():
            values = [found for t in group if (found := value(t)) is not None]
            digits = 1 if column.startswith(("E_", "clean", "PSNR")) else 2
            bar = f" ± {spread(values):.{digits}f}" if len(values) > 1 else ""
            texts.append(f"{fmean(values):.{digits}f}{bar}" if values else "-")
        print(f"| {name} | {count} | {len(group)} |", " | ".join(texts), "|")


def kind(training: Mapping[str, Any]) -> str:
    """The rain, and on which axes a training differs from most."""
    return ", ".join(
        [training["rain"], *(f"{axis} {training[axis]}" for axis in PLAIN if training[axis] != PLAIN[axis])]
    )


def print_correlations(trainings: Trainings) -> None:
    """Spearman's rank correlation of what the response map says with what the test sets say, over all networks."""
    for test in TESTS:
        tested = [t for t in trainings if t["response"] and test in t["tests"]]
        said = {
            "area": [t["response"]["area_unbounded"]["value"] for t in tested],
            "area, bounded": [t["response"]["area"]["value"] for t in tested],
        }
        for name, figure in ((n, f) for n in said for f in ("e_r", "removal_controlled", "psnr_y", "clean_error")):
            found = [t["tests"][test]["mean"]["10"][figure] for t in tested]
            print(f"{test}: {name} with {figure}: {correlation(said[name], found)} ({len(tested)} networks)")


def print_verdicts(report: Path) -> None:
    """A table for every finding: a row for each line and part, a column for each figure of merit."""
    verdicts = [v for study in json.loads(report.read_text(encoding="utf-8"))["studies"] for v in study["verdicts"]]
    for finding in dict.fromkeys(v["finding"] for v in verdicts):
        own = [v for v in verdicts if v["finding"] == finding]
        columns = dict.fromkeys((v["figure"], v["threshold"]) for v in own)
        print(f"\n| {finding} |", " | ".join(title(*column) for column in columns), "|")
        print("|---|" + "---|" * len(columns))
        for line_, part in dict.fromkeys((v["line"], v["part"]) for v in own):
            words = {
                (v["figure"], v["threshold"]): v["verdict"] for v in own if (v["line"], v["part"]) == (line_, part)
            }
            print(f"| {line_}{': ' if part else ''}{part} |", " | ".join(words.get(c, "-") for c in columns), "|")


def title(figure: str, threshold: int | None) -> str:
    return Quantity(figure, threshold or 10).title


def draw_apart(trainings: Trainings) -> Any:
    """E_R and its two parts against the count, a column of panels a range of rain."""
    shown = [rain for rain in RANGES if len(cells(trainings, rain)) > 1]
    figure, axes = panels(2, len(shown))
    for row, threshold in enumerate(("50", "10")):
        for column, rain in enumerate(shown):
            at, by_count = axes[row][column], cells(trainings, rain)
            for name, label, style in (
                ("e_r", "E_R: all change", ("#222222", "o")),
                ("because", "because of the rain", ("#0072b2", "s")),
                ("anyway", "done without rain as well", ("#d55e00", "^")),
            ):
                line(
                    at,
                    {c: [t["rain100l_apart"][threshold][name] for t in g] for c, g in by_count.items()},
                    label,
                    style,
                )
            perfect = next(iter(by_count.values()))[0]["tests"]["rain100l"]["perfect_e_r"][threshold]
            at.axhline(perfect, color="#888888", ls=(0, (5, 3)), lw=1, label="E_R of perfect removal")
            at.set_ylim(0, 110 if threshold == "50" else 85)
            at.set_title(f"{rain}, t={threshold}", fontsize=10)
        axes[row][0].set_ylabel("grey levels, RMS over rainy pixels", fontsize=8)
    legend(figure, axes[0][0])
    return figure


def draw_balance(trainings: Trainings) -> Any:
    """Controlled removal against clean error: a dot a training, a line a range of rain, a panel a test set."""
    tests = [name for name in TESTS if any(name in t["tests"] for t in trainings)]
    figure, [axes] = panels(1, len(tests), size_in=(2.9, 2.6))
    for at, test in zip(axes, tests, strict=True):
        for rain in RANGES:
            points: dict[int, tuple[float, float]] = {}
            for count, group in cells(trainings, rain).items():
                means = [t["tests"][test]["mean"]["10"] for t in group if test in t["tests"]]
                if means:
                    x, y = ([mean[name] for mean in means] for name in ("clean_error", "removal_controlled"))
                    at.plot(x, y, ".", ms=4, color=COLOURS[rain])
                    points[count] = fmean(x), fmean(y)
            if points:
                at.plot(*zip(*points.values(), strict=True), "-", color=COLOURS[rain], lw=1.2, label=rain)
            for count, point in points.items():
                at.plot(*point, "o", ms=1 + log2(count), mfc="none", color=COLOURS[rain])
        at.set_xscale("log", base=2)
        at.xaxis.set_major_formatter("{x:g}")
        at.set_ylim(0, 1)
        at.set_xlabel("clean error (grey levels)", fontsize=9)
        at.set_title(test, fontsize=10)
        finish(at)
    axes[0].set_ylabel("controlled removal, t=10", fontsize=9)
    legend(figure, axes[0])
    return figure


def response(training: Mapping[str, Any]) -> np.ndarray:
    """Controlled removal of streaks by their length and angle."""
    means = np.array(training["response"]["means"][STREAKS.name], float)
    return means.reshape(len(STREAKS.rows), len(STREAKS.columns))


def part_by_count(trainings: Trainings, rain: str, part: str) -> dict[int, list[float]]:
    """Controlled removal of one of `parts` of the probe's streaks, by counts."""
    found = {
        count: [t["parts"][part] for t in group if part in t["parts"]]
        for count, group in cells(trainings, rain).items()
    }
    return {count: values for count, values in found.items() if values}


def print_parts(trainings: Trainings) -> None:
    """For the paper's ranges, and where it turns by the rule for figures that are judged, with one spread for all."""
    for part in ("within its range", "beyond it", "beyond large"):
        ranges = {rain: part_by_count(trainings, rain, part) for rain in PAPER}
        spread_ = seed_spread(values for of_count in ranges.values() for values in of_count.values())
        if spread_ is None:
            continue
        print(f"\nControlled removal of streaks {part}, spread {spread_:.3f}")
        for rain, of_count in ranges.items():
            curve = {count: fmean(values) for count, values in of_count.items()}
            turn = "-"
            with suppress(NotTested):
                turn = f"{turning_point(curve, spread_):.0f}"
            print(f"{rain}:", ", ".join(f"{count} {mean:.2f}" for count, mean in curve.items()), f"(turns at {turn})")


def draw_inside_outside(trainings: Trainings) -> Any:
    """Controlled removal within and beyond the range trained on against the count, a panel a range."""
    figure, [axes] = panels(1, len(RANGES))
    for at, rain in zip(axes, RANGES, strict=True):
        within, beyond = (part_by_count(trainings, rain, part) for part in ("within its range", "beyond it"))
        if not within:
            at.set_axis_off()
            continue
        line(at, within, "within the range trained on", ("#0072b2", "s"))
        line(at, beyond, "beyond it", ("#d55e00", "^"))
        at.set_ylim(0, 1)
        at.set_title(f"{rain} rain", fontsize=10)
    axes[0].set_ylabel("controlled removal of streaks", fontsize=8)
    legend(figure, axes[0])
    return figure


def draw_regimes(trainings: Trainings) -> Any:
    """Removal of few backgrounds minus many, on streaks of every length and angle: 8 minus 1024 backgrounds."""
    from matplotlib.patches import Rectangle

    shown = [r for r in RANGES if {8, 1024} <= {c for c, g in cells(trainings, r).items() if g[0]["response"]}]
    figure, grid = panels(ceil(len(shown) / 2), 2, size_in=(3.6, 2.5))
    free = [at for row in grid for at in row]
    for at in free[len(shown) :]:
        at.set_axis_off()
    for at, rain in zip(free, shown, strict=False):
        by_count = cells(trainings, rain)
        few, many = (np.mean([response(t) for t in by_count[count]], 0) for count in (8, 1024))
        difference = few - many
        at.imshow(difference, cmap="PuOr_r", vmin=-0.6, vmax=0.6, aspect="auto")
        for (row, column), value in np.ndenumerate(difference):
            at.text(column, row, f"{value:+.2f}".replace("0.", "."), ha="center", va="center", fontsize=6)
        for box in boxes(trained_streaks({"objective": {"rain": load_rain(rain).describe()}}), STREAKS, FULL.recipe):
            size = (box.last_column - box.first_column + 1, box.last_row - box.first_row + 1)
            style = "-" if box.whole else "--"
            at.add_patch(
                Rectangle(
                    (box.first_column - 0.5, box.first_row - 0.5), *size, fill=False, ec="#d62728", ls=style, lw=1.8
                )
            )
        at.set_xticks(range(len(STREAKS.columns)), [f"{value:g}" for value in STREAKS.columns], fontsize=7)
        at.set_yticks(range(len(STREAKS.rows)), [f"{value:g}" for value in STREAKS.rows], fontsize=7)
        at.set_xlabel("angle (°)", fontsize=8)
        at.set_ylabel("length (px)", fontsize=8)
        at.set_title(f"trained on {rain} rain ({len(by_count[8])} + {len(by_count[1024])} networks)", fontsize=9)
    return figure


def draw_pictures(trainings: Trainings, store: Store, photo: Path) -> Any:
    """The middle of a photo without rain, under streaks within the small range, and under streaks beyond it, as
    networks of the first seed restore it.
    """
    picture = read_image(photo)
    top, left = ((side - SIDE_PX) // 2 for side in picture.shape[:2])
    clean = torch.from_numpy(picture[top : top + SIDE_PX, left : left + SIDE_PX]).movedim(-1, 0)
    rows = {"no rain": clean}
    for angle in (0.0, 60.0):
        streaks = RainRange(width=(5,), length_px=(30, 30), angle_deg=(angle, angle))
        layer = Streaks(streaks, "paper").layers(1, SIDE_PX, SIDE_PX, generator(0, "campaign", "picture"))[0]
        rows[f"streaks of 30 px at {angle:g}°"] = compose(clean.float()[None], layer[None])[0].to(torch.uint8)
    columns: dict[str, NetworkRestorer | None] = {"input": None}
    for rain in ("small", "medium"):
        for count in (8, 1024):
            [chosen, *_] = [t for t in cells(trainings, rain)[count] if t["seed"] == 0]
            network = load_model(store.run(chosen["id"]) / MODEL)[0]
            columns[f"{rain} rain, {count} backgrounds"] = NetworkRestorer(network, "cpu")
    figure, grid = panels(len(rows), len(columns), size_in=(2.2, 2.2))
    for row, (name, shown) in zip(grid, rows.items(), strict=True):
        for at, (column, restorer) in zip(row, columns.items(), strict=True):
            at.imshow((shown if restorer is None else restorer.picture(shown)).movedim(0, -1).numpy())
            at.set_xticks([])
            at.set_yticks([])
            at.set_title(column if row is grid[0] else "", fontsize=9)
        row[0].set_ylabel(name, fontsize=9)
    return figure


def panels(rows: int, columns: int, size_in: tuple[float, float] = (2.3, 2.0)) -> tuple[Any, list[list[Any]]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(size_in[0] * columns + 0.5, size_in[1] * rows + 0.7), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False).tolist()


def line(at: Any, values: Mapping[int, Sequence[float]], label: str, style: tuple[str, str]) -> None:
    means, errors = [fmean(v) for v in values.values()], [spread(v) for v in values.values()]
    at.errorbar(list(values), means, errors, label=label, color=style[0], marker=style[1], ms=4, lw=1.3, capsize=2)
    at.set_xscale("log", base=2)
    at.set_xticks(list(values), [str(count) for count in values])
    at.minorticks_off()
    at.set_xlabel("backgrounds", fontsize=8)
    finish(at)
    at.tick_params("x", labelsize=6 if len(values) > 5 else 8)


def finish(at: Any) -> None:
    at.tick_params(labelsize=8)
    at.spines[["top", "right"]].set_visible(False)
    at.grid(alpha=0.3)


def legend(figure: Any, at: Any) -> None:
    figure.legend(*at.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False, fontsize=8)


def save(figure: Any, path: Path) -> None:
    picture = io.BytesIO()
    figure.savefig(picture, format=path.suffix[1:], dpi=100 if path.suffix == ".jpg" else 130)
    write_bytes(path, picture.getvalue())


def replay_all(
    trainings: Trainings, out: Path, rains: Sequence[str], counts: Sequence[int], suffix: str = ""
) -> Iterator[dict[str, Any]]:
    """The advice replayed by every preference, on test sets on which the grid of rains, counts and seeds is full."""
    for test in TESTS:
        entries = [
            {
                "rain": t["rain"],
                "count": t["count"],
                "seed": t["seed"],
                "psnr_y": t["tests"][test]["mean"]["10"]["psnr_y"],
                "removal": t["tests"][test]["mean"]["10"]["removal_controlled"],
                "clean_error": t["tests"][test]["mean"]["10"]["clean_error"],
                "error": t["tests"][test]["psnr_y_error"],
            }
            for t in trainings
            if t["rain"] in rains and t["count"] in counts and test in t["tests"]
        ]
        if len(entries) != len(SEEDS) * len(rains) * len(counts):
            continue
        path = out / f"grid-{test}{suffix}.json"
        write_json(path, entries)
        for preference in PREFERENCES:
            grid = read_grid(path, preference)
            candidates = len(gather(grid))
            replayed = [replay(grid, budget, 200) for budget in range(len(rains), candidates // 2 + 1)]
            for each in (*replayed, replay_everything_once(grid, 200)):
                yield {"test": test, "preference": preference, "candidates": candidates, **asdict(each)}


def print_replays(replays: Sequence[Mapping[str, Any]]) -> None:
    names = [field for field in Replay.__dataclass_fields__ if field != "budget"]
    for each in replays:
        print(each["test"], each["preference"], f"budget {each['budget']} of {each['candidates']}:",
              ", ".join(f"{name} {each[name]:.2f}" for name in names))  # fmt: skip
    drawn = np.random.default_rng(0)
    for candidates, budget in sorted({(each["candidates"], each["budget"]) for each in replays}):
        same = [each for each in replays if (each["candidates"], each["budget"]) == (candidates, budget)]
        for name in ("hits", "as_good", "loss"):
            values = np.array([each[name] for each in same])
            means = values[drawn.integers(len(values), size=(10000, len(values)))].mean(1)
            bar = "{:.2f}..{:.2f}".format(*np.percentile(means, (2.5, 97.5)))
            print(
                f"budget {budget} of {candidates}: {name} {values.mean():.2f} "
                f"(bootstrap over {len(values)} grids, 95 %: {bar})"
            )


if __name__ == "__main__":
    tyro.cli(main)
