"""The command line as a person uses it: the calls of the README, exit codes, one sentence for bad input."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from derain import cli
from derain.cli.commands import COMMANDS
from derain.cli.ending import ending_at_once
from derain.cli.parsing import parse
from derain.networks import NETWORKS
from derain.pictures.images import list_images, read_image, write_image

TINY = ["--network", "resnet:features=4,blocks=1", "--background-size", "32", "--batch-size", "2", "--iterations", "4"]

TRAIN = ["train", "--backgrounds", "{photos}", "--count", "8", "--out", "{tmp}/o"]
STUDY = str(Path(__file__).parents[2] / "studies" / "f4.toml")
SELF = ["evaluate", "--rainy", "{photos}", "--clean", "{photos}"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(1)
    for name in ("barn", "cat", "dog"):
        write_image(
            folder / f"{name}.png", np.kron(rng.integers(0, 200, (5, 7, 3)), np.ones((12, 12, 1))).astype(np.uint8)
        )
    return folder


@pytest.fixture
def derain(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run the command line in this process; gives exit code and what was printed, line breaks taken out."""

    def run(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["derain", *map(str, arguments)])
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        output = capsys.readouterr()
        return code, re.sub(r"\s+", " ", output.out + output.err)

    return run


def test_pairs_of_names_of_ones_own_are_measured(derain, photos: Path, tmp_path: Path) -> None:
    for kind in ("rain", "clean"):
        (tmp_path / f"street_{kind}.png").write_bytes((photos / "cat.png").read_bytes())
    call = ["evaluate", "--rainy", tmp_path, "--clean", tmp_path, "--model", "nothing", "--match"]
    code, output = derain(*call, "{name}_rain.png", "{name}_clean.png")
    assert (code, "Means over 1 images" in output) == (0, True)
    code, output = derain(*call, "{name}_rain.png", "clean.png")
    assert (code, "the pattern 'clean.png' must have {name} once" in output) == (2, True)


