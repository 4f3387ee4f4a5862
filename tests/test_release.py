"""The places that name the version say the same."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def first(pattern: str, file: str) -> str:
    found = re.search(pattern, (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return found[1]


def test_the_version_is_one() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert first(r"^## (\d\S*) - \d{4}-\d\d-\d\d$", "CHANGELOG.md") == version
    assert first(r"^version: (.*)$", "CITATION.cff") == version


def test_the_changelog_keeps_to_the_headings_of_its_form() -> None:
    headings = re.findall(r"^### (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings
    assert set(headings) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
