"""What ends blocks: operators that stay builtins, and changes of shape that no block can hold; each with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tflm_msf.network.units import Network, Unit
from tflm_msf.ops import Map

NAMES = re.compile(r" '[^']*'")
"""Names of tensors in a reason: those that differ in nothing else are told as one."""


@dataclass(frozen=True)
class Ending:
    """An operator at which a block ends, and the tensors that therefore exist as a whole."""

    op: int
    reason: str
    tensors: tuple[int, ...]


def endings_json(network: Network) -> list[dict[str, Any]]:
    """Reasons with their operators and the bytes of the tensors that stay whole for them, the most bytes first."""
    groups: dict[tuple[str, str], list[Ending]] = {}
    for ending in _endings(network):
        groups.setdefault((network.graph.ops[ending.op].name, NAMES.sub("", ending.reason)), []).append(ending)
    told = [
        {
            "operator": name,
            "indices": [network.in_file(ending.op) for ending in group],
            "reason": group[0].reason if len(group) == 1 else reason,
            "bytes": sum(network.nbytes(tensor) for tensor in {t for ending in group for t in ending.tensors}),
        }
        for (name, reason), group in groups.items()
    ]
    return sorted(told, key=lambda entry: -int(str(entry["bytes"])))


def _endings(network: Network) -> Iterator[Ending]:
    for unit in network.units:
        if unit.stage is None:
            yield Ending(unit.ops[0], unit.reason, (*unit.inputs, *unit.outputs))
        else:
            yield from _turns(network, unit)


def _turns(network: Network, unit: Unit) -> Iterator[Ending]:
    """Tensors that the unit reads in another shape than the one in which another stage makes them."""
    assert unit.stage is not None
    for tensor, grid in zip(unit.stage.inputs, unit.stage.input_maps, strict=False):
        maker = network.units[network.producer[tensor]] if tensor in network.producer else None
        if maker is None or maker.stage is None or maker.stage.prefix is not None:
            continue
        made = maker.stage.output_map
        if made != grid:
            reason = (
                f"it reads as {_shape(grid)} what operator {network.in_file(maker.ops[-1])} makes as {_shape(made)}"
            )
            yield Ending(unit.ops[-1], f"{reason}: rows of one are no rows of the other", (tensor,))


def _shape(grid: Map) -> str:
    return "x".join(map(str, grid))


def in_words(ending: Mapping[str, Any]) -> str:
    """One of :func:`endings_json` in a sentence."""
    count = len(ending["indices"])
    return f"{count} x {ending['operator']}: {ending['reason']}; {ending['bytes']:,} bytes stay whole for it."
