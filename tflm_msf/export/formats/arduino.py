"""A sketch, and the library for its sketchbook."""

from __future__ import annotations

from tflm_msf.export.project import Files, Project, Runtime, library, model_files, project_values, render

ARDUINO_TFLM = "Chirale_TensorFlowLite.h"
"""The TFLM library that the Arduino Library Manager has for most boards."""


def arduino_project(project: Project, runtime: Runtime) -> Files:
    """A sketch ``<name>/<name>.ino``, and ``libraries/tflm_msf`` for the sketchbook.

    Raises :class:`MsfError` for a model that ``runtime`` does not run.
    """
    values = {**project_values(project, "arduino", runtime), "framework": "arduino"}
    values["tflm_header"] = ARDUINO_TFLM if runtime is Runtime.TFLM else ""
    sketch = {**model_files(project, runtime, values), f"{project.name}.ino": render("sketch.cpp", values)}
    return {
        **{f"{project.name}/{path}": text for path, text in sketch.items()},
        **library("libraries/tflm_msf", ("library.properties", "keywords.txt"), project.model),
        "README.md": render("project.md", values),
    }
