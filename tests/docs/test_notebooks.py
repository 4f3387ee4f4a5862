"""The notebooks in docs/notebooks/, run as a reader runs them."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))

pytestmark = pytest.mark.filterwarnings("default")  # those of Jupyter's own packages


def run(notebook: nbformat.NotebookNode) -> str:
    """Run all cells, and give what they print; the error of a cell that fails shows the cell."""
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    return printed(notebook)


def printed(notebook: nbformat.NotebookNode) -> str:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return "".join(output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in outputs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "found"),
    [("slacks_off.ipynb", "it slacks off|removed"), ("what_rain.ipynb", "generalisation area")],
)
def test_a_notebook_runs_from_its_first_cell_to_its_last(name: str, found: str) -> None:
    assert any(each in run(nbformat.read(FOLDER / name, as_version=4)) for each in found.split("|"))


def test_a_cell_that_fails_is_named() -> None:
    notebook = new_notebook(cells=[new_code_cell("answer = 42"), new_code_cell("assert answer == 41  # wrong")])
    with pytest.raises(CellExecutionError, match="assert answer == 41  # wrong"):
        run(notebook)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_kept_with_its_results_and_without_traces_of_a_machine(name: str) -> None:
    notebook = nbformat.read(FOLDER / name, as_version=4)
    kinds = {kind for cell in notebook.cells for output in cell.get("outputs", ()) for kind in output.get("data", ())}
    assert kinds & {"image/png", "image/jpeg"}
    assert printed(notebook)
    assert [trace for trace in ("/tmp", "\x1b", "Error") if trace in printed(notebook)] == []
