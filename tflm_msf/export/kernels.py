"""The kernels' C sources, wherever this installation has them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tflm_msf.errors import MsfError

_PACKAGE = Path(__file__).parents[1]
_SHIPPED = _PACKAGE / "kernels"  # setup.py puts them there when a wheel is built
_IN_TREE = _PACKAGE.parent / "tflm_kernels" / "src"  # a development install uses the repository's own


def kernel_sources() -> Mapping[str, str]:
    """The kernels' .c and .h files by their path from one another, without the adapter for TFLM.

    An exported model needs all of them, and the top directory as include path.

    Raises :class:`MsfError` if the installation lacks them.
    """
    directory = _IN_TREE if _IN_TREE.is_dir() else _SHIPPED
    paths = sorted(directory.rglob("msf*.[ch]"))
    if not paths:
        raise MsfError(f"the kernels' sources are missing in {directory}: install tflm-msf again.")
    return {path.relative_to(directory).as_posix(): path.read_text(encoding="utf-8") for path in paths}
