"""Tables that stand between two marks in a page."""

from __future__ import annotations

from pathlib import Path

README = Path(__file__).parent.parent / "README.md"


def shown_table(name: str, page: Path = README) -> str:
    """The table that stands between ``<!-- name begin -->`` and ``<!-- name end -->``."""
    _, table, _ = _parts(name, page)
    return table.strip()


def write_table(name: str, table: str, page: Path = README) -> None:
    """Puts a table there, instead of what is there."""
    before, _, after = _parts(name, page)
    page.write_text(f"{before}\n{table}\n{after}", encoding="utf-8")


def _parts(name: str, page: Path) -> tuple[str, str, str]:
    """What a page holds up to the first mark, between the two, and from the second one on."""
    begin, end = f"<!-- {name} begin -->", f"<!-- {name} end -->"
    before, rest = page.read_text(encoding="utf-8").split(begin)
    table, after = rest.split(end)
    return before + begin, table, end + after
