"""What a model consists of, rewritten or not, in plain values."""

from __future__ import annotations

from typing import Any

from tflm_msf.arena import MCU32, Target, lifetimes, live_bytes, refusals, tensor_bytes
from tflm_msf.format import CUSTOM_CODE
from tflm_msf.graph import Model, Op
from tflm_msf.network.units import build_network
from tflm_msf.program.decode import describe_program
from tflm_msf.report.values import arena_json, pixels_json, said_step
from tflm_msf.tflite_io import read_model


def inspect(data: bytes, source: str, target: Target = MCU32) -> dict[str, Any]:
    """Operators with shapes, MACs and live bytes, arenas, and the stages inside fusion blocks.

    Args:
        data: a ``.tflite`` file.
        source: what to call it in messages.
        target: whose arena to give.

    Raises:
        MsfError: if the bytes are not a valid model.
    """
    model = read_model(data, source)
    graph = model.main
    macs, notes = _fusion_facts(model)
    operators = []
    for index, (op, live) in enumerate(zip(graph.ops, live_bytes(model), strict=True)):
        output = graph.tensors[op.outputs[0]] if op.outputs else None
        operators.append(
            {
                "index": index,
                "operator": op.name,
                "output": output.name if output else "",
                "shape": list(output.shape) if output else [],
                "macs": macs.get(index),
                "live_bytes": live,
                "note": notes.get(index, ""),
            }
        )
    blocks = [_block(model, index, op) for index, op in enumerate(graph.ops) if op.custom_code == CUSTOM_CODE]
    return {
        "source": source,
        "operators": operators,
        "blocks": blocks,
        "peak": peak(model),
        "macs": sum(macs.values()),
        "pixels": pixels_json(model),
        "step": said_step(model),
        "target": target.to_json(),
        "arena": arena_json(model, target),
    }


def peak(model: Model) -> dict[str, Any] | None:
    """The first operator during which the most bytes of tensors are alive, and which tensors these are."""
    live = live_bytes(model)
    if not live:
        return None
    index = live.index(max(live))
    names = [
        {"name": tensor.name, "shape": list(tensor.shape), "bytes": tensor_bytes(tensor)}
        for tensor, (first, last) in zip(model.main.tensors, lifetimes(model.main), strict=True)
        if not tensor.data and not tensor.is_variable and first <= index + 1 <= last
    ]
    tensors = sorted(names, key=lambda entry: -int(str(entry["bytes"])))
    return {"operator": index, "bytes": live[index], "tensors": tensors}


def _fusion_facts(model: Model) -> tuple[dict[int, int], dict[int, str]]:
    """MACs of the operators that have any, and why those that cannot be fused cannot."""
    macs, notes = {}, {}
    for unit in build_network(model.main).units:
        if unit.stage is not None:
            macs[unit.ops[-1]] = unit.stage.macs
        elif model.main.ops[unit.ops[0]].custom_code != CUSTOM_CODE:
            notes[unit.ops[0]] = f"not fusable: {unit.reason}"
    for refusal in refusals(model.main):
        notes[refusal.index] = f"TFLM refuses it: {refusal.why}; {refusal.how}"
    return macs, notes


def _block(model: Model, index: int, op: Op) -> dict[str, Any]:
    params = sum(model.main.tensors[tensor].nbytes for tensor in op.inputs if model.main.tensors[tensor].is_constant)
    return {"index": index, "params": params, **describe_program(op.custom_options)}
