"""Models of one operator each, for every operator whose allocations are predicted.

TFLM only has to prepare them, not to run them, so constants are zeros where their values do not matter.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tflm_msf.graph import NO_TENSOR, DType, Graph, Model, Op, Quantization, Table, Tensor

INT8, INT16, INT32, FLOAT, BOOL, INT4 = DType.INT8, DType.INT16, DType.INT32, DType.FLOAT32, DType.BOOL, DType.INT4
MAP = (1, 6, 10, 3)
"""NHWC shape of most activations: odd sizes, so that rounding shows."""


def tensor(*shape: int, dtype: DType = INT8, scale: float = 0.5, zero: int = 0) -> Tensor:
    quantization = Quantization((scale,), (zero,)) if dtype in (INT8, INT16) else None
    return Tensor("t", shape, dtype, quantization)


def weights(*shape: int, dtype: DType = INT8, channels: int = 1) -> Tensor:
    axis = shape.index(channels) if channels > 1 else 0
    quantization = Quantization((0.5,) * channels, (0,) * channels, axis)
    blank = Tensor("w", shape, dtype, quantization)
    return replace(blank, data=bytes(blank.nbytes))


def ints(*values: int) -> Tensor:
    return Tensor("c", (len(values),), INT32, data=struct.pack(f"<{len(values)}i", *values))


def one_op(
    name: str, inputs: Sequence[Tensor | None], outputs: Sequence[Tensor], options: Mapping[str, object] | None = None
) -> Model:
    """A model of one operator. Inputs without data are the model's; None is an optional input left out.

    ``options`` are the fields of the options table, with the table's name under "".
    """
    tensors: list[Tensor] = []
    indices = []
    for value in inputs:
        indices.append(NO_TENSOR if value is None else len(tensors))
        if value is not None:
            tensors.append(value)
    results = tuple(range(len(tensors), len(tensors) + len(outputs)))
    table = None if options is None else Table(str(options[""]), {k: v for k, v in options.items() if k})
    op = Op(name, tuple(indices), results, table)
    ins = tuple(index for index in indices if index >= 0 and not tensors[index].is_constant)
    ins = tuple(index for index in ins if not tensors[index].is_variable)
    return Model((Graph((*tensors, *outputs), (op,), ins, results),))


def _unary(dtype: DType) -> Callable[[str], Model]:
    return lambda name: one_op(name, [tensor(*MAP, dtype=dtype)], [tensor(*MAP, dtype=dtype)])


def _binary(dtype: DType, result: DType | None = None) -> Callable[[str], Model]:
    return lambda name: one_op(name, [tensor(*MAP, dtype=dtype)] * 2, [tensor(*MAP, dtype=result or dtype)])


def _squash(scale: float, zero: int) -> Callable[[str], Model]:
    return lambda name: one_op(name, [tensor(1, 7)], [tensor(1, 7, scale=scale, zero=zero)])


def _convolution(dtype: DType, channels: int = 1, bias: bool = True) -> Callable[[str], Model]:
    def make(name: str) -> Model:
        depthwise = name == "DEPTHWISE_CONV_2D"
        shape = (1, 3, 3, 3) if depthwise else (5, 3, 3, 3)
        made = 3 if depthwise else 5
        bias_tensor = Tensor("b", (made,), INT32, Quantization((0.25,), (0,)), data=bytes(4 * made))
        options = {"": f"{'Depthwise' if depthwise else ''}Conv2DOptions", "stride_h": 1, "stride_w": 1}
        inputs = [tensor(*MAP), weights(*shape, dtype=dtype, channels=channels), bias_tensor if bias else None]
        return one_op(name, inputs, [tensor(1, 6, 10, made)], options)

    return make


def _transpose_conv(dtype: DType) -> Callable[[str], Model]:
    def make(name: str) -> Model:
        inputs = [ints(1, 12, 20, 5), weights(5, 2, 2, 3), tensor(*MAP, dtype=dtype)]
        if dtype is INT16:
            inputs.append(weights(5, dtype=INT16))
        options = {"": "TransposeConvOptions", "stride_h": 2, "stride_w": 2}
        return one_op(name, inputs, [tensor(1, 12, 20, 5, dtype=dtype)], options)

    return make


def _dense(dtype: DType, channels: int = 1) -> Callable[[str], Model]:
    options = {"": "FullyConnectedOptions"}
    filter_ = weights(11, 7, dtype=dtype, channels=channels)
    return lambda name: one_op(name, [tensor(1, 7), filter_, None], [tensor(1, 11)], options)


def _pool(name: str) -> Model:
    dtype = FLOAT if name == "L2_POOL_2D" else INT8
    options = {"": "Pool2DOptions", "stride_h": 2, "stride_w": 2, "filter_height": 2, "filter_width": 2}
    return one_op(name, [tensor(*MAP, dtype=dtype)], [tensor(1, 3, 5, 3, dtype=dtype)], options)


def _reduce(dtype: DType, *axes: int) -> Callable[[str], Model]:
    return lambda name: one_op(
        name, [tensor(*MAP, dtype=dtype), ints(*axes)], [tensor(1, 3, dtype=dtype)], {"": "ReducerOptions"}
    )


def _arg(name: str) -> Model:
    options = {"": "ArgMaxOptions" if name == "ARG_MAX" else "ArgMinOptions"}
    return one_op(name, [tensor(*MAP), ints(3)], [tensor(1, 6, 10, dtype=INT32)], options)


def _softmax(dtype: DType) -> Callable[[str], Model]:
    result = tensor(1, 7, scale=1 / 256, zero=-128) if dtype is INT8 else tensor(1, 7, dtype=INT16, scale=1 / 32768)
    return lambda name: one_op(name, [tensor(1, 7, dtype=dtype)], [result], {"": "SoftmaxOptions", "beta": 1.0})


def _pad(name: str) -> Model:
    fill = [Tensor("v", (1,), INT8, Quantization((0.5,), (0,)), data=b"\3")] if name == "PADV2" else []
    return one_op(name, [tensor(*MAP), ints(0, 0, 1, 1, 1, 1, 0, 0), *fill], [tensor(1, 8, 12, 3)])


def _resize(name: str) -> Model:
    table = "ResizeBilinearOptions" if name == "RESIZE_BILINEAR" else "ResizeNearestNeighborOptions"
    return one_op(name, [tensor(*MAP), ints(12, 20)], [tensor(1, 12, 20, 3)], {"": table})


def _svdf(name: str) -> Model:
    state = Tensor("s", (1, 8 * 4), INT16, Quantization((0.5,), (0,)), is_variable=True)
    bias = Tensor("b", (4,), INT32, Quantization((0.25,), (0,)), data=bytes(16))
    inputs = [tensor(1, 7), weights(8, 7), weights(8, 4, dtype=INT16), bias, state]
    return one_op(name, inputs, [tensor(1, 4)], {"": "SVDFOptions", "rank": 2})


def _to_space(name: str) -> Model:
    big, small = tensor(1, 6, 10, 1), tensor(1, 3, 5, 4)
    if name == "SPACE_TO_DEPTH":
        return one_op(name, [big], [small], {"": "SpaceToDepthOptions", "block_size": 2})
    return one_op(name, [small], [big], {"": "DepthToSpaceOptions", "block_size": 2})


def _to_batch(name: str) -> Model:
    one, four = tensor(1, 6, 10, 1), tensor(4, 3, 5, 1)
    source, result = (one, four) if name == "SPACE_TO_BATCH_ND" else (four, one)
    return one_op(name, [source, ints(2, 2), ints(0, 0, 0, 0)], [result])


def _fixed(
    inputs: Sequence[Tensor], outputs: Sequence[Tensor], options: Mapping[str, object] | None = None
) -> Callable[[str], Model]:
    return lambda name: one_op(name, inputs, outputs, options)


def _matrix(*values: int) -> Tensor:
    return Tensor("c", (len(values) // 2, 2), INT32, data=struct.pack(f"<{len(values)}i", *values))


X = tensor(*MAP)
_INDEX = tensor(2, dtype=INT32)
_STRIDED = [X, ints(0, 0, 0, 0), ints(1, 3, 10, 3), ints(1, 1, 1, 1)]


def _named(names: str, make: Callable[[str], Model]) -> dict[str, Model]:
    return {name: make(name) for name in names.split()}


OPERATORS: dict[str, Model] = {
    **_named("ADD SUB", _binary(INT8)),
    **_named("DIV MUL SQUARED_DIFFERENCE MAXIMUM MINIMUM PRELU", _binary(INT8)),
    **_named("FLOOR_DIV FLOOR_MOD", _binary(FLOAT)),
    **_named("LOGICAL_AND LOGICAL_OR", _binary(BOOL)),
    **_named("EQUAL GREATER GREATER_EQUAL LESS LESS_EQUAL NOT_EQUAL", _binary(INT8, BOOL)),
    **_named("ABS ELU HARD_SWISH LEAKY_RELU RELU RELU6 RSQRT ZEROS_LIKE", _unary(INT8)),
    **_named("CEIL COS EXP FLOOR LOG NEG ROUND SIN SQRT SQUARE", _unary(FLOAT)),
    **_named("LOGICAL_NOT", _unary(BOOL)),
    **_named("LOGISTIC", _squash(1 / 256, -128)),
    **_named("TANH L2_NORMALIZATION", _squash(1 / 128, 0)),
    **_named("LOG_SOFTMAX", _squash(16 / 256, 127)),
    **_named("SOFTMAX", _softmax(INT8)),
    **_named("AVERAGE_POOL_2D MAX_POOL_2D L2_POOL_2D", _pool),
    **_named("CONV_2D DEPTHWISE_CONV_2D", _convolution(INT8)),
    **_named("TRANSPOSE_CONV", _transpose_conv(INT8)),
    **_named("FULLY_CONNECTED", _dense(INT8)),
    **_named("MEAN SUM REDUCE_MAX REDUCE_MIN", _reduce(INT8, 1, 2)),
    **_named("REDUCE_ALL", _reduce(BOOL, 1, 2)),
    **_named("ARG_MAX ARG_MIN", _arg),
    **_named("PAD PADV2", _pad),
    **_named("RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR", _resize),
    **_named("SPACE_TO_DEPTH DEPTH_TO_SPACE", _to_space),
    **_named("SPACE_TO_BATCH_ND BATCH_TO_SPACE_ND", _to_batch),
    **_named("SVDF", _svdf),
    **_named("ADD_N", _fixed([X, X, X], [X])),
    **_named("BROADCAST_ARGS", _fixed([_INDEX, _INDEX], [_INDEX])),
    **_named("BROADCAST_TO", _fixed([tensor(1, 1, 1, 3), ints(1, 6, 10, 3)], [X])),
    **_named("CAST", _fixed([X], [tensor(*MAP, dtype=INT32)], {"": "CastOptions"})),
    **_named("CONCATENATION", _fixed([X, X, X], [tensor(1, 6, 10, 9)], {"": "ConcatenationOptions", "axis": 3})),
    **_named("CUMSUM", _fixed([X, ints(1)], [X], {"": "CumsumOptions"})),
    **_named("DEQUANTIZE", _fixed([X], [tensor(*MAP, dtype=FLOAT)])),
    **_named("QUANTIZE", _fixed([tensor(*MAP, dtype=FLOAT)], [X])),
    **_named("DYNAMIC_UPDATE_SLICE", _fixed([X, tensor(1, 2, 2, 3), ints(0, 0, 0, 0)], [X])),
    **_named("EXPAND_DIMS", _fixed([X, ints(0)], [tensor(1, *MAP)])),
    **_named("FILL", _fixed([ints(1, 6, 10, 3), tensor()], [X])),
    **_named("GATHER", _fixed([X, ints(0, 1)], [tensor(1, 2, 10, 3)], {"": "GatherOptions", "axis": 1})),
    **_named("GATHER_ND", _fixed([X, _matrix(0, 1, 0, 2)], [tensor(2, 10, 3)])),
    **_named(
        "MIRROR_PAD", _fixed([X, _matrix(0, 0, 1, 1, 1, 1, 0, 0)], [tensor(1, 8, 12, 3)], {"": "MirrorPadOptions"})
    ),
    **_named("PACK", _fixed([X, X], [tensor(2, *MAP)], {"": "PackOptions", "values_count": 2})),
    **_named("UNPACK", _fixed([tensor(2, *MAP)], [X, X], {"": "UnpackOptions", "num": 2})),
    **_named("RESHAPE", _fixed([X, ints(1, 180)], [tensor(1, 180)], {"": "ReshapeOptions"})),
    **_named("REVERSE_V2", _fixed([X, ints(2)], [X])),
    **_named("SELECT_V2", _fixed([tensor(*MAP, dtype=BOOL), X, X], [X])),
    **_named("SHAPE", _fixed([X], [tensor(4, dtype=INT32)], {"": "ShapeOptions", "out_type": int(INT32)})),
    **_named("SLICE", _fixed([X, ints(0, 0, 0, 0), ints(1, 3, 10, 3)], [tensor(1, 3, 10, 3)])),
    **_named("SPLIT", _fixed([ints(1), X], [tensor(1, 3, 10, 3)] * 2, {"": "SplitOptions", "num_splits": 2})),
    **_named(
        "SPLIT_V", _fixed([X, ints(3, 3), ints(1)], [tensor(1, 3, 10, 3)] * 2, {"": "SplitVOptions", "num_splits": 2})
    ),
    **_named("SQUEEZE", _fixed([X], [tensor(6, 10, 3)], {"": "SqueezeOptions", "squeeze_dims": (0,)})),
    **_named("STRIDED_SLICE", _fixed(_STRIDED, [tensor(1, 3, 10, 3)], {"": "StridedSliceOptions"})),
    **_named("TRANSPOSE", _fixed([X, ints(0, 1, 3, 2)], [tensor(1, 6, 3, 10)])),
}
"""One model per row of the table of kernels."""

VARIANTS: dict[str, Model] = {
    "CONV_2D, 4-bit weights, no bias": _convolution(INT4, bias=False)("CONV_2D"),
    "CONV_2D, per channel": _convolution(INT8, channels=5)("CONV_2D"),
    "DEPTHWISE_CONV_2D, 4-bit weights, per channel": _convolution(INT4, channels=3)("DEPTHWISE_CONV_2D"),
    "FULLY_CONNECTED, 4-bit weights": _dense(INT4)("FULLY_CONNECTED"),
    "FULLY_CONNECTED, per channel": _dense(INT8, channels=11)("FULLY_CONNECTED"),
    "MEAN, float": _reduce(FLOAT, 1, 2)("MEAN"),
    "SOFTMAX, int16": _softmax(INT16)("SOFTMAX"),
    "TRANSPOSE_CONV, int16": _transpose_conv(INT16)("TRANSPOSE_CONV"),
    "ADD_N, float": _fixed([tensor(*MAP, dtype=FLOAT)] * 2, [tensor(*MAP, dtype=FLOAT)])("ADD_N"),
    "CUMSUM, float": _fixed([tensor(*MAP, dtype=FLOAT), ints(1)], [tensor(*MAP, dtype=FLOAT)], {"": "CumsumOptions"})(
        "CUMSUM"
    ),
}
"""Kernels that allocate differently by type or quantisation."""
