"""What each TFLM kernel allocates, as a table.

A kernel may allocate at three moments: its parsed options, its ``init`` (operator data) and its ``prepare``. The rows
follow TFLM's portable reference kernels (``tensorflow/lite/micro/kernels``), which are also those of the wheel; kernels
tuned for a core (CMSIS-NN, ESP-NN) ask for scratch of their own on top. Struct layouts: see :mod:`.target`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from tflm_msf.arena.tflm.target import WHEEL64, Target
from tflm_msf.errors import MsfError
from tflm_msf.format import CUSTOM_CODE, state_size
from tflm_msf.graph import NO_TENSOR, DType, Graph, Op, Tensor


@dataclass(frozen=True)
class Temp:
    """A ``TfLiteTensor`` for tensor ``index``, in the head until the operator's ``prepare`` ends."""

    index: int


@dataclass(frozen=True)
class Persistent:
    """``nbytes`` in the tail for as long as the interpreter lives."""

    nbytes: int


@dataclass(frozen=True)
class Scratch:
    """``nbytes`` in the head while the operator runs."""

    nbytes: int


@dataclass(frozen=True)
class Variable:
    """``nbytes`` in the tail for the resource variable ``name``, unless it has them already."""

    name: str
    nbytes: int


Request = Temp | Persistent | Scratch | Variable


@dataclass(frozen=True)
class Call:
    """An operator with its graph and target: what a ``prepare`` looks at."""

    op: Op
    graph: Graph
    target: Target

    def temp(self, which: str) -> Iterator[Request]:
        """Requests for the operator's tensors named by ``which`` ("i0 i1 o0"); absent optional inputs cost nothing."""
        for name in which.split():
            indices = self.op.inputs if name[0] == "i" else self.op.outputs
            position = int(name[1:])
            if position < len(indices) and indices[position] != NO_TENSOR:
                yield Temp(indices[position])

    def input(self, position: int) -> Tensor:
        """The tensor at input ``position``. Raises LookupError if there is none."""
        index = self.op.inputs[position]
        if index == NO_TENSOR:
            raise LookupError
        return self.graph.tensors[index]

    @property
    def output(self) -> Tensor:
        """The first output tensor."""
        return self.graph.tensors[self.op.outputs[0]]


@dataclass(frozen=True)
class Kernel:
    """Allocations of one kernel: layouts of the parsed options and of the operator data, and what ``prepare`` does.

    ``prepare`` is either the tensors it looks at, in order, or a function that yields the requests in order.
    ``state`` is what ``init`` allocates beside the operator data, in bytes.
    """

    options: str = ""
    data: str = ""
    prepare: str | Callable[[Call], Iterable[Request]] = ""
    state: int = 0

    def requests(self, call: Call) -> Iterable[Request]:
        """What ``prepare`` asks of the allocator, in order."""
        return call.temp(self.prepare) if isinstance(self.prepare, str) else self.prepare(call)


def _assign_variable(call: Call) -> Iterator[Request]:
    """The first operator that assigns a variable allocates it."""
    yield from call.temp("i1")
    handles = (op for op in call.graph.ops if call.op.inputs[0] in op.outputs and op.builtin == "VAR_HANDLE")
    handle = next(handles, None)
    if handle is None:
        raise MsfError("an ASSIGN_VARIABLE of the model assigns to what no VAR_HANDLE gives; convert the model again.")
    yield Variable(variable_name(handle), tensor_bytes(call.input(1)))


def variable_name(handle: Op) -> str:
    """What a VAR_HANDLE calls its variable."""
    return str(handle.options.get("shared_name", "")) if handle.options else ""


def _per_channel(channels: int) -> Iterator[Request]:
    """Multipliers and shifts of a convolution: two int32 arrays."""
    yield Persistent(4 * channels)
    yield Persistent(4 * channels)


def _unpacked(filter_: Tensor) -> Iterator[Request]:
    """4-bit weights are unpacked to bytes before every run."""
    if filter_.dtype is DType.INT4:
        yield Scratch(filter_.elements)


def _conv_2d(call: Call) -> Iterator[Request]:
    yield from call.temp("o0 i0 i1")
    yield from _per_channel(call.input(1).shape[0])
    yield from call.temp("i0 i1 i2 o0")
    yield from _unpacked(call.input(1))


