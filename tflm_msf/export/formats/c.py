"""A directory that builds on any computer."""

from __future__ import annotations

from tflm_msf.export.kernels import kernel_sources
from tflm_msf.export.project import Files, Project, Runtime, model_files, project_values, render
from tflm_msf.export.used import used_header


def c_project(project: Project) -> Files:
    """A directory for ``make`` or CMake that runs the model on this computer; no TFLM, any C99 compiler.

    Raises :class:`MsfError` for a model with operators outside of fusion blocks.
    """
    values = {**project_values(project, "c", Runtime.C), "has_loop": False}
    return {
        **{f"kernels/{path}": text for path, text in {**kernel_sources(), **used_header(project.model)}.items()},
        **model_files(project, Runtime.C, values),
        "main.c": render("main.c", values),
        "Makefile": render("Makefile", values),
        "CMakeLists.txt": render("CMakeLists.txt", values),
        "README.md": render("project.md", values),
    }
