"""derain study: what is said before anything is trained, and paths as they are."""

import json
import sys
from pathlib import Path

import pytest

from derain import cli
from derain.networks.registry import determined


@pytest.fixture
def derain(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run the command line in this process, in the folder of the study; gives exit code and what was printed."""
    monkeypatch.chdir(folder)

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["derain", "study", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        return code, "".join(capsys.readouterr())

    return run


def test_a_plan_with_seeds_that_make_no_sense_ends_with_2(derain) -> None:
    code, output = derain("plan", "study.toml", "--seeds", "-1")
    assert (code, "seed must not be negative" in output) == (2, True)


@pytest.mark.slow
def test_a_device_that_cannot_be_used_ends_with_2(derain) -> None:
    code, output = derain("run", "study.toml", "--out", "r", "--device", "foo")
    assert (code, "the device foo cannot be used" in output) == (2, True)
    assert not Path("r").exists()


@pytest.mark.slow
def test_what_a_network_costs_is_measured_again_when_its_code_has_changed(
    derain, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    code = "from torch import nn\nclass Mine(nn.Conv2d):\n    def __init__(self):\n        super().__init__(3, 3, 1)\n"
    text = (folder / "study.toml").read_text().replace('"resnet:features=4,blocks=1"', '"mine.py:Mine"')
    (folder / "study.toml").write_text(text)
    kept = folder / "cache" / "derain" / "costs.json"
    for number, change in enumerate(("", "# changed\n"), start=1):
        (folder / "mine.py").write_text(code + change)
        determined.cache_clear()  # each command is a process of its own
        assert derain("plan", "study.toml", "--scale", "cpu", "--measure")[0] == 0
        assert len(json.loads(kept.read_text())) == number
    kept.write_text('{"a')
    assert derain("plan", "study.toml", "--scale", "cpu", "--measure")[0] == 0
    assert len(json.loads(kept.read_text())) == 1


@pytest.mark.slow
def test_a_report_that_is_made_from_another_folder_finds_the_photos(
    derain, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (folder / "study.toml").read_text()
    text = text[: text.index("[[grid]]")].replace('findings = "F4"\n', "").replace('"F4"', '"F2"')
    shown = '[pictures]\nkind = "categories"\nnumber = 1\n'
    (folder / "study.toml").write_text(text[: text.index("[plot]")] + text[text.index("[data.barns]") :] + shown)
    assert derain("run", "study.toml", "--out", "r", "--scale", "cpu")[0] == 0
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    assert derain("report", "../r")[0] == 0
    assert "not shown" not in (folder / "r" / "report" / "index.html").read_text()


def test_square_brackets_are_printed_as_they_are(derain, folder: Path) -> None:
    text = (folder / "study.toml").read_text().replace("Removal against count", "Removal [/x]")
    (folder / "study.toml").write_text(text)
    code, output = derain("plan", "study.toml")
    assert (code, "Removal [/x]" in output) == (0, True)
    code, output = derain("run", "study.toml", "--out", "q[/x]", "--scale", "cpu", "--minutes", "0")
    assert (code, "results in q[/x]" in output) == (0, True)
