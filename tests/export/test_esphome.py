"""ESPHome's wake words: a rewritten model is what the component takes, and its resolver finds our operator."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from testing.corpus import corpus_model
from tflm_msf.graph import DType
from tflm_msf.planner import Planner
from tflm_msf.tflite_io import write_model

LIBRARY = Path(__file__).parents[2] / "tflm_kernels"
COMPONENT = LIBRARY / "esphome" / "components" / "tflm_msf"

FEATURES = 40
"""Values that ESPHome's front end makes of each step of sound."""

DOUBLE = """
#pragma once
#include <string.h>
struct TFLMRegistration { int builtin_code; const char *custom_name; };
enum TfLiteStatus { kTfLiteOk, kTfLiteError };
namespace tflite {
struct MicroOpResolver {
  virtual const TFLMRegistration *FindOp(const char *op) const = 0;
};
template <unsigned int tOpCount>
class MicroMutableOpResolver : public MicroOpResolver {
 public:
  const TFLMRegistration *FindOp(const char *op) const override {
    for (unsigned int i = 0; i < used; i++)
      if (strcmp(custom[i].custom_name, op) == 0) return &custom[i];
    return nullptr;
  }
  TfLiteStatus AddCustom(const char *name, const TFLMRegistration *registration) {
    if (used == tOpCount) return kTfLiteError;
    custom[used++] = {registration->builtin_code, name};
    return kTfLiteOk;
  }
 private:
  TFLMRegistration custom[tOpCount];
  unsigned int used = 0;
};
}  // namespace tflite
"""
"""What tflm_msf.h and a wake word see of TFLM."""

STREAMING_MODEL = """
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
const tflite::MicroOpResolver &wake_word() {
  static tflite::MicroMutableOpResolver<20> full;
  return full;
}
"""

PROGRAM = """
#include "tflm_msf.h"
#include "msf_block.h"
namespace tflm_msf {
const char kOperatorName[] = "MSF_BLOCK";
OpRegistration *Registration() { static OpRegistration ours{}; return &ours; }
}
const tflite::MicroOpResolver &wake_word();
int main() {
  CALL
  if (wake_word().FindOp("OTHER")) return 2;
  return wake_word().FindOp("MSF_BLOCK") == tflm_msf::Registration() ? 0 : 1;
}
"""


def found(directory: Path, call: str) -> int:
    """What a firmware that is linked from an archive says of its resolver: 0 for found, 1 for not."""
    headers = directory / "tensorflow" / "lite"
    (headers / "micro").mkdir(parents=True)
    (headers / "c").mkdir()
    (headers / "micro" / "micro_mutable_op_resolver.h").write_text(DOUBLE)
    (headers / "c" / "common.h").write_text("#pragma once\n")
    (directory / "streaming_model.cpp").write_text(STREAMING_MODEL)
    (directory / "main.cpp").write_text(PROGRAM.replace("CALL", call))
    flags = ["-std=gnu++20", "-O2", "-Wall", "-Wextra", "-Werror", "-DUSE_ESP32"]
    flags += [f"-I{directory}", f"-I{LIBRARY / 'src'}", f"-I{COMPONENT}"]
    sources = [directory / "main.cpp", directory / "streaming_model.cpp", COMPONENT / "msf_block.cpp"]
    for source in sources:
        subprocess.run(["g++", *flags, "-c", source, "-o", directory / f"{source.stem}.o"], check=True)
    subprocess.run(["ar", "rcs", "parts.a", "streaming_model.o", "msf_block.o"], cwd=directory, check=True)
    subprocess.run(["g++", "main.o", "parts.a", "-o", "program"], cwd=directory, check=True)
    return subprocess.run([directory / "program"], check=False).returncode


@pytest.mark.skipif(shutil.which("g++") is None or shutil.which("ar") is None, reason="there is no C++ compiler")
def test_a_full_resolver_finds_the_operator(tmp_path: Path) -> None:
    assert found(tmp_path / "with", "esphome::msf_block::allow_in_wake_words();") == 0
    assert found(tmp_path / "without", "") == 1, "it would be found anyway"


@pytest.mark.parametrize("name", ["esphome__mww_okay_nabu", "esphome__mww_vad"])
def test_a_rewritten_model_is_what_a_wake_word_has_to_be(name: str) -> None:
    choice = Planner.of(corpus_model(f"stateful/{name}"), name).choose()
    model = choice.model
    assert choice.needed <= {"esphome__mww_okay_nabu": 4_704, "esphome__mww_vad": 2_400}[name]
    graph = model.main
    (source,), (result,) = ([graph.tensors[t] for t in ends] for ends in (graph.inputs, graph.outputs))
    assert (len(source.shape), source.shape[0], source.shape[2], source.dtype) == (3, 1, FEATURES, DType.INT8)
    assert (result.shape, result.dtype) == ((1, 1), DType.UINT8)
    assert {op.custom_code for op in graph.ops} == {"MSF_BLOCK"}
    assert len(model.graphs) == 1, "it has no variables, for which ESPHome keeps 1,024 bytes of its own"


CONFIGURATION = """
esphome: {name: wake}
esp32: {board: esp32-s3-devkitc-1, framework: {type: esp-idf}}
external_components:
  - source: {type: local, path: COMPONENTS}
    components: [tflm_msf]
tflm_msf:
i2s_audio: {i2s_lrclk_pin: GPIO5, i2s_bclk_pin: GPIO2}
microphone:
  - {platform: i2s_audio, id: mic, adc_type: external, i2s_din_pin: GPIO4, pdm: false, bits_per_sample: 16bit}
micro_wake_word:
  microphone: mic
  models: [{model: wake.json}]
"""

MANIFEST = {
    "type": "micro",
    "wake_word": "Okay Nabu",
    "author": "somebody",
    "model": "wake.tflite",
    "trained_languages": ["en"],
    "version": 2,
    "micro": {
        "probability_cutoff": 0.97,
        "sliding_window_size": 5,
        "feature_step_size": 10,
        "tensor_arena_size": 4704,
        "minimum_esphome_version": "2024.7.0",
    },
}


@pytest.mark.skipif(shutil.which("esphome") is None, reason="ESPHome is not installed: pip install esphome")
def test_esphome_makes_a_program_of_it(tmp_path: Path) -> None:
    planner = Planner.of(corpus_model("stateful/esphome__mww_okay_nabu"), "wake")
    (tmp_path / "wake.tflite").write_bytes(write_model(planner.choose().model))
    (tmp_path / "wake.json").write_text(json.dumps(MANIFEST))
    configuration = tmp_path / "wake.yaml"
    configuration.write_text(CONFIGURATION.replace("COMPONENTS", str(COMPONENT.parent)))
    making = ["esphome", "compile", "--only-generate", str(configuration)]
    done = subprocess.run(making, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (source,) = tmp_path.rglob("main.cpp")
    assert "msf_block::allow_in_wake_words();" in source.read_text()
    assert (source.parent / "esphome" / "components" / "tflm_msf" / "msf_block.cpp").is_file()
    assert f"path: {LIBRARY}" in (source.parent / "idf_component.yml").read_text()
    configuration.write_text(configuration.read_text().replace("tflm_msf:\n", "tflm_msf: {library: .}\n"))
    refused = subprocess.run(["esphome", "config", str(configuration)], capture_output=True, text=True, timeout=300)
    assert "name the directory tflm_kernels of tflm-msf" in refused.stdout + refused.stderr