def _depthwise_conv_2d(call: Call) -> Iterator[Request]:
    yield from call.temp("o0 i0 i1")
    yield from _per_channel(call.input(1).shape[3])
    yield from _unpacked(call.input(1))
    yield from call.temp("i0 i1 i2 o0")


def _transpose_conv(call: Call) -> Iterator[Request]:
    dtype = call.input(2).dtype
    yield from call.temp("o0 i2 i1")
    yield from _per_channel(call.input(1).shape[0])
    if dtype in (DType.INT8, DType.INT16):  # an accumulator for every output element
        yield Scratch((4 if dtype is DType.INT8 else 8) * call.output.elements)
    if dtype is not DType.FLOAT32:
        yield from call.temp("i2 i1 i3 o0")
        biased = len(call.op.inputs) > 3 and call.op.inputs[3] != NO_TENSOR
        if dtype is DType.INT16 and biased and call.input(3).dtype is DType.INT16:
            yield Scratch(8 * call.input(3).elements)


def _fully_connected(call: Call) -> Iterator[Request]:
    yield from call.temp("i0 i1 i2 o0")
    yield from _unpacked(call.input(1))
    quantization = call.input(1).quantization
    if call.input(0).dtype is not DType.FLOAT32 and quantization is not None and len(quantization.scale) > 1:
        yield from _per_channel(len(quantization.scale))


def _reduction_scratch(call: Call) -> Iterator[Request]:
    """The position in the input, one int per dimension, and the axes after sorting out negative and double ones."""
    yield Scratch(4 * len(call.input(0).shape))
    yield Scratch(4 * call.input(1).elements)


def _reduction_check(call: Call) -> Iterator[Request]:
    yield from call.temp("i0 i1 o0" if call.input(0).dtype is DType.INT8 else "i0 i1")


def _mean_or_sum(call: Call) -> Iterator[Request]:
    yield from call.temp("i0 o0 i1")
    if call.input(0).dtype in (DType.INT8, DType.INT16):
        yield Scratch(4 * call.output.elements)
    yield from _reduction_scratch(call)
    yield from _reduction_check(call)


def _min_or_max(call: Call) -> Iterator[Request]:
    yield from _reduction_check(call)
    yield from call.temp("i0 o0 i1")
    yield from _reduction_scratch(call)


def _reduce_all(call: Call) -> Iterator[Request]:
    yield from call.temp("i0 o0 i1")
    yield from _reduction_check(call)
    yield from _reduction_scratch(call)


def _svdf(call: Call) -> Iterator[Request]:
    yield from call.temp("i0 i1 i2 i3 i4 o0")
    batch, filters = call.input(0).shape[0], call.input(1).shape[0]
    yield Scratch(4 * batch * filters)
    if call.input(0).dtype is DType.INT8:
        yield Scratch(4 * batch * call.output.shape[1])


_FULLY_CONNECTED_PARAMS = "9i3b"
_ARITHMETIC_PARAMS = "b14i2q2h5i"
_LSTM_DATA = f"b4iihie{8 * _FULLY_CONNECTED_PARAMS}i{3 * _ARITHMETIC_PARAMS}4i"
"""Sizes, cell state and activation; two products for each of four gates; padding; three products between gates."""


