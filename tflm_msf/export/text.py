"""Texts of generated sources: templates, names, comments and arrays."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jinja2 import Environment, PackageLoader, StrictUndefined

from tflm_msf.errors import MsfError
from tflm_msf.graph import Model
from tflm_msf.graph.pixels import Pixels
from tflm_msf.program.decode import fetches_of

BYTES_PER_LINE = 16

TEMPLATES = Environment(
    loader=PackageLoader("tflm_msf.export"),
    autoescape=False,  # noqa: S701 - this makes C, and every name from the model goes through comment
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


_RESERVED = re.compile(
    r"alignas|alignof|and|and_eq|asm|auto|bitand|bitor|bool|break|case|catch|char|class|compl|concept|const|"
    r"consteval|constexpr|constinit|const_cast|continue|decltype|default|delete|do|double|dynamic_cast|else|enum|"
    r"explicit|export|extern|false|float|for|friend|goto|if|inline|int|long|mutable|namespace|new|noexcept|not|"
    r"not_eq|nullptr|operator|or|or_eq|private|protected|public|register|reinterpret_cast|requires|return|short|"
    r"signed|sizeof|static|static_assert|static_cast|struct|switch|template|this|thread_local|throw|true|try|"
    r"typedef|typeid|typename|union|unsigned|using|virtual|void|volatile|wchar_t|while|xor|xor_eq"
)
"""Keywords of C++, of which a model's namespace cannot be one."""


def rows_hold(model: Model) -> str:
    """What a row of a streamed input holds, and how often each is asked for where that is more than once."""
    times = fetches_of(model)
    return Pixels.of(model).describe() + (f"; each is asked for {times} times an inference" if times > 1 else "")


def check_name(name: str) -> None:
    """Raises MsfError for a name that C does not take."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) or "__" in name:
        raise MsfError(
            f"'{name}' cannot be part of C names: use letters, digits and underscores, a letter first and no two "
            "underscores together, which C++ keeps for itself."
        )
    if _RESERVED.fullmatch(name):
        raise MsfError(f"'{name}' is a word of C++'s own, which no namespace can be called; choose another name.")


def c_name(text: str) -> str:
    """The name closest to ``text`` that :func:`check_name` takes."""
    name = re.sub(r"[\W_]+", "_", text, flags=re.ASCII).strip("_")
    is_free = bool(name) and not name[0].isdigit() and not _RESERVED.fullmatch(name)
    return name if is_free else f"model_{name}".rstrip("_")


def comment(text: str) -> str:
    """Text from the model, as it may stand in a C comment."""
    return re.sub(r"[^\w .,:;/()\[\]-]", "_", text, flags=re.ASCII).replace("//", "/")


def rows(data: bytes) -> str:
    """Bytes as lines of C initialisers."""

    def lines() -> Iterator[str]:
        for start in range(0, len(data), BYTES_PER_LINE):
            yield "    " + ", ".join(str(value) for value in data[start : start + BYTES_PER_LINE]) + ","

    return "\n".join(lines())
