"""The page that `report` writes says what the other commands say, and needs nothing else."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.arena.test_refusals import joined
from tests.test_advice import with_float_ends
from tests.test_cli import assert_refused, network, run, run_json
from tflm_msf.tflite_io import write_model

MOST_BYTES = 1_000_000


@pytest.fixture(name="model")
def _model(tmp_path: Path) -> Path:
    path = tmp_path / "net.tflite"
    path.write_bytes(write_model(with_float_ends(network())))
    return path


def table(page: str, name: str) -> list[list[str]]:
    """The cells of a table of the page."""
    found = re.search(rf'<table id="{name}">.*?<tbody>(.*?)</tbody>', page, re.DOTALL)
    assert found is not None
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", found[1], re.DOTALL)
    return [
        [html.unescape(cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)] for row in rows
    ]


def figure(page: str, name: str) -> str:
    found = re.search(rf'<dd id="{name}">([^<]*)', page)
    assert found is not None
    return found[1].strip()


def data(page: str) -> dict[str, Any]:
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', page)
    assert found is not None
    values: dict[str, Any] = json.loads(found[1])
    return values


def assert_says_what_the_commands_say(page: str, model: Path) -> None:
    rewritten, front, fits = (run_json(name, model) for name in ("rewrite", "plan", "fits"))
    arena = rewritten["arena"]
    assert figure(page, "arena-before") == f"{arena['original']['total']:,}"
    assert figure(page, "arena-after") == f"{arena['plan']['total']:,}"
    assert figure(page, "macs") == f"{rewritten['macs']['plan']:,}"
    assert figure(page, "flash") == f"{rewritten['flash']['plan']:,}"
    assert [row[:5] for row in table(page, "front-table")] == [
        [f"{p['overhead']:.3f}", *(f"{p[key]:,}" for key in ("macs", "total", "minimum", "head"))]
        for p in front["front"]
    ]
    assert [row[2] for row in table(page, "blocks-table")] == [f"{b['workspace']:,}" for b in rewritten["blocks"]]
    for row, fit in zip(table(page, "boards-table"), fits["boards"], strict=True):
        assert row[:2] == [fit["board"], f"{fit['usable_ram']:,}"]
        assert row[2].startswith(f"{fit['original']['arena']:,} ")
        assert row[3].startswith(f"{fit['rewritten']['arena']:,} ")
        assert ("fits" in row[3]) is fit["rewritten"]["fits"]
    assert [row[4] for row in table(page, "layers-table")] == [f"{layer['before']:,}" for layer in data(page)["layers"]]


def test_a_page_has_the_numbers_of_the_other_commands(model: Path) -> None:
    report = run_json("report", model)
    page = Path(report["output"]).read_text("utf-8")
    assert_says_what_the_commands_say(page, model)
    assert data(page) == {key: value for key, value in report.items() if key not in ("schema", "output")}


def test_a_page_needs_nothing_else(model: Path) -> None:
    output = model.with_name("out.html")
    assert run("report", model, "-o", output).returncode == 0
    page = output.read_text("utf-8")
    assert len(page) < MOST_BYTES
    named = set(re.findall(r'(?:src|href)="([^"]*)"', page))
    assert {name for name in named if not name.startswith(("#", "data:,"))} == set()
    assert not re.search(r"url\((?!#)|@import", page)
    assert "{{" not in page
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids))


def test_limits_are_shown_or_refused(model: Path) -> None:
    run("report", model, "--ram-limit", "64KiB", "-o", output := model.with_name("out.html"))
    assert "limit 65,536 bytes" in output.read_text("utf-8")
    output.unlink()
    assert_refused(run("report", model, "--ram-limit", "100", "-o", output), "does not fit 100 bytes")
    assert not output.exists()


def test_names_from_a_file_cannot_become_markup(tmp_path: Path) -> None:
    evil = tmp_path / "a<script>alert(1)<!--.tflite"
    evil.write_bytes(write_model(network()))
    run("report", evil, "-o", output := tmp_path / "out.html")
    page = output.read_text("utf-8")
    assert page.count("<script") == 2
    assert "<!--" not in page
    assert data(page)["source"] == str(evil)


def test_a_model_that_tflm_refuses_has_a_page_too(tmp_path: Path) -> None:
    model = tmp_path / "j.tflite"
    model.write_bytes(write_model(joined(11)))
    page = Path(run_json("report", model)["output"]).read_text("utf-8")
    assert figure(page, "arena-before") == "-"
    assert "TFLM's plan is not known" in html.unescape(page)
