"""Training: what is written, and that a run can be stopped anywhere and goes on as if nothing had happened."""

import dataclasses
import hashlib
import json
import math
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from derain.errors import InputError, TrainingError
from derain.evaluation.test_sets import ValidationSet
from derain.networks import NETWORKS, load_model
from derain.painting import generate
from derain.pictures.images import read_image, write_image
from derain.support.files import make_folder
from derain.training.log import read_log
from derain.training.loop import Progress, learning_rate, train
from derain.training.prepare import prepare, split_backgrounds
from derain.training.settings import TrainingSettings


@pytest.fixture
def settings(photos: Path) -> TrainingSettings:
    return TrainingSettings(
        backgrounds=(photos,),
        count=8,
        rain="medium",
        network="resnet:features=4,blocks=1",
        iterations=12,
        batch_size=2,
        background_size=32,
        patch_size=16,
        learning_rate=1e-3,
        warmup=3,
    )


def weights(model: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(model)


def same(first: Path, second: Path) -> bool:
    ours, theirs = weights(first), weights(second)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


class Stopped(Exception):
    """Ends a training from outside, as an interrupt does."""


def stop_at(iteration: int):
    def report(progress):
        if progress.iteration == iteration:
            raise Stopped

    return report


SMALL = [
    "resnet:features=4,blocks=1",
    "unet:base=4,levels=2",
    "unet:base=4,levels=2,norm=none",
    "half_unet:base=4,levels=2",
    "swinir:features=8,groups=1,blocks=2,heads=2,window_px=4",
    "spdnet:features=4,blocks=1",
    "rcdnet:stages=2,rain_maps=4,dual_channels=4,blocks=1",
    "prenet:iterations=2,features=4",
    "syn2real:features=2",
]


def test_every_network_is_resumed_below() -> None:
    assert {text.partition(":")[0] for text in SMALL} == set(NETWORKS)


@pytest.mark.parametrize("network", SMALL)
def test_an_interrupted_run_ends_with_the_same_bits(settings: TrainingSettings, tmp_path: Path, network: str) -> None:
    settings = dataclasses.replace(settings, network=network, validate_every=5)
    straight = train(settings, tmp_path / "straight")
    for iteration in (3, 8, 10):
        with pytest.raises(Stopped):
            train(settings, tmp_path / "interrupted", checkpoint_every=2, report=stop_at(iteration))
    assert same(train(settings, tmp_path / "interrupted", checkpoint_every=2), straight)
    resumed = [e["iteration"] for e in read_log(tmp_path / "interrupted") if e["event"] == "resumed"]
    assert resumed == [2, 8, 10]


@pytest.mark.slow
@pytest.mark.parametrize("network", SMALL)
def test_bfloat16_trains_nearly_alike_and_resumes_to_the_same_bits(
    settings: TrainingSettings, tmp_path: Path, network: str
) -> None:
    settings = dataclasses.replace(settings, network=network)
    exact, model = train(settings, tmp_path / "float32"), tmp_path / "bfloat16"
    settings = dataclasses.replace(settings, precision="bfloat16")
    straight = train(settings, model)
    with pytest.raises(Stopped):
        train(settings, tmp_path / "interrupted", checkpoint_every=2, report=stop_at(8))
    assert same(train(settings, tmp_path / "interrupted", checkpoint_every=2), straight)
    assert load_model(straight)[1]["optimiser"]["precision"] == "bfloat16"
    assert "precision" not in load_model(exact)[1]["optimiser"]
    assert {tensor.dtype for tensor in weights(straight).values()} == {t.dtype for t in weights(exact).values()}
    losses = [
        [event["loss"] for event in read_log(run.parent) if event["event"] == "progress"] for run in (straight, exact)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=0.4)
    assert not same(straight, exact)


def test_seed_and_rain_bank_change_the_result_and_the_same_settings_do_not(
    settings: TrainingSettings, tmp_path: Path
) -> None:
    first = train(settings, tmp_path / "first")
    assert same(train(settings, tmp_path / "again"), first)
    assert not same(train(dataclasses.replace(settings, seed=1), tmp_path / "seed"), first)
    bank = dataclasses.replace(settings, layers=5)
    assert not same(train(bank, tmp_path / "bank"), first)


@pytest.mark.slow
def test_the_loss_falls(settings: TrainingSettings, tmp_path: Path) -> None:
    train(dataclasses.replace(settings, iterations=300, learning_rate=5e-3), tmp_path)
    losses = [event["loss"] for event in read_log(tmp_path) if event["event"] == "progress"]
    assert losses[-1] < 0.9 * losses[0]


def test_the_model_says_how_it_was_made(settings: TrainingSettings, tmp_path: Path) -> None:
    _, header = load_model(train(settings, tmp_path))
    assert header["network"] == {
        "name": "resnet",
        "hyperparameters": {"features": 4, "blocks": 1, "extra_conv": False, "input_skip": True},
    }
    assert header["objective"]["count"] == 8
    assert header["objective"]["photos"] == 8
    assert len(header["objective"]["content_hash"]) == 64
    assert header["objective"]["rain"]["name"] == "medium"
    assert header["optimiser"]["iterations"] == 12
    assert header["environment"]["threads"] == torch.get_num_threads()


def test_the_log_has_a_line_an_event(settings: TrainingSettings, photos: Path, tmp_path: Path) -> None:
    pairs = (photos, photos)
    train(dataclasses.replace(settings, validate_every=6, validation_pairs=pairs), tmp_path, checkpoint_every=4)
    events = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events if event["event"] != "progress"] == [
        *("started", "checkpoint", "validation", "validation", "checkpoint", "validation", "validation", "finished")
    ]
    validations = [event for event in events if event["event"] == "validation"]
    assert [(event["iteration"], event["set"]) for event in validations] == [
        *((6, "held_out"), (6, "pairs"), (12, "held_out"), (12, "pairs"))
    ]
    assert validations[0]["mean"]["removal_controlled"] is not None
    # Rainy and clean are the same folder: without rain there is nothing to remove.
    assert validations[1]["mean"]["removal"] is None
    assert validations[1]["left_out"]["removal"] == 10
    assert list((tmp_path / "tensorboard").iterdir())


