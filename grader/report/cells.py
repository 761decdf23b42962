"""CSV that a spreadsheet shows as it is meant: no cell becomes a formula, and none falls apart."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from grader.report.escape import escape_text

# OWASP, "CSV Injection": what a formula begins with, also in the full width that East Asian keyboards give. Its tabs
# and line ends are spelled out before.
_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")

Cell = str | float | None


def guarded(text: str) -> str:
    """Text for a cell: control characters spelled out, and an apostrophe before what would be read as a formula."""
    clean = escape_text(text)
    return f"'{clean}" if clean.lstrip().startswith(_FORMULA) else clean


def csv_line(cells: Iterable[Cell]) -> str:
    """A line of CSV (RFC 4180), each text guarded and in quotes; None is an empty cell."""
    line = io.StringIO()
    quoted = ["" if cell is None else guarded(cell) if isinstance(cell, str) else _number(cell) for cell in cells]
    csv.writer(line, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n").writerow(quoted)
    return line.getvalue()


def _number(value: float) -> float | int:
    rounded = round(value, 4)
    return int(rounded) if rounded == int(rounded) else rounded
