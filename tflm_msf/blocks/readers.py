"""How the units behind a tensor read it."""

from __future__ import annotations

from tflm_msf.network.units import Network
from tflm_msf.ops import Stage
from tflm_msf.ops.stage import POINTWISE


def reads_pointwise(stage: Stage, tensor: int) -> bool:
    """True if the stage reads ``tensor`` once, pixel by pixel on its own grid, so that chunks of a row will do."""
    reads = [grid for source, grid in zip(stage.inputs, stage.input_maps, strict=False) if source == tensor]
    return len(reads) == 1 and stage.window == POINTWISE and reads[0][:2] == stage.grid[:2]


def is_chunk(network: Network, tensor: int) -> bool:
    """True if an inner tensor never needs a row: its one reader takes it chunk by chunk as it is made."""
    readers = network.consumers.get(tensor, ())
    if len(readers) != 1:
        return False
    stage = network.units[readers[0]].stage
    return stage is not None and reads_pointwise(stage, tensor)


def may_be_cut_short(network: Network, stage: Stage) -> bool:
    """True if the stage may see some pixels of a row later than others, where an input's ring begins again.

    Only rings that several readers have, or that outlive an invocation, are read pixel by pixel.
    """
    return stage.window == POINTWISE and any(
        grid.pixels > 1 and _may_have_a_ring(network, source)
        for source, grid in zip(stage.inputs, stage.input_maps, strict=False)
    )


def _may_have_a_ring(network: Network, tensor: int) -> bool:
    maker = network.units[network.producer[tensor]].stage if tensor in network.producer else None
    return maker is not None and (maker.history > 0 or not is_chunk(network, tensor))


def post_dominator(network: Network, tensor: int) -> int:
    """The first unit through which everything that depends on ``tensor`` has passed."""
    open_until = {tensor: network.last_use[tensor]}
    for index in range(network.consumers[tensor][0], len(network.units)):
        unit = network.units[index]
        if open_until.keys() & set(unit.inputs):
            open_until.update({out: network.last_use[out] for out in unit.outputs})
        open_until = {t: last for t, last in open_until.items() if last > index}
        if set(open_until) <= set(unit.outputs):
            return index
    return len(network.units) - 1
