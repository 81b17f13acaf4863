"""The page that `report` writes, in Chromium: pointer, keyboard, phone and desk, light and dark, accessibility."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from testing.corpus import corpus_model
from tests.test_advice import with_float_ends
from tests.test_cli import network, run_json
from tflm_msf.tflite_io import write_model

ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-headless-shell", "google-chrome")
VIEWS = {"phone": 360, "phone-dark": 360, "desk": 1440, "desk-dark": 1440}
PICTURES = ("front", "memory", "network")


def browser() -> str:
    """The browser. Where it could be installed without asking (root, as in CI), its absence is a failure."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    is_there = {
        "Chromium": found is not None,
        "Node.js": shutil.which("node") is not None,
        "Playwright and axe": (ROOT / "build" / "browser" / "installed").exists(),
    }
    missing = [name for name, there in is_there.items() if not there]
    if missing:
        sentence = f"pages are opened with {', '.join(missing)}, which is not there: run `make browser`"
        (pytest.fail if os.geteuid() == 0 else pytest.skip)(sentence)
    assert found is not None
    return found


def visit(page: Path) -> dict[str, Any]:
    """What a visitor meets in each view; see visit.js."""
    command = ["node", str(ROOT / "tests" / "browser" / "visit.js"), browser(), str(page)]
    shots = os.environ.get("TFLM_MSF_SCREENSHOTS")
    if shots:
        Path(shots).mkdir(parents=True, exist_ok=True)
        command.append(shots)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    assert seen.keys() == VIEWS.keys()
    return seen


def assert_good(view: Mapping[str, Any], page: Path, report: Mapping[str, Any]) -> None:
    assert view["complaints"] == []
    assert view["requests"] == [f"file://{page}"]
    assert view["overflow"] == 0, "the page is wider than the screen"
    assert [fault for fault in view["axe"] if fault["impact"] in ("serious", "critical")] == []
    for picture in PICTURES:
        hover = view["hovers"][picture]
        assert hover["shown"] == hover["label"]
        assert hover["after"] is None
    points = [label for label in view["hovers"]["front"]["labels"] if label.startswith("full: ")]
    assert points == [f"full: F = {p['overhead']:.3f}, {p['minimum']:,} bytes of arena" for p in report["front"]]
    assert len(view["hovers"]["network"]["labels"]) == len(report["layers"])
    assert_keys_work(view["keys"], view["hovers"]["front"]["labels"])
    assert view["figures"]["arena-after"] == f"{report['plan']['arena']['plan']['total']:,}"
    shown = [row[2] for row in view["tables"]["front-table"]]
    assert shown == [f"{point['total']:,}" for point in report["front"]]


def assert_keys_work(keys: list[dict[str, str]], labels: list[str]) -> None:
    """Arrow keys, Home and End go from mark to mark, Escape hides what is said, Tab leaves the picture."""
    assert [(step["key"], step["label"]) for step in keys[:5]] == [
        ("ArrowRight", labels[1]),
        ("ArrowLeft", labels[0]),
        ("End", labels[-1]),
        ("Home", labels[0]),
        ("Escape", labels[0]),
    ]
    assert all(step["shown"] == step["label"] for step in keys[:4])
    assert [step["shown"] for step in keys[4:]] == [None, None]
    assert keys[5]["label"] not in labels


def assert_opens_well(model: Path) -> None:
    report = run_json("report", model, "-o", page := model.with_name("page.html"))
    assert page.stat().st_size < 1_000_000
    for view in visit(page).values():
        assert_good(view, page, report)


def test_a_page_is_good_to_meet(tmp_path: Path) -> None:
    model = tmp_path / "net.tflite"
    model.write_bytes(write_model(with_float_ends(network())))
    assert_opens_well(model)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mlperf__vww_96", "arm__ssd_mobilenet_v3_small"])
def test_pages_of_real_models(name: str, tmp_path: Path) -> None:
    model = tmp_path / f"{name}.tflite"
    model.write_bytes(corpus_model(name))
    assert_opens_well(model)


def test_what_is_wrong_would_be_seen(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(
        "<html><title>x</title><style>body{margin:0}</style><div style='width:4000px'>"
        "<img src='nowhere.png'><p style='color:#eee;background:#fff'>faint</p></div>"
        "<figure><div><svg width=9 height=9>"
        + "".join(f'<g class="mark" id="{p}-1" aria-label="x"><path d="M0 0h9v9h-9z"/></g>' * 2 for p in PICTURES)
        + '</svg></div></figure><div id="tip" hidden></div></html>'
    )
    view = visit(page)["phone"]
    assert view["overflow"] > 0
    assert len(view["requests"]) == 2
    assert any("ERR_FILE_NOT_FOUND" in complaint for complaint in view["complaints"])
    assert {"image-alt", "color-contrast"} <= {fault["id"] for fault in view["axe"]}
    assert view["hovers"]["front"]["shown"] is None
