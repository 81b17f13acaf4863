"""Estimated cycles of the Cortex-M4's inner loops against counts by hand, in the terms of Arm's manual (TRM 100166).

A load takes 2, right behind another load or store 1; LDRD 1 + 2, there 2; all else 1, and a taken branch 2 more. So,
for a round of what is unrolled:

=====================  ========================================================================  ======  ====  =======
loop                   body                                                                      cycles  MACs  per MAC
=====================  ========================================================================  ======  ====  =======
convolution, 1 pixel   2 x (LDRD 3, LDR 1, SXTB16 6, SMLAD 4; LDRD 3, SXTB16 4, SMLAD 4), loop       54    32     1.69
convolution, 2 pixels  2 x (LDRD 3, LDR 1, SXTB16 6, SMLAD 4; LDR 2, SXTB16 2, SMLAD 4), loop        48    32     1.50
depthwise              2 x (LDRD 3, LDRD 2; LDR 1 and 2, SXTB16 8, SMLAxy 8), loop                   52    16     3.25
=====================  ========================================================================  ======  ====  =======

A loop is SUBS 1 and BNE 3.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from benchmarks.cortex_m_cycles import estimate
from benchmarks.emulator import build, load_core
from tests.platformio.pio import need_emulators
from tflm_msf.export import kernel_sources

MAIN = (Path(__file__).parent / "inner_loop.c").read_text(encoding="utf-8")
TOLERANCE = 0.1


class Loop(NamedTuple):
    """A call whose unrolled loop makes ``rounds`` rounds for a job; ``by_hand`` are the cycles of one."""

    function: str
    pixels: int
    channels: int
    by_hand: int

    def header(self, rounds: int) -> str:
        """Sizes of a job: 8 taps of a convolution a round, 4 of a depthwise one."""
        is_depthwise = self.function == "msf_convolve_depthwise"
        segments, length = (4 * rounds, 4) if is_depthwise else (1, 8 * rounds)
        sizes = {"PIXELS": self.pixels, "CHANNELS": self.channels, "SEGMENTS": segments, "LENGTH": length}
        defined = {"LOOP": self.function, **sizes}
        return "".join(f"#define {name} {value}\n" for name, value in defined.items())


LOOPS = {
    "convolution, 1 pixel": Loop("msf_convolve", 1, 4, 2 * (3 + 1 + 6 + 4 + 3 + 4 + 4) + 1 + 3),
    "convolution, 2 pixels": Loop("msf_convolve", 2, 2, 2 * (3 + 1 + 6 + 4 + 2 + 2 + 4) + 1 + 3),
    "depthwise": Loop("msf_convolve_depthwise", 1, 4, 2 * (3 + 2 + 1 + 2 + 8 + 8) + 1 + 3),
}


@pytest.mark.parametrize("name", LOOPS)
def test_an_estimate_is_within_ten_per_cent_of_a_count_by_hand(name: str) -> None:
    need_emulators()
    core, loop = load_core("m4"), LOOPS[name]
    found = [
        estimate(core, build(core, {**kernel_sources(), "job.h": loop.header(rounds), "main.c": MAIN})).cycles
        for rounds in (5, 15)
    ]
    assert (found[1] - found[0]) / 10 == pytest.approx(loop.by_hand, rel=TOLERANCE)
