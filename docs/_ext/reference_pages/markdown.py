"""The few shapes of Markdown that generated text is made of."""

from __future__ import annotations

import inspect
import re
import textwrap

_RAISES = re.compile(r"^Raises:\n((?:    .*\n?)+)", re.MULTILINE)
_IN_CODE = re.compile(r"`[^`]*`|[\\<*\[\]]")


def prose(docstring: str | None) -> str:
    """A docstring as paragraphs; what it raises is a paragraph of its own."""
    text = inspect.cleandoc(docstring or "")
    return _RAISES.sub(lambda found: _raises(found[1]), text).strip()


def _raises(block: str) -> str:
    error, _, when = " ".join(textwrap.dedent(block).split()).partition(": ")
    return f"*Raises* `{error}`: {when}"


def plain(text: str) -> str:
    """Text in which only what stands in backticks is marked up."""
    return _IN_CODE.sub(lambda found: found[0] if found[0][0] == "`" else f"\\{found[0]}", text)


def heading(level: int, text: str, anchor: str = "") -> str:
    """A heading, with a name to link to if there is one."""
    return f"({anchor})=\n{'#' * level} {text}" if anchor else f"{'#' * level} {text}"


def definition(term: str, anchor: str, *paragraphs: str) -> str:
    """An entry of a definition list: a term in code, and what there is to say of it."""
    told = "\n\n".join(filter(None, paragraphs))
    return f"[`{term}`]{{#{anchor}}}\n:{textwrap.indent(told, '    ')[1:]}"


def code(language: str, text: str) -> str:
    """A block of code."""
    return f"```{language}\n{text.rstrip()}\n```"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table of short cells."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def page(*blocks: str) -> str:
    """Blocks, one after the other."""
    return "\n\n".join(filter(None, blocks)) + "\n"
