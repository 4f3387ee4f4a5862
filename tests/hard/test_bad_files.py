"""Damaged files of every kind that is read: a result or one sentence, never a crash, a long wait or much memory."""

import json
import logging
import os
import random
import resource
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from derain.errors import InputError
from derain.networks import load_model
from derain.networks.export import export_onnx
from derain.pictures.images import read_image
from derain.rain import load_rain
from derain.restoration.photos import encode_photo, read_photo
from derain.restoration.video import restore_video
from derain.study.plan.spec import load_study
from derain.study.run.store import Store

MUTATIONS, MOST_SECONDS, MOST_BYTES = 200, 10, 2**30
STUDY = Path(__file__).parents[2] / "studies" / "beyond" / "rivals.toml"
RESULT = next((Path(__file__).parents[2] / "docs" / "results" / "rivals" / "results").glob("*.json"))
PICTURES = {
    "jpg": {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"},
    "png": {},
    "webp": {},
    "tif": {},
    "avif": {},
    "bmp": {},
}


def mutated(data: bytes, drawn: random.Random) -> bytes:
    """One to four changes: bytes, bits, lengths, a piece cut out, doubled or moved, or an end that is missing."""
    content = bytearray(data)
    for _ in range(drawn.randint(1, 4)):
        at = drawn.randrange(len(content))
        # The first bytes decide most.
        at = at if drawn.random() < 0.6 else at % min(len(content), 256)
        size = drawn.choice([1, 2, 4, 16, 256])
        match drawn.randrange(6):
            case 0:
                content[at] ^= 1 << drawn.randrange(8)
            case 1:
                content[at : at + size] = drawn.randbytes(size)
            case 2:
                content[at : at + 4] = drawn.choice(
                    [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\1"]
                )
            case 3:
                del content[at : at + size]
            case 4:
                content[at:at] = content[at : at + size]
            case 5:
                del content[max(at, 1) :]
        content = content or bytearray(b"\0")
    return bytes(content)


def restored(path: Path) -> None:
    photo = read_photo(path)
    encode_photo(photo, photo.rgb, 90)


def run(path: Path) -> None:
    network, _ = load_model(path)
    with torch.no_grad():
        network(torch.zeros(1, 3, 16, 16))


def result(path: Path) -> None:
    Store(path.parent.parent).result(path.stem)


def film(path: Path) -> None:
    restore_video(path, path.with_name("restored.mkv"), lambda picture: picture)


def kinds(folder: Path) -> Iterator[tuple[str, bytes, Callable[[Path], object]]]:
    """Name of a file, its whole content, and what reads it."""
    for suffix, save in PICTURES.items():
        noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8))
        noise.save(folder / f"a.{suffix}", **save)
        content = (folder / f"a.{suffix}").read_bytes()
        yield f"photo.{suffix}", content, restored
        yield f"background.{suffix}", content, read_image
    for suffix, codec in (("mp4", "libx264"), ("mkv", "libx264"), ("webm", "libvpx-vp9"), ("avi", "mpeg4")):
        with av.open(folder / f"film.{suffix}", "w") as container:
            stream = container.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
            for level in range(4):
                frame = av.VideoFrame.from_ndarray(np.full((32, 48, 3), 60 * level, np.uint8))
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        yield f"film.{suffix}", (folder / f"film.{suffix}").read_bytes(), film
    yield "results/0123456789abcdef.json", RESULT.read_bytes(), result
    yield "study.toml", STUDY.read_bytes(), load_study
    rain = Path(__file__).parents[2] / "models" / "rain" / "broad.toml"
    yield "rain.toml", rain.read_bytes(), lambda path: load_rain(str(path))


NAMES = (
    *(f"{use}.{suffix}" for suffix in PICTURES for use in ("photo", "background")),
    *(f"film.{suffix}" for suffix in ("mp4", "mkv", "webm", "avi")),
    *("results/0123456789abcdef.json", "study.toml", "rain.toml", "model.safetensors", "model.onnx", "model.pth"),
)


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory, inputs: Path) -> dict[str, tuple[bytes, Callable[[Path], object]]]:
    folder = tmp_path_factory.mktemp("whole")
    found = {name: (content, reader) for name, content, reader in kinds(folder)}
    model = inputs / "model" / "model.safetensors"
    network, header = load_model(model)
    export_onnx(network, header, folder / "model.onnx")
    official, _ = load_model("balanced")
    torch.save(official.state_dict(), folder / "model.pth")
    found["model.safetensors"] = (model.read_bytes(), run)
    found["model.onnx"] = ((folder / "model.onnx").read_bytes(), run)
    found["model.pth"] = ((folder / "model.pth").read_bytes(), run)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_damaged_files_are_read_or_named(
    name: str, whole: dict[str, tuple[bytes, Callable[[Path], object]]], tmp_path: Path
) -> None:
    content, reader = whole[name]
    path, drawn = tmp_path / name, random.Random(f"mutations of {name}")
    path.parent.mkdir(exist_ok=True)
    faults = []
    ends = {"read": 0, "named": 0}
    for number in range(MUTATIONS):
        path.write_bytes(mutated(content, drawn))
        end = ending(reader, path)
        if end in ends:
            ends[end] += 1
        else:
            faults.append(f"{number}: {end}")
            path.rename(tmp_path / f"{number}-{path.name}")
    print(f"{name}: {json.dumps(ends)}, {len(faults)} faults")
    assert not faults, "\n".join(faults)


def ending(reader: Callable[[Path], object], path: Path) -> str:
    """End of a fork that reads a file: "read", "named", or the fault."""
    reading, writing = os.pipe()
    start = time.monotonic()
    child = os.fork()
    if not child:
        said = child_ending(reader, path)
        os.write(writing, said.encode(errors="replace")[:4000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    seconds = time.monotonic() - start
    if code:
        return f"it ended by {signal.Signals(-code).name if code < 0 else code} after {seconds:.1f} s"
    return said if seconds <= MOST_SECONDS else f"{seconds:.1f} s"


def child_ending(reader: Callable[[Path], object], path: Path) -> str:
    logging.disable()
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    signal.alarm(6 * MOST_SECONDS)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        reader(path)
        said = "read"
    except InputError as error:
        named = path.name in str(error) or path.stem in str(error)
        said = "named" if named else f"without its name: {error}"
    except BaseException as error:
        said = f"{type(error).__name__}: {error}"
    taken = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    return said if taken <= MOST_BYTES else f"{taken / 2**20:.0f} MiB"
