"""The msf-CNN paper's numbers come out to the byte, and our schedules are never worse, by the paper's own count."""

from __future__ import annotations

from functools import cache

import pytest
from click.testing import CliRunner

from benchmarks.chains import NAMES, Chain, Layer, load_chain
from benchmarks.full_accounting import full_edges
from benchmarks.paper import Line, main, reproduce
from benchmarks.paper_accounting import paper_edges, tile_of
from tflm_msf.ops import Map, StageOp

# The least RAM at F = 1, F <= 1.1, F <= 1.3 and any F that is known to be reachable, in bytes.
REACHABLE = {
    "MBV2-w0.35": {"F1.0": 19_300, "F1.1": 10_600, "F1.3": 7_950, "Finf": 7_400},
    "MN2-vww5": {"F1.0": 14_200, "F1.1": 11_650, "F1.3": 11_200, "Finf": 11_200},
    "MN2-320K": {"F1.0": 56_400, "F1.1": 56_400, "F1.3": 49_200, "Finf": 38_000},
}


@cache
def lines(name: str) -> dict[str, Line]:
    return {line.constraint: line for line in reproduce(load_chain(name)).lines}


@pytest.mark.parametrize("name", NAMES)
def test_the_papers_numbers_are_reproduced_to_the_byte(name: str) -> None:
    assert len(lines(name)) >= 12
    for line in lines(name).values():
        assert line.msf_cnn.ram == line.published.ram, line
        assert line.msf_cnn.overhead == pytest.approx(line.published.overhead, abs=0.0006), line
        assert line.is_reproduced


@pytest.mark.parametrize("name", NAMES)
def test_the_full_space_is_at_or_below_the_paper_everywhere(name: str) -> None:
    for line in lines(name).values():
        for reached in (line.engine, line.analytic):
            if line.constraint in ("vanilla", "heuristic"):
                assert reached is None
            elif line.constraint.startswith("F"):
                assert reached is not None
                assert reached.ram <= line.published.ram
                assert reached.overhead <= float(line.constraint[1:])
            else:
                assert reached is not None
                assert reached.ram <= int(line.constraint.removesuffix("kB")) * 1000
                assert reached.overhead <= line.published.overhead


@pytest.mark.parametrize("name", NAMES)
def test_the_full_space_reaches_what_is_known_to_be_reachable(name: str) -> None:
    for constraint, ram in REACHABLE[name].items():
        line = lines(name)[constraint]
        assert line.analytic is not None
        assert line.engine is not None
        assert line.analytic.ram <= ram, constraint
        assert line.analytic.ram <= line.engine.ram, constraint


def conv(kernel: int, stride: int, source: Map, output: Map) -> Layer:
    return Layer(StageOp.CONV_2D, kernel, stride, kernel // 2, source, output)


def small_chain() -> Chain:
    layers = (
        conv(1, 1, Map(8, 8, 4), Map(8, 8, 6)),
        conv(3, 1, Map(8, 8, 6), Map(8, 8, 2)),
        conv(1, 1, Map(8, 8, 2), Map(8, 8, 4)),
        conv(1, 1, Map(8, 8, 4), Map(8, 8, 3)),
    )
    return Chain("small", layers, ())


def test_a_block_counted_by_hand_as_the_paper_does() -> None:
    chain = small_chain()
    assert tile_of(chain.layers[1:3]) == (3, 1)
    (block,) = (edge for edge in paper_edges(chain) if (edge.first, edge.last) == (1, 2))
    # Input 8x8x6 and output 8x8x4; 3 x 3 rows x 6 channels; 1 x 2 rows (one of them made from padding) x 2 channels.
    assert block.head == 384 + 256 + 3 * 3 * 6 + 1 * 2 * 2
    # 3x3: (8 + 2 - 3) + 1 = 8 tiles of 1 row, 8 columns, 2 channels of 54 MACs. 1x1: 8 tiles, 8 columns, 4 of 2 MACs.
    assert block.macs == 8 * 8 * 2 * 54 + 8 * 8 * 4 * 2


def test_line_buffers_counted_by_hand() -> None:
    edges = [edge for edge in full_edges(small_chain()).analytic if (edge.first, edge.last) == (0, 2)]
    found = {edge.block.schedule.tile_w: edge.head for edge in edges if edge.block}
    # Whole rows: 2 rows of 8 pixels and 3 pixels, of 6 channels; one pixel of 2. The network's input is not counted.
    assert found[8] == 256 + (2 * 8 + 3) * 6 + 2
    # Strips of 1 with a halo of 1 on each side: 2 rows of 3 pixels and 3 pixels.
    assert found[1] == 256 + (2 * 3 + 3) * 6 + 2


def test_the_table_is_printed() -> None:
    result = CliRunner().invoke(main, ["--network", "MN2-vww5"])
    assert result.exit_code == 0, result.output
    assert "the same" in result.output
    assert "24,000" in result.output
