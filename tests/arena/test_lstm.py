"""UNIDIRECTIONAL_SEQUENCE_LSTM passes through: its arena to the byte, beside blocks before and behind it."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from testing.layers import RELU, Geometry, Weighting
from testing.operators import MoreLayers
from tflm_msf.arena import WHEEL64, predict
from tflm_msf.graph import NO_TENSOR, DType, Model, Op, Quantization, Table, Tensor
from tflm_msf.rewrite import rewrite_file
from tflm_msf.runtime import Session
from tflm_msf.tflite_io import read_model, write_model
from tflm_msf.verify import verify


class Recurrent(MoreLayers):
    """:class:`MoreLayers` with an LSTM."""

    def lstm(self, x: int, units: int) -> int:
        """int8 with a cell state of 16 bits; of the 24 inputs, those for peepholes, projection and norms are absent."""
        _, steps, depth = self.shape(x)
        source = self.tensors[x].quantization
        assert source is not None
        hidden = Quantization((1 / 128,), (0,))
        fed = [self._int8_constant((units, depth)) for _ in range(4)]
        back = [self._int8_constant((units, units)) for _ in range(4)]
        biases = [self._bias_constant(units, source.scale[0] / 128) for _ in range(4)]
        states = [
            self._add(Tensor("hidden", (1, units), DType.INT8, hidden, is_variable=True)),
            self._add(Tensor("cell", (1, units), DType.INT16, Quantization((2.0**-11,), (0,)), is_variable=True)),
        ]
        out = self._add(Tensor(f"t{len(self.tensors)}", (1, steps, units), DType.INT8, hidden))
        self._rms[out] = 0.5
        absent = [NO_TENSOR]
        inputs = (x, *fed, *back, *absent * 3, *biases, *absent * 2, *states, *absent * 4)
        options = Table("UnidirectionalSequenceLSTMOptions", {"fused_activation_function": 4})
        self._ops.append(Op("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, (out,), options))
        return out

    def _int8_constant(self, shape: tuple[int, ...]) -> int:
        data = np.maximum(self._int8(shape), -127)
        scale = Quantization((1 / 128,), (0,))
        return self._add(Tensor(f"w{len(self.tensors)}", shape, DType.INT8, scale, data.tobytes()))

    def _bias_constant(self, size: int, scale: float) -> int:
        data = self._values.integers(-500, 500, size).astype("<i4")
        return self._add(
            Tensor(f"b{len(self.tensors)}", (size,), DType.INT32, Quantization((scale,), (0,)), data.tobytes())
        )


def network(steps: int, units: int) -> Model:
    """Convolutions over a spectrogram, an LSTM over time, a dense layer."""
    layers = Recurrent(Random(f"{steps} {units}"))
    x = layers.conv(layers.input(1, 2 * steps, 8, 1), 6, Geometry((3, 3), (2, 2)), Weighting(RELU))
    x = layers.conv(x, 4, Geometry(), Weighting(RELU))
    x = layers.lstm(layers.reshape(x, 1, steps, 16), units)
    return layers.model([layers.dense(x, 5, Weighting())])


@pytest.mark.parametrize("steps", [1, 7, 20])
@pytest.mark.parametrize("units", [3, 16, 40])
def test_an_lstm_passes_through_with_its_arena_predicted(steps: int, units: int) -> None:
    original = write_model(network(steps, units))
    for content in (original, rewrite_file(original, "the model").data):
        measured, predicted = Session(content).arena(), predict(read_model(content, "the model"), WHEEL64)
        assert (measured.head, measured.tail, measured.total) == (predicted.head, predicted.tail, predicted.total)
        Session(content, predicted.minimum)


def test_blocks_stand_before_and_behind_an_lstm() -> None:
    original = write_model(network(20, 8))
    found = rewrite_file(original, "the model")
    assert [entry["operator"] for entry in found.report["unfused"]].count("UNIDIRECTIONAL_SEQUENCE_LSTM") == 1
    assert len(found.report["blocks"]) >= 2
    report = verify(original, found.data, runs=3)
    assert report.passed, (report.mismatches, report.problems)
