"""A PlatformIO project for one board."""

from __future__ import annotations

from tflm_msf.boards import Board
from tflm_msf.errors import MsfError
from tflm_msf.export.project import Files, Project, Runtime, library, model_files, project_values, render


def platformio_project(project: Project, board: Board, runtime: Runtime) -> Files:
    """A PlatformIO project for one board.

    Raises :class:`MsfError` for a model that the runtime does not run, or for TFLM on a board that has none.
    """
    tflm = runtime is Runtime.TFLM
    if tflm and not board.tflm:
        raise MsfError(f"there is no TFLM library for {board.name} in PlatformIO: use --runtime c.")
    place = board.platformio
    is_idf = place.framework == "espidf"
    as_sketch = place.framework == "arduino" or (is_idf and (tflm or project.driver is not None))
    libraries = [board.tflm if tflm and not is_idf else "", project.driver.library if project.driver else ""]
    values = {
        **project_values(project, "platformio", runtime),
        "framework": place.framework,
        "has_loop": as_sketch,
        "title": board.title,
        "environment": board.name,
        "platform": place.platform,
        "board": place.board,
        "library": board.tflm,
        "lib_deps": ", ".join(filter(None, libraries)),
    }
    program = {"main.cpp": render("sketch.cpp", values)} if as_sketch else {"main.c": render("main.c", values)}
    sources = {**model_files(project, runtime, values), **program}
    files = {f"src/{path}": text for path, text in sources.items()}
    files["platformio.ini"] = render("platformio.ini", values)
    files["README.md"] = render("project.md", values)
    if not is_idf:
        return {**files, **library("lib/tflm_msf", ("library.json", "extra_script.py"), project.model)}
    manifests = ("CMakeLists.txt", "idf_component.yml") if tflm else ("CMakeLists.txt",)
    compiled = sorted(path for path in sources if not path.endswith(".h"))
    if project.driver is not None:
        files["src/idf_component.yml"] = render("idf_manifest.yml", {**values, "tflm": False})
    return {
        **files,
        "CMakeLists.txt": render("idf_project.cmake", values),
        "src/CMakeLists.txt": render("idf_main.cmake", {**values, "sources": compiled}),
        **library("components/tflm_msf", manifests, project.model),
    }
