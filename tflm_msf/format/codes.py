"""Numbers of the format that stand for something (``msf_program.h``)."""

from enum import IntEnum, IntFlag

CUSTOM_CODE = "MSF_BLOCK"
"""Name under which the kernels register."""

MAGIC = 0x3146534D
VERSION = 2
"""What the encoder writes. Kernels that know it run files of version 1, too."""

NONE = 0xFFFF
"""No tensor, no group, no limit of a tile."""

NO_OPERAND = 0xFF


class StageOp(IntEnum):
    """The kernels' operators."""

    SOURCE = 0
    CONV_2D = 1
    DEPTHWISE_CONV_2D = 2
    ADD = 3
    MUL = 4
    AVERAGE_POOL_2D = 5
    MAX_POOL_2D = 6
    TABLE = 7
    PAD = 8
    GLOBAL_POOL = 9
    FULLY_CONNECTED = 10
    SUB = 11
    MAXIMUM = 12
    MINIMUM = 13
    PRELU = 14
    SOFTMAX = 15
    CONCATENATION = 16
    SLICE = 17
    SPACE_TO_DEPTH = 18
    DEPTH_TO_SPACE = 19
    RESIZE_NEAREST_NEIGHBOR = 20
    RESIZE_BILINEAR = 21
    TRANSPOSE_CONV = 22
    GATHER = 23
    GROUPED_CONV_2D = 24
    TABLE_OF_WORDS = 25
    ARG_MAX = 26
    SQUARED_DIFFERENCE = 27


class TensorKind(IntEnum):
    """How much of a tensor there is, and where."""

    WHOLE = 0
    RING = 1
    CHUNK = 2
    KEPT = 3
    HISTORY = 4


class GroupKind(IntEnum):
    """What a group walks."""

    ROWS = 0
    REDUCE = 1
    SOURCE = 2


class Layout(IntEnum):
    """How weights and scales of a stage are arranged."""

    PLAIN = 0
    PACKED = 1


class Order(IntEnum):
    """In which steps groups go on; sizes of rings depend on it."""

    CHUNKS = 0
    ASKED = 1


class ValueType(IntEnum):
    """Type of a tensor's values."""

    INT8 = 0


class RowFormat(IntEnum):
    """What the row source writes: ``arg[0]`` of SOURCE."""

    AS_THEY_ARE = 0
    BYTES = 1
    RGB565 = 2
    RGB565_LE = 3


class ProgramFlag(IntFlag):
    """Flags of a program."""

    STREAMED = 1


class StageFlag(IntFlag):
    """Flags of a stage."""

    UNIFORM = 1
    SCRATCH = 2


class TensorFlag(IntFlag):
    """Flags of a tensor."""

    FILLED = 1
