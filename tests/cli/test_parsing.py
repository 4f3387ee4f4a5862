"""Texts of --help, and hints at a mistyped command line."""

import re
import sys

import pytest

from derain import cli
from derain.cli.commands import COMMANDS
from derain.networks import NETWORKS

LEAVES = [*(name for name in COMMANDS if name != "study"), *(f"study {name}" for name in ("plan", "run", "table"))]


@pytest.fixture
def derain(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run the command line in this process; gives exit code and what was printed, in one column."""
    monkeypatch.setenv("COLUMNS", "120")

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["derain", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        output = capsys.readouterr()
        return int(end.value.code or 0), output.out + output.err

    return run


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("restore photos --output x", "derain restore has no --output (did you mean --out?)"),
        ("restore photos --out x --jpeg-qualty 3", "derain restore has no --jpeg-qualty (did you mean --quality?)"),
        ("evaluate --rain a --clean b --model nothing", "derain evaluate has no --rain (did you mean --rainy?)"),
        ("train --learning_rat=1e-3 --out x", "derain train has no --learning-rat (did you mean --learning-rate?)"),
        ("study run a.toml --output x", "derain study has no --output (did you mean --out?)"),
        ("probe --lengths 3", "derain probe has no --lengths (did you mean --lengths-px?)"),
        ("restor photos --out x", "unknown command 'restor'; there are restore, serve"),
    ],
)
def test_a_mistyped_name_is_told_the_nearest_one(derain, arguments: str, sentence: str) -> None:
    code, output = derain(*arguments.split())
    assert (code, sentence in output, output.count("\n")) == (2, True, 1)


def test_underscores_stand_for_hyphens(derain) -> None:
    code, output = derain("train", "--backgrounds", "x", "--count", "1", "--min_std", "300", "--out", "y")
    assert (code, "--min-std must lie between 0 and 127.5" in output) == (2, True)


@pytest.mark.parametrize("command", LEAVES)
def test_help_says_only_what_helps(derain, command: str) -> None:
    code, output = derain(*command.split(), "--help")
    assert code == 0
    assert not re.search(r"\{None\}|default: (None|False|''|)\)|--no-|\[\[", output)


def test_commands_stand_in_three_groups(derain) -> None:
    code, output = derain("--help")
    assert code == 0
    groups = re.findall(r"^- (photos|research|development): (.*)$", output, re.MULTILINE)
    assert [group for group, _ in groups] == ["photos", "research", "development"]
    assert [name for _, names in groups for name in names.split(", ")] == list(COMMANDS)


def test_flags_of_a_training_stand_in_groups_with_what_is_required_first(derain) -> None:
    _, output = derain("train", "--help")
    assert "Train a network on chosen backgrounds and rain" in output
    titles = re.findall(r"^\W+((?:\w+ )?options)\W*$", output, re.MULTILINE)
    assert titles == [
        "options",
        *(f"{name} options" for name in ["data", "rain", "network", "optimisation", "watching", "machine"]),
    ]
    flags = re.findall(r"^\W+ (--[a-z-]+)", output, re.MULTILINE)
    assert flags[:3] == ["--out", "--backgrounds", "--count"]
    assert flags.index("--rain") < flags.index("--layers") < flags.index("--network") < flags.index("--iterations")


def test_help_of_a_training_names_every_network_and_what_the_default_costs(derain) -> None:
    text = re.sub(r"[|│\s]+", " ", derain("train", "--help")[1])
    assert f"{', '.join(NETWORKS)}, or FILE.py:CLASS" in text
    assert "hours on a GPU, weeks to months on a CPU" in text


def test_advanced_flags_of_restore_come_last(derain) -> None:
    _, output = derain("restore", "--help")
    assert output.index("--quality") < output.index("advanced options") < output.index("--max-pixels")
