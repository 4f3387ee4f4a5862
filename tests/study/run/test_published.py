"""The published results are those of the trainings that the code plans today."""

import json
from pathlib import Path

from derain.networks.registry import NETWORKS
from derain.pictures.images import list_images
from derain.study.run.data_record import DataRecord, set_hash
from derain.training.description import identity
from derain.training.settings import TrainingSettings

RESULTS = Path(__file__).parents[3] / "docs" / "results" / "campaign" / "results"


def test_every_published_training_on_natural_photos_has_its_identity(data: Path, tmp_path: Path) -> None:
    photos = set_hash(DataRecord(tmp_path).hashes("natural, training", list_images(data / "natural" / "train")))
    found = 0
    for path in RESULTS.glob("*.json"):
        result = json.loads(path.read_text(encoding="utf-8"))
        run = result["run"]
        if result["axes"]["category"] != "natural":
            continue
        optimiser, objective, network = run["optimiser"], run["objective"], run["network"]
        settings = TrainingSettings(
            backgrounds=(),
            seed=run["seed"],
            betas=tuple(optimiser["betas"]),
            **{name: optimiser[name] for name in ("iterations", "learning_rate", "warmup", "average_decay")},
            **{name: optimiser[name] for name in ("precision",) if name in optimiser},
            **{name: objective[name] for name in ("loss", "count", "batch_size", "background_size", "layers")},
            patch_size=objective["patch_size"],
        )
        kind = NETWORKS[network["name"]].hyperparameters
        described = {"name": network["name"], **vars(kind(**network["hyperparameters"]))}
        assert identity(settings, photos, described, objective["rain"]) == path.stem
        found += 1
    assert found > 100
