"""derain study: what is said before anything is trained, and paths as they are."""

import sys
from pathlib import Path

import pytest

from derain import cli


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


def test_a_device_that_cannot_be_used_ends_with_2(derain) -> None:
    code, output = derain("run", "study.toml", "--out", "r", "--device", "foo")
    assert (code, "the device foo cannot be used" in output) == (2, True)
    assert not Path("r").exists()


def test_square_brackets_are_printed_as_they_are(derain, folder: Path) -> None:
    text = (folder / "study.toml").read_text().replace("Removal against count", "Removal [/x]")
    (folder / "study.toml").write_text(text)
    code, output = derain("plan", "study.toml")
    assert (code, "Removal [/x]" in output) == (0, True)
    code, output = derain("run", "study.toml", "--out", "q[/x]", "--scale", "cpu", "--minutes", "0")
    assert (code, "results in q[/x]" in output) == (0, True)
