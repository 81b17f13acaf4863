"""A rewritten model as plain C99 that runs without TFLM: constant arrays, one static arena, three functions."""

from tflm_msf.export.c import export_c
from tflm_msf.export.kernels import kernel_sources

__all__ = ["export_c", "kernel_sources"]
