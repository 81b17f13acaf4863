"""Accuracy of an architecture on scikit-learn's digits: 1,797 real images, a quarter of them for testing."""

from __future__ import annotations

import os
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
from space import Architecture, keras_of

if TYPE_CHECKING:
    import keras

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

BATCH = 64
LEARNING_RATE = 4e-3

Array = npt.NDArray[Any]


@cache
def images(resolution: int) -> tuple[Array, Array, Array, Array]:
    """Images of so many rows and columns, from 0 to 1, and labels: for training, then for testing."""
    import tensorflow as tf
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    scaled = tf.image.resize(digits.images[..., np.newaxis] / 16, (resolution, resolution), "bilinear").numpy()
    train, test, train_labels, test_labels = train_test_split(
        scaled, digits.target, test_size=0.25, random_state=1, stratify=digits.target
    )
    return train, train_labels, test, test_labels


@lru_cache(maxsize=2)
def train(architecture: Architecture, epochs: int) -> tuple[keras.Model, float]:
    """The trained network, and the share of test images that it tells right. An architecture is its own seed."""
    import keras

    keras.utils.clear_session()  # of a hundred networks each would stay in memory
    keras.utils.set_random_seed(crc32(repr(architecture).encode()))
    pixels, labels, test, test_labels = images(architecture.resolution)
    model = keras_of(architecture)
    steps = epochs * -(-len(pixels) // BATCH)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps))
    model.compile(optimizer, "sparse_categorical_crossentropy")
    model.fit(pixels, labels, BATCH, epochs, verbose=0)
    told = np.argmax(model(test, training=False), axis=1)
    return model, float((told == test_labels).mean())