def test_validation_photos_are_kept_out_of_training(settings: TrainingSettings, tmp_path: Path) -> None:
    settings = dataclasses.replace(settings, count=64, validate_every=12)
    assert load_model(train(settings, tmp_path))[1]["objective"]["photos"] == 9


def test_a_split_seed_keeps_the_same_photos_out_whatever_the_seed(settings: TrainingSettings) -> None:
    settings = dataclasses.replace(settings, validate_every=12)
    kept_out = [split_backgrounds(dataclasses.replace(settings, seed=seed))[1] for seed in range(8)]
    assert len(set(map(tuple, kept_out))) > 1
    for seed in range(8):
        training, same_ones = split_backgrounds(dataclasses.replace(settings, seed=seed, split_seed=0))
        assert same_ones == kept_out[0]
        assert not set(training) & set(same_ones)


def test_validation_rain_is_of_another_family(settings: TrainingSettings, tmp_path: Path) -> None:
    for rain, unseen in (("medium", "lines"), ("lines", "medium"), ("wide", "threads")):
        train(dataclasses.replace(settings, rain=rain, validate_every=12), tmp_path / rain)
        run = json.loads((tmp_path / rain / "run.json").read_text())
        assert run["validation"]["sets"][0]["rain"] == unseen


def test_a_training_begins_from_a_model(settings: TrainingSettings, tmp_path: Path) -> None:
    first = train(settings, tmp_path / "first")
    still = dataclasses.replace(settings, init=first, seed=1, learning_rate=1e-12)
    begun = train(still, tmp_path / "begun")
    for name, tensor in weights(begun).items():
        torch.testing.assert_close(tensor, weights(first)[name], atol=1e-8, rtol=0)
    _, header = load_model(begun)
    assert header["init"] == hashlib.sha256(first.read_bytes()).hexdigest()


