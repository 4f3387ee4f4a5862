"""Hooks of MkDocs: help of commands, links to files that are no pages, titles, examples of docstrings."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
_HELP = re.compile(r"^```console\n\$ derain (.*--help)\n```$", re.MULTILINE)
_BOX = re.compile(r"^╭─ (.+?) ─.*?\n(.*?)\n╰", re.MULTILINE | re.DOTALL)
_EXAMPLE = re.compile(r"^>>> .*?(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[([^]]+)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put the help in place of `$ derain COMMAND --help`; lead links out of docs/ to the repository's address."""

    def linked(link: re.Match[str]) -> str:
        label, target, anchor = link.groups(default="")
        path = (ROOT / "docs" / page.file.src_uri).parent.joinpath(target).resolve()
        inside = path.relative_to(ROOT / "docs").as_posix() if path.is_relative_to(ROOT / "docs") else None
        file = files.get_file_from_path(inside) if inside else None
        if not path.exists() or (file is not None and not file.inclusion.is_excluded()):
            return link[0]  # MkDocs names the broken ones
        if not (repository := config.extra["repository"]):
            return label  # a build at home knows no address
        return f"[{label}]({repository}/blob/main/{path.relative_to(ROOT).as_posix()}{anchor})"

    return _LINK.sub(linked, _HELP.sub(lambda call: _help(call[1]), markdown))


def on_page_content(html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Refuse a page without a title, or with two; keep figures and their spreads in one line."""
    if (titles := html.count("<h1")) != 1:
        raise PluginError(f"{page.file.src_uri} has {titles} titles (# at the start of a line); a page has one")
    return re.sub(r"(?<=\d) ([±/]) (?=[\d.])", "\N{NO-BREAK SPACE}\\1\N{NO-BREAK SPACE}", html)


class FencedExamples(griffe.Extension):
    """Show the examples in docstrings as code, as doctest tells them from text."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Fence every paragraph that begins with >>>."""
        if obj.docstring is not None:
            obj.docstring.value = _EXAMPLE.sub(r"```pycon\n\g<0>\n```", obj.docstring.value)


def _help(arguments: str) -> str:
    """Run a command for its help, and give it as Markdown: usage, description, and a table for every box."""
    code = "from derain.cli import main; main()"
    environment = {"PYTHONPATH": str(ROOT / "src"), "COLUMNS": "1000", "TERM": "dumb"}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments.split()], env=environment, capture_output=True, text=True, check=False
    )
    boxes = _BOX.findall(done.stdout)
    if done.returncode or not boxes:
        raise PluginError(f"derain {arguments} shows no help (code {done.returncode}): {done.stderr.strip()}")
    usage, _, description = done.stdout.partition("╭")[0].partition("\n\n")
    tables = (f"| {title} | |\n|---|---|\n{_rows(box)}" for title, box in boxes)
    return "\n\n".join([f"```text\n{usage}\n```", description.strip(), *tables])


def _rows(box: str) -> str:
    """Lay the lines of a box as rows of a table: a name, and its text, which may go on in the next lines."""
    rows: list[list[str]] = []
    for line in box.splitlines():
        name, *text = re.split(r"\s{2,}", line.strip("│ •"))
        if rows and line.startswith("│    ") and "•" not in line:
            rows[-1][1] += f" {line.strip('│ ')}"
        else:
            rows.append([name, " ".join(text)])
    return "\n".join(f"| `{name}` | {text.strip()} |" for name, text in rows if name and name != "(required)")
