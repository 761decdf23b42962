"""Types in words: what may be written for a field, with its unit and its bounds, read from the field's annotation."""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel, BeforeValidator, PlainSerializer
from pydantic.fields import FieldInfo

from grader.spec.model import CheckFields
from grader.spec.parts import as_list
from grader.spec.units import write_duration, write_percent, write_size

Write = Callable[[Any], str]

_QUANTITIES: tuple[tuple[Write, str], ...] = (
    (write_percent, "a percentage such as `5%`"),
    (write_duration, "a time with its unit, such as `200 ms`"),
    (write_size, "a size with its unit, such as `256 MiB`"),
)
_PLAIN = {str: "text", int: "a whole number", float: "a number", bool: "`true` or `false`", type(None): "null"}


def kind(annotation: Any, metadata: Iterable[Any] = (), *, null: bool = False) -> str:
    """A type in words, such as "a whole number from 2 to 1000"; whether None is `null`, or just means left out."""
    marks = _flat(metadata)
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return kind(inner[0], (*inner[1:], *marks), null=null)
    if origin in (Union, types.UnionType):
        members = [member for member in inner if null or member is not type(None)]
        return _either([kind(member, () if member is type(None) else marks, null=null) for member in members])
    if origin is Literal:
        return _either([written(value) for value in inner])
    if origin is list:
        return _list(inner[0], marks, null=null)
    if origin is dict:
        return f"a mapping from {kind(inner[0])} to {kind(inner[1], null=null)}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _either([f"`{member.value}`" for member in annotation])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return link(annotation)
    return _plain(annotation, marks)


def link(model: type[BaseModel]) -> str:
    """A link to where a part of a spec or a record of a report is described."""
    return f"[{_TITLES.get(model, model.__name__)}](#{anchor(model)})"


def anchor(model: type[BaseModel]) -> str:
    """The name by which its description can be linked to."""
    return f"part-{model.__name__.lower()}"


_TITLES: dict[type[BaseModel], str] = {CheckFields: "check"}


def written(value: Any) -> str:
    """A value as a spec would write it, in code."""
    return f"`{_yaml(value)}`"


def _yaml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_yaml, value))}]"
    if isinstance(value, str):
        return value if value.isprintable() and value else json.dumps(value)
    return f"{value:g}" if isinstance(value, float) else json.dumps(value)


def _flat(metadata: Iterable[Any]) -> tuple[Any, ...]:
    """Marks of an annotation; those that a `Field(...)` holds are taken out of it."""
    found: list[Any] = []
    for mark in metadata:
        found += mark.metadata if isinstance(mark, FieldInfo) else [mark]
    return tuple(found)


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _list(member: Any, marks: tuple[Any, ...], *, null: bool) -> str:
    length = _length(marks, "entry", "entries")
    short = any(isinstance(mark, BeforeValidator) and mark.func is as_list for mark in marks)
    one = kind(member, null=null)
    if short and get_origin(member) is Literal:
        return f"one or a list of {one}{length}"
    if short:
        return f"one word or a list of words{length}"
    if one == "text" or one.startswith("["):
        return f"a list of {one}{length}"
    return f"a list, each entry {one}{length}"


def _plain(annotation: Any, marks: tuple[Any, ...]) -> str:
    writers = [mark.func for mark in marks if isinstance(mark, PlainSerializer)]
    for write, quantity in _QUANTITIES:
        if write in writers:
            return ", ".join(filter(None, (quantity, _bounds(marks, write))))
    words = _PLAIN[annotation]
    pattern = next((mark.pattern for mark in marks if getattr(mark, "pattern", None)), None)
    matching = f" that matches `{pattern}`" if pattern else ""
    bounds = _bounds(marks, _number)
    return f"{words}{matching}{' ' if bounds else ''}{bounds}{_length(marks, 'character', 'characters')}"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:g}"


def _bounds(marks: tuple[Any, ...], write: Write) -> str:
    found = {type(mark): mark for mark in marks}
    low, above = found.get(Ge), found.get(Gt)
    high, below = found.get(Le), found.get(Lt)
    if low and high:
        return f"from {write(low.ge)} to {write(high.le)}"
    words = []
    if low:
        words.append(f"at least {write(low.ge)}")
    if above:
        words.append(f"more than {write(above.gt)}")
    if high:
        words.append(f"at most {write(high.le)}")
    if below:
        words.append(f"less than {write(below.lt)}")
    return " and ".join(words)


def _length(marks: tuple[Any, ...], one: str, many: str) -> str:
    least = next((mark.min_length for mark in marks if isinstance(mark, MinLen)), 0)
    most = next((mark.max_length for mark in marks if isinstance(mark, MaxLen)), None)
    if most is None:
        return f", at least {least} {one if least == 1 else many}" if least else ""
    return f", {least} to {most} {many}" if least else f", at most {most} {many}"
