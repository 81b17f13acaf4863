"""The inner loops of every instruction set do what ``arch/msf_arch.h`` says, on jobs of any shape."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.emulator import BOARDS, OPTIMIZED, SIMULATED, build, load_core, run
from tflm_msf.export import kernel_sources

MAIN = Path(__file__).parent / "inner_loops.c"
PORTABLE = (*OPTIMIZED, "-DMSF_ARCH_PORTABLE")


@pytest.mark.parametrize("flags", [OPTIMIZED, PORTABLE], ids=["own", "portable"])
@pytest.mark.parametrize("name", [name for name in BOARDS if name not in SIMULATED])
def test_every_output_byte(name: str, flags: tuple[str, ...]) -> None:
    core = load_core(name)
    done = run(core, build(core, {**kernel_sources(), "main.c": MAIN.read_text()}, flags))
    assert done.status == 0, done.output
    assert "0 of 1800 jobs differ" in done.output


DAMAGE = [
    ("m4", "arch/msf_arch_dsp.c", "smlatt r6, r12, lr, r6", "smlatt r6, r12, lr, r7"),
    ("m4", "arch/msf_arch_dsp.c", "smlad r7, r9, r0, r7", "smlad r7, r9, r12, r7"),
    ("m4", "arch/msf_arch_dsp.c", "r.bias += first;", "r.bias += first - 1;"),
    ("m0plus", "arch/msf_arch_armv6m.c", "muls r3, r6, r3", "muls r3, r5, r3"),
    ("m0plus", "arch/msf_arch_armv6m.c", 'PRODUCT("8", "r10")', 'PRODUCT("16", "r10")'),
    ("rv32", "arch/msf_arch_portable.c", "msf_mac(d, v[4 + k], value)", "msf_mac(d, v[k], value)"),
    ("m4", "arch/msf_arch_dsp_widened.c", "smlad r10, r3, r12", "smlad r10, r3, lr"),
    ("m4", "arch/msf_arch_dsp_widened.c", '"strb r7, [lr, r5]', '"strb r7, [lr, r2]'),
    ("m4", "arch/msf_arch_dsp_columns.c", '"smlatb", sum', '"smlabb", sum'),
    ("m55", "arch/msf_arch_mve_depthwise.c", "vmladava.s16 r10, q0, q5", "vmladava.s16 r10, q0, q4"),
    ("m55", "arch/msf_arch_mve_depthwise.c", "vmladavx.s16 r10, q1, q4", "vmladav.s16 r10, q1, q4"),
    ("m55", "arch/msf_arch_mve_convolve.c", 'mac " r12, q1, q4', 'mac " r12, q0, q4'),
    ("m55", "arch/msf_arch_mve_convolve.c", 'mac " r12, q2, q4', 'mac " r12, q3, q4'),
    ("m55", "arch/msf_arch_mve.c", "vmla.s32 q0, q1, r10", "vadd.i32 q0, q0, q1"),
    ("lx106", "arch/msf_arch_xtensa.c", "mul16s", "mul16u"),
]


@pytest.mark.parametrize(("name", "file", "right", "wrong"), DAMAGE)
def test_a_wrong_instruction_would_be_found(name: str, file: str, right: str, wrong: str) -> None:
    sources = kernel_sources()
    assert right in sources[file]
    core = load_core(name)
    broken = {**sources, file: sources[file].replace(right, wrong, 1), "main.c": MAIN.read_text()}
    assert run(core, build(core, broken)).status == 1
