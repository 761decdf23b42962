"""A spec told to students: its idea, and for each check what is done to the server and why a right one passes.

Everything comes from the definitions: the text of the spec with its comments, and the behaviours' docstrings and
parameters. So it cannot drift from what is graded.
"""

from __future__ import annotations

import inspect
import re
import textwrap
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from grader.spec.model import CheckFields, Spec
from grader.spec.positions import lines_of, read_yaml
from grader.words import listed, said, say, together
from grader.words.language import ENGLISH, Language

_WIDTH = 100
_YES, _NO = say("yes"), say("no")
_PIECE = re.compile(r"[!-~]+|.", re.DOTALL)
_CLOSING, _OPENING = ("Po", "Pe", "Pf"), ("Ps", "Pi")


@dataclass(frozen=True, slots=True)
class ToldCheck:
    """One check in words: `does` is what is done to the server, `why` the spec's own comment above it."""

    id: str
    title: str
    points: float
    does: str
    why: str
    parameters: str


def told_checks(spec: Spec, text: bytes) -> list[ToldCheck]:
    """Every check of a spec; `text` is that of its file, for the comments."""
    document = read_yaml(text, spec.spec)
    lines = lines_of(text.decode("utf-8-sig"))
    return [
        ToldCheck(
            id=check.id,
            title=check.title,
            points=check.points,
            does="\n".join(told_paragraphs(type(check).__doc__ or "")),
            why=_comment_above(lines, document.place(("checks", index)).line),
            parameters=_parameters(check),
        )
        for index, check in enumerate(spec.checks)
        if not check.hidden
    ]


def told_paragraphs(docstring: str) -> list[str]:
    """The paragraphs of a docstring, each in one line."""
    return [paragraph.replace("\n", " ") for paragraph in inspect.cleandoc(docstring).split("\n\n")]


def _comment_above(lines: list[str], line: int) -> str:
    """The comment lines that end right above a line (counted from 1), joined."""
    found: list[str] = []
    for above in reversed(lines[: line - 1]):
        if not above.strip().startswith("#"):
            break
        found.insert(0, above.strip().lstrip("#").strip())
    return " ".join(found)


def _parameters(check: CheckFields) -> str:
    written = check.model_dump(mode="json", exclude=set(CheckFields.model_fields))
    return together(
        say("{parameter} {value}", parameter=name, value=_written(value)) for name, value in written.items()
    )


def _written(value: Any) -> str:
    if isinstance(value, list):
        return listed(map(_written, value))
    return {True: _YES, False: _NO}[value] if isinstance(value, bool) else str(value)


def explain(spec: Spec, text: bytes, language: Language = ENGLISH) -> str:
    """The whole spec as plain text."""
    word = language.word
    heading = language.tell(say("{title}  ({points:g} points)", title=said(spec.title), points=spec.max_score))
    parts = [heading, _wrapped(word(spec.description))]
    if spec.picture:
        parts.append(textwrap.indent(spec.picture.rstrip("\n"), "    "))
    for check in told_checks(spec, text):
        told = [language.tell(_heading(check)), _wrapped(word(check.why), "  ")]
        told += [_wrapped(word(paragraph), "  ") for paragraph in check.does.split("\n")]
        told.append(_wrapped(language.tell(say("Here: {parameters}", parameters=check.parameters)), "  "))
        parts.append("\n".join(filter(None, told)))
    return "\n\n".join(filter(None, parts)) + "\n"


def _heading(check: ToldCheck) -> str:
    points = say("{points:g} point", points=check.points)
    if check.points != 1:
        points = say("{points:g} points", points=check.points)
    return say("{check}: {title}  ({points})", check=check.id, title=said(check.title), points=points)


def _wrapped(text: str, indent: str = "") -> str:
    if not any(map(_is_wide, text)):
        return textwrap.fill(text, _WIDTH, initial_indent=indent, subsequent_indent=indent)
    return "\n".join(indent + line for line in _lines(text, _WIDTH - len(indent)))


def _lines(text: str, width: int) -> Iterator[str]:
    """Lines of a text whose words need no spaces between them; a wide character takes two columns (UAX #11)."""
    line, at = "", 0
    for piece in _pieces(text):
        columns = len(piece) + sum(map(_is_wide, piece))
        if line and at + columns > width:
            yield line.rstrip()
            line, at = piece.lstrip(), columns
        else:
            line, at = line + piece, at + columns
    if line:
        yield line.rstrip()


def _pieces(text: str) -> list[str]:
    """Where a line may be cut: around any wide character, but not before what closes, nor after what opens."""
    found: list[str] = []
    for piece in _PIECE.findall(text):
        closes = not piece.isascii() and unicodedata.category(piece[0]) in _CLOSING
        if found and (closes or unicodedata.category(found[-1][-1]) in _OPENING):
            found[-1] += piece
        else:
            found.append(piece)
    return found


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in ("W", "F")
