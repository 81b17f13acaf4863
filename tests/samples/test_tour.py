"""The notebook runs from top to bottom, and shows tables and pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture(name="cells", scope="module")
def _cells() -> list[Any]:
    notebook = nbformat.reads((SAMPLES / "tour.ipynb").read_text("utf-8"), 4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(SAMPLES)}}).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(cells: list[Any], begins: str) -> dict[str, str]:
    """What a cell shows, by type."""
    (cell,) = (cell for cell in cells if cell.source.startswith(begins))
    found: dict[str, str] = cell.outputs[0]["data"]
    return found


def test_tables_and_pictures_are_shown(cells: list[Any]) -> None:
    assert "<td>1.000</td>" in shown(cells, "front = ")["text/html"]
    assert "<td>original</td>" in shown(cells, "result = ")["text/html"]
    assert 'class="dataframe"' in shown(cells, "front.to_dataframe()")["text/html"]
    assert "CONV_2D" in shown(cells, "result.to_dataframe()")["text/html"]
    for cell in ("front.plot(", "result.plot()", "result.plot_network()"):
        assert "<svg" in shown(cells, cell)["image/svg+xml"]


def test_verification_and_a_refusal_say_what_they_should(cells: list[Any]) -> None:
    assert shown(cells, "verified = ")["text/plain"].startswith("(True, ")
    assert "does not fit 4,096 bytes of arena" in cells[-1].outputs[0]["text"]


def test_the_notebook_is_committed_without_what_it_shows() -> None:
    notebook = json.loads((SAMPLES / "tour.ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(code) >= 8
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