def test_a_training_that_begins_from_a_model_resumes_to_the_same_bits(
    settings: TrainingSettings, tmp_path: Path
) -> None:
    init = train(settings, tmp_path / "init")
    settings = dataclasses.replace(settings, init=init, seed=1)
    undisturbed = train(settings, tmp_path / "undisturbed")
    with pytest.raises(Stopped):
        train(settings, tmp_path / "stopped", checkpoint_every=3, report=stop_at(7))
    assert same(undisturbed, train(settings, tmp_path / "stopped"))
    fresh = dataclasses.replace(settings, init=None)
    with pytest.raises(InputError, match="init"):
        train(fresh, tmp_path / "stopped")


@pytest.mark.parametrize(
    ("init", "sentence"),
    [
        ("balanced", "balanced.safetensors holds the weights of unet, not of resnet:features=4,blocks=1"),
        ("opening", "opening does not hold weights of resnet:features=4,blocks=1 to begin from"),
        ("nowhere.safetensors", "there is no file nowhere.safetensors"),
        ("model.onnx", "model.onnx is an ONNX file; training begins from a model file"),
    ],
)
def test_a_model_that_a_training_cannot_begin_from_is_named(
    settings: TrainingSettings, tmp_path: Path, init: str, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        train(dataclasses.replace(settings, init=Path(init)), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_finished_run_is_left_as_it_is(settings: TrainingSettings, tmp_path: Path) -> None:
    model = train(settings, tmp_path)
    before = (model.read_bytes(), (tmp_path / "log.jsonl").read_bytes())
    assert train(settings, tmp_path) == model
    assert (model.read_bytes(), (tmp_path / "log.jsonl").read_bytes()) == before


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"learning_rate": 2e-3}, "learning_rate = 0.001, not 0.002"),
        ({"iterations": 13}, "iterations = 12, not 13"),
        ({"network": "resnet:features=4,blocks=2"}, "blocks = 1, not 2"),
        ({"rain": "large"}, "rain"),
        ({"count": 7}, "count = 8, not 7"),
        ({"seed": 5}, "seed = 0, not 5"),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_a_run_made_with_other_settings_is_refused(
    settings: TrainingSettings, tmp_path: Path, change: dict[str, object], named: str, finished: bool
) -> None:
    if finished:
        train(settings, tmp_path)
    else:
        with pytest.raises(Stopped):
            train(settings, tmp_path, report=stop_at(2))
    with pytest.raises(InputError, match="was made with") as error:
        train(dataclasses.replace(settings, **change), tmp_path)
    assert named in str(error.value)


def test_the_photo_that_has_changed_is_named(settings: TrainingSettings, photos: Path, tmp_path: Path) -> None:
    own, run = tmp_path / "own", tmp_path / "run"
    shutil.copytree(photos, own)
    settings = dataclasses.replace(settings, backgrounds=(own,))
    with pytest.raises(Stopped):
        train(settings, run, report=stop_at(2))
    changed = next(iter(json.loads((run / "photos.json").read_text())))
    write_image(own / changed, 255 - read_image(own / changed))
    with pytest.raises(InputError, match=rf"content_hash = \w+, not \w+, as the photo {changed} has changed"):
        train(settings, run)


def test_validation_pairs_of_the_same_names_but_other_content_are_refused(
    settings: TrainingSettings, photos: Path, tmp_path: Path
) -> None:
    other, run = tmp_path / "other", tmp_path / "run"
    shutil.copytree(photos, other)
    write_image(other / "photo3.png", np.zeros((80, 96, 3), np.uint8))
    settings = dataclasses.replace(settings, validate_every=12, validation_pairs=(photos, photos))
    mixed = dataclasses.replace(settings, validation_pairs=(photos, other))
    with pytest.raises(Stopped):
        train(settings, run, report=stop_at(2))
    with pytest.raises(InputError, match=r"made with validation\.sets\.1\.content_hash = "):
        train(mixed, run)