@pytest.fixture(scope="module")
def pairs(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pairs")
    call = [sys.executable, "-m", "derain", "synth", photos, "--seed", "1", "--out", out]
    subprocess.run(call, check=True, capture_output=True)
    return out


@pytest.mark.slow
def test_synth_writes_pairs_that_fit_together(photos: Path, pairs: Path) -> None:
    names = {path.name for path in list_images(photos)}
    for kind in ("rainy", "clean", "rain", "mask"):
        assert {path.name for path in (pairs / kind).iterdir()} == names
    for name in names:
        clean = read_image(photos / name).astype(int)
        rain = read_image(pairs / "rain" / name).astype(int)
        rainy = read_image(pairs / "rainy" / name).astype(int)
        assert (read_image(pairs / "clean" / name) == clean).all()
        assert (rainy == np.minimum(clean + rain, 255)).all()
        assert (read_image(pairs / "mask" / name)[..., 0] == 255 * ((rainy - clean).max(-1) > 10)).all()
        assert rain.max() == 255


def test_synth_gives_every_photo_its_own_layer_and_the_same_one_again(
    derain, photos: Path, pairs: Path, tmp_path: Path
) -> None:
    layers = [read_image(path).tobytes() for path in list_images(pairs / "rain")]
    assert len(set(layers)) == 3
    assert derain("synth", photos / "cat.png", "--seed", 1, "--out", tmp_path / "same")[0] == 0
    assert read_image(tmp_path / "same" / "rain" / "cat.png").tobytes() == layers[1]
    assert derain("synth", photos / "cat.png", "--seed", 2, "--out", tmp_path / "other")[0] == 0
    assert read_image(tmp_path / "other" / "rain" / "cat.png").tobytes() != layers[1]


@pytest.mark.slow
def test_train_evaluate_and_evaluate_a_folder(derain, photos: Path, pairs: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    train = ["train", "--backgrounds", photos, "--count", 8, "--rain", "large", "--seed", 0, "--out", run, *TINY]
    assert derain(*train)[0] == 0
    code, output = derain(*train)
    assert code == 0
    assert "is finished" in output
    assert derain(*train, "--seed", 1)[0] == 2

    sets = ["--rainy", pairs / "rainy", "--clean", pairs / "clean"]
    code, output = derain("evaluate", *sets, "--model", run / "model.safetensors", "--json", tmp_path / "model.json")
    assert code == 0
    assert "input" in output
    result = json.loads((tmp_path / "model.json").read_text())
    assert [image["name"] for image in result["images"]] == ["barn", "cat", "dog"]

    code, output = derain(
        "evaluate", *sets, "--restored", pairs / "clean", "--threshold", 25, "--json", tmp_path / "f.json"
    )
    assert code == 0
    result = json.loads((tmp_path / "f.json").read_text())
    assert result["threshold"] == 25
    assert result["mean"]["removal"] == 1.0
    assert result["mean"]["removal_controlled"] is None
    code, _ = derain(
        "evaluate",
        *sets,
        "--restored",
        pairs / "clean",
        "--restored-clean",
        pairs / "clean",
        "--json",
        tmp_path / "c.json",
    )
    assert code == 0
    assert json.loads((tmp_path / "c.json").read_text())["mean"]["removal_controlled"] == 1.0


@pytest.mark.slow
def test_train_takes_every_flag_of_the_small_protocol(derain, photos: Path, tmp_path: Path) -> None:
    code, _ = derain(
        *(
            "train",
            "--backgrounds",
            photos,
            "--count",
            8,
            "--rain",
            "medium",
            "--network",
            "resnet:features=4,blocks=1",
        ),
        *("--background-size", 48, "--patch-size", 16, "--batch-size", 2, "--learning-rate", "1e-3", "--iterations", 6),
        *(
            "--recipe",
            "corrected",
            "--layers",
            4,
            "--warmup",
            2,
            "--validate-every",
            3,
            "--threads",
            1,
            "--out",
            tmp_path,
        ),
    )
    assert code == 0
    assert (tmp_path / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["synth", "{tmp}/missing", "--out", "{tmp}/o"], "missing"),
        (["synth", "--out", "{tmp}/o"], "photo"),
        (["synth", "{photos}", "--rain", "medum", "--out", "{tmp}/o"], "medium"),
        (["synth", "{photos}", "{photos}/cat.png", "--out", "{tmp}/o"], "both be written to cat.png"),
        (["synth", "{photos}", "--out", "{photos}/cat.png"], "cannot write"),
        (["synth", "{photos}", "--out", "{tmp}/o", "--seed", "-1"], "seed must not be negative"),
        (["synth", "{photos}", "--out", "{tmp}/o", "--device", "gpu"], "the device gpu cannot be used"),
        ([*SELF, "--model", "balanced", "--device", "mps"], "the device mps cannot be used: there is none"),
        (["study", "run", STUDY, "--out", "{tmp}/o"], "with --scale: paper (250,000 iterations), gpu (20,000"),
        ([*TRAIN, *TINY[2:], "--warmup", "4"], "--warmup 4 must be shorter than --iterations 4"),
        (["study", "run", "{tmp}", "--out", "{tmp}/o", "--threads", "0"], "--workers and --threads must be 1 or more"),
        (["train", "--backgrounds", "{tmp}", "--count", "8", "--out", "{tmp}/o"], "is empty"),
        (TRAIN, "patch of 128 x 128"),
        (["train", "--backgrounds", "{photos}", "--count", "0", "--out", "{tmp}/o"], "--count"),
        (["train", "--backgrounds", "{photos}", "--count", "99999", "--out", "{tmp}/o", *TINY], "not 99999"),
        ([*TRAIN, "--network", "rsnet"], "mean resnet"),
        ([*TRAIN, "--threads", "0"], "--threads must be at least 1, not 0"),
        ([*TRAIN, "--device", "gpu"], "the device gpu cannot be used"),
        ([*TRAIN, "--backgrounds", "{tmp}"], "--backgrounds is given twice; several values go behind one"),
        (["export", "--model", "{photos}/cat.png", "--out", "{photos}/cat.png"], "cat.png is the model itself"),
        (["export", "--model", "balanced", "--out", "{photos}/dog.png"], "--out must end in .onnx, not dog.png"),
        ([*SELF, "--model", "balanced", "--json", "{photos}/cat.png/o.json"], "cannot write into the folder"),
        (["complexity", "{photos}", "--json", "{photos}/cat.png/o.json"], "cannot write into the folder"),
        (SELF, "--model or --restored"),
        ([*SELF, "--model", "{photos}/cat.png"], "no whole safetensors"),
        ([*SELF, "--model", "nothing", "--threads", "0"], "--threads must be at least 1, not 0"),
        (["evaluate", "--rainy", "{photos}s", "--clean", "{photos}", "--model", "nothing"], "(did you mean {photos}?)"),
        (["synth", "{photos}/cats.png", "--out", "{tmp}/o"], "No such file or folder (did you mean {photos}/cat.png?)"),
        ([*SELF, "--restored-clean", "{photos}"], "--restored"),
        ([*SELF, "--restored", "{photos}", "--network", "mine.py:Net"], "--best and --specificity go with"),
        ([*SELF, "--restored", "{photos}", "--threshold", "300"], "300"),
    ],
)  # fmt: skip
def test_bad_calls_end_with_2_and_one_sentence(
    derain, photos: Path, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    code, output = derain(*(argument.format(tmp=tmp_path, photos=photos) for argument in arguments))
    assert code == 2
    assert sentence.format(tmp=tmp_path, photos=photos) in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("arguments", "program"),
    [
        ([*SELF, "--restored", "{photos}", "--json"], "evaluate"),
        (["complexity", "{photos}", "--json"], "complexity"),
        (["study", "plan", "{tmp}", "--json"], "study plan"),
        (["study", "table", "{tmp}", "--json"], "study table"),
        (["study", "table", "{tmp}", "--csv"], "study table"),
        (["export", "--model", "balanced", "--to", "float16", "--out"], "export"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("content", ["balanced", "cat", "json"])
def test_a_result_replaces_no_file_of_another_kind(
    derain, photos: Path, tmp_path: Path, arguments: list[str], program: str, content: str
) -> None:
    own = tmp_path / "own.safetensors"
    if content == "json":
        own.write_text('{"seed": 0}')
    else:
        model = Path(__file__).parents[2] / "models" / "first" / "balanced.safetensors"  # of a run, not of an export
        shutil.copy(photos / "cat.png" if content == "cat" else model, own)
    before = own.read_bytes()
    code, output = derain(*(argument.format(tmp=tmp_path, photos=photos) for argument in [*arguments, str(own)]))
    assert code == 2
    assert f"is no result of derain {program} and is not overwritten" in output
    assert own.read_bytes() == before


def test_results_of_the_same_kind_are_replaced(derain, photos: Path, tmp_path: Path) -> None:
    evaluated = [*SELF, "--restored", "{photos}", "--json", "{tmp}/evaluated.json"]
    halved = ["export", "--model", "balanced", "--to", "float16", "--out", "{tmp}/half.safetensors"]
    for arguments in 2 * [evaluated] + 2 * [halved]:
        assert derain(*(argument.format(tmp=tmp_path, photos=photos) for argument in arguments))[0] == 0


def test_photos_are_not_replaced_by_pairs(derain, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "clean").mkdir()
    photo = Path(shutil.copy(photos / "cat.png", tmp_path / "clean"))
    code, output = derain("synth", tmp_path / "clean", "--out", tmp_path)
    assert (code, "cat.png lies where results are written" in output) == (2, True)
    assert photo.read_bytes() == (photos / "cat.png").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "interrupted", "goes_on"),
    [
        (["complexity", "{tmp}"], "derain.evaluation.complexity.compare", False),
        (["study", "table", "{tmp}"], "derain.study.run.store.Store.records", False),
        (["study", "run", "{tmp}/study.toml", "--out", "{tmp}"], "derain.study.plan.spec.load_studies", True),
        (["paint", "--out", "{tmp}"], "derain.painting.paint", True),
    ],
)
def test_an_interrupted_command_says_whether_it_goes_on(
    derain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], interrupted: str, goes_on: bool
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(interrupted, interrupt)
    code, output = derain(*(argument.format(tmp=tmp_path) for argument in arguments))
    assert code == 130
    assert "derain: interrupted" in output
    assert ("the same command goes on where it stopped" in output) == goes_on


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("swallowed", [False, True])
def test_a_signal_ends_a_command_without_a_traceback(number: signal.Signals, code: int, swallowed: bool) -> None:
    """Python passes over exceptions within callbacks, as those of imports are; the command ends all the same."""
    work = "weakref.finalize(set(), os.kill, os.getpid(), number)" if swallowed else "os.kill(os.getpid(), number)"
    script = (
        "import os, sys, time, weakref\n"
        "from derain.cli.ending import ending_at_once\n"
        f"number = {int(number)}\n"
        "with ending_at_once() as ending:\n"
        "    ending.note = '; it goes on'\n"
        f"    {work}\n"
        "    time.sleep(60)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stderr) == (code, "derain: interrupted; it goes on\n")


def test_a_reader_that_goes_away_ends_a_command_without_a_traceback() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "derain", "export", "--help"]
    ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, b"")