def _lstm(call: Call) -> Iterator[Request]:
    yield from call.temp(" ".join(f"i{position}" for position in range(24)) + " o0")
    input_, cell = call.input(0), call.input(19)
    is_time_major = call.op.options is not None and call.op.options.get("time_major", 0)
    images, units = input_.shape[1 if is_time_major else 0], call.input(18).shape[1]
    for _ in range(4):
        yield Scratch(images * units * cell.dtype.bits // 8)


def _softmax(call: Call) -> Iterator[Request]:
    yield from call.temp("i0 o0")
    if call.input(0).dtype is DType.INT16:  # two tables of 513 int16 entries
        yield Persistent(2 * 513)
        yield Persistent(2 * 513)


def _mirror_pad(call: Call) -> Iterator[Request]:
    yield from call.temp("i0 i1 o0")
    for _ in range(2):
        yield Scratch(4 * len(call.input(0).shape))


def _all_inputs(call: Call) -> str:
    return " ".join(f"i{position}" for position in range(len(call.op.inputs)))


def _concatenation(call: Call) -> Iterator[Request]:
    return call.temp("i0 o0 " + _all_inputs(call))


def _add_n(call: Call) -> Iterator[Request]:
    yield from call.temp("i0 o0 " + _all_inputs(call)[len("i0") :])
    if call.output.dtype is DType.INT8:
        yield Persistent(40)
    yield Scratch(call.target.pointer * len(call.op.inputs))


def _writes_shape(tensors: str) -> Callable[[Call], Iterator[Request]]:
    """A ``prepare`` that copies the output's shape into the arena because it may change it."""

    def prepare(call: Call) -> Iterator[Request]:
        yield from call.temp(tensors)
        yield Persistent(4 + 4 * len(call.output.shape))

    return prepare


def _if_int8(tensors: str, nbytes: Callable[[Target], int]) -> Callable[[Call], Iterator[Request]]:
    """A ``prepare`` that keeps operator data for int8 only."""

    def prepare(call: Call) -> Iterator[Request]:
        yield from call.temp(tensors)
        if call.output.dtype is DType.INT8:
            yield Persistent(nbytes(call.target))

    return prepare


def _same(names: str, kernel: Kernel) -> dict[str, Kernel]:
    return dict.fromkeys(names.split(), kernel)


_POOL = Kernel(options="10i", data="8i", prepare="i0 o0")

BUILTIN_KERNELS: Mapping[str, Kernel] = {
    **_same("ARG_MAX ARG_MIN SHAPE", Kernel(options="e")),
    **_same("FLOOR LOGICAL_AND LOGICAL_OR MAXIMUM MINIMUM NEG", Kernel()),
    **_same("PACK UNPACK", Kernel(options="2i")),
    **_same("BATCH_TO_SPACE_ND CEIL COS EXP LOG LOGICAL_NOT ROUND SIN", Kernel(prepare="i0 o0")),
    **_same("SQRT SQUARE ZEROS_LIKE", Kernel(prepare="i0 o0")),
    **_same("BROADCAST_ARGS BROADCAST_TO EXPAND_DIMS FILL", Kernel(prepare="i0 i1 o0")),
    **_same("FLOOR_DIV FLOOR_MOD REVERSE_V2 TRANSPOSE", Kernel(prepare="i0 i1 o0")),
    **_same("EQUAL GREATER GREATER_EQUAL LESS LESS_EQUAL NOT_EQUAL", Kernel(data="8i", prepare="i0 i1")),
    **_same("ABS RSQRT", Kernel(data="7i", prepare="i0 o0")),
    **_same("DEQUANTIZE QUANTIZE", Kernel(data="8i", prepare="i0 o0")),
    **_same("AVERAGE_POOL_2D MAX_POOL_2D", _POOL),
    **_same("MEAN SUM", Kernel(options="b", data="11i", prepare=_mean_or_sum)),
    **_same("REDUCE_MAX REDUCE_MIN", Kernel(options="b", data="11i", prepare=_min_or_max)),
    **_same("PAD PADV2", Kernel(data="14i", prepare="i0 i1 i2 o0")),
    **_same("RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR", Kernel(options="2b", prepare="i0 i1 o0")),
    "ADD": Kernel(options="eb", data="15i", prepare="i0 i1 o0"),
    "ADD_N": Kernel(prepare=_add_n),
    "CAST": Kernel(options="2e", prepare="i0 o0"),
    "CONCATENATION": Kernel(options="ie", data="b2ph2i[10i]", prepare=_concatenation),
    "ASSIGN_VARIABLE": Kernel(data="[i]", prepare=_assign_variable),
    "CALL_ONCE": Kernel(options="i", data="ib"),
    "CONV_2D": Kernel(options="7i", data="9i2p3i[2i]", prepare=_conv_2d),
    "CUMSUM": Kernel(options="2b", prepare=_if_int8("i0 i1 o0", lambda _: 36)),
    "DEPTHWISE_CONV_2D": Kernel(options="7i", data="9i2p3i[2i]", prepare=_depthwise_conv_2d),
    "DEPTH_TO_SPACE": Kernel(options="i", prepare=_writes_shape("i0 o0")),
    "DIV": Kernel(options="e", data="7i", prepare="i0 i1 o0"),
    "DYNAMIC_UPDATE_SLICE": Kernel(prepare="i0 i1 i2 o0"),
    "ELU": Kernel(data="256b", prepare="i0 o0"),
    "FULLY_CONNECTED": Kernel(options="2e2be[ep]", data="9i2pb[2i]", prepare=_fully_connected),
    "GATHER": Kernel(options="2i", prepare=_writes_shape("i0 i1 o0")),
    "GATHER_ND": Kernel(prepare=_writes_shape("i0 i1 o0")),
    "HARD_SWISH": Kernel(data="5i", prepare="i0 o0"),
    "L2_NORMALIZATION": Kernel(options="e", data="i", prepare="i0 o0"),
    "L2_POOL_2D": Kernel(options="10i", prepare=_writes_shape("o0 i0")),
    "LEAKY_RELU": Kernel(options="i", data="6i", prepare="i0 o0"),
    "LOGISTIC": Kernel(data="4i", prepare="i0 o0"),
    "LOG_SOFTMAX": Kernel(prepare=_if_int8("i0 o0", lambda target: 5 * 4 + 2 * target.pointer)),
    "MIRROR_PAD": Kernel(options="e", data="5i", prepare=_mirror_pad),
    "MUL": Kernel(options="e", data="9i", prepare="i0 i1 o0"),
    "PRELU": Kernel(data="7i", prepare="i0 i1 o0"),
    "REDUCE_ALL": Kernel(options="b", data="11i", prepare=_reduce_all),
    "READ_VARIABLE": Kernel(prepare="i0"),
    "RELU": Kernel(data="7i", prepare="i0 o0"),
    "RELU6": Kernel(data="2i", prepare="i0"),
    "RESHAPE": Kernel(options="9i", prepare="i0 o0"),
    "SELECT_V2": Kernel(data="b", prepare="i0 i1 i2 o0"),
    "SLICE": Kernel(prepare="i0 i1 i2 o0"),
    "SOFTMAX": Kernel(options="i", data="q7i5p", prepare=_softmax),
    "SPACE_TO_BATCH_ND": Kernel(data="i", prepare="i0 o0"),
    "SPACE_TO_DEPTH": Kernel(options="i", prepare=_writes_shape("i0 o0")),
    "SPLIT": Kernel(options="i", prepare="i0"),
    "SPLIT_V": Kernel(options="i", prepare="i2"),
    "SQUARED_DIFFERENCE": Kernel(data="28i", prepare="i0 i1 o0"),
    "SQUEEZE": Kernel(options="9i", prepare="i0 o0"),
    "STRIDED_SLICE": Kernel(options="6i", data="21i", prepare="i0 i1 i2 i3 o0"),
    "SUB": Kernel(options="eb", data="13i", prepare="i0 i1 o0"),
    "SVDF": Kernel(options="ieb", data="9i", prepare=_svdf),
    "TANH": Kernel(data="4i", prepare="i0 i0 o0"),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": Kernel(options="e2i3b", data=_LSTM_DATA, prepare=_lstm),
    "TRANSPOSE_CONV": Kernel(options="e2i2e", data="16i[2i]2p", prepare=_transpose_conv),
    "VAR_HANDLE": Kernel(options="2p", data="i"),
}
"""By ``BuiltinOperator`` name. Left out: control flow, and recurrent networks but for one."""

CUSTOM_KERNELS: Mapping[str, Kernel] = {CUSTOM_CODE: Kernel()}
"""By custom code. The fused block reads its program in place and allocates the state alone that it keeps, if any."""


def kernel_of(op: Op) -> Kernel | None:
    """The table's row for an operator, or None if it has none."""
    if op.builtin == "CUSTOM":
        kernel = CUSTOM_KERNELS.get(op.custom_code or "")
        return replace(kernel, state=state_size(op.custom_options)) if kernel else None
    return BUILTIN_KERNELS.get(op.builtin)


def scratch_of(op: Op, graph: Graph) -> tuple[int, ...]:
    """Bytes of each scratch buffer that the kernel of an operator asks for; none where it is not known.

    ADD_N keeps an address for each input there: what 64-bit builds take counts.
    """
    kernel = kernel_of(op)
    try:
        requests = list(kernel.requests(Call(op, graph, WHEEL64))) if kernel else []
    except LookupError:
        return ()
    return tuple(request.nbytes for request in requests if isinstance(request, Scratch))


def tensor_bytes(tensor: Tensor) -> int:
    """Bytes that TFLM reserves for a tensor: elements times the element size, 4-bit types counted as a byte each.

    Packed types other than INT4 and types without a fixed size are refused by TFLM; they count as their packed size.
    """
    if tensor.dtype is DType.INT4:
        return tensor.elements
    return math.prod(tensor.shape) * tensor.dtype.bits // 8
