"""prepare.py: models for the emulated boards, and cases with the outputs that TFLM gives on this computer.

Writes build/platformio. The models are those of samples/ and, where TFLM_MSF_MODELS has them, some that other people
made; all of them together fit the smallest board's memory.
"""

import os
import shutil
import sys
from pathlib import Path

import numpy as np

from tflm_msf.export.text import c_name
from tflm_msf.inputs import Array, make_inputs
from tflm_msf.runtime import Session

ROOT = Path(__file__).parents[3]
TARGET = ROOT / "build" / "platformio"
CORPUS = Path(os.environ.get("TFLM_MSF_MODELS") or ROOT.parent / "shared" / "models")
SAMPLES = (ROOT / "samples" / "digits" / "digits_int8.tflite",)
OTHERS = ("mlperf__kws_dscnn", "mlperf__ic_resnet8", "microflow__cifar10_mobilenet")
RUNS = 3


def models() -> list[Path]:
    """Original models, as files."""
    return [*SAMPLES, *(path for path in (CORPUS / f"{name}.tflite" for name in OTHERS) if path.exists())]


def table(name: str, inputs: list[bytes], outputs: list[bytes]) -> tuple[str, str]:
    """C arrays for one model, and its line in the table of all models."""
    arrays = f"static const int8_t {name}_case_inputs[] = {{{_numbers(inputs)}}};\n"
    arrays += f"static const int8_t {name}_case_outputs[] = {{{_numbers(outputs)}}};\n"
    functions = ("init", "input", "input_size", "output", "output_size", "invoke")
    fields = [f'"{name}"', f"{name.upper()}_ARENA_SIZE", *(f"{name}_{function}" for function in functions)]
    fields += [str(len(inputs)), f"{name}_case_inputs", f"{name}_case_outputs"]
    return arrays, f"    {{{', '.join(fields)}}},\n"


def _numbers(values: list[bytes]) -> str:
    return ",".join(map(str, np.frombuffer(b"".join(values), np.int8).tolist()))


def _joined(arrays: list[Array]) -> bytes:
    return b"".join(array.tobytes() for array in arrays)


def main() -> None:
    """Write everything anew."""
    shutil.rmtree(TARGET, ignore_errors=True)
    (TARGET / "models").mkdir(parents=True)
    includes, arrays, lines = "", "", ""
    for path in models():
        shutil.copy(path, TARGET / "models")
        name = c_name(path.stem)
        session = Session(path.read_bytes(), source=str(path))
        values = make_inputs(session.model.main, runs=RUNS, seed=0)
        model_arrays, line = table(name, [_joined(v) for v in values], [_joined(session.run(v)) for v in values])
        includes, arrays, lines = includes + f'#include "{name}.h"\n', arrays + model_arrays, lines + line
        print(f"{name}: {RUNS} cases")
    content = f"{includes}{arrays}const model_cases all_models[] = {{\n{lines}}};\n"
    content += f"const uint32_t model_count = {lines.count(chr(10))};\n"
    (TARGET / "cases.inc").write_text(content)


if __name__ == "__main__":
    sys.exit(main())
