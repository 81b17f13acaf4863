"""Input that arrives row by row: a first unit that gets it from the application."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tflm_msf.errors import MsfError
from tflm_msf.graph.pixels import Bytes, PixelFormat, Pixels
from tflm_msf.network.units import Network, Unit
from tflm_msf.ops import Map, Stage, StageOp

RGB_CHANNELS = 3


def with_streamed_input(network: Network, source: str, pixels: Pixels, most_fetches: int = 1) -> Network:
    """The network with a first unit that gets the input row by row from the application.

    A table that is all that reads the input (a QUANTIZE, say) becomes part of that unit.

    Args:
        network: a network with one int8 or uint8 input.
        source: what to call the model in messages.
        pixels: what the rows hold.
        most_fetches: how often an inference may fetch each row.

    Raises:
        MsfError: unless there is one such input, and the operators that read it can be fused.
    """
    if len(network.inputs) != 1:
        raise MsfError(f"{source} has {len(network.inputs)} inputs; input can only be streamed into a model with one.")
    (tensor,) = network.inputs
    table = pixels.table(network.graph.tensors[tensor])
    grid = _map_of_input(network, source, tensor)
    if pixels.format.is_packed and grid.c != RGB_CHANNELS:
        raise MsfError(
            f"{source}: {pixels.format.label} pixels are for inputs of {RGB_CHANNELS} channels, and this one has "
            f"{grid.c}; use uint8 and turn colours into grey in the row source."
        )
    units = network.units
    ops: tuple[int, ...] = ()
    readers = network.consumers[tensor]
    reader = units[readers[0]]
    if len(readers) == 1 and reader.stage is not None and reader.stage.op is StageOp.TABLE:
        table = _looked_up(table, reader.stage.weights)
        ops, grid, tensor = reader.ops, reader.stage.output_map, reader.stage.output
        units = tuple(unit for unit in units if unit is not reader)
    unit = Unit(ops, (), (tensor,), _source_stage(tensor, grid, pixels.format, table, most_fetches))
    return replace(network, units=(unit, *units), is_streamed=True)


def _map_of_input(network: Network, source: str, tensor: int) -> Map:
    readers = [network.units[unit] for unit in network.consumers.get(tensor, ())]
    stages = [unit.stage for unit in readers if unit.stage is not None]
    if not readers or len(stages) < len(readers):
        reason = next((unit.reason for unit in readers if unit.stage is None), "nothing reads it")
        name = network.graph.tensors[tensor].name
        raise MsfError(
            f"{source}: the input '{name}' cannot be streamed, because its reader cannot be fused: {reason}."
        )
    maps = {m for stage in stages for t, m in zip(stage.inputs, stage.input_maps, strict=False) if t == tensor}
    if len(maps) != 1 or tensor in network.outputs:
        raise MsfError(f"{source}: the input cannot be streamed, because it is also read in another shape.")
    return maps.pop()


def _looked_up(table: Bytes, entries: bytes) -> Bytes:
    """What a TABLE, whose entries begin with that for -128, makes of each byte of ``table``."""
    return np.frombuffer(entries, np.uint8)[(table.view(np.int8).astype(np.int64) + 128)]


def _source_stage(tensor: int, grid: Map, pixel_format: PixelFormat, table: Bytes, most_fetches: int) -> Stage:
    is_plain = not pixel_format.is_packed and np.array_equal(table, np.arange(256))
    return Stage(
        op=StageOp.SOURCE,
        inputs=(),
        output=tensor,
        input_maps=(),
        output_map=grid,
        weights=b"" if is_plain else table.tobytes(),
        args=(PixelFormat.MODEL if is_plain else max(pixel_format, PixelFormat.UINT8), most_fetches),
    )
