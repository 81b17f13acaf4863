"""What pyproject.toml cannot say: the kernels' library is shipped inside the package.

All of the package is Python and sources in C: what has to run on this computer is compiled when it is first needed
(`tflm_msf/compiled.py`).
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
LIBRARY = Path("tflm_kernels")


class BuildWithKernels(build_py):
    """Ships the kernels' library inside the package. A development install reads it where it is."""

    def run(self) -> None:
        """Build the package as always, then add the library: its sources and its manifests."""
        super().run()
        if self.editable_mode:
            return
        places = [(ROOT / LIBRARY / place).rglob("*") for place in ("src", "esphome")]
        sources = [path for place in places for path in place if path.suffix in (".c", ".h", ".cpp", ".py")]
        manifests = [path for place in ("", "zephyr") for path in (ROOT / LIBRARY / place).glob("*") if path.is_file()]
        for path in sorted([*sources, *manifests]):
            target = Path(self.build_lib) / "tflm_msf" / "library" / path.relative_to(ROOT / LIBRARY)
            self.mkpath(str(target.parent))
            self.copy_file(str(path), str(target))


setup(cmdclass={"build_py": BuildWithKernels})
