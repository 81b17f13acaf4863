"""An application for ``west build``, and the module beside it."""

from __future__ import annotations

from collections.abc import Mapping

from tflm_msf.export.project import Files, Project, Runtime, library, model_files, project_values, render

ZEPHYR_CONSOLES: Mapping[str, str] = {
    "nrf52840dk/nrf52840": "uart0",
    "nucleo_f446re": "usart2",
    "rpi_pico/rp2040": "uart0",
}
"""Boards that a Zephyr project has an overlay for, and the label of each one's console."""


def zephyr_project(project: Project, runtime: Runtime) -> Files:
    """An application ``app`` for ``west build``, and the module ``modules/tflm_msf``.

    Raises :class:`MsfError` for a model that the runtime does not run.
    """
    values = {**project_values(project, "zephyr", runtime), "framework": "zephyr", "boards": tuple(ZEPHYR_CONSOLES)}
    program = {**model_files(project, runtime, values), "main.cpp": render("sketch.cpp", values)}
    files = {f"app/src/{path}": text for path, text in program.items()}
    for board, console in ZEPHYR_CONSOLES.items():
        overlay = render("zephyr_overlay", {"board": board, "console": console})
        files[f"app/boards/{board.replace('/', '_')}.overlay"] = overlay
    compiled = sorted(path for path in program if not path.endswith(".h"))
    manifests = ("zephyr/module.yml", "zephyr/Kconfig", "zephyr/CMakeLists.txt")
    return {
        **files,
        "app/CMakeLists.txt": render("zephyr_app.cmake", {**values, "sources": compiled}),
        "app/prj.conf": render("zephyr_prj.conf", values),
        "app/sample.yaml": render("zephyr_sample.yaml", values),
        "README.md": render("project.md", values),
        **library("modules/tflm_msf", manifests, project.model),
    }
