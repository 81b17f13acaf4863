"""Trains a small CNN on scikit-learn's handwritten digits and quantises it to int8.

The data set (1,797 real images of 8x8 pixels, 16 grey levels) ships inside scikit-learn: nothing is downloaded.
Needs ``pip install '.[models]'``; the results are in the repository, so that nobody has to run this.

Usage: python samples/digits/make_model.py [DIRECTORY]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 1
SIZE = 32
EPOCHS = 15
BATCH = 64
SHIFTS = ((0, 0), (2, 0), (-2, 0), (0, 2), (0, -2))
HERE = Path(__file__).parent

Array = npt.NDArray[Any]


def load_images() -> tuple[Array, Array]:
    """All images as uint8 [n, SIZE, SIZE, 1], as a camera would deliver them, and their labels [n]."""
    digits = load_digits()
    images = tf.image.resize(digits.images[..., np.newaxis] * (255 / 16), (SIZE, SIZE), "bilinear").numpy()
    return np.round(images).astype(np.uint8), digits.target


def build() -> keras.Model:
    """Inverted residual blocks as in MobileNetV2, on 32x32 pixels."""
    pixels = keras.Input((SIZE, SIZE, 1), name="pixels")
    x = _convolution(pixels, 12, 3, strides=2)
    x = _inverted_residual(x, 12, strides=1)
    x = _inverted_residual(x, 24, strides=2)
    x = _inverted_residual(x, 24, strides=1)
    x = keras.layers.GlobalAveragePooling2D()(_convolution(x, 64, 1))
    x = keras.layers.Dropout(0.2)(x)
    return keras.Model(pixels, keras.layers.Dense(10, "softmax", name="digit")(x))


def _convolution(x: Any, channels: int, kernel: int, strides: int = 1, activation: str | None = "relu6") -> Any:
    x = keras.layers.Conv2D(channels, kernel, strides, "same", use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=0.9)(x)
    return keras.layers.Activation(activation)(x) if activation else x


def _inverted_residual(x: Any, channels: int, strides: int, expansion: int = 4) -> Any:
    y = _convolution(x, x.shape[-1] * expansion, 1)
    y = keras.layers.DepthwiseConv2D(3, strides, "same", use_bias=False)(y)
    y = keras.layers.Activation("relu6")(keras.layers.BatchNormalization(momentum=0.9)(y))
    y = _convolution(y, channels, 1, activation=None)
    return keras.layers.Add()([x, y]) if y.shape == x.shape else y


def train(images: Array, labels: Array) -> keras.Model:
    """Trains on floats in 0..1, with shifted copies."""
    model = build()
    copies = [np.roll(images, shift, axis=(1, 2)) for shift in SHIFTS]
    images, labels = np.concatenate(copies).astype(np.float32) / 255, np.tile(labels, len(copies))
    rate = keras.optimizers.schedules.CosineDecay(3e-3, EPOCHS * -(-len(images) // BATCH))
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(images, labels, BATCH, EPOCHS, verbose=2)
    return model


def quantise(model: keras.Model, images: Array) -> bytes:
    """A full-integer .tflite: int8 inputs, outputs and operators, calibrated on training images."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: _one_by_one(images)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    converted: bytes = converter.convert()
    return converted


def _one_by_one(images: Array) -> Iterator[list[Array]]:
    for image in images[:500]:
        yield [image[np.newaxis].astype(np.float32) / 255]


def to_int8(images: Array) -> Array:
    """Pixels 0..255 as the model takes them: its input has scale 1/255 and zero point -128."""
    return (images.astype(np.int16) - 128).astype(np.int8)


def classify(model: bytes, images: Array) -> Array:
    """Classes that the reference kernels of TensorFlow Lite find for int8 images."""
    kind = tf.lite.experimental.OpResolverType.BUILTIN_REF
    interpreter = tf.lite.Interpreter(model_content=model, experimental_op_resolver_type=kind)
    interpreter.allocate_tensors()
    (entry,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    scale, zero = entry["quantization"]
    if not np.isclose(scale, 1 / 255, rtol=1e-3) or zero != -128:
        raise SystemExit(f"the input is quantised with scale {scale} and zero point {zero}, not as to_int8 does.")
    found = []
    for image in images:
        interpreter.set_tensor(entry["index"], image[np.newaxis])
        interpreter.invoke()
        found.append(int(interpreter.get_tensor(result["index"]).argmax()))
    return np.array(found)


def main() -> None:
    """Train, quantise, measure, write."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    images, labels = load_images()
    split = train_test_split(images, labels, test_size=0.25, random_state=SEED, stratify=labels)
    images, test_images, labels, test_labels = split
    model = train(images, labels)
    quantised = quantise(model, images)
    found = model.predict(test_images.astype(np.float32) / 255, verbose=0).argmax(axis=-1)
    print(f"float accuracy: {np.mean(found == test_labels):.2%} of {len(test_labels)} test images")
    print(f"int8 accuracy:  {np.mean(classify(quantised, to_int8(test_images)) == test_labels):.2%}")
    (target / "digits_int8.tflite").write_bytes(quantised)
    (target / "images").mkdir(exist_ok=True)
    for digit in range(10):
        first = test_images[test_labels == digit][0]
        (target / "images" / f"digit_{digit}.bin").write_bytes(to_int8(first).tobytes())


if __name__ == "__main__":
    main()
