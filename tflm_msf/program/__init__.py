"""Plan -> program bytes and parameter bytes, as ``tflm_kernels/SPEC.md`` describes them."""

from tflm_msf.program.encode import Encoded, encode

__all__ = ["Encoded", "encode"]
