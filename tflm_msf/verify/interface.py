"""What an application sees of a model: types and shapes, names, scales and zero points, and signatures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tflm_msf.graph import Model, Quantization, Signature, Tensor
from tflm_msf.int8_ends import Int8Ends
from tflm_msf.program.decode import is_streamed


def interface_problems(original: Model, rewritten: Model, ends: Int8Ends, sources: tuple[str, str]) -> Iterator[str]:
    """Where the rewritten model's inputs, outputs and signatures are not the original's, a sentence each.

    Types and shapes are compared elsewhere. An end that became int8 has the scale of what it is quantised to.
    """
    sides = [("output", original.main.outputs, rewritten.main.outputs, ends.outputs)]
    if not is_streamed(rewritten):
        sides.append(("input", original.main.inputs, rewritten.main.inputs, ends.inputs))
    for what, ours, theirs, quantized in sides:
        for number, (index, other, as_int8) in enumerate(zip(ours, theirs, quantized, strict=True)):
            before, after = original.main.tensors[index], rewritten.main.tensors[other]
            for problem in _end_problems(before, after, as_int8):
                yield f"{sources[1]}: {what} {number} '{after.name}' {problem}."
    yield from _signature_problems(original, rewritten, sources[1])


def _end_problems(before: Tensor, after: Tensor, as_int8: Quantization | None) -> Iterator[str]:
    expected = as_int8 or before.quantization
    ours, theirs = _scale(expected), _scale(after.quantization)
    if ours != theirs:
        yield f"has scale and zero point {theirs} instead of {ours}"
    if as_int8 is None and before.name != after.name:
        yield f"is called otherwise than '{before.name}'"


def _scale(quantization: Quantization | None) -> str:
    return "none" if quantization is None else f"{quantization.scale}, {quantization.zero_point}"


def _signature_problems(original: Model, rewritten: Model, source: str) -> Iterator[str]:
    after = {signature.key: signature for signature in rewritten.signatures}
    streamed = is_streamed(rewritten)
    for signature in original.signatures:
        if signature.graph != 0:
            continue
        other = after.get(signature.key)
        if other is None:
            yield f"{source}: the signature '{signature.key}' is gone."
        elif _named(signature, original, streamed) != _named(other, rewritten, streamed):
            yield f"{source}: the signature '{signature.key}' names other inputs or outputs."
    known = {signature.key for signature in original.signatures}
    yield from (f"{source}: there is a new signature '{key}'." for key in after if key not in known)


def _named(signature: Signature, model: Model, streamed: bool) -> tuple[dict[str, int], dict[str, int]]:
    """The positions of the inputs and outputs that a signature names."""
    graph = model.main
    return (
        {} if streamed else _positions(signature.inputs, graph.inputs),
        _positions(signature.outputs, graph.outputs),
    )


def _positions(named: Sequence[tuple[str, int]], ends: Sequence[int]) -> dict[str, int]:
    return {name: ends.index(tensor) for name, tensor in named if tensor in ends}
