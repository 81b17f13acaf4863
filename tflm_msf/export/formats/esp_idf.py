"""A project for ``idf.py``."""

from __future__ import annotations

from collections.abc import Mapping

from tflm_msf.errors import MsfError
from tflm_msf.export.project import Files, Project, Runtime, library, model_files, project_values, render
from tflm_msf.export.selfcheck import Case
from tflm_msf.sizes import align_up

ESP_CHIPS: Mapping[str, tuple[str, ...]] = {
    "esp32": ("CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ_240=y",),
    "esp32s3": ("CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ_240=y",),
    "esp32c3": ("CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ_160=y",),
}
"""Chips of Espressif's, as ``idf.py set-target`` names them, and what is set for each: full speed."""

ESP_LARGEST_APP = 0x3F0000
"""Bytes that an application can have of 4 MB of flash, behind the boot loader and the other partitions."""


def esp_idf_project(project: Project, runtime: Runtime) -> Files:
    """A project for ``idf.py``, for every chip of :data:`ESP_CHIPS`.

    Raises :class:`MsfError` for a model that the runtime does not run.
    """
    values = {**project_values(project, "esp-idf", runtime), "framework": "espidf", "chips": tuple(ESP_CHIPS)}
    program = {**model_files(project, runtime, values), "main.cpp": render("sketch.cpp", values)}
    compiled = sorted(path for path in program if not path.endswith(".h"))
    manifests = ("CMakeLists.txt", "idf_component.yml") if runtime is Runtime.TFLM else ("CMakeLists.txt",)
    files = {f"main/{path}": text for path, text in program.items()}
    for chip, lines in ESP_CHIPS.items():
        files[f"sdkconfig.defaults.{chip}"] = render("idf_sdkconfig", {"chip": chip, "lines": lines})
    return {
        **files,
        "main/CMakeLists.txt": render("idf_main.cmake", {**values, "sources": compiled}),
        "main/idf_component.yml": render("idf_manifest.yml", values),
        "CMakeLists.txt": render("idf_project.cmake", values),
        "sdkconfig.defaults": render("idf_sdkconfig", {"chip": ""}),
        "partitions.csv": render("idf_partitions.csv", {"app_size": _esp_app_size(_flash_of(project))}),
        "README.md": render("project.md", values),
        **library("components/tflm_msf", manifests, project.model),
    }


def _flash_of(project: Project) -> int:
    """Bytes of the model and the self-check's values."""
    case = project.case or Case((), ())
    return len(project.data) + sum(value.nbytes for value in (*case.inputs, *case.outputs))


def _esp_app_size(model_bytes: int) -> int:
    """Bytes of the application's partition: the model, and a mebibyte for everything else, in whole pages of flash."""
    size = align_up(model_bytes + (1 << 20), 1 << 16)
    if size > ESP_LARGEST_APP:
        raise MsfError(
            f"the model takes {model_bytes:,} bytes, more than fit beside a program into 4 MB of flash: use --format "
            "tflm in a project of your own, with a partition table for a larger flash."
        )
    return size
