"""Checks before the page is served, and the files that a server gives to each visitor."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest

from derain import cli
from derain.app.play import RainSettings
from derain.app.server import application, find_report, load_networks
from derain.app.settings import ServeSettings
from derain.errors import InputError
from derain.networks import build
from derain.networks.user import load_user_network
from derain.networks.weights import describe, write_tensors
from derain.pictures.images import write_image


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "rainy-city" / "model.safetensors"
    path.parent.mkdir()
    network = build("unet", {"base": 4, "levels": 2})
    write_tensors(path, network.state_dict(), describe("unet", network))
    return path


def test_models_go_by_names_that_do_not_tell_where_they_lie(model: Path, tmp_path: Path) -> None:
    other = tmp_path / "street.safetensors"
    other.write_bytes(model.read_bytes())
    assert list(load_networks([other, model])) == ["street", "rainy-city"]
    with pytest.raises(InputError, match=r"would both be called rainy-city"):
        load_networks([model, model])


def test_a_report_that_is_not_there_is_said_before_anything_is_served(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"derain study report .* writes it"):
        find_report(tmp_path)


def test_a_network_of_ones_own_is_named_with_what_makes_it_servable(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("from torch.nn import Identity")
    name = f"{tmp_path / 'mine.py'}:Identity"
    write_tensors(tmp_path / "mine.safetensors", {}, describe(name, load_user_network(name)))
    with pytest.raises(InputError, match=r"mine\.py:Identity, whose code is not run here; .*derain export --model"):
        load_networks([tmp_path / "mine.safetensors"])


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--model", "nowhere.safetensors"], "nowhere.safetensors"),
        ([], "port 65536"),
        (["--device", "cuda:99"], "the device cuda:99 cannot be used"),
        (["--max-mb", "nan"], "a number of megabytes above 0, not nan"),
        (["--host", ""], "the host must not be empty"),
    ],
)
def test_bad_flags_end_with_exit_code_2(
    flags: list[str], sentence: str, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    standard = ["--port", "65536", *([] if "--model" in flags else ["--model", str(model)])]
    monkeypatch.setattr(sys, "argv", ["derain", "serve", *standard, *flags])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.slow
def test_one_ctrl_c_ends_it_whoever_is_connected(model: Path, tmp_path: Path) -> None:
    pytest.importorskip("gradio")
    call = [sys.executable, "-m", "derain", "serve", "--model", model, "--port", "0"]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(call, stdout=pipe, stderr=pipe, env=environment, text=True) as server:
        assert server.stdout is not None
        found = re.search(r"http://\S+", server.stdout.readline())
        assert found
        with urlopen(f"{found[0]}/gradio_api/heartbeat/visitor") as stream:  # which goes on until one of them ends
            assert b"ALIVE" in stream.readline()
            server.send_signal(signal.SIGINT)
            _, errors = server.communicate(timeout=60)
    assert (server.returncode, errors) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_a_start_that_fails_leaves_no_folder_behind(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("gradio")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("GRADIO_TEMP_DIR", "is put back")
    monkeypatch.setattr("derain.app.page.Page.build", interrupt)
    with pytest.raises(KeyboardInterrupt):
        application(load_networks([model]), None, ServeSettings(max_mb=1.0, max_pixels=10_000))
    assert not list(tmp_path.iterdir())


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.fixture(scope="module")
def client(model: Path) -> Iterator[object]:
    pytest.importorskip("gradio")
    from fastapi.testclient import TestClient

    report = model.parent / "index.html"
    report.write_text("<h1>Verdicts</h1>")

    async def build() -> object:  # within an event loop; without one gradio makes many that it never closes
        return application(load_networks([model]), report, ServeSettings(max_mb=0.001, max_pixels=10_000))

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GRADIO_TEMP_DIR", "is put back")
        with TestClient(asyncio.run(build())) as client:
            yield client


def test_the_page_and_the_report_are_served_and_nothing_is_described(client) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert "rainy-city" in page.text
    assert client.get("/report").text == "<h1>Verdicts</h1>"
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert client.get(path).status_code == 404


def test_files_of_the_server_are_not_given_out(client, model: Path) -> None:
    for path in (model, "/etc/passwd"):
        assert client.get(f"/gradio_api/file={path}").status_code in (403, 404)


@pytest.mark.parametrize("uploaded", [False, True])
def test_no_request_gets_at_a_picture_that_was_not_uploaded(client, tmp_path: Path, uploaded: bool) -> None:
    picture = tmp_path / "private.png"
    write_image(picture, np.zeros((16, 16, 3), np.uint8))
    path = str(picture)
    if uploaded:
        [path] = client.post("/gradio_api/upload", files={"files": (picture.name, picture.read_bytes())}).json()
    photo = {"path": path, "meta": {"_type": "gradio.FileData"}}
    [play] = [each["id"] for each in client.get("/config").json()["dependencies"] if each["api_name"] == "play"]
    data = ["meadow", photo, "rainy-city", *vars(RainSettings()).values()]
    request = {"data": data, "fn_index": play, "session_hash": f"visitor-{uploaded}"}
    assert client.post("/gradio_api/queue/join", json=request).status_code == 200
    answer = client.get("/gradio_api/queue/data", params={"session_hash": request["session_hash"]}).text
    assert ("rainy picture" in answer) == uploaded
    assert ('"success":false' in answer) != uploaded


def test_large_files_are_refused(client) -> None:
    assert client.post("/gradio_api/upload", files={"files": ("a.png", b"x" * 900)}).status_code == 200
    assert client.post("/gradio_api/upload", files={"files": ("b.png", b"x" * 1100)}).status_code == 413


def test_behind_a_proxy_the_page_asks_for_its_files_under_the_path_of_the_proxy(model: Path) -> None:
    pytest.importorskip("gradio")
    from fastapi.testclient import TestClient

    async def build() -> object:
        return application(load_networks([model]), None, ServeSettings(root_path="/tools/derain/"))

    with TestClient(asyncio.run(build())) as behind:
        assert behind.get("/config").json()["root"].endswith("/tools/derain")
    with pytest.raises(InputError, match="--root-path must begin with /"):
        ServeSettings(root_path="derain")