def test_a_folder_with_a_model_of_something_else_is_refused(settings: TrainingSettings, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"foreign")
    with pytest.raises(InputError, match=r"holds a model\.safetensors of something else"):
        train(settings, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]
    assert read_log(tmp_path) == []


@pytest.mark.parametrize("name", ["log.jsonl", "model.safetensors"])
def test_a_file_of_something_else_is_not_written_to(settings: TrainingSettings, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match=rf"holds a {name} of something else"):
        train(settings, tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "mine")]


def test_a_model_called_checkpoint_is_not_overwritten(settings: TrainingSettings, tmp_path: Path) -> None:
    model = tmp_path / "checkpoint.safetensors"
    content = train(dataclasses.replace(settings, iterations=4), tmp_path / "run").rename(model).read_bytes()
    with pytest.raises(InputError, match=r"checkpoint\.safetensors is no checkpoint of a training"):
        train(settings, tmp_path)
    assert model.read_bytes() == content


def test_a_second_training_in_one_folder_is_refused(settings: TrainingSettings, tmp_path: Path) -> None:
    sentences = []

    def again(progress: Progress) -> None:
        if progress.iteration == 2:
            with pytest.raises(InputError, match="another derain train is at work in") as refused:
                train(settings, tmp_path)
            sentences.append(str(refused.value))

    assert train(settings, tmp_path, report=again).exists()
    assert len(sentences) == 1


def test_samples_too_small_for_the_network_are_refused_before_anything_is_written(
    settings: TrainingSettings, tmp_path: Path
) -> None:
    network = "swinir:features=8,groups=1,blocks=2,heads=2,window_px=48"
    with pytest.raises(InputError, match="needs samples of at least 25 x 25 pixels, not 16 x 16"):
        train(dataclasses.replace(settings, network=network), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_checkpoint(
    settings: TrainingSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def watched(progress: Progress) -> None:
        if progress.iteration == 3:
            monkeypatch.setattr(
                "derain.training.loop._loss", lambda run, network, *_: torch.tensor(math.nan) * network(zeros).sum()
            )

    zeros = torch.zeros(1, 3, 16, 16)
    with pytest.raises(TrainingError, match=r"between iterations 3 and 6 of .*\(the last checkpoint is kept\)"):
        train(settings, tmp_path / "a", checkpoint_every=3, report=watched)
    assert not (tmp_path / "a" / "model.safetensors").exists()
    weights = safetensors.torch.load_file(tmp_path / "a" / "checkpoint.safetensors")
    assert all(tensor.isfinite().all() for tensor in weights.values())
    with pytest.raises(TrainingError, match=r"may help$"):  # nothing is kept where nothing was there
        train(settings, tmp_path / "b", checkpoint_every=1)
    assert not (tmp_path / "b" / "checkpoint.safetensors").exists()


def run_elsewhere(settings: TrainingSettings, out: Path, preamble: str) -> subprocess.Popen[bytes]:
    """The same training in a process of its own; the preamble may replace `report`."""
    code = f"""
import torch; torch.set_num_threads(1)
from pathlib import Path, PosixPath
from derain.training.settings import TrainingSettings
from derain.training.loop import train
report = lambda progress: None
{preamble}
train({settings!r}, Path({str(out)!r}), checkpoint_every=5, report=report)
"""
    return subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)


KILLED_SOON_AFTER = """
import os, signal, threading
def report(progress):
    if progress.iteration == {iteration}:
        threading.Timer({seconds}, os.kill, (os.getpid(), signal.SIGKILL)).start()
"""


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on_to_the_same_bits(settings: TrainingSettings, tmp_path: Path) -> None:
    settings = dataclasses.replace(settings, iterations=200)
    straight = train(settings, tmp_path / "straight")
    killed = tmp_path / "killed"
    for iteration, seconds in ((7, 0.0), (60, 0.01), (120, 0.02)):
        process = run_elsewhere(settings, killed, KILLED_SOON_AFTER.format(iteration=iteration, seconds=seconds))
        _, errors = process.communicate()
        assert process.returncode == -signal.SIGKILL, errors.decode()
    assert same(train(settings, killed), straight)
    assert [event["event"] for event in read_log(killed)].count("resumed") == 3


@pytest.mark.slow
def test_a_full_disk_leaves_the_previous_checkpoint(settings: TrainingSettings, tmp_path: Path) -> None:
    # Large enough for its checkpoint to outgrow everything else that is written.
    settings = dataclasses.replace(settings, network="resnet:features=32,blocks=2")
    with pytest.raises(Stopped):
        train(settings, tmp_path, checkpoint_every=5, report=stop_at(6))
    size = (tmp_path / "checkpoint.safetensors").stat().st_size
    # A limit on the size of files stands for the full disk: writes fail half-way.
    limit = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size // 2}, {size // 2}))"
    )
    process = run_elsewhere(settings, tmp_path, limit)
    _, errors = process.communicate()
    assert process.returncode != 0
    assert f"cannot write {tmp_path / 'checkpoint.safetensors'}" in errors.decode()
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    train(settings, tmp_path, checkpoint_every=5)
    assert [e["iteration"] for e in read_log(tmp_path) if e["event"] == "resumed"] == [5]


