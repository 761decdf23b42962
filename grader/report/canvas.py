"""Grades for Canvas: its exported gradebook, with one column filled in.

What the importer reads is from canvas-lms, lib/gradebook_importer.rb: the columns of students up to Section, the row
"Points Possible", columns of assignments called "Title (id)", numbers with a point or a comma.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from grader.report.gradebook import Filled, Rules, decimal, fill, plain
from grader.report.outcomes import Outcome
from grader.report.roster import Person, canvas_roster
from grader.report.sheet import Line, Sheet, SheetError

_ASSIGNMENT = re.compile(r"^(?P<title>.*) \((?P<id>\d+)\)$")
_POINTS = "Points Possible"


def fill_canvas(sheet: Sheet, found: Iterable[Outcome], assignment: str, rules: Rules) -> Filled:
    """Fill in the column of an assignment, given by its title or id; "" if there is only one.

    Raises:
        SheetError: this is no exported gradebook, or there is no such column, or its points are not the spec's.
    """
    identity = sheet.needed("ID")
    sheet.needed("Section")
    points = next((line for line in sheet.lines[1:] if _POINTS in line.cells[0]), None)
    if points is None:
        raise SheetError(f"{sheet.name}:2: there is no row {_POINTS!r}; export the gradebook from Canvas once more")
    column = _column(sheet, points, assignment)
    worth = decimal(_cell(points, column))
    if worth is None:
        raise SheetError(f"{sheet.name}:{points.number}: {sheet.head[column]!r} has no number of points possible")
    people = [_person(sheet, line, identity) for line in sheet.lines[1:] if _is_student(line, identity)]

    def write(person: Person, _: Outcome, grade: Decimal) -> None:
        sheet.set(person.line, column, plain(grade))

    return fill(sheet, canvas_roster(people), found, worth, rules, write)


def _column(sheet: Sheet, points: Line, wanted: str) -> int:
    there = {
        index: found
        for index, name in enumerate(sheet.head)
        if (found := _ASSIGNMENT.match(name)) and "read only" not in _cell(points, index)
    }
    names = ", ".join(repr(found[0]) for found in there.values()) or "none"
    chosen = [index for index, found in there.items() if wanted in ("", found[0], found["title"], found["id"])]
    if len(chosen) == 1:
        return chosen[0]
    if not wanted and there:
        raise SheetError(f"{sheet.name}:1: there are several assignments; give one with --assignment: {names}")
    what = "no assignment" if not chosen else f"{len(chosen)} assignments"
    raise SheetError(f"{sheet.name}:1: there is {what} {wanted!r}; there are: {names}")


def _is_student(line: Line, identity: int) -> bool:
    return _cell(line, identity).strip().isdigit()


def _person(sheet: Sheet, line: Line, identity: int) -> Person:
    name = _cell(line, 0) if sheet.head[0] == "Student" else ", ".join(line.cells[:2])
    last, _, first = (part.strip() for part in name.partition(","))
    columns = [sheet.column([title]) for title in ("SIS User ID", "SIS Login ID")]
    known = {_cell(line, column) for column in columns if column is not None}
    return Person(
        line=line,
        number=_cell(line, identity).strip(),
        shown=f"{name!r} (line {line.number})",
        names=frozenset(known | {name, f"{first} {last}" if first else ""}),
    )


def _cell(line: Line, column: int) -> str:
    cells = line.cells
    return cells[column] if column < len(cells) else ""
