"""Text that a submission chose, made harmless for Markdown: it shows as it is, whatever it holds."""

from __future__ import annotations

import re

from grader.report.escape import escape_text

# With a backslash what Markdown has let escape from the beginning ("Backslash Escapes"), the rest, of its descendants
# (tables, struck out text, links and mentions without brackets, mathematics), as references that each of them knows.
_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()#+\-.!])")
_REFERENCES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", **{char: f"&#{ord(char)};" for char in "|~:@$="}})
_TICKS = re.compile("`+")


def inline(text: str) -> str:
    """Text within a line or the cell of a table; no markup, no HTML, no link and no line end comes of it."""
    return _PUNCTUATION.sub(r"\\\1", escape_text(text).translate(_REFERENCES).replace("&#", "\0")).replace("\0", "&#")


def code_block(text: str) -> str:
    """Lines of code in a fence that is longer than any in them."""
    fence = "`" * max(3, 1 + max((len(ticks) for ticks in _TICKS.findall(text)), default=0))
    return f"{fence}text\n{escape_text(text, keep=chr(10))}\n{fence}\n"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table (GitHub Flavored Markdown); its cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
