"""The description of a training: run.json of earlier versions still fits, and all that is chosen is described."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import torch

from derain.pictures.images import write_image
from derain.support.files import write_json
from derain.training.prepare import prepare
from derain.training.settings import TrainingSettings

FIRST_VERSION = {
    "backgrounds", "count", "rain", "recipe", "network", "iterations", "loss", "batch_size", "background_size",
    "patch_size", "layers", "min_std", "max_white", "skip_bad", "learning_rate", "betas", "warmup", "average_decay",
    "validate_every", "stop_when_slacking", "probe_every", "validation", "validation_pairs", "match", "seed",
    "split_seed",
}  # fmt: skip
BY_CONTENT = {"init", "pairs"}
"""Newer settings that are files: the description has the hash of their content."""


def test_the_file_of_a_training_with_default_settings_is_that_of_the_first_version(tmp_path: Path) -> None:
    rows, columns = np.indices((128, 160))
    for index in range(2):
        channels = [rows * (index + 1), columns, rows + columns]
        write_image(tmp_path / f"photo{index}.png", (np.stack(channels, axis=-1) % 256).astype("uint8"))
    run = prepare(TrainingSettings(backgrounds=(tmp_path,), count=2), torch.device("cpu"))
    write_json(tmp_path / "run.json", run.description)
    assert (tmp_path / "run.json").read_bytes() == (Path(__file__).parent / "default_run.json").read_bytes()


def test_a_newer_setting_is_described_so_that_other_weights_do_not_pass_for_the_same() -> None:
    undescribed = {each.name for each in fields(TrainingSettings) if "added_to" not in each.metadata}
    assert undescribed == FIRST_VERSION | BY_CONTENT
