"""The published results are those of the trainings that the code plans today."""

import json
from pathlib import Path

from derain.networks.registry import NETWORKS
from derain.pictures.backgrounds import Category
from derain.pictures.images import list_images
from derain.rain import PRESETS
from derain.study.plan.given import TRIVIAL, Given
from derain.study.plan.scales import SCALES
from derain.study.plan.spec import with_defaults
from derain.study.plan.trainings import Training
from derain.study.run.data_record import DataRecord, set_hash
from derain.study.run.given import identity_of
from derain.training.description import identity
from derain.training.settings import SETTING_AXES, TrainingSettings

RESULTS = Path(__file__).parents[3] / "docs" / "results" / "campaign" / "results"
PHOTOS = {
    "natural": "4eabc95a999d070a2e635361327416b2",
    "buildings": "861293f7c564be7c0479b7e138780719",
    "comics": "bf0c672d20bcc5856070f1a38efbfda4",
    "faces": "f83747053582fee828e4efc45559ccec",
}
"""Hashes of the training photos."""


def test_a_study_that_asks_for_a_published_training_finds_it() -> None:
    found = 0
    for path in RESULTS.glob("*.json"):
        axes = with_defaults(json.loads(path.read_text(encoding="utf-8"))["axes"])
        if axes["scale"] is None:
            continue  # a given system
        category = Category((), min_std=5.0, max_white=0.5) if axes["category"] == "comics" else Category(())
        training = Training(
            axes["network"], category, axes["count"], axes["rain"], axes["seed"], axes["length"],
            SCALES[axes["scale"]], tuple((name, axes[name]) for name in SETTING_AXES),
        )  # fmt: skip
        if axes["rain"] in PRESETS:  # the others are files
            assert training.identity(PHOTOS[axes["category"]]) == path.stem
            found += 1
    assert found == 152


def test_a_study_finds_the_published_results_of_filters_that_learnt_nothing() -> None:
    results = {path.stem: json.loads(path.read_text(encoding="utf-8"))["axes"] for path in RESULTS.glob("*.json")}
    published = {identity: axes["network"] for identity, axes in results.items() if axes["scale"] is None}
    assert published == {identity_of(Given(name, model=name)): name for name in TRIVIAL}


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
