"""Models made in place, and the names of the real ones."""

from __future__ import annotations

import numpy as np

from testing.corpus import DIRECTORY
from tflm_msf.graph import NO_TENSOR, DType, Graph, Model, Op, Quantization, Signature, Table, Tensor

CORPUS = sorted(path.stem for path in DIRECTORY.glob("*.tflite")) or ["mlperf__vww_96"]
"""With no corpus one name remains, whose tests are then skipped and say why."""

THIRD = float(np.float32(1 / 3))
"""A scale that a decimal or a double would not keep."""

ODD_NAME = b"caf\xe9 \xff".decode("utf-8", "surrogateescape")


def conv_model() -> Model:
    """One CONV_2D of 2 channels: input, filter, bias, output are tensors 0 to 3."""
    weights = Quantization((THIRD, 0.25), (0, 0))
    tensors = (
        Tensor("x", (1, 4, 4, 1), DType.INT8, Quantization((0.5,), (-4,))),
        Tensor("w", (2, 3, 3, 1), DType.INT8, weights, bytes(range(18))),
        Tensor("b", (2,), DType.INT32, weights, bytes(8)),
        Tensor("y", (1, 2, 2, 2), DType.INT8, Quantization((0.5,), (3,))),
    )
    options = Table("Conv2DOptions", {"padding": 1, "stride_w": 1, "stride_h": 1})
    return Model((Graph(tensors, (Op("CONV_2D", (0, 1, 2), (3,), options, version=3),), (0,), (3,)),))


def everything_model() -> Model:
    """Every field of the dataclasses set to something that is not its default."""
    sparsity = Table(
        "SparsityParameters",
        {
            "traversal_order": (0, 1),
            "block_map": (),
            "dim_metadata": (
                Table("DimensionMetadata", {"dense_size": 4}),
                Table(
                    "DimensionMetadata",
                    {
                        "format": 1,
                        "array_segments": Table("Uint8Vector", {"values": b"\x00\x01\x02"}),
                        "array_indices": Table("Uint16Vector", {"values": (1, 65535)}),
                    },
                ),
            ),
        },
    )
    custom = Quantization((), (), details=Table("CustomQuantization", {"custom": b"anything"}))
    variants = (Table("VariantSubType", {"shape": (2, 3), "type": 9, "has_rank": True}),)
    constant = bytes(range(32))
    tensors = (
        Tensor("x", (1, 4, 4, 2), DType.INT8, Quantization((THIRD,), (-128,), 0, (-1.5,), (THIRD,))),
        Tensor("w", (2, 1, 16, 1), DType.INT8, Quantization((THIRD, 2.0**-100), (2**62, -5), 0), constant),
        Tensor(ODD_NAME, (1, 4, 4, 2), DType.INT8, Quantization((), (), 0, (-1.0,), (1.0,))),
        Tensor("state", (4,), DType.FLOAT32, is_variable=True),
        Tensor("sparse", (4, 4), DType.FLOAT32, data=b"\x01" * 8, sparsity=sparsity),
        Tensor("nibbles", (3,), DType.INT4, data=b"\x21\x03"),
        Tensor("", (), DType.VARIANT, shape_signature=(-1, 4), has_rank=True, variant_tensors=variants),
        Tensor("coded", (2,), DType.INT16, custom),
        Tensor("y", (32,), DType.UINT8, data=None),
        Tensor("again", (8,), DType.INT32, data=constant),
    )
    conv = Table("Conv2DOptions", {"padding": 1, "stride_w": 2, "dilation_w_factor": 3, "fused_activation_function": 3})
    ops = (
        Op("CONV_2D", (0, 1, NO_TENSOR), (2,), conv, version=3),
        Op("CUSTOM", (2, 4), (7,), custom_code="Mine", custom_options=b"program", custom_options_format=1),
        Op("BUILTIN_999", (2, 9), (6,), version=2, debug_metadata_index=4),
        Op(
            "STABLEHLO_COMPOSITE",
            (7, 3, 5),
            (8,),
            intermediates=(9,),
            mutating_variable_inputs=(False, True, False),
            options_2=Table(
                "StableHLOCompositeOptions", {"name": "ünit", "composite_attributes": b"\x00", "version": -1}
            ),
        ),
    )
    second = Graph((Tensor("z", (0,), DType.BOOL),), (), (0,), (0,), ODD_NAME, debug_metadata_index=0)
    return Model(
        graphs=(Graph(tensors, ops, (0,), (8, 2), "main", debug_metadata_index=7), second),
        description="all of it",
        metadata=(("min_runtime_version", b"1.5.0" + bytes(11)), ("", b"")),
        signatures=(Signature("serve", 0, (("in", 0),), (("", 8), (ODD_NAME, 2))), Signature("", 1, (), (("z", 0),))),
        legacy_metadata=(b"old", constant),
    )
