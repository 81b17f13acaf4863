"""Networks that keep rows from one invocation to the next in resource variables, as converters write them."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from testing.layers import RELU, Geometry, Layers, Weighting
from tflm_msf.graph import DType, Graph, Model, Op, Table, Tensor


class StreamingLayers(Layers):
    """Layers with variables."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.starts: list[tuple[str, Tensor]] = []

    def kept(self, x: int, history: int) -> int:
        """The last ``history`` rows of earlier invocations, and behind them those of ``x``."""
        _, rows, width, channels = self.shape(x)
        shape = (1, history, width, channels)
        name = f"stream_{len(self.starts)}/states"
        self.starts.append((name, Tensor(f"start of {name}", shape, DType.INT8, data=self._int8(shape).tobytes())))
        handle = self._handle(name)
        before = self._op("READ_VARIABLE", [handle], self._like(x, shape))
        joined = self._like(x, (1, history + rows, width, channels))
        self._op("CONCATENATION", [before, x], joined, Table("ConcatenationOptions", {"axis": 1}))
        ends = (self._int32([0, rows, 0, 0]), self._int32([0, 0, 0, 0]), self._int32([1, 1, 1, 1]))
        masks = Table("StridedSliceOptions", {"begin_mask": 13, "end_mask": 15})
        last = self._op("STRIDED_SLICE", [joined, *ends], self._like(x, shape), masks)
        self._ops.append(Op("ASSIGN_VARIABLE", (handle, last), ()))
        return joined

    def added_up(self, x: int) -> int:
        """``x`` and what a variable holds, which holds that then: no rows that move along."""
        shape = self.shape(x)
        name = f"sum_{len(self.starts)}"
        self.starts.append((name, Tensor(f"start of {name}", shape, DType.INT8, data=self._int8(shape).tobytes())))
        handle = self._handle(name)
        before = self._op("READ_VARIABLE", [handle], self._like(x, shape))
        total = self.add(x, before)
        self._ops.append(Op("ASSIGN_VARIABLE", (handle, total), ()))
        return total

    def mixed(self, x: int, heights: tuple[int, ...], above: int = 0) -> int:
        """Depthwise convolutions of these heights on the last rows of as many equal parts of the channels.

        With ``above``, on rows that end so many before the last.
        """
        _, rows, width, channels = self.shape(x)
        part = channels // len(heights)
        parts = [self._like(x, (1, rows, width, part)) for _ in heights]
        sizes = [self._int32([part] * len(heights)), self._scalar(3)]
        options = Table("SplitVOptions", {"num_splits": len(heights)})
        self._ops.append(Op("SPLIT_V", (x, *sizes), tuple(parts), options))
        made = [self._of_last_rows(part, height, above) for part, height in zip(parts, heights, strict=True)]
        alike = [replace(self.tensors[t], quantization=self.tensors[made[0]].quantization) for t in made]
        for tensor, other in zip(made, alike, strict=True):
            self.tensors[tensor] = other
        joined = self._like(made[0], (1, 1, width, channels))
        return self._op("CONCATENATION", made, joined, Table("ConcatenationOptions", {"axis": -1}))

    def streaming_model(self, outputs: list[int]) -> Model:
        """The model, with a subgraph that says what its variables start as."""
        model = self.model(outputs)
        tensors: list[Tensor] = []
        ops: list[Op] = []
        for name, start in self.starts:
            handle = len(tensors)
            tensors += [Tensor(f"handle of {name}", (), DType.RESOURCE), start]
            ops += [_var_handle(name, handle), Op("ASSIGN_VARIABLE", (handle, handle + 1), ())]
        once = Op("CALL_ONCE", (), (), Table("CallOnceOptions", {"init_subgraph_index": 1}))
        main = replace(model.main, ops=(once, *model.main.ops))
        return replace(model, graphs=(main, Graph(tuple(tensors), tuple(ops), (), ())))

    def _of_last_rows(self, x: int, height: int, above: int) -> int:
        _, rows, width, channels = self.shape(x)
        rows -= above
        ends = (self._int32([0, rows - height, 0, 0]), self._int32([0, rows, 0, 0]), self._int32([1, 1, 1, 1]))
        masks = Table("StridedSliceOptions", {"begin_mask": 13, "end_mask": 13})
        last = self._op("STRIDED_SLICE", [x, *ends], self._like(x, (1, height, width, channels)), masks)
        return self.depthwise(last, 1, Geometry((height, 1), same=False), Weighting())

    def _handle(self, name: str) -> int:
        handle = self._add(Tensor(f"handle of {name}", (), DType.RESOURCE))
        self._ops.append(_var_handle(name, handle))
        return handle

    def _scalar(self, value: int) -> int:
        index = self._int32([value])
        self.tensors[index] = replace(self.tensors[index], shape=())
        return index


def _var_handle(name: str, handle: int) -> Op:
    options = Table("VarHandleOptions", {"container": "", "shared_name": name})
    return Op("VAR_HANDLE", (), (handle,), options)


def with_a_sum(seed: int) -> Model:
    """Rows that are kept before and behind a variable that is none of them."""
    random = Random(seed)
    layers = StreamingLayers(random)
    x = layers.kept(layers.input(1, 2, 1, 8), 3)
    x = layers.added_up(layers.conv(x, 8, Geometry((4, 1), same=False), Weighting(RELU)))
    if seed % 2:
        x = layers.conv(layers.kept(x, 2), 8, Geometry((3, 1), same=False), Weighting())
    return layers.streaming_model([layers.dense(x, 5, Weighting())])


def streaming_model(seed: int) -> Model:
    """Convolutions in time, each behind a variable, with steps of several rows, mixed heights and a dense end."""
    random = Random(seed)
    layers = StreamingLayers(random)
    stride, width = random.randint(1, 3), random.choice((1, 1, 3))
    kernel = stride + random.randint(1, 4)
    rows = stride * random.randint(1, 2)
    x = layers.kept(layers.input(1, rows, width, random.choice((3, 8))), kernel - stride)
    x = layers.conv(x, 8, Geometry((kernel, width), (stride, 1), same=False), Weighting(RELU))
    for _ in range(random.randint(1, 3)):
        height = random.randint(2, 6)
        x = layers.kept(x, height - 1)
        if layers.shape(x)[1] == height and random.random() < 0.4:
            x = layers.mixed(x, (random.randint(1, height), height))
        else:
            x = layers.depthwise(x, 1, Geometry((height, 1), same=False), Weighting())
        x = layers.conv(x, 8, Geometry((1, 1)), Weighting(RELU))
    x = layers.kept(x, random.randint(1, 4))
    return layers.streaming_model([layers.dense(x, 12, Weighting())])
