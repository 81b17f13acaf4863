"""Projects that build as they are: a model, what runs it, an input with a known result, and how to use all that."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from tflm_msf import __version__
from tflm_msf.arena import ANY_TFLM, C_EXPORT, Target, predict
from tflm_msf.boards import Board
from tflm_msf.camera import Camera
from tflm_msf.errors import MsfError
from tflm_msf.export.c import export_c
from tflm_msf.export.camera import CameraRam, camera_sources
from tflm_msf.export.kernels import LICENCE, kernel_sources, library_files
from tflm_msf.export.labels import Label, labels_header
from tflm_msf.export.selfcheck import Case
from tflm_msf.export.sources import ROWS, Driver, Window, driver_values, window_of
from tflm_msf.export.text import TEMPLATES, check_name, rows
from tflm_msf.export.tflm_header import export_tflm, sketch_arena
from tflm_msf.export.used import used_header
from tflm_msf.format import CUSTOM_CODE
from tflm_msf.graph import DType, Model
from tflm_msf.graph.pixels import Pixels
from tflm_msf.graph.step import Step
from tflm_msf.program.decode import is_streamed
from tflm_msf.sizes import align_up
from tflm_msf.verify.sequence import goes_on

Files = Mapping[str, str]

TEMPLATES.filters["rows"] = rows

ARDUINO_TFLM = "Chirale_TensorFlowLite.h"
"""The TFLM library that the Arduino Library Manager has for most boards."""

ESP_CHIPS: Mapping[str, tuple[str, ...]] = {
    "esp32": ("CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ_240=y",),
    "esp32s3": ("CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ_240=y",),
    "esp32c3": ("CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ_160=y",),
}
"""Chips of Espressif's, as ``idf.py set-target`` names them, and what is set for each: full speed."""

ESP_LARGEST_APP = 0x3F0000
"""Bytes that an application can have of 4 MB of flash, behind the boot loader and the other partitions."""

ZEPHYR_CONSOLES: Mapping[str, str] = {
    "nrf52840dk/nrf52840": "uart0",
    "nucleo_f446re": "usart2",
    "rpi_pico/rp2040": "uart0",
}
"""Boards that a Zephyr project has an overlay for, and the label of each one's console."""

PACK_URL = "https://pypi.org/project/tflm-msf/"

_C_TYPES: Mapping[DType, str] = {
    DType.FLOAT32: "float",
    DType.INT32: "int32_t",
    DType.UINT8: "uint8_t",
    DType.INT64: "int64_t",
    DType.BOOL: "uint8_t",
    DType.INT16: "int16_t",
    DType.INT8: "int8_t",
}


class Runtime(Enum):
    """What runs a model on a device: TFLM with our kernels in it, or the C export alone."""

    TFLM = "tflm"
    C = "c"


@dataclass(frozen=True)
class Project:
    """A rewritten model, its file, and a case for the self-check (None: it has none).

    ``name`` is the prefix of names and files.

    ``camera`` is where its rows come from, and ``ram`` what it takes then; ``labels`` are what its outputs are called;
    ``source`` is what its input comes from, with its ``driver`` (None: the application's own). ``targets`` are the
    builds of TFLM that the arena shall suffice in; they do not matter to exported C.
    """

    name: str
    model: Model
    data: bytes
    case: Case | None
    targets: tuple[Target, ...] = ANY_TFLM
    camera: Camera | None = None
    ram: CameraRam | None = None
    labels: tuple[Label, ...] = ()
    source: str = ROWS
    driver: Driver | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.name in ("main", "msf", "tflm_msf") or self.name.startswith("msf_"):
            raise MsfError(f"the name '{self.name}' is taken by the project's own files: give another with --name.")


def c_project(project: Project) -> Files:
    """A directory for ``make`` or CMake that runs the model on this computer; no TFLM, any C99 compiler.

    Raises :class:`MsfError` for a model with operators outside of fusion blocks.
    """
    values = {**_values(project, "c", Runtime.C), "has_loop": False}
    return {
        **{f"kernels/{path}": text for path, text in {**kernel_sources(), **used_header(project.model)}.items()},
        **_model_files(project, Runtime.C, values),
        "main.c": _render("main.c", values),
        "Makefile": _render("Makefile", values),
        "CMakeLists.txt": _render("CMakeLists.txt", values),
        "README.md": _render("project.md", values),
    }


