"""The rules of CONTRIBUTING.md for plain English, as far as a machine can hold them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = [*(path for room in ("src", "tests", "benchmarks", "models", "docs") for path in (ROOT / room).rglob("*.py"))]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
RECORDS = ("docs/results/", "docs/reference/model.md", "CHANGELOG.md")  # of what was measured and done

OPENING = re.compile(r"(Of|What|Whether|Where|Which|How|That (a|an|the|no|every))\b")
SENTENCE = re.compile(
    r"(?:^|(?<=[.:;] )|(?<=\| ))(Of|What|Whether|How|That (?:a|an|the|no|every))\b(?!-to)(?![^.|]*\?)"
)
FOREIGN = {
    r"in the mean\b": "on average",
    r"one's own": "your own",
    r"\bheed(ed|s)?\b": "respect",
    r"\bbut for\b": "except for",
    r"there and then": "at once",
}


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of the docstrings of a file, those of attributes included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value


def comments(path: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if found := re.match(r"\s*# (.*)", line):
            yield number, found[1]


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of the lines of a page outside of code and headings."""
    text = re.sub(
        r"^```.*?^```$", lambda fence: "\n" * fence[0].count("\n"), path.read_text(encoding="utf-8"), flags=re.M | re.S
    )
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith(("#", "    ")):
            yield number, line


def named(path: Path, number: int) -> str:
    return f"{path.relative_to(ROOT).as_posix()}:{number}"


def test_docstrings_and_comments_open_with_a_verb_or_a_noun() -> None:
    found = [
        f"{named(path, number)}: {text.strip()[:60]}"
        for path in CODE
        for number, text in (*docstrings(path), *comments(path))
        if OPENING.match(text.strip()) and not text.strip().split("\n")[0].endswith("?")
    ]
    assert found == []


def test_sentences_of_the_pages_open_with_their_subject() -> None:
    pages = [path for path in PAGES if not path.relative_to(ROOT).as_posix().startswith(RECORDS)]
    found = [
        f"{named(path, number)}: {text[match.start() :][:60]}"
        for path in pages
        for number, text in prose(path)
        for match in SENTENCE.finditer(text)
    ]
    assert found == []


@pytest.mark.parametrize("phrase", FOREIGN)
def test_a_plain_phrase_stands_for_a_foreign_one(phrase: str) -> None:
    texts = [path for path in (*CODE, *PAGES) if not path.relative_to(ROOT).as_posix().startswith(RECORDS)]
    found = [
        f"{named(path, number)}: say {FOREIGN[phrase]!r}"
        for path in texts
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(phrase, line) and path not in (Path(__file__), ROOT / "CONTRIBUTING.md")
    ]
    assert found == []
