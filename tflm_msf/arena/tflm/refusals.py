"""Operators that TFLM does not run, and what to do about them: tried, one by one, in the wheel's TFLM.

A model with such an operator fails in ``AllocateTensors`` or in ``Invoke``, whatever arena it gets. Known are types
that a kernel does not take, operators without a kernel, arguments that have to be constants, and a SOFTMAX of values
that are as good as equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from tflm_msf.arena.tflm.kernels import BUILTIN_KERNELS
from tflm_msf.graph import NO_TENSOR, DType, Graph, Op, Tensor
from tflm_msf.graph.fixed_point import softmax_unit

T = TypeVar("T")

FULL_INTEGER = (
    "convert with a representative_dataset and target_spec.supported_ops = [TFLITE_BUILTINS_INT8], which makes "
    "activations int8 too"
)
FIX_SHAPES = "fix the batch and every other size when the model is converted (batch_size=1), so that it is a constant"

MOST_CONCATENATED = 10
"""``kMaxInputNum`` of TFLM's CONCATENATION."""

DATA_INPUT: Mapping[str, int] = {"FILL": 1, "SELECT_V2": 1, "SPLIT": 1, "TRANSPOSE_CONV": 2}
"""Input whose type decides, where it is not the first one."""

HAVE_WEIGHTS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")


def _same(names: str, value: T) -> dict[str, T]:
    return dict.fromkeys(names.split(), value)


_NONE_OF = "uint8 int64 float16"

REFUSED_TYPES: Mapping[str, str] = {
    **_same("ADD SUB DIV MUL SQUARED_DIFFERENCE PRELU FLOOR_MOD ADD_N", _NONE_OF),
    **_same("ABS ELU HARD_SWISH LEAKY_RELU RELU RELU6 RSQRT LOGISTIC TANH", _NONE_OF),
    **_same("L2_NORMALIZATION LOG_SOFTMAX SOFTMAX", _NONE_OF),
    **_same("CEIL COS EXP FLOOR LOG NEG ROUND SIN SQRT SQUARE LOGICAL_NOT", _NONE_OF),
    **_same("AVERAGE_POOL_2D MAX_POOL_2D L2_POOL_2D", _NONE_OF),
    **_same("CONV_2D DEPTHWISE_CONV_2D TRANSPOSE_CONV FULLY_CONNECTED SVDF", _NONE_OF),
    **_same("MEAN SUM REDUCE_MAX REDUCE_MIN REDUCE_ALL ARG_MAX ARG_MIN CUMSUM", _NONE_OF),
    **_same("PAD PADV2 RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR EXPAND_DIMS FILL GATHER", _NONE_OF),
    **_same("SPACE_TO_DEPTH DEPTH_TO_SPACE SPACE_TO_BATCH_ND BATCH_TO_SPACE_ND CAST", _NONE_OF),
    **_same("EQUAL GREATER GREATER_EQUAL LESS LESS_EQUAL NOT_EQUAL", "uint8 float16"),
    **_same("MAXIMUM MINIMUM ZEROS_LIKE CONCATENATION", "uint8 float16"),
    **_same("QUANTIZE DEQUANTIZE", "int64 float16"),
}
"""Types of the deciding input that were seen to be refused, of those that converters write."""

CONSTANTS: Mapping[str, int] = {
    "BROADCAST_TO": 1,
    "EXPAND_DIMS": 1,
    "FILL": 0,
    "PAD": 1,
    "PADV2": 1,
    "RESIZE_BILINEAR": 1,
    "RESIZE_NEAREST_NEIGHBOR": 1,
}
"""Input that has to be a constant."""

INT32_ONLY: Mapping[str, int] = {
    **_same("MEAN SUM REDUCE_MAX REDUCE_MIN REDUCE_ALL ARG_MAX ARG_MIN CUMSUM", 1),
    **_same("EXPAND_DIMS GATHER RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR", 1),
}
"""Input that may not be int64."""