def test_a_failure_that_an_interruption_causes_is_an_interruption(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> None:
        with ending_at_once() as ending:
            ending.by = signal.SIGINT
            raise ImportError("cannot import name 'x' from partially initialised module")

    with pytest.raises(SystemExit, match="130"):
        interrupted()
    assert capsys.readouterr().err == "derain: interrupted\n"


def test_the_process_listens_to_signals_as_before_once_the_command_is_done(derain) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert derain("complexity")[0] == 2
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_little_is_imported_before_signals_are_listened_to() -> None:
    script = "import sys; before = set(sys.modules); import derain.cli; print(*(set(sys.modules) - before))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"tyro", "rich", "ast", "dataclasses", "logging", "pathlib"} & set(found)


@pytest.mark.parametrize(
    "arguments",
    [
        ["synth", "{tmp}/in", "--out", "{tmp}/o"],
        ["evaluate", "--rainy", "{tmp}/in", "--clean", "{tmp}/in", "--restored", "{tmp}/in"],
        ["synth", "{tmp}/in/pipe.png", "--out", "{tmp}/o"],
        ["synth", "{tmp}/in/cat.png", "--rain", "{tmp}/pipe.toml", "--out", "{tmp}/o"],
        ["export", "--model", "{tmp}/pipe.safetensors"],
        ["restore", "{tmp}/in/pipe.png", "{tmp}/in/cat.png", "--out", "{tmp}/o"],
        [*TRAIN, *TINY[2:], "--network", "{tmp}/pipe.py:Net"],
        ["study", "plan", "{tmp}/pipe.toml"],
        ["advise", "--replay", "{tmp}/pipe.json", "--out", "{tmp}/o"],
    ],
)
def test_nothing_waits_at_a_pipe(
    derain, photos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, arguments: list[str]
) -> None:
    (tmp_path / "in").mkdir()
    for name in ("cat.png", "barn.png"):
        shutil.copy(photos / name, tmp_path / "in")
    for name in ("in/pipe.png", "pipe.toml", "pipe.safetensors", "pipe.py", "pipe.json"):
        os.mkfifo(tmp_path / name)
    code, output = derain(*(argument.format(tmp=tmp_path, photos=photos) for argument in arguments))
    assert code == (0 if "{tmp}/in" in arguments else 2)
    assert re.search(r"pipe\.\w+(: it)? is no regular file", output + caplog.text)


def test_an_unknown_flag_ends_with_2(derain) -> None:
    assert derain("train", "--bakcgrounds", "x")[0] == 2


def test_a_training_that_diverges_ends_with_1(derain, photos: Path, tmp_path: Path) -> None:
    train = ["train", "--backgrounds", photos, "--count", 8, "--learning-rate", "1e30", "--out", tmp_path, *TINY]
    code, output = derain(*train)
    assert code == 1
    assert "no longer" in output


def test_a_model_of_another_network_is_refused(derain, photos: Path, tmp_path: Path) -> None:
    safetensors.torch.save_file({"weight": torch.zeros(3)}, tmp_path / "foreign.safetensors")
    code, output = derain("evaluate", "--rainy", photos, "--clean", photos, "--model", tmp_path / "foreign.safetensors")
    assert code == 2
    assert "foreign.safetensors holds weights without a network" in output
    for way in ("an ONNX file", "a folder of its results", "its class (--network FILE.py:CLASS", "NetworkRestorer"):
        assert way in output


def test_help_answers_without_torch() -> None:
    code = (
        "import sys; sys.argv = ['derain', '--help']\n"
        "from derain.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'PIL', 'skimage', 'matplotlib', 'tensorboard'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "evaluate" in result.stdout


@pytest.mark.slow
def test_the_library_needs_no_optional_package() -> None:
    code = (
        "import sys\n"
        "optional = ['skimage', 'matplotlib', 'tensorboard', 'cv2', 'scipy', 'torchmetrics', 'beartype']\n"
        "sys.modules.update(dict.fromkeys(optional))\n"
        "import derain\n"
        "for name in derain.__all__: getattr(derain, name)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_networks_lists_all_of_them_and_all_pass(derain) -> None:
    code, output = derain("networks")
    assert code == 0
    for name in NETWORKS:
        assert f" {name} " in output
    assert output.count("3 of 3") == len(NETWORKS)
    assert "fails" not in output


@pytest.mark.slow
def test_a_study_is_planned_run_and_tabulated(derain, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for folder in ("train", "clean"):
        (tmp_path / folder).mkdir()
        write_image(tmp_path / folder / "wall.png", rng.integers(0, 200, (130, 140, 3)).astype(np.uint8))
    assert derain("synth", tmp_path / "clean", "--out", tmp_path / "pairs")[0] == 0
    study = tmp_path / "study.toml"
    study.write_text("""
title = "Removal against count"
figure = "other"
[data.walls]
train = "train"
[tests.pairs]
rainy = "pairs/rainy"
clean = "pairs/clean"
[[grid]]
network = "resnet:features=4,blocks=1"
category = "walls"
count = [1, 30000]
rain = "small"
tests = "pairs"
length = 0.0001
""")
    code, output = derain("study", "plan", study, "--json", tmp_path / "plan.json")
    assert code == 0
    assert "2 distinct trainings" in output
    assert json.loads((tmp_path / "plan.json").read_text())["trainings"] == 2

    code, output = derain("study", "run", study, "--scale", "gpu", "--out", tmp_path / "results")
    assert code == 1
    assert "failed: count 30000: only 39 patches of 128 x 128 pixels can be cut from 1 photos" in output
    assert "1 of 2 trainings done" in output

    code, output = derain("study", "table", tmp_path / "results", "--csv", tmp_path / "all.csv", "--threshold", 50)
    assert code == 0
    assert "count 1" in output
    assert (tmp_path / "all.csv").read_text().count("\n") == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["plan", "{tmp}/none.toml"], "cannot read {tmp}/none.toml"),
        (["table", "{tmp}"], "{tmp} holds no results of a study"),
        (["run", "{tmp}/none.toml", "--out", "{tmp}/r", "--on", "ray", "--address", "nobody"], "cannot read"),
    ],
)
def test_bad_calls_of_studies_are_named(derain, tmp_path: Path, arguments: list[str], sentence: str) -> None:
    code, output = derain("study", *(argument.format(tmp=tmp_path) for argument in arguments))
    assert code == 2
    assert sentence.format(tmp=tmp_path) in output


COMMAND_LINES = [
    line.partition("#")[0].split()[1:]
    for line in (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("    derain ")
]


@pytest.mark.parametrize("arguments", COMMAND_LINES, ids=" ".join)
def test_every_command_of_the_readme_is_understood(arguments: list[str]) -> None:
    assert type(parse(COMMANDS, arguments, "")) is COMMANDS[arguments[0]]
