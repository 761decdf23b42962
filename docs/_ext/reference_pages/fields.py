"""The fields of a definition as a list: name, meaning, what may be written there, and what holds if nothing is."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from reference_pages.kinds import kind, written
from reference_pages.markdown import definition, plain, prose


def fields(
    model: type[BaseModel],
    anchor: str,
    *,
    without: Container[str] = (),
    optional: bool = True,
    null: bool = False,
) -> str:
    """All fields of a model but those in `without` and those kept out of files; `anchor` begins the name of each.

    `optional`: whether to say what holds where a field is left out; `null`: whether None is written as null.
    """
    defaults = model.model_construct().model_dump(mode="json", warnings=False)
    entries = []
    for name, field in model.model_fields.items():
        if name in without or field.exclude:
            continue
        words = kind(field.annotation, field.metadata, null=null)
        words += f"; {_otherwise(field, defaults.get(name))}" if optional else ""
        shown = field.alias or name
        entries.append(definition(shown, f"{anchor}-{shown}", _sentence(field), f"*{_capital(words)}.*"))
    return "\n\n".join(entries)


def _sentence(field: FieldInfo) -> str:
    text = field.description or ""
    if not text and isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
        text = prose(field.annotation.__doc__).split("\n\n")[0]
    text = _capital(plain(text.strip()).rstrip("."))
    return f"{text}." if text else ""


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _otherwise(field: FieldInfo, default: Any) -> str:
    if field.is_required():
        return "required"
    if default in (None, "", [], {}) or isinstance(default, dict):
        return "may be left out"
    return f"{written(default)} if left out"
