"""The page as `derain serve` serves it, opened in Chromium without a window."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser, Page, expect, sync_playwright

from derain.networks import build
from derain.networks.weights import describe, write_tensors

expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network that changes pictures visibly."""
    torch.manual_seed(0)
    network = build("unet", {"base": 4, "levels": 3})
    path = tmp_path_factory.mktemp("model") / "small.safetensors"
    write_tensors(path, network.state_dict(), describe("unet", network))
    return path


@pytest.fixture(scope="session")
def address(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the page; once it is stopped nothing of its visitors may be left."""
    results, temporary = tmp_path_factory.mktemp("results"), tmp_path_factory.mktemp("temporary")
    (results / "report").mkdir()
    (results / "report" / "index.html").write_text("<h1>Verdicts</h1>")
    call = [sys.executable, "-m", "derain", "serve", "--model", model, "--results", results, "--port", "0"]
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen([*call, "--max-mb", "1"], stdout=subprocess.PIPE, env=environment, text=True) as server:
        assert server.stdout is not None
        said = server.stdout.readline()
        found = re.search(r"http://\S+", said)
        assert found, said
        yield found[0]
        assert list(temporary.glob("derain-*/*"))
        server.terminate()
        server.wait(60)
    assert list(temporary.glob("derain-*")) == []
    assert list(temporary.rglob("*.png")) == []


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-quic"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page as a visitor finds it; in the end nothing outside was asked for, and nothing asked for was missing."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(60_000)
    asked: list[str] = []
    missing: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("response", lambda response: missing.append(response.url) if response.status == 404 else None)
    page.goto(address)
    page.get_by_role("tab", name="Restore").wait_for()
    yield page
    page.close()
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert missing == []