def arduino_project(project: Project, runtime: Runtime) -> Files:
    """A sketch ``<name>/<name>.ino``, and ``libraries/tflm_msf`` for the sketchbook.

    Raises :class:`MsfError` for a model that ``runtime`` does not run.
    """
    values = {**_values(project, "arduino", runtime), "framework": "arduino"}
    values["tflm_header"] = ARDUINO_TFLM if runtime is Runtime.TFLM else ""
    sketch = {**_model_files(project, runtime, values), f"{project.name}.ino": _render("sketch.cpp", values)}
    return {
        **{f"{project.name}/{path}": text for path, text in sketch.items()},
        **_library("libraries/tflm_msf", ("library.properties", "keywords.txt"), project.model),
        "README.md": _render("project.md", values),
    }


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
        **_values(project, "platformio", runtime),
        "framework": place.framework,
        "has_loop": as_sketch,
        "title": board.title,
        "environment": board.name,
        "platform": place.platform,
        "board": place.board,
        "library": board.tflm,
        "lib_deps": ", ".join(filter(None, libraries)),
    }
    program = {"main.cpp": _render("sketch.cpp", values)} if as_sketch else {"main.c": _render("main.c", values)}
    sources = {**_model_files(project, runtime, values), **program}
    files = {f"src/{path}": text for path, text in sources.items()}
    files["platformio.ini"] = _render("platformio.ini", values)
    files["README.md"] = _render("project.md", values)
    if not is_idf:
        return {**files, **_library("lib/tflm_msf", ("library.json", "extra_script.py"), project.model)}
    manifests = ("CMakeLists.txt", "idf_component.yml") if tflm else ("CMakeLists.txt",)
    compiled = sorted(path for path in sources if not path.endswith(".h"))
    if project.driver is not None:
        files["src/idf_component.yml"] = _render("idf_manifest.yml", {**values, "tflm": False})
    return {
        **files,
        "CMakeLists.txt": _render("idf_project.cmake", values),
        "src/CMakeLists.txt": _render("idf_main.cmake", {**values, "sources": compiled}),
        **_library("components/tflm_msf", manifests, project.model),
    }


