"""The limits that keep the house small: what lies in src/derain, and how long its functions are."""

import ast
from collections.abc import Iterator
from pathlib import Path

import derain

SOURCE = Path(derain.__file__).parent
MOST_ENTRIES, MOST_CODE_LINES = 19, 60


def long_functions(path: Path) -> Iterator[str]:
    """Functions of more code lines than allowed; docstrings and blank lines do not count."""
    lines = path.read_text().splitlines()
    for node in ast.walk(ast.parse("\n".join(lines))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[1] if ast.get_docstring(node) is not None and len(node.body) > 1 else node.body[0]
            code = [*lines[node.lineno - 1 : node.body[0].lineno - 1], *lines[first.lineno - 1 : node.end_lineno]]
            length = sum(1 for line in code if line.strip())
            if length > MOST_CODE_LINES:
                yield f"{path.relative_to(SOURCE)}: {node.name} has {length} code lines"


def test_the_rooms_of_the_package_can_be_taken_in_at_a_glance() -> None:
    entries = sorted(path.name for path in SOURCE.iterdir() if path.name != "__pycache__")
    assert len(entries) <= MOST_ENTRIES, entries


def test_no_function_is_longer_than_a_screen() -> None:
    assert [found for path in sorted(SOURCE.rglob("*.py")) for found in long_functions(path)] == []
