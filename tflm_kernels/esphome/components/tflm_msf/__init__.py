"""ESPHome: micro_wake_word runs models that tflm-msf has rewritten; docs/ESPHOME.md has a configuration."""

from pathlib import Path
from typing import Any

import esphome.codegen as cg
import esphome.config_validation as cv
from esphome.components import esp32

CONF_LIBRARY = "library"

DEPENDENCIES = ["micro_wake_word"]

LIBRARY = Path(__file__).resolve().parents[3]
"""The kernels with their manifest for ESP-IDF, which this component is delivered with."""


def _library(value: Any) -> str:
    """A directory with the kernels' component for ESP-IDF."""
    directory = cv.directory(value)
    if not (Path(directory) / "src" / "tflm_msf.h").is_file():
        raise cv.Invalid(f"{directory} has no src/tflm_msf.h: name the directory tflm_kernels of tflm-msf.")
    return str(directory)


CONFIG_SCHEMA = cv.All(
    cv.Schema({cv.Optional(CONF_LIBRARY, default=str(LIBRARY)): _library}),
    cv.only_on_esp32,
)


async def to_code(config: dict[str, Any]) -> None:
    """Adds the kernels to the firmware, and the operator to what micro_wake_word's models may consist of."""
    esp32.add_idf_component(name="tflm_msf", path=config[CONF_LIBRARY])
    cg.add(cg.esphome_ns.namespace("msf_block").allow_in_wake_words())
