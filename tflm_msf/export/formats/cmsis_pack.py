"""What a CMSIS-Pack holds."""

from __future__ import annotations

from tflm_msf.export.kernels import LICENCE, kernel_sources, library_files
from tflm_msf.export.project import Files, Project, Runtime, model_files, project_values, render
from tflm_msf.export.used import used_header

PACK_URL = "https://pypi.org/project/tflm-msf/"


def cmsis_pack(project: Project) -> Files:
    """What a CMSIS-Pack holds: a description, the model and the kernels as C. Zipped it is the pack.

    Raises :class:`MsfError` for a model with operators outside of fusion blocks.
    """
    values = {**project_values(project, "cmsis-pack", Runtime.C), "has_loop": False, "url": PACK_URL}
    kernels = {**kernel_sources(), **used_header(project.model)}
    model = {**model_files(project, Runtime.C, values), "main.c": render("main.c", values)}
    return {
        **{f"kernels/{path}": text for path, text in kernels.items()},
        **{f"model/{path}": text for path, text in model.items()},
        f"TflmMsf.{project.name}.pdsc": render("pack.pdsc", {**values, "kernels": sorted(kernels)}),
        LICENCE: library_files()[LICENCE],
        "README.md": render("project.md", values),
    }
