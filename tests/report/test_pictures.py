"""Pictures say of each mark what it is, and are the same whenever they are drawn."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.test_cli import network, run, run_json
from tflm_msf.overview import picture_values
from tflm_msf.planner import Planner
from tflm_msf.report.memory import shared
from tflm_msf.report.pictures import slim_path
from tflm_msf.report.pictures.front import draw_front
from tflm_msf.report.pictures.memory import draw_memory
from tflm_msf.report.pictures.network import draw_network
from tflm_msf.tflite_io import write_model

BEGINS = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


def titles(svg: bytes) -> list[str]:
    return [str(node.text) for node in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}title")]


@pytest.fixture(name="model")
def _model(tmp_path: Path) -> Path:
    path = tmp_path / "net.tflite"
    path.write_bytes(write_model(network()))
    return path


@pytest.mark.parametrize("option", ["--picture", "--timeline", "--dag"])
@pytest.mark.parametrize("suffix", BEGINS)
def test_each_picture_is_written_in_each_format(model: Path, option: str, suffix: str) -> None:
    output = model.with_name(f"out.{suffix}")
    assert run("plan", model, option, output).returncode == 0
    assert output.read_bytes().startswith(BEGINS[suffix])


def test_marks_of_the_front_are_its_plans(model: Path) -> None:
    svg = draw_front("t", {"full": [(1.0, 5000), (1.25, 4096)]}, 9000, ram_limit=6000).file("svg")
    assert titles(svg) == ["full: F = 1.000, 5,000 bytes of arena", "full: F = 1.250, 4,096 bytes of arena"]
    run("plan", model, "--picture", output := model.with_name("front.svg"))
    (front,) = (run_json("plan", model)["front"],)
    shown = [title for title in titles(output.read_bytes()) if title.startswith("full")]
    assert shown == [f"full: F = {p['overhead']:.3f}, {p['minimum']:,} bytes of arena" for p in front]


def test_marks_of_memory_are_what_lies_there(model: Path) -> None:
    planner = Planner.of(model.read_bytes(), "net")
    choice = planner.choose()
    memories, layers = picture_values(planner, choice)
    said = titles(draw_memory("t", memories["before"], memories["after"]).file("svg"))
    assert len(said) == sum(len(memory["pieces"]) for memory in memories.values())
    for memory, size in ((memories["before"], planner.request.shown), (memories["after"], planner.request.shown)):
        assert memory["head"] == max(p["offset"] + p["bytes"] for p in memory["pieces"])
        assert size.is_tflm
    report = run_json("rewrite", model)
    assert memories["after"]["head"] == report["arena"]["plan"]["head"]
    assert memories["before"]["head"] == report["arena"]["original"]["head"]
    rows = titles(draw_network("t", layers).file("svg"))
    assert len(rows) == len(layers) == len(planner.original.main.ops)
    assert sum(layer["macs"] or 0 for layer in layers) == report["macs"]["original"]
    assert {layer["block"] for layer in layers} - {None} == set(range(len(report["blocks"])))


def test_what_shares_bytes_is_found() -> None:
    one = {"first": 0, "last": 2, "offset": 0, "bytes": 64}
    assert shared(one, {"first": 2, "last": 5, "offset": 48, "bytes": 64}) == (2, 2, 48, 64)
    assert shared(one, {"first": 3, "last": 5, "offset": 0, "bytes": 64}) is None
    assert shared(one, {"first": 0, "last": 5, "offset": 64, "bytes": 64}) is None


def test_the_same_picture_is_the_same_file(model: Path) -> None:
    def drawn() -> bytes:
        memories, _ = picture_values(planner, planner.choose())
        return draw_memory("t", memories["before"], memories["after"]).file("svg")

    planner = Planner.of(model.read_bytes(), "net")
    assert drawn() == drawn()


def test_names_from_a_file_are_text() -> None:
    svg = draw_front("t", {"<b>&": [(1.0, 5)]}, None).element("a")
    assert "<b>" not in svg
    assert 'aria-label="&lt;b&gt;&amp;: F = 1.000, 5 bytes of arena"' in svg
    assert set(re.findall(r'id="(.)', svg)) == {"a"}


def test_a_part_of_a_page_is_slim_and_says_the_same() -> None:
    picture = draw_front("t", {"full": [(1.0, 5000), (1.125, 4096)]}, 9000)
    file, element = picture.file("svg").decode(), picture.element("a")
    assert len(element) < len(file)
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", file)
    assert "1.05" in texts or "1.04" in texts
    assert re.findall(r"<text[^>]*>([^<]*)</text>", element) == texts
    assert not re.search(r'="[^"]*\d\.\d\d', re.sub(r' aria-label="[^"]*"', "", element))
    assert not re.search(r'<g id="[a-z\d]+_\d+"| d="[^"]*[A-Za-z] ', element)


def test_a_rectangle_of_a_page_is_its_corners() -> None:
    slim = slim_path(' d="M 3.5 1.0 L 9.0 1.0 L 9.0 -2.0 L 3.5 -2.0 z M 0 0 L -1 3.5 "')
    assert slim == ' d="M3.5 1.0H9.0V-2.0H3.5zM0 0L-1 3.5"'
