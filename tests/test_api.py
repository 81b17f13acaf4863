"""The Python interface says and makes what the command line does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import tflm_msf
from tests.test_advice import with_float_ends
from tests.test_cli import network, run, run_json
from tests.time_series import time_series
from tflm_msf.tflite_io import write_model


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    path = tmp_path / "net.tflite"
    path.write_bytes(write_model(with_float_ends(network())))
    return path


def test_names_are_there_and_typed() -> None:
    assert {name for name in tflm_msf.__all__ if not hasattr(tflm_msf, name)} == set()
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = tflm_msf.nothing


def test_importing_it_loads_nothing_heavy() -> None:
    script = "import sys, tflm_msf; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_model_is_rewritten_as_by_the_command(path: Path) -> None:
    for options, words in (({}, ()), ({"int8_io": True, "max_overhead": 1.5}, ("--int8-io", "--max-overhead", "1.5"))):
        result = tflm_msf.load(path).rewrite(**options)  # type: ignore[arg-type]
        report = run_json("rewrite", path, "--no-advice", *words)
        assert result.data == Path(report["output"]).read_bytes()
        assert {**report, **result.report} == report
        assert result.verify(runs=2).passed
    saved = result.save(path.with_name("saved.tflite"))
    assert saved.read_bytes() == result.data


def test_a_step_model_is_made_as_by_the_command(tmp_path: Path) -> None:
    path = tmp_path / "series.tflite"
    path.write_bytes(write_model(time_series(13)))
    result = tflm_msf.load(path).rewrite(stateful=2)
    report = run_json("rewrite", path, "--no-advice", "--stateful", "2")
    assert result.data == Path(report["output"]).read_bytes()
    assert result.report["step"] == report["step"] and report["step"]["hop"] == 2
    assert result.verify(runs=3).passed
    assert len(tflm_msf.load(path).plan(stateful=0)) >= 1


def test_a_front_is_that_of_the_command_and_shown_as_a_table(path: Path) -> None:
    front = tflm_msf.load(path).plan(int8_io=True, target="arm-static-2024")
    assert list(front) == run_json("plan", path, "--int8-io", "--target", "arm-static-2024")["front"]
    shown = front._repr_html_()
    assert shown.count("<tr>") == len(front) + 1
    assert f"<td>{front.points[0]['minimum']:,}</td>" in shown


def test_limits_are_kept_or_refused_with_advice(path: Path) -> None:
    model = tflm_msf.load(path)
    assert max(model.rewrite(ram="64KiB").report["needed"].values()) <= 65536
    with pytest.raises(tflm_msf.LimitMissedError, match=r"with .*--int8-io") as missed:
        model.rewrite(ram=100)
    assert missed.value.arena > 100
    with pytest.raises(tflm_msf.MsfError, match="is not a size"):
        model.rewrite(ram="64 parsecs")
    with pytest.raises(tflm_msf.MsfError, match="there is no board"):
        model.plan(board="nowhere")
    with pytest.raises(tflm_msf.MsfError, match="cannot be read"):
        tflm_msf.load(path.with_name("missing"))


def test_results_are_shown_in_notebooks(path: Path) -> None:
    result = tflm_msf.load(path).rewrite()
    assert "<td>original</td>" in result._repr_html_()


def test_fronts_and_results_become_tables_of_pandas(path: Path) -> None:
    model = tflm_msf.load(path)
    front, result = model.plan(), model.rewrite()
    table = front.to_dataframe()
    assert list(table["macs"]) == [point["macs"] for point in front]
    assert list(table.columns) == ["overhead", "macs", "total", "minimum", "head", "proved"]
    layers = result.to_dataframe()
    assert layers["macs"].sum() == result.report["macs"]["original"]
    assert layers["before"].max() <= result.report["arena"]["original"]["head"]


def test_without_pandas_there_is_an_import_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError):
        tflm_msf.load(path).plan().to_dataframe()


def test_pictures_are_those_of_the_command(path: Path) -> None:
    model = tflm_msf.load(path)
    front, result = model.plan(), model.rewrite()
    svg = path.with_name("a.svg")
    assert front.plot()._repr_svg_().count("<title>full: ") == len(front)
    run("plan", path, "--timeline", svg)
    assert result.plot().file("svg").decode().count("<title>") == svg.read_text("utf-8").count("<title>")
    assert result.plot_network().save(svg.with_suffix(".png")).read_bytes().startswith(b"\x89PNG")
    with pytest.raises(tflm_msf.MsfError, match=r"cannot be written as '\.bmp'"):
        result.plot().save(path.with_name("a.bmp"))


def test_the_page_is_that_of_the_command(path: Path) -> None:
    run("report", path, "--ram-limit", "64KiB", "-o", page := path.with_name("a.html"))
    assert tflm_msf.load(path).report(path.with_name("b.html"), ram="64KiB").read_text("utf-8") == page.read_text(
        "utf-8"
    )


def test_without_matplotlib_there_is_a_sentence(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tflm_msf.load(path)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    for draw in (model.plan().plot, model.rewrite().plot, lambda: model.report(path.with_name("a.html"))):
        with pytest.raises(tflm_msf.MsfError, match="need matplotlib, which is not installed"):
            draw()
