"""Random networks that look at a window of time without padding, along whichever axis it lies."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from random import Random

from testing.layers import RELU, Geometry, Layers, Weighting
from tflm_msf.graph import Model, Table


class Axis(Enum):
    """Where time lies: the height of 1xTxFxC or of 1xTx1xC, or the width of 1x1xTxC."""

    SPECTRUM = "height of a map"
    COLUMN = "height of a column"
    ROW = "width of a row"


class TimeSeries(Layers):
    """Layers that know which axis is time."""

    def __init__(self, random: Random, axis: Axis) -> None:
        super().__init__(random)
        self.axis = axis
        self.time = 2 if axis is Axis.ROW else 1

    def window(self, rows: int, channels: int) -> int:
        """The input."""
        shapes = {
            Axis.SPECTRUM: (1, rows, self.random.randint(3, 8), channels),
            Axis.COLUMN: (1, rows, 1, channels),
            Axis.ROW: (1, 1, rows, channels),
        }
        index = self._activation(shapes[self.axis], 1.0, 1 / 74, 0)
        self._inputs.append(index)
        return index

    def _steps(self) -> float:
        """Nothing saturates or vanishes: constant rows would look alike wherever they came from."""
        return self.random.uniform(30, 60)

    def _zero(self) -> int:
        return self.random.choice([-128, -100, -20, 0, 15])

    def rows(self, x: int) -> int:
        """Points in time."""
        return self.shape(x)[self.time]

    def geometry(self, x: int, kernel: int, stride: int = 1, dilation: int = 1, same: bool = False) -> Geometry:
        """A window of so many points in time; along the other axis what fits."""
        across = 1 if self.axis is not Axis.SPECTRUM else min(self.random.randint(1, 3), self.shape(x)[2])
        if self.axis is Axis.ROW:
            return Geometry((across, kernel), (1, stride), (1, dilation), same)
        return Geometry((kernel, across), (stride, 1), (dilation, 1), same)

    def crop(self, x: int, first: int, end: int, step: int = 1) -> int:
        """Some points in time."""
        shape = list(self.shape(x))
        begin, stop, steps = [0] * 4, list(shape), [1] * 4
        begin[self.time], stop[self.time], steps[self.time] = first, end, step
        shape[self.time] = -(-(end - first) // step)
        ends = [self._int32(begin), self._int32(stop), self._int32(steps)]
        return self._op("STRIDED_SLICE", [x, *ends], self._like(x, tuple(shape)), Table("StridedSliceOptions", {}))

    def joined(self, a: int, b: int) -> int:
        """The channels of both, which get the same scale."""
        self.tensors[b] = replace(self.tensors[b], quantization=self.tensors[a].quantization)
        shape = (*self.shape(a)[:3], self.shape(a)[3] + self.shape(b)[3])
        return self._op("CONCATENATION", [a, b], self._like(a, shape), Table("ConcatenationOptions", {"axis": 3}))


class TimeSeriesNetwork:
    """A network that grows by random steps, as long as there are points in time left."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.axis = list(Axis)[seed % 3]
        self.layers = TimeSeries(self.random, self.axis)
        self.strides = [2, 1, 1] if seed % 2 else [1, 1, 1]
        self.stride = 1

    def make(self) -> Model:
        """The model."""
        layers, random = self.layers, self.random
        x = layers.window(random.randint(17, 31), random.choice((1, 3, 4, 8)))
        x = layers.conv(x, 8, layers.geometry(x, random.choice((2, 3, 5)), self.next_stride()), Weighting(RELU))
        steps = [self.depthwise, self.dilated, self.residual, self.branches, self.pool, self.gate, self.shallow_branch]
        for _ in range(random.randint(1, 4)):
            if layers.rows(x) >= 7:
                x = random.choice(steps)(x)
        return layers.model(self.end(x))

    def next_stride(self) -> int:
        """The stride of one more layer; all of them together are no more than 4."""
        stride = self.random.choice(self.strides) if self.stride < 4 else 1
        self.stride *= stride
        return stride

    def depthwise(self, x: int) -> int:
        kernel = self.random.randint(2, 4)
        x = self.layers.depthwise(x, 1, self.layers.geometry(x, kernel, self.next_stride()), Weighting())
        return self.layers.conv(x, 8, Geometry((1, 1)), Weighting(RELU))

    def dilated(self, x: int) -> int:
        return self.layers.conv(x, 8, self.layers.geometry(x, 3, dilation=self.random.randint(1, 2)), Weighting(RELU))

    def residual(self, x: int) -> int:
        """Two layers, and what they began with less the points that they have lost."""
        y, layers = x, self.layers
        for _ in range(2):
            y = layers.depthwise(y, 1, self.along_time(self.random.randint(2, 3)), Weighting(RELU))
        lost = layers.rows(x) - layers.rows(y)
        first = self.random.randint(0, lost)
        return layers.add(layers.crop(x, first, first + layers.rows(y)), y)

    def along_time(self, kernel: int, stride: int = 1) -> Geometry:
        """A window of one column."""
        row = self.axis is Axis.ROW
        return Geometry((1, kernel) if row else (kernel, 1), (1, stride) if row else (stride, 1), same=False)

    def branches(self, x: int) -> int:
        """Windows of different lengths on the same points, their channels side by side."""
        layers = self.layers
        a = layers.depthwise(x, 1, self.along_time(2), Weighting())
        b = layers.depthwise(x, 1, self.along_time(5), Weighting())
        first = self.random.randint(0, 3)
        joined = layers.joined(layers.crop(a, first, first + layers.rows(b)), b)
        return layers.conv(joined, 8, Geometry((1, 1)), Weighting(RELU))

    def shallow_branch(self, x: int) -> int:
        """A wide window, and one that begins later."""
        layers = self.layers
        a = layers.conv(x, 4, self.along_time(5), Weighting(RELU))
        b = layers.conv(layers.crop(x, 2, layers.rows(x)), 4, self.along_time(3), Weighting(RELU))
        return layers.add(a, b)

    def pool(self, x: int) -> int:
        pool = self.random.choice([self.layers.average_pool, self.layers.max_pool])
        kernel, stride = self.random.choice([(3, 1), (2, self.next_stride())])
        return pool(x, self.along_time(kernel, stride))

    def gate(self, x: int) -> int:
        """Squeeze and excite: what all points have in common decides on each of them."""
        channels = self.layers.shape(x)[3]
        gate = self.layers.conv(self.layers.mean(x, True), channels, Geometry((1, 1)), Weighting(RELU))
        return self.layers.mul(x, gate) if self.layers.is_moderate(x, gate) else x

    def end(self, x: int) -> list[int]:
        """Outputs: a pool over everything, a layer on all points or on the last, or several points."""
        layers = self.layers
        kind = self.random.randint(0, 5)
        if kind == 0:
            return [layers.dense(layers.mean(x, False), 5, Weighting())]
        if kind == 1:
            return [layers.dense(x, 5, Weighting())]
        if kind == 2:
            return [layers.dense(layers.crop(x, layers.rows(x) - 1, layers.rows(x)), 5, Weighting())]
        if kind == 3:
            return [layers.conv(x, 3, Geometry((1, 1)), Weighting())]
        if kind == 4:
            last = layers.crop(x, layers.rows(x) - 3, layers.rows(x))
            return [layers.dense(last, 5, Weighting()), layers.dense(layers.reduce_max(x, False), 4, Weighting())]
        return [layers.conv(x, 6, self.along_time(layers.rows(x)), Weighting())]


def time_series(seed: int) -> Model:
    """A network of a random window of time."""
    return TimeSeriesNetwork(seed).make()
