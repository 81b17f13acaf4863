"""Keras models become int8 models that are rewritten. With TensorFlow where it is, and else with a stand-in for it."""

from __future__ import annotations

import importlib.util
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tflm_msf
from tests.test_cli import network
from tflm_msf.tflite_io import write_model

HAS_TENSORFLOW = importlib.util.find_spec("tensorflow") is not None


class FakeConverter:
    """What is used of tf.lite.TFLiteConverter; keeps what it was told."""

    made: FakeConverter
    refusal: Exception | None = None

    def __init__(self, model: Any) -> None:
        self.inputs, _ = model
        self.target_spec = SimpleNamespace(supported_ops=None)
        self.representative_dataset: Any = None
        FakeConverter.made = self

    @classmethod
    def from_keras_model(cls, model: Any) -> FakeConverter:
        return cls(model)

    def convert(self) -> bytes:
        self.examples = [*self.representative_dataset(), *self.representative_dataset()]
        if self.refusal:
            raise self.refusal
        return write_model(network())


def fake_tensorflow() -> SimpleNamespace:
    lite = SimpleNamespace(
        TFLiteConverter=FakeConverter,
        Optimize=SimpleNamespace(DEFAULT="default"),
        OpsSet=SimpleNamespace(TFLITE_BUILTINS_INT8="int8 only"),
    )
    keras = SimpleNamespace(Input=lambda batch_shape: batch_shape, Model=lambda inputs, outputs: (inputs, outputs))
    return SimpleNamespace(lite=lite, keras=keras, int8="i1")


class KerasLike:
    """A model with inputs of these shapes, that can be called."""

    def __init__(self, *shapes: tuple[int | None, ...]) -> None:
        self.inputs = [SimpleNamespace(name=f"x{number}", shape=shape) for number, shape in enumerate(shapes)]

    def __call__(self, inputs: Any) -> Any:
        return inputs


@pytest.fixture
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", fake_tensorflow())
    monkeypatch.setattr(FakeConverter, "refusal", None)


@pytest.mark.usefixtures("_stand_in")
def test_the_converter_is_told_what_tflm_can_run() -> None:
    model = tflm_msf.from_keras(KerasLike((None, 4, 4, 1)), np.zeros((3, 4, 4, 1)), "mine")
    made = FakeConverter.made
    assert model.source == "mine"
    assert model.rewrite().verify(runs=1).passed
    assert made.inputs == [(1, 4, 4, 1)], "a fixed batch"
    assert made.target_spec.supported_ops == ["int8 only"]
    assert made.inference_input_type == made.inference_output_type == "i1"  # type: ignore[attr-defined]
    assert [value.shape for (value,) in made.examples] == [(1, 4, 4, 1)] * 6, "as often as it asks"


@pytest.mark.usefixtures("_stand_in")
def test_several_inputs_come_as_tuples() -> None:
    tflm_msf.from_keras(KerasLike((None, 4), (None, 2, 2)), [(np.zeros(4), np.ones((2, 2)))])
    assert [[value.shape for value in example] for example in FakeConverter.made.examples] == [[(1, 4), (1, 2, 2)]] * 2


@pytest.mark.usefixtures("_stand_in")
@pytest.mark.parametrize(
    ("model", "examples", "said"),
    [
        (KerasLike((None, 4, None)), [np.zeros(4)], "'x0' has no fixed shape"),
        (KerasLike((None, 4)), [], "no representative data"),
        (KerasLike((None, 4)), [np.zeros(5)], r"has the shape \(5,\), and the model takes \(4,\)"),
        (KerasLike((None, 4), (None, 4)), [np.zeros((3, 4))], "has 3 inputs, and the model takes 2"),
    ],
)
def test_what_cannot_be_converted_is_a_sentence(model: Any, examples: Any, said: str) -> None:
    with pytest.raises(tflm_msf.MsfError, match=said):
        tflm_msf.from_keras(model, examples)


@pytest.mark.usefixtures("_stand_in")
def test_what_the_converter_refuses_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeConverter, "refusal", ValueError("no such operator\nat line 1"))
    with pytest.raises(tflm_msf.MsfError, match=r"does not convert the model to int8: no such operator$"):
        tflm_msf.from_keras(KerasLike((None, 4)), [np.zeros(4)])


def test_without_tensorflow_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(tflm_msf.MsfError, match=r"need TensorFlow.*pip install 'tflm-msf\[models\]'"):
        tflm_msf.from_keras(KerasLike((None, 4)), [np.zeros(4)])


