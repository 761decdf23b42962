"""Validation errors in the words of somebody who writes a spec."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast, get_args

from pydantic import BaseModel, PlainSerializer

from grader.spec.positions import Document, Path
from grader.spec.problems import Problem, nearest

_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "list": "a list",
    "dict": "a mapping of keys to values",
    "model": "a mapping of keys to values",
}
_BOUNDS = {"ge": "at least", "le": "at most", "gt": "more than", "lt": "less than"}


def problem_of(
    error: Any, kind: type[BaseModel], document: Document, path: Path, hide: tuple[str, ...] = ()
) -> Problem:
    """One error of pydantic, about a value at `path` + its own location, as a located problem."""
    inner = tuple(part for part in error["loc"] if isinstance(part, str | int))
    where = (*path, *inner)
    kind_of_error, name = str(error["type"]), _name(inner)
    if kind_of_error == "missing":
        return Problem(f"{name} is missing", document.file, document.place(where[:-1]))
    if kind_of_error == "extra_forbidden":
        valid = [field for field in _model_at(kind, inner[:-1]).model_fields if field not in hide]
        place = document.place(where, key=True)
        return Problem(f"unknown key {name}", document.file, place, nearest(inner[-1], valid))
    message, remedy = _words(error, kind_of_error, name, _writer(kind, inner))
    return Problem(message, document.file, document.place(where), remedy)


def _name(inner: Path) -> str:
    if inner and isinstance(inner[-1], int) and len(inner) > 1:
        return f"entry {inner[-1] + 1} of {inner[-2]!r}"
    return repr(inner[-1]) if inner else "this"


def _writer(kind: type[BaseModel], inner: Path) -> Callable[[Any], str]:
    """How the quantity at a path below a model is written, with its unit; any other number as it is."""
    names = [part for part in inner if isinstance(part, str)]
    field = _model_at(kind, inner[: inner.index(names[-1])]).model_fields.get(names[-1]) if names else None
    parts = [*field.metadata, *(part for arg in get_args(field.annotation) for part in get_args(arg))] if field else []
    found = next((part.func for part in parts if isinstance(part, PlainSerializer)), None)
    return cast("Callable[[Any], str]", found) if found else lambda value: f"{value:.15g}"


def _words(error: Any, kind: str, name: str, write: Callable[[Any], str]) -> tuple[str, str]:
    given, context = _shown(error["input"]), error.get("ctx", {})
    if kind == "literal_error":
        return f"{name} cannot be {given}", nearest(error["input"], re.findall(r"'([^']*)'", context["expected"]))
    if kind == "value_error" and name == "this":
        return str(context["error"]), ""
    if kind == "value_error":
        return f"{name} cannot be {given}", str(context["error"])
    if kind in ("greater_than_equal", "less_than_equal", "greater_than", "less_than"):
        bound, value = next((bound, context[bound]) for bound in _BOUNDS if bound in context)
        # A quantity that may be left out is compared as a number, but given to us as it was written.
        found = error["input"] if isinstance(error["input"], str) else write(error["input"])
        return f"{name} must be {_BOUNDS[bound]} {write(value)}, not {found}", ""
    if kind in ("too_short", "string_too_short"):
        return f"{name} must not be empty", ""
    if kind in ("too_long", "string_too_long"):
        return f"{name} is too long", ""
    if kind == "string_pattern_mismatch":
        return f"{name} cannot be {given}", "use small letters, digits, '-' and '_' only"
    if kind == "finite_number":
        return f"{name} must be a finite number, not {given}", ""
    wanted = _KINDS.get(kind.split("_", maxsplit=1)[0], "something else")
    return f"{name} must be {wanted}, not {given}", ""


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "empty"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - one line of a terminal


def _model_at(kind: type[BaseModel], inner: Path) -> type[BaseModel]:
    """The model of the mapping at a path below another."""
    for part in inner:
        if not isinstance(part, str) or part not in kind.model_fields:
            continue
        annotation = kind.model_fields[part].annotation
        nested = [a for a in (annotation, *get_args(annotation)) if isinstance(a, type) and issubclass(a, BaseModel)]
        if nested:
            kind = nested[0]
    return kind
