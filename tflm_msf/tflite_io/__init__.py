"""``.tflite`` bytes <-> :class:`~tflm_msf.graph.model.Model`: the only place that knows flatbuffers."""

from tflm_msf.tflite_io.check import check_model
from tflm_msf.tflite_io.reader import load, read_model
from tflm_msf.tflite_io.writer import write_model

__all__ = ["check_model", "load", "read_model", "write_model"]
