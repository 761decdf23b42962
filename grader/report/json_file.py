"""report.json, schema 1: written whole or not at all, and read back."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from grader.report.escape import harmful
from grader.report.model import Record, Report
from grader.report.told import to_json
from grader.words import ToldError, say

_NO_ASCII = re.compile("[^\n -~]")


class ReportError(ToldError, ValueError):
    """A file that is no report of ours; the message says why."""


def report_json(report: Report) -> str:
    """The text of report.json."""
    return record_json(report)


def record_json(record: Record) -> str:
    r"""A record as JSON, ending in a newline; what has no place in UTF-8 is spelled out (`\udcff`).

    Characters that would harm a terminal are there as escapes of JSON's own, which say the same.
    """
    return harmless_json(json.dumps(_plain(record), indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def _plain(record: Record) -> dict[str, Any]:
    plain = record.model_dump(by_alias=True)
    if isinstance(record, Report):
        plain["messages"] = to_json(record.messages)
    return plain


def harmless_json(text: str) -> str:
    """JSON that says the same, without a character that would harm a terminal or has no place in UTF-8."""
    return _NO_ASCII.sub(lambda found: _harmless(found[0]), text)


def _harmless(char: str) -> str:
    if unicodedata.category(char) == "Cs":  # what Python makes of bytes in file names that are no UTF-8
        return f"\\\\u{ord(char):04x}"
    return json.dumps(char)[1:-1] if harmful(char) else char


def write_json(report: Report, path: Path) -> None:
    """Write report.json; whoever reads the path sees the old file or the new one, never half of it."""
    write_atomically(path, report_json(report))


def write_atomically(path: Path, text: str) -> None:
    """Write a text file beside its place, then move it there; if that fails, nothing is left beside it."""
    write_streamed(path, [text])


def write_streamed(path: Path, pieces: Iterable[str]) -> None:
    """The same for a text that comes in pieces, none of which is kept."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        # Where a submission may have put a link of this name, it is not followed.
        beside.unlink(missing_ok=True)
        with beside.open("x", encoding="utf-8") as file:
            file.writelines(pieces)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def read_json(path: Path) -> Report:
    """Read report.json back.

    Raises:
        ReportError: it cannot be read, or is not a report of schema 1.
    """
    try:
        return Report.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ReportError(say("cannot read {path}: {error}", path=str(path), error=str(error.strerror))) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        words = say("{path} is not a report of schema 1: {error}", path=str(path), error=f"{where}: {first['msg']}")
        raise ReportError(words) from None


def report_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of report.json."""
    schema = Report.model_json_schema(by_alias=True, mode="serialization")
    found: dict[str, Any] = json.loads(json.dumps(schema))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}