def esp_idf_project(project: Project, runtime: Runtime) -> Files:
    """A project for ``idf.py``, for every chip of :data:`ESP_CHIPS`.

    Raises :class:`MsfError` for a model that the runtime does not run.
    """
    values = {**_values(project, "esp-idf", runtime), "framework": "espidf", "chips": tuple(ESP_CHIPS)}
    program = {**_model_files(project, runtime, values), "main.cpp": _render("sketch.cpp", values)}
    compiled = sorted(path for path in program if not path.endswith(".h"))
    manifests = ("CMakeLists.txt", "idf_component.yml") if runtime is Runtime.TFLM else ("CMakeLists.txt",)
    files = {f"main/{path}": text for path, text in program.items()}
    for chip, lines in ESP_CHIPS.items():
        files[f"sdkconfig.defaults.{chip}"] = _render("idf_sdkconfig", {"chip": chip, "lines": lines})
    return {
        **files,
        "main/CMakeLists.txt": _render("idf_main.cmake", {**values, "sources": compiled}),
        "main/idf_component.yml": _render("idf_manifest.yml", values),
        "CMakeLists.txt": _render("idf_project.cmake", values),
        "sdkconfig.defaults": _render("idf_sdkconfig", {"chip": ""}),
        "partitions.csv": _render("idf_partitions.csv", {"app_size": _esp_app_size(_flash_of(project))}),
        "README.md": _render("project.md", values),
        **_library("components/tflm_msf", manifests, project.model),
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


def zephyr_project(project: Project, runtime: Runtime) -> Files:
    """An application ``app`` for ``west build``, and the module ``modules/tflm_msf``.

    Raises :class:`MsfError` for a model that the runtime does not run.
    """
    values = {**_values(project, "zephyr", runtime), "framework": "zephyr", "boards": tuple(ZEPHYR_CONSOLES)}
    program = {**_model_files(project, runtime, values), "main.cpp": _render("sketch.cpp", values)}
    files = {f"app/src/{path}": text for path, text in program.items()}
    for board, console in ZEPHYR_CONSOLES.items():
        overlay = _render("zephyr_overlay", {"board": board, "console": console})
        files[f"app/boards/{board.replace('/', '_')}.overlay"] = overlay
    compiled = sorted(path for path in program if not path.endswith(".h"))
    manifests = ("zephyr/module.yml", "zephyr/Kconfig", "zephyr/CMakeLists.txt")
    return {
        **files,
        "app/CMakeLists.txt": _render("zephyr_app.cmake", {**values, "sources": compiled}),
        "app/prj.conf": _render("zephyr_prj.conf", values),
        "app/sample.yaml": _render("zephyr_sample.yaml", values),
        "README.md": _render("project.md", values),
        **_library("modules/tflm_msf", manifests, project.model),
    }


def cmsis_pack(project: Project) -> Files:
    """What a CMSIS-Pack holds: a description, the model and the kernels as C. Zipped it is the pack.

    Raises :class:`MsfError` for a model with operators outside of fusion blocks.
    """
    values = {**_values(project, "cmsis-pack", Runtime.C), "has_loop": False, "url": PACK_URL}
    kernels = {**kernel_sources(), **used_header(project.model)}
    model = {**_model_files(project, Runtime.C, values), "main.c": _render("main.c", values)}
    return {
        **{f"kernels/{path}": text for path, text in kernels.items()},
        **{f"model/{path}": text for path, text in model.items()},
        f"TflmMsf.{project.name}.pdsc": _render("pack.pdsc", {**values, "kernels": sorted(kernels)}),
        LICENCE: library_files()[LICENCE],
        "README.md": _render("project.md", values),
    }


def _window(project: Project) -> Window | None:
    """The features that a microphone makes for it."""
    if project.driver is None or not project.driver.is_microphone:
        return None
    return window_of(project.model, project.source)


def _model_files(project: Project, runtime: Runtime, values: Mapping[str, Any]) -> Files:
    """The model and its case."""
    name = project.name
    if runtime is Runtime.C:
        model = export_c(project.model, name)
    else:
        model = export_tflm(project.model, project.data, name, project.targets)
    if project.camera is not None:
        model = {**model, **camera_sources(project.model, name, project.camera)}
    if project.labels:
        model = {**model, **labels_header(project.model, name, project.labels)}
    if project.case is None:
        return model
    return {**model, f"{name}_case.h": _render("case.h", values), f"{name}_case.c": _render("case.c", values)}


def _library(directory: str, manifests: tuple[str, ...], model: Model) -> Files:
    """The tflm_msf library with those of its manifests that are wanted, made for a model."""
    files = {**library_files(), **{f"src/{path}": text for path, text in used_header(model).items()}}
    return {
        f"{directory}/{path}": files[path] for path in files if path in (*manifests, LICENCE) or path.startswith("src/")
    }


def arena_of(model: Model, data: bytes, runtime: Runtime, targets: Sequence[Target]) -> int:
    """Bytes of arena that a rewritten model takes in a project at most, spare ones for TFLM included."""
    if runtime is Runtime.C:
        return predict(model, C_EXPORT).total
    return max(sketch_arena(model, data, targets))


def _values(project: Project, kind: str, runtime: Runtime) -> dict[str, Any]:
    """What the templates print."""
    graph = project.model.main
    output = graph.tensors[graph.outputs[0]]
    if output.dtype not in _C_TYPES:
        raise MsfError(f"output '{output.name}' holds {output.dtype.name.lower()}, which C has no type for.")
    case = project.case or Case((), ())
    outputs = [value.tobytes() for value in case.outputs]
    tflm = runtime is Runtime.TFLM
    arena = arena_of(project.model, project.data, runtime, project.targets)
    return {
        "name": project.name,
        "upper": project.name.upper(),
        "version": __version__,
        "kind": kind,
        "tflm": tflm,
        "has_loop": True,
        "tflm_header": "",
        "streamed": is_streamed(project.model),
        "pixels": Pixels.of(project.model).describe(),
        "camera": project.camera,
        "labels": project.labels,
        **driver_values(project.driver, project.source, project.camera, _window(project)),
        "ram": "; ".join(project.ram.lines()) if project.ram else "",
        "step": Step.of(project.model),
        "keeps": goes_on(project.model),
        "steps": case.steps,
        "step_bytes": [len(value.tobytes()) // case.steps for value in case.inputs],
        "unfused": any(op.custom_code != CUSTOM_CODE for op in graph.ops),
        "arena": arena,
        "checked": project.case is not None,
        "by_tflm": case.by_tflm,
        "reference": "TFLM" if case.by_tflm else "the kernels",
        "input_count": len(graph.inputs),
        "case_inputs": [value.tobytes() for value in case.inputs],
        "case_outputs": outputs,
        "differs_on": project.targets[0].about if case.differs else "",
        "output_bytes": sum(map(len, outputs)),
        "result": int(np.argmax(case.outputs[0])) if case.outputs else 0,
        "result_type": _C_TYPES[output.dtype],
        "result_count": math.prod(output.shape),
    }


def _render(template: str, values: Mapping[str, Any]) -> str:
    return TEMPLATES.get_template(f"{template}.jinja").render(values)
