"""The pages in docs/, as far as they can be checked without MkDocs; `make docs` checks the rest."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import derain
from derain.cli.commands import COMMANDS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
TEXTS = [*(f"docs/{page}" for page in PAGES), *(path.name for path in sorted(ROOT.glob("*.md")))]
CODE = re.compile(r"^```.*?^```$|^(?: {4}|\t).*?$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]*))?\)")


def prose(path: Path) -> str:
    return CODE.sub("", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as MkDocs and GitHub make them."""
    headings = re.findall(
        r"^#+ (.*)$", re.sub(r"(?ms)^```.*?^```$", "", path.read_text(encoding="utf-8")), re.MULTILINE
    )
    return {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}


def links(path: Path) -> Iterator[tuple[Path, str | None]]:
    """The files, and their anchors, that a page leads to."""
    for target, anchor in LINK.findall(prose(path)):
        if "://" not in target:
            yield (path.parent / target).resolve() if target else path, anchor or None


def test_the_navigation_names_every_page_and_no_other() -> None:
    named = re.findall(
        r"^ *- (?:[^:\n]+: )?(\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(named) == PAGES


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_one_title_at_its_top(page: str) -> None:
    lines = re.sub(r"(?ms)^```.*?^```$", "", (DOCS / page).read_text(encoding="utf-8")).splitlines()
    assert [number for number, line in enumerate(lines) if line.startswith("# ")] == [0]


@pytest.mark.parametrize("text", TEXTS)
def test_every_link_leads_to_a_file_and_to_a_heading_in_it(text: str) -> None:
    found = list(links(ROOT / text))
    assert [path for path, _ in found if not path.exists()] == []
    anchored = [(path, anchor) for path, anchor in found if anchor and path.suffix == ".md"]
    assert [(path, anchor) for path, anchor in anchored if anchor not in anchors(path)] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_list_and_a_table_begin_after_a_blank_line(page: str) -> None:
    """Otherwise the site shows them as a part of the sentence before."""
    lines = prose(DOCS / page).splitlines()
    pattern = re.compile(r"(- |\d+\. |\|)")
    starts = [
        line
        for before, line in pairwise(lines)
        if pattern.match(line) and before and not pattern.match(before) and not before.startswith((" ", "#"))
    ]
    assert starts == []


@pytest.mark.parametrize("page", PAGES)
def test_nothing_in_angle_brackets_is_lost_as_an_unknown_tag(page: str) -> None:
    assert re.findall(r"<(?!br>|/?div|https?:)[a-zA-Z/][^>]*>", prose(DOCS / page)) == []


def test_the_overview_of_the_results_can_be_taken_in_at_a_glance() -> None:
    assert len((DOCS / "results" / "index.md").read_text(encoding="utf-8").splitlines()) <= 80


def test_the_reference_has_every_public_name_and_every_command() -> None:
    names = re.findall(
        r"^::: derain\.(\w+)$", (DOCS / "reference" / "python.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(names) == sorted(derain.__all__)
    commands = re.findall(
        r"^\$ derain (\w+) --help$", (DOCS / "reference" / "command-line.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert commands == list(COMMANDS)


def test_the_code_names_only_pages_that_are_there() -> None:
    folders = ("src", "tests", "studies", "models", "benchmarks")
    files = [path for folder in folders for suffix in ("py", "toml") for path in (ROOT / folder).rglob(f"*.{suffix}")]
    named = {name for path in files for name in re.findall(r"docs/[\w/.-]+\.md", path.read_text(encoding="utf-8"))}
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
