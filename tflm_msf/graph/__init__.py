"""The model as values: tensors, operators, geometry, MACs."""

from tflm_msf.graph.model import NO_TENSOR, DType, Graph, Model, Op, Quantization, Signature, Table, Tensor

__all__ = ["NO_TENSOR", "DType", "Graph", "Model", "Op", "Quantization", "Signature", "Table", "Tensor"]
