"""The reference of report.json: every record that a report is made of, in the order in which one meets them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from grader.report.model import Report
from reference_pages.fields import fields
from reference_pages.kinds import anchor
from reference_pages.markdown import heading, page, prose


def fragments(_: Path) -> dict[str, str]:
    """The generated files by name."""
    records = list(dict.fromkeys(_records(Report)))
    return {"report.md": page(*map(_record, records))}


def _records(record: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield record
    for field in record.model_fields.values():
        for inner in _inside(field.annotation):
            yield from _records(inner)


def _inside(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _inside(argument)


def _record(record: type[BaseModel]) -> str:
    return page(
        heading(3, record.__name__, anchor(record)),
        prose(record.__doc__),
        fields(record, anchor(record), optional=False, null=True),
    )
