"""Where messages are found: Babel's extraction methods for what only this project has.

Python files are read as syntax trees: messages stand in calls of `say`, `say_of` and `mark`; the texts of diagnoses,
titles and docstrings of behaviours, and what reference clients do, are messages as they stand. Of the bundled specs
titles, descriptions, hints, and the comments above checks are told to students.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import yaml

from grader.behaviours import catalogue
from grader.clients import personas
from grader.clients.hands import told_of
from grader.spec import load_spec
from grader.spec.told import told_checks, told_paragraphs

Found = tuple[int, str, str | tuple[str, ...], list[str]]
"""Line, function, message or messages, comments: as Babel asks for it."""

_TEXT = ("title", "explanation", "hint", "reading")
_NO_WORDS = re.compile(r"[\w-]+\(\d\)|PEP \d+|[\W\d_]*")
"""Names of manual pages and the like, which are the same everywhere."""


def python(file: IO[bytes], keywords: Mapping[str, Any], tags: Any, options: Mapping[str, Any]) -> Iterator[Found]:  # noqa: ARG001 - Babel's own signature
    """The messages of a Python file of the package."""
    name = Path(file.name)
    tree = ast.parse(file.read())
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield from _call(node, node.func.id)
        if isinstance(node, ast.ClassDef) and name.parent.name == "behaviours":
            yield from _behaviour(node)
    if name.name == "personas.py":
        for part in vars(personas).values():
            if inspect.isfunction(part) and part.__module__ == personas.__name__:
                yield _one(part.__code__.co_firstlineno, told_of(part))


def _one(line: int, message: str) -> Found:
    return line, "mark", message, []


def _call(node: ast.Call, called: str) -> Iterator[Found]:
    arguments = [_constant(argument) for argument in node.args]
    if called in ("say", "mark") and arguments[0]:
        yield _one(node.lineno, arguments[0])
    if called == "say_of":
        yield node.lineno, "say_of", ("", *filter(None, arguments[1:3])), []
    if called == "Text" and len(node.args) == len(_TEXT):
        reading = node.args[3]
        assert isinstance(reading, ast.Tuple)
        for text in (*arguments[:3], *map(_constant, reading.elts)):
            if text and not _NO_WORDS.fullmatch(text):
                yield _one(node.lineno, text)


def _constant(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _behaviour(node: ast.ClassDef) -> Iterator[Found]:
    names = {
        part.target.id: part
        for part in node.body
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
    }
    if "default_title" not in names:
        return
    title = names["default_title"].value
    yield _one(node.lineno, _constant(title) if title else "")
    for paragraph in told_paragraphs(ast.get_docstring(node) or ""):
        yield _one(node.lineno, paragraph)


def spec(file: IO[bytes], keywords: Mapping[str, Any], tags: Any, options: Mapping[str, Any]) -> Iterator[Found]:  # noqa: ARG001 - Babel's own signature
    """The messages of a bundled spec."""
    text = file.read()
    found = load_spec(Path(file.name), catalogue())
    texts = [found.title, found.description, *(check.hint for check in found.checks)]
    for check in told_checks(found, text):
        texts += [check.title, check.why]
    for message in filter(None, texts):
        yield _one(1, message)


def alike(file: IO[bytes], keywords: Mapping[str, Any], tags: Any, options: Mapping[str, Any]) -> Iterator[Found]:  # noqa: ARG001 - Babel's own signature
    """Why some bundled servers pass specs that they were not written for."""
    for reasons in yaml.safe_load(file).values():
        for message in reasons.values():
            yield _one(1, message)
