"""Short runs of every command that writes, made to fail or killed in forks of one process (attempts.py)."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from derain.pictures.images import write_image

HERE = Path(__file__).parent
NETWORK = "unet:base=2,levels=2,norm=none"
UNSTEADY = {"log.jsonl", "checkpoint.pt", "checkpoint.safetensors", "tensorboard"}
"""Files that tell of time, or that are of no use once a run has ended."""

RECORDS = {"synthesis.json", "restored.json"}
"""They name the files of a run while it goes on."""

COMMANDS: Mapping[str, Sequence[str]] = {
    "synth": ["synth", "IN/photos", "--out", "OUT"],
    "restore": ["restore", "IN/photos", "--model", "IN/model/model.safetensors", "--out", "OUT"],
    "film": ["restore", "IN/film.mp4", "--model", "IN/model/model.safetensors", "--out", "OUT"],
    "evaluate": [
        *("evaluate", "--rainy", "IN/pairs/rainy", "--clean", "IN/pairs/clean"),
        *("--model", "IN/model/model.safetensors", "--json", "OUT/figures.json"),
    ],
    "complexity": ["complexity", "IN/large", "--json", "OUT/figures.json"],
    "export": ["export", "--model", "IN/model/model.safetensors", "--to", "float16", "--out", "OUT/half.safetensors"],
    "paint": ["paint", "--number", "3", "--size", "32", "--workers", "1", "--out", "OUT"],
    "train": [
        *("train", "--backgrounds", "IN/photos", "--count", "4", "--background-size", "32", "--patch-size", "16"),
        *("--network", NETWORK, "--iterations", "6", "--batch-size", "2", "--checkpoint-every", "2", "--out", "OUT"),
    ],
}  # fmt: skip


def command(name: str, inputs: Path, out: Path) -> list[str]:
    """The arguments of a command that reads from one folder and writes into another."""
    return [part.replace("IN/", f"{inputs}/").replace("OUT", str(out)) for part in COMMANDS[name]]


def content(folder: Path) -> dict[str, bytes]:
    """All files of a folder that a run of the same seed makes again, byte by byte."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not UNSTEADY & set(file.relative_to(folder).parts)
    }


def attempts(works: list[dict[str, Any]], folder: Path, library: Path | None = None) -> list[dict[str, Any]]:
    """Run attempts one after the other; "said" has what each printed."""
    for number, work in enumerate(works):
        work["out"] = str(folder / f"said-{number}")
    (folder / "work.json").write_text(json.dumps(works))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **({"LD_PRELOAD": str(library)} if library else {})}
    script = [sys.executable, str(HERE / "attempts.py"), str(folder / "work.json")]
    lines = subprocess.run(script, env=environment, stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()
    return [
        {**json.loads(line), "said": Path(work["out"]).read_text()} for line, work in zip(lines, works, strict=True)
    ]


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos, pairs, a film and a model, all of them tiny."""
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "photos").mkdir()
    rng = np.random.default_rng(0)
    for number in range(2):
        pixels = np.kron(rng.integers(0, 256, (5, 6, 3)), np.ones((8, 8, 1))).astype(np.uint8)
        write_image(folder / "photos" / f"photo{number}.png", pixels)
    (folder / "large").mkdir()
    write_image(folder / "large" / "large.png", rng.integers(0, 256, (128, 128, 3), dtype=np.uint8))
    with av.open(folder / "film.mp4", "w") as film:
        stream = film.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for _ in range(6):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(rng.integers(0, 256, (32, 48, 3), dtype=np.uint8))))
        film.mux(stream.encode())
    made = attempts(
        [
            {"argv": ["synth", str(folder / "photos"), "--out", str(folder / "pairs")]},
            {"argv": command("train", folder, folder / "model")},
        ],
        folder,
    )
    assert [each["code"] for each in made] == [0, 0], made
    return folder


@pytest.fixture(scope="session")
def undisturbed(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[dict[str, bytes], float]]:
    """The content that every command makes, and its seconds."""
    folder = tmp_path_factory.mktemp("undisturbed")
    made = attempts([{"argv": command(name, inputs, folder / name)} for name in COMMANDS], folder)
    assert {each["code"] for each in made} == {0}, made
    return {name: (content(folder / name), each["seconds"]) for name, each in zip(COMMANDS, made, strict=True)}


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The disk that fails, compiled."""
    built = tmp_path_factory.mktemp("disk") / "failing_disk.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", built, HERE / "failing_disk.c", "-ldl"], check=True)
    return built


def refuse_half_done(said: str, folder: Path, whole: Mapping[str, bytes]) -> None:
    """Every file that is there is whole, none is left over, and nobody saw a traceback."""
    assert "Traceback" not in said or "Exception in thread" in said  # that of TensorBoard prints one of its own
    for name, data in content(folder).items():
        assert not Path(name).name.startswith("."), f"{name} is left over"
        if name in RECORDS:
            json.loads(data)
        else:
            assert whole[name] == data, f"{name} is not whole"


ERRORS = {"full": (errno.ENOSPC, 1), "broken": (errno.EIO, 0), "read-only": (errno.EROFS, 1)}
"""The error of a disk, and whether it lasts."""
