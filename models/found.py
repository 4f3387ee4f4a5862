"""The figures of the search for the models in the box, as small JSON and as a table.

python models/found.py --results runs/search runs/search-together --out docs/results/models/search.json
"""

from pathlib import Path
from typing import Any

import tyro

from derain.study.run.store import Store
from derain.support.files import make_folder, write_json

TESTS = ("rain12", "ddn_sirr", "threads", "heavy")
FIGURES = ("psnr_y", "removal", "removal_controlled", "damage", "clean_error", "e_r", "e_b")


def main(results: tuple[Path, ...], out: Path) -> None:
    """
    Args:
        results: folders of `derain study run`.
        out: JSON file.
    """
    trainings = [training for folder in results for training in found(Store(folder))]
    make_folder(out.parent)
    write_json(out, trainings)
    print("| backgrounds | rain | network | iterations |", " | ".join(TESTS), "|")
    print("|" + "---|" * (4 + len(TESTS)))
    for training in sorted(trainings, key=lambda t: (t["category"], t["count"], t["rain"])):
        cells = [
            f"{t['psnr_y']:.2f}, {t['removal_controlled']:.2f}, {t['clean_error']:.1f}"
            for t in (training["tests"][name] for name in TESTS)
        ]
        network = training["network"].split(",")[0]
        head = [f"{training['count']} {training['category']}", Path(training["rain"]).stem, network]
        print("|", " | ".join([*head, str(training["iterations"]), *cells]), "|")


def found(store: Store) -> list[dict[str, Any]]:
    """Means at t = 10 of every training."""
    trainings = []
    for path in sorted((store.folder / "results").glob("*.json")):
        result = store.result(path.stem)
        assert result is not None
        tests = {name: {f: rounded(test.mean[10][f], 4) for f in FIGURES} for name, test in result.tests.items()}
        trainings.append({
            **result.axes,
            "iterations": result.run["optimiser"]["iterations"],
            "photos": result.photos,
            "parameters": result.parameters,
            "seconds": rounded(result.seconds),
            "tests": tests,
        })  # fmt: skip
    return trainings


def rounded(value: float | None, digits: int | None = None) -> float | None:
    return None if value is None else round(value, digits)


if __name__ == "__main__":
    tyro.cli(main)
