"""The wheel in build/wheel, as `make test-wheel` builds it: what is in it, and that it works where nothing else is."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from PIL import Image

from derain.models import NAMES

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "derain"
OF_THE_PACKAGE = ("*.py", "*.html", "*.css", "py.typed", "app/examples/*.jpg", "app/examples/README.md")
ABOUT_IT = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "top_level.txt", "licenses/LICENSE"}

# Else the package in src would count as the installed one.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

NO_SOCKETS = """import socket

class Refused(socket.socket):
    def connect(self, *address):
        raise OSError(f"no network here: {address}")

    connect_ex = connect

socket.socket = Refused
"""

LISTENING = """import socket
server = socket.create_server(("127.0.0.1", 0))
try:
    socket.create_connection(server.getsockname(), timeout=5)
except OSError:
    print("cut")
"""


@pytest.fixture(scope="module")
def wheel() -> Path:
    [path] = (ROOT / "build" / "wheel").glob("*.whl")
    return path


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the wheel, and what it asks for, alone; it reaches no network."""
    folder = tmp_path_factory.mktemp("empty") / "environment"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    quietly = ["--quiet", "--disable-pip-version-check", "--constraint", ROOT / "constraints.txt"]
    subprocess.run([python, "-m", "pip", "install", *quietly, wheel], env=ENVIRONMENT, check=True)
    where = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    packages = Path(where.stdout.strip())
    (packages / "no_sockets.py").write_text(NO_SOCKETS, encoding="utf-8")
    (packages / "no_sockets.pth").write_text("import no_sockets\n", encoding="utf-8")  # runs as Python starts
    return python


def run(python: Path, folder: Path, *arguments: str) -> str:
    """Run a command, in a network namespace of its own where the system makes one; its output is given back."""
    unshare = ["unshare", "--map-root-user", "--net"]
    alone = sys.platform == "linux" and subprocess.run([*unshare, "true"], check=False).returncode == 0
    done = subprocess.run(
        [*(unshare if alone else []), python, *arguments],
        cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    files = [path for pattern in OF_THE_PACKAGE for path in PACKAGE.rglob(pattern)]
    expected = {f"derain/{path.relative_to(PACKAGE).as_posix()}" for path in files}
    expected |= {f"derain/models/{name}.safetensors" for name in NAMES}
    names = zipfile.ZipFile(wheel).namelist()
    about = {name for name in names if PurePosixPath(name).parts[0].endswith(".dist-info")}
    assert set(names) - about == expected
    assert {name.partition("/")[2] for name in about} == ABOUT_IT


def test_the_wheel_is_small_and_of_the_version_that_the_project_states(wheel: Path) -> None:
    version = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert version is not None
    assert wheel.name == f"derain-{version[1]}-py3-none-any.whl"
    assert wheel.stat().st_size < 10e6


def test_the_environment_of_the_next_test_reaches_no_network(python: Path, tmp_path: Path) -> None:
    assert run(python, tmp_path, "-c", LISTENING) == "cut\n"


@pytest.mark.parametrize("model", NAMES)
def test_the_installed_command_restores_a_photo_without_the_network(python: Path, tmp_path: Path, model: str) -> None:
    Image.effect_noise((90, 70), 60).convert("RGB").save(tmp_path / "wet.png")
    printed = run(python, tmp_path, "-m", "derain", "restore", "wet.png", "--out", "dry", "--report", "--model", model)
    assert "1 restored in dry" in printed
    assert (tmp_path / "dry" / "report.html").is_file()
    with Image.open(tmp_path / "dry" / "wet.png") as dry:
        assert dry.size == (90, 70)
