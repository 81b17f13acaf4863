"""`compare`, `plan --picture`, `plan --dag` and `--preset` from the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree

import networkx as nx
import pytest
from click.testing import CliRunner, Result

from testing.layers import Geometry, Layers, Weighting
from tests.streaming_models import streaming_model
from tflm_msf.cli import main
from tflm_msf.search.presets import Preset
from tflm_msf.tflite_io import write_model
from tflm_msf.verify import verify

LIMITS = ["F=1", "F<=1.1", "F<=1.3", "least RAM"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    layers = Layers(Random(3))
    x = layers.conv(layers.input(1, 20, 20, 3), 12, Geometry(), Weighting())
    x = layers.conv(x, 12, Geometry(stride=(2, 2)), Weighting())
    x = layers.conv(x, 4, Geometry(stride=(2, 2)), Weighting())
    path = tmp_path_factory.mktemp("compare") / "model.tflite"
    path.write_bytes(write_model(layers.model([x])))
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_every_preset_at_every_limit(model: Path) -> None:
    result = run("compare", model, "--json")
    assert result.exit_code == 0, result.stderr
    compared: dict[str, Any] = json.loads(result.stdout)
    presets = compared["presets"]
    assert list(presets) == [preset.value for preset in Preset]
    full = presets["full"]
    for points in presets.values():
        assert list(points) == LIMITS
        totals = [points[limit]["arena"]["minimum"] for limit in LIMITS]
        assert totals == sorted(totals, reverse=True)
        assert points["F=1"]["overhead"] == 1.0
        assert points["F<=1.1"]["overhead"] <= 1.1
        for limit in LIMITS:
            assert full[limit]["arena"]["minimum"] <= points[limit]["arena"]["minimum"]
    assert full["F=1"]["arena"]["minimum"] < presets["layerwise"]["F=1"]["arena"]["minimum"]
    assert presets["layerwise"]["least RAM"]["arena"]["minimum"] < compared["original"]["arena"]["minimum"]


def test_the_table_has_a_line_for_each_preset(model: Path) -> None:
    result = run("compare", model)
    assert result.exit_code == 0, result.stderr
    for name in ("TFLM today", *(preset.value for preset in Preset)):
        assert name in result.stdout


def test_comparing_what_is_no_model_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "text.tflite"
    path.write_text("no model")
    result = run("compare", path)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("preset", [preset.value for preset in Preset])
def test_a_model_rewritten_with_a_preset_is_the_same_model(model: Path, tmp_path: Path, preset: str) -> None:
    output = tmp_path / "out.tflite"
    result = run("rewrite", model, "-o", output, "--preset", preset, "--max-overhead", "9")
    assert result.exit_code == 0, result.stderr
    assert verify(model.read_bytes(), output.read_bytes(), 3, (), 0, ("a", "b")).passed


def test_plan_shows_the_front_of_the_preset(model: Path) -> None:
    front = json.loads(run("plan", model, "--preset", "layerwise", "--json").stdout)["front"]
    assert [(point["overhead"], len(point["blocks"])) for point in front] == [(1.0, 3)]


def test_a_png_picture(model: Path, tmp_path: Path) -> None:
    result = run("plan", model, "--picture", tmp_path / "front.png")
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "front.png").read_bytes().startswith(b"\x89PNG\r\n")


def test_an_svg_picture_names_every_curve_and_is_repeatable(model: Path, tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        assert run("plan", model, "--picture", tmp_path / name).exit_code == 0
    text = (tmp_path / "a.svg").read_text()
    assert text == (tmp_path / "b.svg").read_text()
    words = {element.text for element in ElementTree.fromstring(text).iter()}
    assert {"TFLM today", model.name, *(preset.value for preset in Preset)} <= words


@pytest.mark.parametrize(
    ("option", "name", "expected"), [("--picture", "front.jpg", ".png, .svg"), ("--dag", "dag.txt", ".graphml, .json")]
)
def test_an_unknown_format_is_one_sentence(model: Path, tmp_path: Path, option: str, name: str, expected: str) -> None:
    result = run("plan", model, option, tmp_path / name)
    assert result.exit_code == 2
    assert result.stderr.startswith("tflm-msf: ")
    assert expected in result.stderr
    assert not (tmp_path / name).exists()


def test_missing_matplotlib_is_one_sentence(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = run("plan", model, "--picture", tmp_path / "front.png")
    assert result.exit_code == 2
    assert "pip install 'tflm-msf[plot]'" in result.stderr
    assert not (tmp_path / "front.png").exists()


def test_the_dag_can_be_read_by_others(model: Path, tmp_path: Path) -> None:
    for name in ("dag.graphml", "dag.json"):
        assert run("plan", model, "--dag", tmp_path / name).exit_code == 0
    from_json = nx.node_link_graph(json.loads((tmp_path / "dag.json").read_text()), edges="edges")
    from_graphml = nx.read_graphml(tmp_path / "dag.graphml", node_type=int, force_multigraph=True)
    assert set(from_json) == set(from_graphml) == {0, 1, 2, 3}
    assert from_json.number_of_edges() == from_graphml.number_of_edges() > 6
    best = nx.shortest_path_length(from_json, 0, 3, weight="macs")
    front = json.loads(run("plan", model, "--json").stdout)["front"]
    assert best == front[0]["macs"]


def test_a_streaming_model_has_its_table_though_not_every_preset_has_a_plan(tmp_path: Path) -> None:
    path = tmp_path / "stream.tflite"
    path.write_bytes(write_model(streaming_model(1)))
    result = run("compare", path)
    assert result.exit_code == 0, result.stderr
    assert "no plan" in result.stdout
    presets = json.loads(run("compare", path, "--json").stdout)["presets"]
    assert presets["layerwise"] == dict.fromkeys(LIMITS)
    assert presets["full"]["F=1"]["overhead"] == 1.0
    assert run("plan", path, "--picture", tmp_path / "front.svg").exit_code == 0


def test_two_pictures_in_one_file_are_refused(model: Path) -> None:
    path = model.with_name("both.svg")
    result = run("plan", model, "--dag", path, "--timeline", path)
    assert result.exit_code == 2 and "the second would replace the first" in result.output
    assert not path.exists()


def test_a_report_of_a_directory_is_refused() -> None:
    result = run("report", ".")
    assert result.exit_code == 2 and "the current directory cannot be read" in result.output