def test_learning_rate_rises_linearly_and_falls_along_a_cosine(settings: TrainingSettings) -> None:
    settings = dataclasses.replace(settings, iterations=1000, warmup=100, learning_rate=1.0)
    assert learning_rate(settings, 49) == pytest.approx(0.5, abs=0.01)
    assert learning_rate(settings, 500) == pytest.approx(0.5)
    assert learning_rate(settings, 999) < 1e-5


def adam_by_hand(
    settings: TrainingSettings, betas: tuple[float, float], rates: list[float]
) -> list[dict[str, torch.Tensor]]:
    """The weights before the first step and after each step, by the formulas of Kingma and Ba (ICLR 2015)."""
    run = prepare(settings, torch.device("cpu"))
    parameters = dict(run.network.named_parameters())
    means = {name: torch.zeros_like(weight) for name, weight in parameters.items()}
    squares = {name: torch.zeros_like(weight) for name, weight in parameters.items()}
    steps = [{name: weight.detach().clone() for name, weight in parameters.items()}]
    for k, rate in enumerate(rates):
        rainy, clean = run.objective.batch(k)
        loss = (run.network(rainy) - clean).abs().mean()
        for name, gradient in zip(parameters, torch.autograd.grad(loss, list(parameters.values())), strict=True):
            means[name] = betas[0] * means[name] + (1 - betas[0]) * gradient
            squares[name] = betas[1] * squares[name] + (1 - betas[1]) * gradient**2
            mean, square = means[name] / (1 - betas[0] ** (k + 1)), squares[name] / (1 - betas[1] ** (k + 1))
            parameters[name].data -= rate * mean / (square.sqrt() + 1e-8)
        steps.append({name: weight.detach().clone() for name, weight in parameters.items()})
    return steps


# Three steps at a rate of 1e-3: the warm-up halves the first one, the cosine lowers the others.
THREE_STEPS = {"iterations": 3, "learning_rate": 1e-3, "warmup": 2}
THREE_RATES = [1e-3 * 0.5 * 1.0, 1e-3 * 0.75, 1e-3 * 0.25]


