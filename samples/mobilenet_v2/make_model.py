"""Makes MobileNetV2-0.35 (96x96x3, 10 classes) in int8: the usual shape of a vision model, to look at its memory.

Its weights are RANDOM: it recognises nothing. Arena, MACs and latency do not depend on that. Batch normalisation is
fitted to the inputs, so that values spread over the whole int8 range in every layer as they do in a trained network.
Needs ``pip install '.[models]'``; the result is in the repository, so that nobody has to run this.

Usage: python samples/mobilenet_v2/make_model.py [DIRECTORY]
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

SEED = 1
SHAPE = (96, 96, 3)
HERE = Path(__file__).parent

Array = npt.NDArray[Any]


def make_images(count: int) -> Array:
    """Coloured waves of all sizes in -1..1, float32 [count, height, width, 3]."""
    rng = np.random.default_rng(SEED)
    y, x = np.meshgrid(np.linspace(0, 1, SHAPE[0]), np.linspace(0, 1, SHAPE[1]), indexing="ij")
    waves = rng.uniform(-40, 40, (2, count, 1, 1, 3, 4))
    phase = rng.uniform(0, 2 * np.pi, (count, 1, 1, 3, 4))
    values = np.cos(waves[0] * y[None, :, :, None, None] + waves[1] * x[None, :, :, None, None] + phase).mean(axis=-1)
    return np.clip(values * 1.5, -1, 1).astype(np.float32)


def build(images: Array) -> keras.Model:
    """Keras' own MobileNetV2 with random weights and batch normalisation fitted to ``images``."""
    model = keras.applications.MobileNetV2(SHAPE, alpha=0.35, weights=None, classes=10)
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in norms:
        layer.momentum = 0.0  # take over the statistics of one batch
    model(images, training=True)
    return model


def quantise(model: keras.Model, images: Array) -> bytes:
    """A full-integer .tflite: int8 inputs, outputs and operators."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: _one_by_one(images)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    converted: bytes = converter.convert()
    return converted


def _one_by_one(images: Array) -> Iterator[list[Array]]:
    for image in images:
        yield [image[np.newaxis]]


def main() -> None:
    """Build, quantise, write."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    keras.utils.set_random_seed(SEED)
    images = make_images(64)
    quantised = quantise(build(images), images)
    (target / "mobilenet_v2_035_96_int8.tflite").write_bytes(quantised)
    print(f"{len(quantised):,} bytes, random weights")


if __name__ == "__main__":
    main()
