"""Scratch for kernels takes no byte of the arena, and nothing that has to last; chunks of four pixels want some."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.bench import corpus_file
from benchmarks.variants import in_long_chunks
from tests.kernels.test_spec import source
from tflm_msf.blocks.block import Block
from tflm_msf.blocks.scratch import ON_THE_STACK, WIDENED, with_scratch
from tflm_msf.choice import FREE_OVERHEAD
from tflm_msf.ops import StageOp
from tflm_msf.ops.stage import POINTWISE
from tflm_msf.planner import Planner

MODELS = ("mlperf__vww_96", "mlperf__ic_resnet8", "mlperf__kws_dscnn")


def planned(name: str) -> Planner:
    path: Path = corpus_file(name)
    return Planner.of(path.read_bytes(), name)


def lasting(block: Block, unit: int) -> list[tuple[int, int]]:
    """Where in the workspace lies what is alive while a unit's group runs."""
    made = {block.network.stage(u).output: u for group in block.groups for u in group.units}
    own = next(group.units for group in block.groups if unit in group.units)
    places = [
        (buffer.offset, buffer.offset + buffer.pixels * block.network.stage(made[buffer.tensor]).output_map.c)
        for buffer in block.buffers
        if not buffer.is_chunk or made[buffer.tensor] in own
    ]
    accumulators = [(at, at + 4 * block.network.stage(u).output_map.c) for u, at in block.accumulators]
    return [(0, 16 * len(block.groups)), *accumulators, *places]


@pytest.mark.parametrize("name", MODELS)
def test_scratch_lies_where_nothing_else_does(name: str) -> None:
    plan = in_long_chunks(planned(name), FREE_OVERHEAD).plan
    found = [(block, scratch) for block in plan.blocks for scratch in block.scratch]
    assert found or name == "mlperf__kws_dscnn"
    for block, scratch in found:
        for begin, end in lasting(block, scratch.unit):
            assert scratch.offset >= end or scratch.offset + scratch.size <= begin
        assert scratch.offset % 4 == 0 and scratch.offset + scratch.size <= block.workspace


@pytest.mark.parametrize("name", MODELS)
def test_a_workspace_with_scratch_stays_clear_of_tensors_and_ends_before_the_head(name: str) -> None:
    plan = in_long_chunks(planned(name), FREE_OVERHEAD).plan
    for step in plan.steps:
        if step.block is None:
            continue
        end = step.workspace_offset + step.block.workspace
        assert end <= plan.head
        for tensor in (*step.block.candidate.inputs, step.block.candidate.output):
            assert not step.workspace_offset <= plan.offsets[tensor] < end


def test_without_room_there_is_none_and_with_room_every_convolution_that_wants_it_has_some() -> None:
    plan = in_long_chunks(planned("mlperf__ic_resnet8"), FREE_OVERHEAD).plan
    for block in plan.blocks:
        none = with_scratch(block, 0)
        assert not none.scratch and none.workspace == block.candidate.workspace
        units = {scratch.unit: scratch.size for scratch in with_scratch(block, 1 << 20).scratch}
        for group in block.groups:
            for unit in group.units:
                stage = block.network.stage(unit)
                taps = stage.window.kernel_h * stage.window.kernel_w * stage.input_maps[0].c
                is_wide = (
                    stage.op is StageOp.CONV_2D
                    and group.chunk >= 3
                    and stage.output_map.c >= 4
                    and (taps > 32 or stage.window != POINTWISE)
                )
                assert (unit in units) == is_wide
                assert not is_wide or units[unit] == WIDENED * (taps + -taps % 4)


def test_the_stack_has_what_is_not_asked_for() -> None:
    assert f"#define MSF_ROOM {ON_THE_STACK // 4}\n" in source("msf_isa_dsp.h")
