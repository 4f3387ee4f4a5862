"""A command that is killed at any moment leaves nothing half-written, and the same command makes the same files."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import COMMANDS, attempts, command, content, refuse_half_done

KILLS, KILLS_WHILE_STARTING = 50, 10
Whole = dict[str, tuple[dict[str, bytes], float]]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_same_command_after_a_kill_makes_the_same_files(
    name: str, inputs: Path, undisturbed: Whole, tmp_path: Path
) -> None:
    (whole, seconds), drawn = undisturbed[name], random.Random(f"kills of {name}")
    works = [
        {"argv": command(name, inputs, tmp_path / f"{k}"), "kill_after": drawn.uniform(0, seconds)}
        for k in range(KILLS)
    ]
    killed = attempts(works, tmp_path)
    assert {each["code"] for each in killed} <= {0, -signal.SIGKILL}
    print(f"{name}: {sum(each['code'] != 0 for each in killed)} of {KILLS} kills while it ran")
    again = attempts([{"argv": command(name, inputs, tmp_path / f"{k}")} for k in range(KILLS)], tmp_path)
    for k, result in enumerate(again):
        assert result["code"] == 0, (k, result["said"])
        refuse_half_done(result["said"], tmp_path / f"{k}", whole)
        assert content(tmp_path / f"{k}") == whole, k


def test_a_kill_while_a_command_starts_leaves_nothing(inputs: Path, tmp_path: Path) -> None:
    drawn = random.Random("kills while starting")
    for k in range(KILLS_WHILE_STARTING):
        argv = [sys.executable, "-m", "derain", *command("restore", inputs, tmp_path / f"{k}")]
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as started:
            time.sleep(drawn.uniform(0, 1.5))
            started.kill()
        assert all(not path.is_file() for path in tmp_path.rglob("*"))
