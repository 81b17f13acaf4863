"""Makes the models in this directory anew: small networks as Keras exports them, with an open batch and a batch of 1.

``python -m tests.exports.make_models`` writes ``<name>.tflite`` (default export) and ``<name>_b1.tflite``. It needs the
extra ``models``; weights are random, from a fixed seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

HERE = Path(__file__).parent
SAMPLES = 8


def conv_bn(x: Any, channels: int, kernel: int = 3, stride: int = 1) -> Any:
    x = layers.Conv2D(channels, kernel, strides=stride, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization()(x))


def separable(x: Any, channels: int, stride: int = 1) -> Any:
    x = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x)
    return conv_bn(layers.ReLU(6.0)(layers.BatchNormalization()(x)), channels, 1)


def cnn(x: Any) -> Any:
    x = layers.MaxPooling2D()(conv_bn(x, 8))
    x = layers.Flatten()(layers.MaxPooling2D()(conv_bn(x, 12)))
    return layers.Dense(4, activation="softmax")(layers.Dense(16, activation="relu")(x))


def mobilenet(x: Any) -> Any:
    x = separable(separable(separable(conv_bn(x, 8, stride=2), 16), 24, 2), 24)
    return layers.Dense(4, activation="softmax")(layers.GlobalAveragePooling2D()(x))


def autoencoder(x: Any) -> Any:
    x = layers.Dense(16)(layers.Flatten()(conv_bn(conv_bn(x, 8, stride=2), 4, stride=2)))
    x = layers.Reshape((8, 8, 4))(layers.Dense(256, activation="relu")(x))
    x = layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu")(x)
    return layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid")(x)


def u_net(x: Any) -> Any:
    top = conv_bn(x, 4)
    middle = conv_bn(layers.MaxPooling2D()(top), 8)
    x = conv_bn(layers.MaxPooling2D()(middle), 12)
    x = conv_bn(layers.Concatenate()([layers.UpSampling2D(interpolation="bilinear")(x), middle]), 8)
    x = layers.Conv2DTranspose(4, 3, strides=2, padding="same")(x)
    return layers.Conv2D(1, 1, activation="sigmoid")(conv_bn(layers.Concatenate()([x, top]), 4))


def tcn(x: Any) -> Any:
    for dilation in (1, 2, 4):
        y = layers.Conv1D(8, 3, padding="causal", dilation_rate=dilation, activation="relu")(x)
        x = layers.Add()([layers.Conv1D(8, 1)(x), y])
    return layers.Dense(4)(layers.GlobalAveragePooling1D()(x))


def conv_1d(x: Any) -> Any:
    for channels in (8, 12, 16):
        x = layers.MaxPooling1D(4)(layers.Conv1D(channels, 9, padding="same", activation="relu")(x))
    return layers.Dense(4, activation="softmax")(layers.Flatten()(x))


def squeeze_excite(x: Any) -> Any:
    x = conv_bn(x, 8, stride=2)
    gate = layers.Dense(4, activation="relu")(layers.GlobalAveragePooling2D()(x))
    gate = layers.Reshape((1, 1, 8))(layers.Dense(8, activation="sigmoid")(gate))
    x = conv_bn(layers.Multiply()([x, gate]), 12, stride=2)
    return layers.Dense(4)(layers.GlobalAveragePooling2D()(x))


def ghost(x: Any) -> Any:
    for channels in (6, 8):
        primary = conv_bn(x, channels, 1)
        cheap = layers.ReLU()(layers.DepthwiseConv2D(3, padding="same")(primary))
        x = layers.MaxPooling2D()(layers.Concatenate()([primary, cheap]))
    return layers.Dense(4)(layers.GlobalAveragePooling2D()(x))


def shuffle(x: Any) -> Any:
    x = conv_bn(x, 16, stride=2)
    for _ in range(2):
        left, right = x[..., :8], x[..., 8:]
        x = layers.Concatenate()([left, separable(right, 8)])
        _, h, w, c = x.shape
        x = layers.Reshape((h, w, 2, c // 2))(x)
        x = layers.Reshape((h, w, c))(layers.Permute((1, 2, 4, 3))(x))
    return layers.Dense(4)(layers.GlobalAveragePooling2D()(x))


def resnet(x: Any) -> Any:
    x = conv_bn(x, 8)
    for channels, stride in ((8, 1), (12, 2)):
        y = layers.Conv2D(channels, 3, padding="same")(conv_bn(x, channels, stride=stride))
        short = x if stride == 1 else layers.Conv2D(channels, 1, strides=stride, padding="same")(x)
        x = layers.ReLU()(layers.Add()([y, short]))
    return layers.Dense(4, activation="softmax")(layers.Flatten()(layers.AveragePooling2D(4)(x)))


def fomo(x: Any) -> Any:
    x = separable(separable(conv_bn(x, 8, stride=2), 12, 2), 16, 2)
    return layers.Softmax()(layers.Conv2D(3, 1)(layers.Conv2D(16, 1, activation="relu")(x)))


def eegnet(x: Any) -> Any:
    x = layers.BatchNormalization()(layers.Conv2D(4, (1, 16), padding="same", use_bias=False)(x))
    x = layers.DepthwiseConv2D((16, 1), depth_multiplier=2, use_bias=False)(x)
    x = layers.AveragePooling2D((1, 4))(layers.Activation("elu")(layers.BatchNormalization()(x)))
    x = layers.SeparableConv2D(8, (1, 8), padding="same", use_bias=False)(x)
    x = layers.AveragePooling2D((1, 8))(layers.Activation("elu")(layers.BatchNormalization()(x)))
    return layers.Dense(4, activation="softmax")(layers.Flatten()(x))


NETWORKS: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "cnn": (cnn, (24, 24, 1)),
    "mobilenet": (mobilenet, (32, 32, 3)),
    "autoencoder": (autoencoder, (32, 32, 1)),
    "u_net": (u_net, (24, 32, 1)),
    "tcn": (tcn, (64, 4)),
    "conv_1d": (conv_1d, (512, 1)),
    "squeeze_excite": (squeeze_excite, (24, 24, 3)),
    "ghost": (ghost, (24, 24, 3)),
    "shuffle": (shuffle, (24, 24, 3)),
    "resnet": (resnet, (16, 16, 3)),
    "fomo": (fomo, (48, 48, 1)),
    "eegnet": (eegnet, (16, 64, 1)),
}
"""By name: what follows the input, and the shape of that without the batch."""


def converted(name: str, batch: int | None) -> bytes:
    """The int8 model of a network."""
    build, shape = NETWORKS[name]
    keras.utils.set_random_seed(1)
    given = keras.Input(shape, batch_size=batch)
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(given, build(given)))
    values = np.random.default_rng(2)

    def samples() -> Iterator[list[Any]]:
        for _ in range(SAMPLES):
            yield [values.uniform(-1, 1, (1, *shape)).astype(np.float32)]

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = samples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def main() -> None:
    for name in NETWORKS:
        (HERE / f"{name}.tflite").write_bytes(converted(name, None))
        (HERE / f"{name}_b1.tflite").write_bytes(converted(name, 1))


if __name__ == "__main__":
    main()
