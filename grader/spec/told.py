"""A spec told to students: its idea, and for each check what is done to the server and why a right one passes.

Everything comes from the definitions: the text of the spec with its comments, and the behaviours' docstrings and
parameters. So it cannot drift from what is graded.
"""

from __future__ import annotations

import inspect
import textwrap
from dataclasses import dataclass
from typing import Any

from grader.spec.model import CheckFields, Spec
from grader.spec.positions import lines_of, read_yaml

_WIDTH = 100


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
            does=_paragraphs(check),
            why=_comment_above(lines, document.place(("checks", index)).line),
            parameters=_parameters(check),
        )
        for index, check in enumerate(spec.checks)
        if not check.hidden
    ]


def _paragraphs(check: CheckFields) -> str:
    return inspect.cleandoc(type(check).__doc__ or "").replace("\n\n", "\0").replace("\n", " ").replace("\0", "\n")


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
    return "; ".join(f"{name} {_written(value)}" for name, value in written.items())


def _written(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_written, value))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def explain(spec: Spec, text: bytes) -> str:
    """The whole spec as plain text."""
    parts = [f"{spec.title}  ({spec.max_score:g} points)", _wrapped(spec.description)]
    if spec.picture:
        parts.append(textwrap.indent(spec.picture.rstrip("\n"), "    "))
    for check in told_checks(spec, text):
        points = f"{check.points:g} point{'' if check.points == 1 else 's'}"
        told = [f"{check.id}: {check.title}  ({points})", _wrapped(check.why, "  ")]
        told += [_wrapped(paragraph, "  ") for paragraph in check.does.split("\n")]
        told.append(_wrapped(f"Here: {check.parameters}", "  "))
        parts.append("\n".join(filter(None, told)))
    return "\n\n".join(filter(None, parts)) + "\n"


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, _WIDTH, initial_indent=indent, subsequent_indent=indent)