@pytest.mark.parametrize("betas", [None, (0.6, 0.8)], ids=["default betas", "other betas"])
def test_the_weights_are_those_of_adam_by_hand(
    settings: TrainingSettings, tmp_path: Path, betas: tuple[float, float] | None
) -> None:
    settings = dataclasses.replace(settings, **THREE_STEPS, average_decay=0.0)
    settings = settings if betas is None else dataclasses.replace(settings, betas=betas)
    *_, expected = adam_by_hand(settings, betas or (0.9, 0.99), THREE_RATES)
    torch.testing.assert_close(weights(train(settings, tmp_path)), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("average_decay", "decays"),
    [(0.999, (1 / 10, 2 / 11, 3 / 12)), (0.15, (1 / 10, 0.15, 0.15))],
    ids=["rising", "capped"],
)
def test_the_model_holds_the_average_of_the_weights_after_each_step(
    settings: TrainingSettings, tmp_path: Path, average_decay: float, decays: tuple[float, ...]
) -> None:
    settings = dataclasses.replace(settings, **THREE_STEPS, average_decay=average_decay)
    average, *steps = adam_by_hand(settings, (0.9, 0.99), THREE_RATES)
    for decay, step in zip(decays, steps, strict=True):
        average = {name: decay * average[name] + (1 - decay) * step[name] for name in step}
    torch.testing.assert_close(weights(train(settings, tmp_path)), average, rtol=0, atol=1e-6)


@pytest.mark.parametrize("change", [{"validate_every": 1}, {"probe_every": 1}])
def test_weights_that_are_no_numbers_are_the_trainings_failure_when_it_is_measured(
    settings: TrainingSettings, tmp_path: Path, change: dict[str, int]
) -> None:
    settings = dataclasses.replace(settings, learning_rate=1e30, warmup=0, **change)
    with pytest.raises(TrainingError, match=r"run cannot be measured at iteration 1: .*NaN"):
        train(settings, tmp_path / "run")


