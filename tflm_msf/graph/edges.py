"""Float ends of an int8 network: the QUANTIZE behind a float input, the DEQUANTIZE before a float output."""

from __future__ import annotations

from dataclasses import replace

from tflm_msf.graph.model import NO_TENSOR, DType, Graph, Model, Signature


def quantized_input(graph: Graph, tensor: int) -> int:
    """The int8 tensor that a float32 input is turned into before anything else, or ``tensor`` itself."""
    readers = [op for op in graph.ops if tensor in op.inputs]
    if graph.tensors[tensor].dtype == DType.FLOAT32 and len(readers) == 1 and readers[0].builtin == "QUANTIZE":
        targets = [graph.tensors[target].dtype for target in readers[0].outputs]
        if targets == [DType.INT8] and tensor not in graph.outputs:
            return readers[0].outputs[0]
    return tensor


def quantized_output(graph: Graph, tensor: int) -> int:
    """The int8 tensor that a float32 output is made from, or ``tensor`` itself."""
    writers = [op for op in graph.ops if tensor in op.outputs]
    if graph.tensors[tensor].dtype == DType.FLOAT32 and len(writers) == 1 and writers[0].builtin == "DEQUANTIZE":
        sources = [source for source in writers[0].inputs if source != NO_TENSOR]
        read_on = any(tensor in op.inputs for op in graph.ops)
        is_int8 = [graph.tensors[source].dtype for source in sources] == [DType.INT8]
        if is_int8 and sources[0] not in graph.inputs and not read_on:
            return sources[0]
    return tensor


def with_int8_ends(model: Model, outputs: bool = True) -> Model:
    """The model with int8 inputs (and outputs) in place of float32 ones that are only quantised and dequantised."""
    graph = model.main
    new_inputs = {tensor: quantized_input(graph, tensor) for tensor in graph.inputs}
    new_outputs = {tensor: quantized_output(graph, tensor) if outputs else tensor for tensor in graph.outputs}
    if len(set(new_outputs.values())) < len(new_outputs):
        new_outputs = {tensor: tensor for tensor in graph.outputs}
    gone = {tensor for tensor, new in (new_inputs | new_outputs).items() if tensor != new}
    ops = tuple(op for op in graph.ops if not gone & {*op.inputs, *op.outputs})

    def renamed(signature: Signature) -> Signature:
        if signature.graph != 0:
            return signature
        return replace(
            signature,
            inputs=tuple((name, new_inputs.get(tensor, tensor)) for name, tensor in signature.inputs),
            outputs=tuple((name, new_outputs.get(tensor, tensor)) for name, tensor in signature.outputs),
        )

    new_graph = replace(
        graph,
        ops=ops,
        inputs=tuple(new_inputs[tensor] for tensor in graph.inputs),
        outputs=tuple(new_outputs[tensor] for tensor in graph.outputs),
    )
    signatures = tuple(renamed(signature) for signature in model.signatures)
    return replace(model, graphs=(new_graph, *model.graphs[1:]), signatures=signatures)
