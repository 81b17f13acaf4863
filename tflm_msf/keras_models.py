"""From a Keras model to int8 (needs TensorFlow, the extra ``models``)."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tflm_msf.errors import MsfError


def convert(model: Any, representative_data: Iterable[Any]) -> bytes:
    """A ``.tflite`` model that TFLM can run: int8 throughout, inputs and outputs too, with a fixed batch of 1.

    Args:
        model: a Keras model; each input has a shape that is fixed but for the batch.
        representative_data: examples, as floats: an array or a sequence with one for each row; of tuples for a model of
            several inputs. They set the scales: some hundred from training do.

    Raises:
        MsfError: without TensorFlow, without examples, or for what the converter refuses.
    """
    try:
        tf = importlib.import_module("tensorflow")
    except ImportError:
        how = "try pip install 'tflm-msf[models]'"
        raise MsfError(f"Keras models need TensorFlow, which is not installed; {how}.") from None
    shapes = [_fixed(tensor) for tensor in model.inputs]
    examples = [_inputs_of(example, shapes) for example in representative_data]
    if not examples:
        raise MsfError("there are no representative data, which set the scales: give some examples of what is in use.")
    converter = _converter(tf, model, shapes)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = _repeatable(examples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    try:
        converted: bytes = converter.convert()
    except Exception as error:
        raise MsfError(f"TensorFlow does not convert the model to int8: {_first_line(error)}") from None
    return converted


def _fixed(tensor: Any) -> tuple[int, ...]:
    """The shape of an input with a batch of 1."""
    shape = tuple(tensor.shape)[1:]
    if None in shape:
        raise MsfError(f"the input '{tensor.name}' has no fixed shape but {tensor.shape}: build the model with one.")
    return (1, *map(int, shape))


def _inputs_of(example: Any, shapes: Sequence[tuple[int, ...]]) -> list[Any]:
    values = [example] if len(shapes) == 1 and not isinstance(example, tuple) else list(example)
    if len(values) != len(shapes):
        raise MsfError(f"an example has {len(values)} inputs, and the model takes {len(shapes)}.")
    return [_input(value, shape) for value, shape in zip(values, shapes, strict=True)]


def _input(value: Any, shape: tuple[int, ...]) -> Any:
    array = np.asarray(value, np.float32)
    if array.size != np.prod(shape):
        raise MsfError(f"an example has the shape {array.shape}, and the model takes {shape[1:]}.")
    return array.reshape(shape)


def _repeatable(examples: Sequence[list[Any]]) -> Callable[[], Iterator[list[Any]]]:
    return lambda: iter(examples)


def _converter(tf: Any, model: Any, shapes: Sequence[tuple[int, ...]]) -> Any:
    """Of the model with a batch of 1: an open one would leave operators behind that compute shapes."""
    inputs = [tf.keras.Input(batch_shape=shape) for shape in shapes]
    fixed = tf.keras.Model(inputs, model(inputs[0] if len(inputs) == 1 else inputs))
    return tf.lite.TFLiteConverter.from_keras_model(fixed)


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__
