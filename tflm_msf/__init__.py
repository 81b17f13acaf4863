"""tflm-msf: fuse the layers of an int8 TensorFlow Lite Micro model so that it needs a fraction of the arena."""

__version__ = "0.1.0"
