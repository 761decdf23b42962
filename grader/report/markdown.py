"""Text that a submission chose, made harmless for Markdown: it shows as it is, whatever it holds."""

from __future__ import annotations

import re

from grader.report.escape import escape_text

# CommonMark, "Backslash escapes": before any of these a backslash makes it stand for itself.
_PUNCTUATION = re.compile(r"([!\"#$%'()*+,\-./:;=?@\[\\\]^_`{|}~])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_TICKS = re.compile("`+")


def inline(text: str) -> str:
    """Text within a line or the cell of a table; no markup, no HTML, no link and no line end comes of it."""
    escaped = _PUNCTUATION.sub(r"\\\1", escape_text(text))
    return "".join(_ENTITIES.get(char, char) for char in escaped)


def code_block(text: str) -> str:
    """Lines of code in a fence that is longer than any in them."""
    fence = "`" * max(3, 1 + max((len(ticks) for ticks in _TICKS.findall(text)), default=0))
    return f"{fence}text\n{escape_text(text, keep=chr(10))}\n{fence}\n"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table (GitHub Flavored Markdown); its cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