WITHOUT_KERNEL = frozenset(
    _same(
        "ATAN2 BIDIRECTIONAL_SEQUENCE_LSTM BIDIRECTIONAL_SEQUENCE_RNN BITCAST BITWISE_XOR BUCKETIZE COMPLEX_ABS "
        "CONCAT_EMBEDDINGS CONV_3D CONV_3D_TRANSPOSE DELEGATE DENSIFY DILATE EMBEDDING_LOOKUP_SPARSE FAKE_QUANT GELU "
        "HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_LOOKUP HASHTABLE_SIZE IMAG LOCAL_RESPONSE_NORMALIZATION "
        "LSH_PROJECTION LSTM MATRIX_DIAG MATRIX_SET_DIAG MULTINOMIAL NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 "
        "ONE_HOT POW RANDOM_STANDARD_NORMAL RANDOM_UNIFORM RANGE RANK REAL REDUCE_ANY REDUCE_PROD REDUCE_WINDOW "
        "RELU_0_TO_1 RELU_N1_TO_1 REVERSE_SEQUENCE RFFT2D RIGHT_SHIFT RNN SCATTER_ND SEGMENT_SUM SELECT SIGN SKIP_GRAM "
        "SPARSE_TO_DENSE TILE TOPK_V2 UNIDIRECTIONAL_SEQUENCE_RNN UNIQUE UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_MIN "
        "UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_SUM WHERE",
        None,
    )
)


@dataclass(frozen=True)
class Refusal:
    """Why TFLM does not run an operator, and what to do instead; both complete a sentence."""

    operator: str
    why: str
    how: str

    index: int

    def __str__(self) -> str:
        return f"TFLM refuses operator {self.index} ({self.operator}): {self.why}; {self.how}"

    def to_json(self) -> dict[str, Any]:
        """In plain values."""
        return {"index": self.index, "operator": self.operator, "why": self.why, "how": self.how}


def refusal_of(op: Op, graph: Graph, index: int) -> Refusal | None:
    """Why TFLM refuses an operator, which messages call ``index``; None if it is not known to."""
    why_how = next(_reasons(op, graph), None)
    return None if why_how is None else Refusal(op.name, *why_how, index)


def refusals(graph: Graph) -> tuple[Refusal, ...]:
    """All operators of a graph that TFLM is known not to run."""
    found = (refusal_of(op, graph, index) for index, op in enumerate(graph.ops))
    return tuple(refusal for refusal in found if refusal is not None)


def _reasons(op: Op, graph: Graph) -> Iterator[tuple[str, str]]:
    name = op.builtin
    if name in WITHOUT_KERNEL:
        yield "it has no kernel for it", "build the model from operators that `tflm-msf operators` lists"
    if name not in BUILTIN_KERNELS:
        return
    if name == "CONCATENATION" and len(op.inputs) > MOST_CONCATENATED:
        yield f"it joins {len(op.inputs)} tensors, and {MOST_CONCATENATED} are the most", "join them in several steps"
    data = _input(op, graph, DATA_INPUT.get(name, 0))
    if data is not None:
        yield from _types(op, graph, data)
        if name == "SOFTMAX":
            yield from _vanishing_softmax(op, data)
    shape = _input(op, graph, CONSTANTS.get(name, NO_TENSOR))
    if shape is not None and not shape.is_constant:
        yield f"its argument '{shape.name}' is computed while the model runs", FIX_SHAPES
    index = _input(op, graph, INT32_ONLY.get(name, NO_TENSOR))
    if index is not None and index.dtype is DType.INT64:
        yield f"its argument '{index.name}' is int64, not int32", "make it int32 (tf.cast) before converting"


def _types(op: Op, graph: Graph, data: Tensor) -> Iterator[tuple[str, str]]:
    if op.builtin in HAVE_WEIGHTS:
        weights = _input(op, graph, 1)
        if weights is not None and data.dtype is DType.FLOAT32 and weights.dtype is not DType.FLOAT32:
            mixed = f"its activations are float32 and its weights {weights.dtype.name.lower()}"
            yield f"{mixed} (dynamic range quantisation)", FULL_INTEGER
    dtype = data.dtype.name.lower()
    if dtype in REFUSED_TYPES.get(op.builtin, "").split():
        how = "cast to int32 before it" if data.dtype is DType.INT64 else FULL_INTEGER
        yield f"'{data.name}' is {dtype}, which its kernel does not take", how


def _vanishing_softmax(op: Op, data: Tensor) -> Iterator[tuple[str, str]]:
    beta = op.options.get("beta", 0.0) if op.options else 0.0
    if data.dtype is not DType.INT8 or data.quantization is None or not data.quantization.per_tensor:
        return
    scale = data.quantization.scale[0]
    if not softmax_unit(scale, beta) > 1:
        what = f"its beta of {beta:g} times the scale {scale:.3g} of its input is at most 2^-26, where its kernel stops"
        yield what, "train the network before it is converted, with data on which its results differ"


def _input(op: Op, graph: Graph, position: int) -> Tensor | None:
    if not 0 <= position < len(op.inputs) or op.inputs[position] == NO_TENSOR:
        return None
    return graph.tensors[op.inputs[position]]