@pytest.mark.slow
@pytest.mark.skipif(not HAS_TENSORFLOW, reason="TensorFlow is not installed: pip install 'tflm-msf[models]'")
@pytest.mark.filterwarnings("ignore")
def test_a_real_keras_model_is_converted_and_rewritten() -> None:
    import keras

    keras.utils.set_random_seed(1)
    x = entry = keras.layers.Input((24, 24, 3))
    for channels in (8, 16):
        x = keras.layers.Conv2D(channels, 3, padding="same", activation="relu")(x)
        x = keras.layers.MaxPooling2D()(x)
    end = keras.layers.Dense(4, activation="softmax")(keras.layers.Flatten()(x))
    examples = np.random.default_rng(1).random((16, 24, 24, 3), np.float32)
    model = tflm_msf.from_keras(keras.Model(entry, end), examples)
    result = model.rewrite()
    assert result.report["unfused"] == []
    assert result.report["arena"]["plan"]["total"] < result.report["arena"]["original"]["total"] / 2
    assert result.verify(runs=3).passed


def spotter(end: str) -> Any:
    """A keyword spotter, whose last layer has weights that say nothing ("zeros") or something."""
    from keras import Model, layers

    x = entry = layers.Input((25, 10, 1))
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, (10, 4), 2, "same")(x)))
    x = layers.Activation("relu")(layers.DepthwiseConv2D(3, padding="same")(x))
    x = layers.Conv2D(8, 1, activation="relu6")(x)
    x = layers.Flatten()(layers.AveragePooling2D((13, 5))(x))
    return Model(entry, layers.Dense(4, activation="softmax", kernel_initializer=end)(x))


def excited() -> Any:
    """A residual block with squeeze and excitation."""
    from keras import Model, layers

    entry = layers.Input((24, 24, 3))
    x = layers.Conv2D(8, 3, 2, "valid", activation="relu")(layers.ZeroPadding2D(((0, 1), (0, 1)))(entry))
    y = layers.Activation("hard_silu")(layers.BatchNormalization()(layers.DepthwiseConv2D(5, padding="same")(x)))
    gate = layers.Conv2D(2, 1, activation="relu")(layers.GlobalAveragePooling2D(keepdims=True)(y))
    y = layers.Multiply()([y, layers.Conv2D(8, 1, activation="sigmoid")(gate)])
    x = layers.Add()([x, layers.Conv2D(8, 1)(y)])
    return Model(entry, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))


def branched() -> Any:
    """Two inputs, two outputs, maps that are joined, a window with gaps, an activation of what others read."""
    from keras import Model, layers

    entries = [layers.Input((16, 16, 2)), layers.Input((16, 16, 2))]
    x = layers.Add()([layers.Conv2D(4, 3, padding="same")(entries[0]), layers.Conv2D(4, 1)(entries[1])])
    y = layers.ZeroPadding2D(2)(layers.Conv2D(8, 3, dilation_rate=2)(layers.ReLU()(x)))
    y = layers.Conv2D(4, 1, activation="tanh")(layers.Concatenate()([x, y]))
    return Model(entries, [y, layers.Reshape((-1,))(layers.MaxPooling2D()(x))])


def mobile() -> Any:
    from keras import applications

    return applications.MobileNetV2((96, 96, 3), alpha=0.35, weights=None, classes=10)


@pytest.mark.skipif(not HAS_TENSORFLOW, reason="TensorFlow is not installed: pip install 'tflm-msf[models]'")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: spotter("glorot_uniform"), id="keyword spotter"),
        pytest.param(lambda: spotter("zeros"), id="results that are all alike"),
        pytest.param(excited, id="squeeze and excitation"),
        pytest.param(branched, id="two inputs"),
        pytest.param(mobile, id="MobileNetV2, not trained", marks=pytest.mark.slow),
    ],
)
def test_what_is_estimated_is_what_the_converted_model_takes(make: Any) -> None:
    import keras

    keras.utils.set_random_seed(1)
    network, random = make(), np.random.default_rng(1)
    shapes = [(1, *entry.shape[1:]) for entry in network.inputs]
    examples = [tuple(random.random(shape, np.float32) for shape in shapes) for _ in range(3)]
    estimate = tflm_msf.estimate(network)
    report = tflm_msf.from_keras(network, examples).rewrite().report
    assert (estimate.arena, estimate.macs) == (max(report["needed"].values()), report["macs"]["plan"])
