"""Serving the page: models and report are looked for first, then it runs until it is stopped."""

import logging
import os
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from types import FrameType
from typing import TYPE_CHECKING

from derain.app.settings import ServeSettings
from derain.errors import InputError, MissingFileError, needs_extra
from derain.models import NAMES, find_model
from derain.networks.base import Network
from derain.networks.loading import load_model
from derain.support.devices import exact_float32, usable_device
from derain.support.files import entry

if TYPE_CHECKING:
    from fastapi import FastAPI
_PATIENCE_SECONDS = 2


def serve(settings: ServeSettings, ready: Callable[[str], None]) -> None:
    """Serve the page until the process is interrupted, which ends it.

    Args:
        settings: models, address and limits.
        ready: called with the page's address once it is bound.

    Raises:
        InputError: gradio is not installed, there is no model or no report, or the device or the address cannot be had.
    """
    usable_device(settings.device)
    exact_float32()
    networks = load_networks(settings.model)
    report = None if settings.results is None else find_report(settings.results)
    with bind(settings.host, settings.port) as listening:
        app = application(networks, report, settings)
        import uvicorn

        class Server(uvicorn.Server):
            """Ends with the first signal, whatever is under way."""

            def handle_exit(self, sig: int, frame: FrameType | None) -> None:
                self.should_exit = True

            async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
                logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # requests that are cut off are no errors
                await super().shutdown(sockets)
                os._exit(0)  # a photo is restored in a thread, which would be waited for

        name = f"[{settings.host}]" if ":" in settings.host else settings.host
        ready(f"http://{name}:{listening.getsockname()[1]}")
        with suppress(KeyboardInterrupt):  # before it listens to signals
            # Without a limit it waits for visitors who stay.
            config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=_PATIENCE_SECONDS)
            Server(config).run(sockets=[listening])


def application(networks: dict[str, Network], report: Path | None, settings: ServeSettings) -> "FastAPI":
    """The page as an application: gradio's, with the report beside it. Nothing in it asks for anything from outside.

    Uploads and results lie in a temporary folder, which goes when the application ends.

    Args:
        networks: to choose from, by name.
        report: page to show; None: there is none.
        settings: limits on uploads, and the device.

    Raises:
        InputError: gradio is not installed.
    """
    with ExitStack() as failed:
        files = mkdtemp(prefix="derain-")
        failed.callback(shutil.rmtree, files, ignore_errors=True)
        # gradio reads these when it is imported.
        os.environ.update(GRADIO_ANALYTICS_ENABLED="False", GRADIO_TEMP_DIR=files, HF_HUB_OFFLINE="1")
        with needs_extra("app", "the web page needs gradio"):
            import gradio
        from fastapi import FastAPI
        from fastapi.responses import FileResponse

        from derain.app.page import CSS, THEME, Page

        @asynccontextmanager
        async def cleaned(app: FastAPI) -> AsyncIterator[None]:
            yield
            shutil.rmtree(files, ignore_errors=True)

        app = FastAPI(lifespan=cleaned, openapi_url=None)
        if report is not None:
            app.get("/report")(lambda: FileResponse(report))
        blocks = Page(networks, settings.device, settings.max_pixels, report is not None).build()
        blocks.has_launched = True  # before that gradio (6.31) lets requests name any file of the server as an upload
        gradio.mount_gradio_app(
            app, blocks, "/", css_paths=CSS, theme=THEME, max_file_size=round(settings.max_mb * 1e6), footer_links=[],
            run_history=False, show_error=False, ssr_mode=False, root_path=settings.root_path.rstrip("/"),
            app_kwargs={"openapi_url": None},
        )  # fmt: skip
        failed.pop_all()
    return app


def load_networks(models: Sequence[Path]) -> dict[str, Network]:
    """The networks of models by the names that visitors see, which do not tell where on the server they lie.

    Args:
        models: as `derain.networks.load_model` takes them; none: all models in the box.

    Raises:
        InputError: there is none, one cannot be read or is of a network of the user's own, or two would have the same
            name.
    """
    networks: dict[str, Network] = {}
    for path in models or _in_the_box():
        name = path.resolve().parent.name if path.stem == "model" else path.stem
        if name in networks:
            raise InputError(f"{path} and another model would both be called {name}; rename one of the files")
        networks[name], _ = load_model(path)
    return networks


def find_report(results: Path) -> Path:
    """The page of a folder of results.

    Raises:
        InputError: it is not there; the sentence says what makes it.
    """
    page = results / "report" / "index.html"
    if entry(page) != "file":
        raise MissingFileError(f"there is no {page}; derain study report {results} writes it")
    return page


def bind(host: str, port: int) -> socket.socket:
    """A socket to serve on.

    Args:
        host: address or name.
        port: 0 for any that is free.

    Raises:
        InputError: the host is empty, or the address cannot be had, such as where another program listens there.

    >>> with bind("127.0.0.1", 0) as listening:
    ...     bind("127.0.0.1", listening.getsockname()[1])
    Traceback (most recent call last):
    ...
    derain.errors.InputError: cannot serve on 127.0.0.1, port ...: Address already in use
    """
    if not host:
        raise InputError("the host must not be empty; 0.0.0.0 is all addresses of this machine")
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what was stopped a minute ago is no obstacle
    try:
        listening.bind((host, port))
        listening.listen()
    except (OSError, OverflowError) as error:
        listening.close()
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"cannot serve on {host}, port {port}: {reason}") from error
    return listening


def _in_the_box() -> list[Path]:
    paths = []
    for name in NAMES:
        with suppress(InputError):
            find_model(name)
            paths.append(Path(name))
    if not paths:
        raise InputError("no model is in the box of this copy of derain; give one with --model FILE")
    return paths
