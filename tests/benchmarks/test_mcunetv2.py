"""The table beside MCUNetV2 says what the planner finds."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from benchmarks.mcunetv2 import heads, main, rows
from tests.test_cli import network
from tflm_msf.planner import Planner
from tflm_msf.request import Limits
from tflm_msf.tflite_io import write_model


def test_the_table(tmp_path: Path) -> None:
    data = write_model(network())
    found = heads(data, "net", streamed=False)
    layerwise = found["layerwise"]["F=1"]["head"]
    full = {row[0]: row for row in rows(found, layerwise)}["full"]
    best = Planner.of(data, "net").choose(Limits(max_overhead=1.3)).plan
    assert full[3] == f"{best.head:,} ({layerwise / best.head:.1f}x, F {best.overhead:.2f})"
    path = tmp_path / "net.tflite"
    path.write_bytes(data)
    printed = CliRunner().invoke(main, [str(path), "--json"])
    assert json.loads(printed.output)["in place"] == json.loads(json.dumps(found))
    assert "peak activations" in CliRunner().invoke(main, [str(path)]).output