def test_a_checkpoint_of_another_run_is_refused(settings: TrainingSettings, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        train(settings, tmp_path / "run", checkpoint_every=1, report=stop_at(4))
    (tmp_path / "run" / "run.json").unlink()
    with pytest.raises(InputError, match="run was made with seed = 0, not 1"):
        train(dataclasses.replace(settings, seed=1), tmp_path / "run")
    train(settings, tmp_path / "run")


def test_a_checkpoint_beside_the_finished_model_is_cleared_away(settings: TrainingSettings, tmp_path: Path) -> None:
    train(settings, tmp_path / "run")
    (tmp_path / "run" / "checkpoint.safetensors").write_bytes(b"left by a kill between the model and this")
    train(settings, tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoint.safetensors").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"count": 0}, "--count must be greater than 0 and finite, not 0"),
        ({"learning_rate": math.nan}, "--learning-rate must be greater than 0 and finite, not nan"),
        ({"learning_rate": math.inf}, "--learning-rate must be greater than 0 and finite, not inf"),
        ({"learning_rate": 1e38}, "--learning-rate must be at most 1e[+]30, not 1e[+]38"),
        ({"min_std": math.nan}, "--min-std must lie between 0 and 127.5 levels, not nan"),
        ({"min_std": 200.0}, "--min-std must lie between 0 and 127.5 levels, not 200.0"),
        ({"max_white": 2.0}, "--max-white must be a share between 0 and 1, not 2.0"),
        ({"betas": (-0.5, 0.9)}, "--betas must be at least 0 and less than 1, not -0.5"),
        ({"patch_size": 64}, "--patch-size 64 is larger than --background-size 32"),
        ({"betas": (0.9, 1.0)}, "--betas must be at least 0 and less than 1"),
        ({"validation_pairs": (Path(), Path())}, "need --validate-every"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    settings: TrainingSettings, change: dict[str, object], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        dataclasses.replace(settings, **change)


def test_a_folder_that_cannot_be_written_is_refused(settings: TrainingSettings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write into the folder"):
        train(settings, tmp_path / "file")


def test_an_unknown_device_is_refused(settings: TrainingSettings, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the device cuda:99 cannot be used"):
        train(settings, tmp_path, device="cuda:99")


def events(run: Path, kind: str) -> list[dict]:
    return [event for event in read_log(run) if event["event"] == kind]


def test_the_response_to_rain_is_mapped_along_the_training(settings: TrainingSettings, tmp_path: Path) -> None:
    settings = dataclasses.replace(settings, probe_every=5, count=4)
    train(settings, tmp_path / "run")
    probes = events(tmp_path / "run", "probe")
    assert [probe["iteration"] for probe in probes] == [5, 10, 12]
    assert probes[0]["means"].keys() == {
        "length_px x angle_deg",
        "width x quantity",
        "brightness x angle_deg",
        "families",
    }
    assert len(probes[0]["means"]["length_px x angle_deg"]) == 9
    assert 0 <= probes[-1]["area"]["value"] <= 1
    # Measurements along a training do not change it, except for the photos kept out.
    train(dataclasses.replace(settings, probe_every=0, validate_every=12), tmp_path / "other")
    assert same(tmp_path / "run" / "model.safetensors", tmp_path / "other" / "model.safetensors")


def test_broken_photos_of_the_validation_are_left_out_of_the_probes_too(
    settings: TrainingSettings, photos: Path, tmp_path: Path
) -> None:
    validation = tmp_path / "validation"
    shutil.copytree(photos, validation)
    broken = validation / "photo0.png"
    broken.write_bytes(broken.read_bytes()[:-200])
    settings = dataclasses.replace(settings, iterations=2, warmup=0, validation=validation, probe_every=2)
    with pytest.raises(InputError, match="photo0"):
        prepare(settings, torch.device("cpu"))
    scene = prepare(dataclasses.replace(settings, skip_bad=True), torch.device("cpu")).scene
    assert broken.name not in {source.photo for source in scene.patches.sources}


def test_another_photo_is_kept_out_where_the_one_drawn_is_broken(
    settings: TrainingSettings, photos: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "some"
    shutil.copytree(photos, folder)
    settings = dataclasses.replace(settings, backgrounds=(folder,), validate_every=2)
    _, [drawn] = split_backgrounds(settings)
    drawn.write_bytes(drawn.read_bytes()[:-200])
    with pytest.raises(InputError, match=drawn.name):
        prepare(settings, torch.device("cpu"))
    run = prepare(dataclasses.replace(settings, skip_bad=True), torch.device("cpu"))
    assert run.validation[0].source["photos"] == 1


@pytest.mark.parametrize("change", [{"validate_every": 2}, {"probe_every": 2}])
def test_broken_photos_no_larger_than_a_patch_are_left_out_of_the_validation(
    settings: TrainingSettings, photos: Path, tmp_path: Path, change: dict[str, int]
) -> None:
    folder = tmp_path / "tiles"
    folder.mkdir()
    for index in range(16):
        picture = np.random.default_rng(index).integers(0, 256, (32, 32, 3), dtype=np.uint8)
        write_image(folder / f"tile{index:02}.png", picture)
    settings = dataclasses.replace(settings, backgrounds=(folder,), count=8, skip_bad=True, **change)
    _, [first, _] = split_backgrounds(settings)
    first.write_bytes(first.read_bytes()[:-200])
    run = prepare(settings, torch.device("cpu"))
    measured_on = run.validation[0].samples if run.validation else run.scene.patches.patches
    assert len(measured_on) == 1


def test_what_cannot_fit_into_memory_is_refused_before_it_is_made(settings: TrainingSettings) -> None:
    for change, sentence in (
        ({"network": "unet:base=1000000"}, "the weights of unet need .* GiB of memory while they are trained"),
        ({"layers": 10**12}, r"1,000,000,000,000 layers of 32 x 32 pixels need .*--layers \d+ fits"),
    ):
        with pytest.raises(InputError, match=sentence):
            prepare(dataclasses.replace(settings, **change), torch.device("cpu"))


def test_a_photo_is_not_both_trained_on_and_validated_on(settings: TrainingSettings, tmp_path: Path) -> None:
    others = tmp_path / "others"
    others.mkdir()
    (others / "link.png").symlink_to(settings.backgrounds[0] / "photo3.png")
    settings = dataclasses.replace(settings, validate_every=2, validation=others)
    with pytest.raises(InputError, match=r"others.link\.png is trained on, so --validation must not hold it"):
        prepare(settings, torch.device("cpu"))


def test_batchnorm_that_sees_one_value_is_refused_before_the_training(settings: TrainingSettings) -> None:
    settings = dataclasses.replace(settings, network="unet:base=2", batch_size=1)
    with pytest.raises(InputError, match="cannot be trained on samples of 16 x 16 pixels, one at a time: ValueError"):
        prepare(settings, torch.device("cpu"))


@pytest.fixture
def slacking(settings: TrainingSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainingSettings:
    """A training whose validation is at its best after 40 of 120 iterations: where its weights then are."""
    for name in "ab":
        write_image(make_folder(tmp_path / "others") / f"{name}.png", generate(ord(name), 64))
    settings = dataclasses.replace(
        settings, iterations=120, validate_every=10, stop_when_slacking=True, validation=tmp_path / "others"
    )
    with pytest.raises(Stopped):
        train(settings, tmp_path / "first", checkpoint_every=40, report=stop_at(40))
    checkpoint = safetensors.torch.load_file(tmp_path / "first" / "checkpoint.safetensors")

    def measure(self, network, device):
        away = sum(float((t - checkpoint[f"average.{name}"]).abs().sum()) for name, t in network.state_dict().items())
        images = [{"psnr_y": 30 - away}, {"psnr_y": 29 - away}]
        return {"set": self.name, "images": images, "mean": {"psnr_y": 29.5 - away, "removal_controlled": -away}}

    monkeypatch.setattr(ValidationSet, "measure", measure)
    return settings


def test_slacking_cannot_be_watched_on_a_single_picture(settings: TrainingSettings) -> None:
    settings = dataclasses.replace(settings, validate_every=10, stop_when_slacking=True)
    with pytest.raises(InputError, match="needs two to validate on, not one: give --validation"):
        prepare(settings, torch.device("cpu"))


@pytest.mark.slow
def test_a_network_that_slacks_off_is_stopped_and_its_best_weights_are_kept(
    slacking: TrainingSettings, tmp_path: Path
) -> None:
    model = train(slacking, tmp_path / "run")
    [event] = events(tmp_path / "run", "slacking")
    [finished] = events(tmp_path / "run", "finished")
    assert (event["iteration"], event["best"]["iteration"], finished["iteration"]) == (70, 40, 70)
    _, header = load_model(model)
    assert (header["best_iteration"], header["stopped_at"]) == (40, 70)
    checkpoint = weights(tmp_path / "first" / "checkpoint.safetensors")
    assert all(torch.equal(tensor, checkpoint[f"average.{name}"]) for name, tensor in weights(model).items())


@pytest.mark.slow
def test_a_network_that_does_not_slack_off_is_trained_to_the_end(
    slacking: TrainingSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worse_pictures_but_more_rain_removed = ValidationSet.measure

    def measure(self, network, device):
        figures = worse_pictures_but_more_rain_removed(self, network, device)
        figures["mean"]["removal_controlled"] *= -1
        return figures

    monkeypatch.setattr(ValidationSet, "measure", measure)
    _, header = load_model(train(slacking, tmp_path / "run"))
    assert events(tmp_path / "run", "slacking") == []
    assert (header["best_iteration"], header["stopped_at"]) == (40, 120)


@pytest.mark.slow
def test_a_watched_run_that_is_interrupted_keeps_the_same_weights(slacking: TrainingSettings, tmp_path: Path) -> None:
    straight = train(slacking, tmp_path / "straight")
    with pytest.raises(Stopped):
        train(slacking, tmp_path / "run", checkpoint_every=1, report=stop_at(55))
    assert same(train(slacking, tmp_path / "run"), straight)
    assert events(tmp_path / "run", "slacking") == events(tmp_path / "straight", "slacking")
