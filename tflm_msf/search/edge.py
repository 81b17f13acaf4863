"""One step of a plan, as the search sees it."""

from __future__ import annotations

from typing import NamedTuple

from tflm_msf.blocks.block import Candidate

NO_LIMIT = 1 << 61
"""More bytes than any head has: what is alive beside the edges (inputs that nobody reads) counts too."""


class Edge(NamedTuple):
    """One step of a plan: a block, or (``block`` None) the builtin unit ``first``.

    ``head`` counts every byte of the arena's head while the step runs: boundary tensors alive across it, and its
    workspace, or the scratch that TFLM's kernel asks for.
    """

    first: int
    last: int
    head: int
    macs: int
    block: Candidate | None
