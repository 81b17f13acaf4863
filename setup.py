"""The native part of the build; everything else is in pyproject.toml.

The kernels are compiled for this computer so that `tflm-msf verify` can run them inside the TFLM interpreter of the
`tflite-micro` wheel, which exists for Linux on x86-64 only. The planner's core is compiled wherever there is a compiler
that can; without one the package is pure Python.
"""

import os
import platform
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
KERNELS = Path("tflm_kernels/src")
CORE = Path("tflm_msf/core")
STRICT = os.environ.get("TFLM_MSF_STRICT_BUILD") == "1"


def below(pattern: str) -> list[str]:
    """Kernel sources as setuptools wants them: relative to this file, in an order that never changes."""
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / KERNELS).rglob(pattern))


kernels = Extension(
    # A plain shared library that ctypes loads. It has no PyInit function and is never imported.
    "tflm_msf.runtime._kernels",
    sources=[*below("*.c"), "tflm_msf/runtime/wheel_adapter.c"],
    depends=below("*.h"),
    include_dirs=[str(KERNELS)],
    libraries=["dl"],
    extra_compile_args=["-std=c99", "-O2", "-Wall", "-Wextra", "-Wconversion", *(["-Werror"] if STRICT else [])],
    # Without a C compiler the tool still plans and rewrites; `verify` then says what is missing. Developers want to
    # see the failure.
    optional=not STRICT,
)


core = Extension(
    # Loaded by ctypes too. Without it the planner computes the same in Python, which takes longer.
    "tflm_msf.core._core",
    sources=sorted(str(path.relative_to(ROOT)) for path in (ROOT / CORE).glob("*.c")),
    depends=[f"{CORE}/core.h"],
    extra_compile_args=["-std=c99", "-O2", "-Wall", "-Wextra", "-Wconversion", *(["-Werror"] if STRICT else [])],
    optional=not STRICT,
)


class BuildWithKernels(build_py):
    """Ships the kernels' library inside the package, for `tflm_msf.export`. A development install reads it here."""

    def run(self) -> None:
        """Build the package as always, then add the library: its sources and its manifests."""
        super().run()
        if not self.editable_mode:
            library = KERNELS.parent
            manifests = [str(path.relative_to(ROOT)) for path in (ROOT / library).glob("*.*") if path.is_file()]
            for source in (*below("*.c"), *below("*.h"), *below("*.cpp"), *sorted(manifests)):
                target = Path(self.build_lib) / "tflm_msf" / "library" / Path(source).relative_to(library)
                self.mkpath(str(target.parent))
                self.copy_file(source, str(target))


on_linux_x86_64 = platform.system() == "Linux" and platform.machine() == "x86_64"
setup(ext_modules=[kernels, core] if on_linux_x86_64 else [core], cmdclass={"build_py": BuildWithKernels})
