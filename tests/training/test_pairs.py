"""Training on pairs as they are, alone and beside backgrounds under rain."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from derain.errors import InputError
from derain.pictures.images import write_image
from derain.training.loop import train
from derain.training.prepare import Run, prepare
from derain.training.settings import TrainingSettings

CPU = torch.device("cpu")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four pairs, the rainy picture 40 levels brighter, and two dark photos."""
    for name in ("rainy", "clean", "photos"):
        (tmp_path / name).mkdir()
    for index in range(4):
        clean = np.random.default_rng(index).integers(100, 200, (40, 48, 3)).astype(np.uint8)
        write_image(tmp_path / "clean" / f"{index}.png", clean)
        write_image(tmp_path / "rainy" / f"{index}.png", clean + 40)
        if index < 2:
            write_image(tmp_path / "photos" / f"photo{index}.png", clean // 4)
    return tmp_path


def settings(folder: Path, *, backgrounds: bool = False, **changes: object) -> TrainingSettings:
    given = {
        "backgrounds": (folder / "photos",) if backgrounds else (),
        "count": 6,
        "pairs": (folder / "rainy", folder / "clean"),
        "network": "resnet:features=4,blocks=1",
        "iterations": 2,
        "batch_size": 8,
        "background_size": 24,
        "patch_size": 16,
    }
    return TrainingSettings(**{**given, **changes})  # type: ignore[arg-type]


def made_ready(folder: Path, *, backgrounds: bool = False, **changes: object) -> Run:
    return prepare(settings(folder, backgrounds=backgrounds, **changes), CPU)


def test_rainy_and_clean_are_cut_at_one_place_and_flipped_together(folder: Path) -> None:
    objective = made_ready(folder).objective
    rainy, clean = (255 * picture for picture in objective.batch(3))
    assert clean.shape == (8, 3, 16, 16)
    assert torch.allclose(rainy - clean, torch.full_like(clean, 40), atol=1e-3)
    again, other = objective.batch(3), objective.batch(4)
    assert torch.equal(255 * again[1], clean)
    assert not torch.equal(255 * other[1], clean)


def test_a_batch_holds_the_share_of_pairs_that_is_asked_for(folder: Path) -> None:
    _, clean = made_ready(folder, backgrounds=True, pairs_share=0.25).objective.batch(0)
    of_pairs = (255 * clean).mean((1, 2, 3)) > 90
    assert of_pairs.sum() == 2
    assert len(clean) == 8


def test_the_pairs_are_described_by_their_content_and_no_rain_is_where_none_is_laid(folder: Path) -> None:
    alone = made_ready(folder).description["objective"]
    assert alone["pairs"] | {"content_hash": ""} == {"samples": 8, "count": 6, "pictures": 4, "content_hash": ""}
    assert "rain" not in alone
    beside = made_ready(folder, backgrounds=True).description["objective"]
    assert (beside["pairs"]["samples"], beside["rain"]["name"], beside["photos"]) == (4, "medium", 2)
    write_image(folder / "clean" / "0.png", np.zeros((40, 48, 3), np.uint8))
    assert made_ready(folder).description["objective"]["pairs"]["content_hash"] != alone["pairs"]["content_hash"]


def test_a_training_on_pairs_alone_is_validated_on_other_pairs(folder: Path) -> None:
    for name in ("rainy", "clean"):
        (folder / "other" / name).mkdir(parents=True)
        write_image(folder / "other" / name / "a.png", np.full((20, 20, 3), 90, np.uint8))
    others = (folder / "other" / "rainy", folder / "other" / "clean")
    train(settings(folder, validate_every=2, validation_pairs=others), folder / "run")
    events = [json.loads(line) for line in (folder / "run" / "log.jsonl").read_text().splitlines()]
    assert [event["set"] for event in events if event["event"] == "validation"] == ["pairs"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"pairs": None}, "give --backgrounds or --pairs"),
        ({"count": 0}, "--count must be greater than 0"),
        ({"backgrounds": True, "pairs_share": 0.01}, "--pairs-share 0.01 of --batch-size 8 is 0 samples"),
        ({"backgrounds": True, "pairs_share": 1.0}, "is 8 samples: it must leave some of either kind"),
        ({"validate_every": 1}, "--validate-every needs --backgrounds, --validation or --validation-pairs"),
        ({"probe_every": 1}, "--probe-every and --stop-when-slacking need --backgrounds or --validation"),
        ({"background_size": 64}, r"rainy/\d\.png has 48 x 40 pixels, less than a patch of 64 x 64"),
    ],
)
def test_what_makes_no_sense_is_named(folder: Path, changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        made_ready(folder, **changes)  # type: ignore[arg-type]


def test_pairs_that_are_trained_on_are_not_validated_on(folder: Path) -> None:
    pairs = (folder / "rainy", folder / "clean")
    with pytest.raises(InputError, match=r"rainy/0\.png is trained on, so --validation-pairs must not hold it"):
        made_ready(folder, validate_every=1, validation_pairs=pairs)
    with pytest.raises(InputError, match=r"clean/0\.png is trained on, so --validation must not hold it"):
        made_ready(folder, validate_every=1, validation=folder / "clean")


@pytest.mark.parametrize("half", ["rainy", "clean"])
def test_the_pair_that_has_changed_is_named(folder: Path, half: str, tmp_path: Path) -> None:
    train(settings(folder), tmp_path / "run")
    write_image(folder / half / "2.png", np.zeros((40, 48, 3), np.uint8))
    with pytest.raises(InputError, match=r"as the photo 2\.png or its clean picture has changed"):
        train(settings(folder), tmp_path / "run")
