"""Why an operator without a kernel in blocks has none, as far as it helps to know."""

from __future__ import annotations

import math

import numpy as np

from tflm_msf.graph import NO_TENSOR, DType, Graph, Op

REASONS = {
    "TILE": "it repeats its input, and neither blocks nor TFLM have a kernel for it",
    "BATCH_TO_SPACE_ND": "it makes one image of several, and blocks work on one at a time",
    "SPACE_TO_BATCH_ND": "it makes several images of one, and blocks work on one at a time",
    "ADD_N": "it adds up any number of maps before it rounds",
    "L2_POOL_2D": "TFLM computes it in float alone",
    "UNPACK": "it makes a tensor of each slice of its input",
    "PACK": "it puts tensors together along a new axis",
    "SVDF": "it keeps a state from one run to the next",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "it keeps a state from one run to the next",
    "RESHAPE": "what is outside of blocks sees both its input and its output, each in its own shape",
    "SQUEEZE": "what is outside of blocks sees both its input and its output, each in its own shape",
    "EXPAND_DIMS": "what is outside of blocks sees both its input and its output, each in its own shape",
    "CUSTOM": "it is no operator of TFLite",
}
"""By builtin."""


def reason_without_kernel(graph: Graph, op: Op) -> str:
    """Half a sentence for the report."""
    is_batched = op.builtin == "SPACE_TO_BATCH_ND" and len(op.inputs) > 1 and NO_TENSOR not in op.inputs
    if is_batched and op.outputs and _makes_more_images(graph, op):
        return (
            "its output is declared as fewer images than it makes, so that TFLM reads values that nobody wrote; export "
            "the model with a batch of 1"
        )
    return REASONS.get(op.builtin, "it has no fused kernel")


def _makes_more_images(graph: Graph, op: Op) -> bool:
    source, block, target = (graph.tensors[index] for index in (op.inputs[0], op.inputs[1], op.outputs[0]))
    if block.data is None or block.dtype != DType.INT32 or not source.shape or not target.shape:
        return False
    images = source.shape[0] * math.prod(int(size) for size in np.frombuffer(block.data, np.int32))
    return images > target.shape[0]
