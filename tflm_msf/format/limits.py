"""Limits of the format and of the kernels (``msf_program.h``, ``msf_tile.h`` and the operators' sources)."""

MAX_GROUPS = 64
"""Groups of a block."""

MAX_OPERANDS = 24
"""Operands of a block, its state included."""

PROGRESS_BYTES = 16
"""Workspace bytes that the engine keeps for each group."""

ALIGNMENT = 16
"""Bytes that sections of the parameters, the program and state rings are aligned to."""

STATE_MARK_BYTES = 4
"""Bytes at the beginning of a state that are the engine's own."""

COLUMN_BITS = 16
"""Bits of a pixel's number that are its column, unless rows need more than the other 16."""

TALL_COLUMN_BITS = 8
"""Where a map is taller than 16 bits can count."""

TALLEST = 0x3FFFFF
"""Rows of a map, at the most."""

MAX_TAPS = 49
"""Taps of a window in packed layouts."""

IM2COL_BYTES = 200
"""Bytes that kernels have room for where windows are copied before they are multiplied."""

MAX_POOLED_PIXELS = 1 << 23
"""Pixels under a pool; fewer than these keep a sum of int8 values in int32."""

MAX_SHORT_SHIFT = 22
"""Right shifts of packed scales, at the most."""


def column_bits(tallest: int) -> int:
    """How a block whose tallest map has that many rows numbers its pixels."""
    return COLUMN_BITS if tallest <= most_rows(COLUMN_BITS) else TALL_COLUMN_BITS


def can_be_numbered(tallest: int, widest: int) -> bool:
    """Whether a block may hold maps of at most that many rows and columns."""
    bits = column_bits(tallest)
    return tallest <= most_rows(bits) and widest <= most_columns(bits)


def most_rows(bits: int) -> int:
    """Rows of a map where columns take ``bits`` of a pixel's number."""
    return int(min((1 << (32 - bits)) - 2, TALLEST))


def most_columns(bits: int) -> int:
    """Columns of a map, likewise."""
    return (1 << bits) - 2
