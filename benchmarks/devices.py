"""The same trainings made on two machines: python -m benchmarks.devices RESULTS OTHERS [--out FILE.json]

Both are folders of `derain study run`. Every training that is in both is compared: the figures of each and, over its
seeds, mean and standard deviation. Ours: `derain study run studies/f5.toml --seeds 0 1 --only rain=medium count=8
count=64 count=1024 --scale cpu`, with `--device cuda --out runs/control` and without.
"""

from collections import defaultdict
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import tyro

from derain.study.run.store import Store
from derain.support.files import write_json

FIGURES = (
    ("e_r", 50),
    ("e_r", 10),
    ("e_b", 10),
    ("removal_controlled", 10),
    ("clean_error", 10),
    ("psnr_y", 10),
)


def main(results: tyro.conf.Positional[Path], others: tyro.conf.Positional[Path], out: Path | None = None) -> None:
    ours, theirs = Store(results), Store(others)
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in sorted((others / "results").glob("*.json")):
        first, second = (store.result(path.stem) for store in (ours, theirs))
        if first is None or second is None:
            continue
        axes = second.axes
        for test in sorted(first.tests.keys() & second.tests.keys()):
            row: dict[str, Any] = {
                "seed": axes["seed"],
                "devices": [r.environment.device for r in (first, second)],
            }
            for name, threshold in FIGURES:
                row[f"{name}, t={threshold}"] = [r.tests[test].value(name, threshold) for r in (first, second)]
            key = f"{axes['network']}, {axes['category']}, {axes['count']} backgrounds, {axes['rain']}, {test}"
            groups[key].append(row)
    for key, rows in sorted(groups.items()):
        print(key)
        for name in (f"{name}, t={threshold}" for name, threshold in FIGURES):
            spreads = [spread([row[name][index] for row in rows]) for index in (0, 1)]
            by_seed = "; ".join(f"{row['seed']}: {row[name][0]:.2f}, {row[name][1]:.2f}" for row in rows)
            print(f"  {name}: {spreads[0]} against {spreads[1]}; by seed {by_seed}")
    if out is not None:
        write_json(out, groups)


def spread(values: list[float]) -> str:
    return f"{fmean(values):.2f}" + (f" ± {stdev(values):.2f}" if len(values) > 1 else "")


if __name__ == "__main__":
    tyro.cli(main)
