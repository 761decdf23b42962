"""Grades for Moodle: a downloaded grading worksheet, filled in.

What the importer reads is from Moodle, mod/assign/feedback/offline (importgradeslib.php and locallib.php), and what the
worksheet holds from mod/assign/gradingtable.php. Headers are in the language of whoever downloads it, so columns are
found by what stands in them: the identifier ends in a number and comes first, the maximum grade is the same number for
everybody, and the grade stands before it. Feedback is HTML there.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from grader.report.check_words import place_of
from grader.report.escape import escape_text
from grader.report.gradebook import Filled, Rules, decimal, fill, plain
from grader.report.model import CheckResult, Report, Verdict
from grader.report.outcomes import Outcome
from grader.report.people import number
from grader.report.roster import Person, moodle_roster
from grader.report.sheet import Line, Sheet, SheetError

_NUMBER = re.compile(r"^(\D*)(\d+)$")
_GRADE, _MAXIMUM, _FEEDBACK = ("Grade",), ("Maximum grade",), ("Feedback comments",)
_MISSED = (Verdict.FAIL, Verdict.INCONCLUSIVE)


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of columns that cannot be found otherwise; "" where they can."""

    grade: str = ""
    maximum: str = ""
    feedback: str = ""


def fill_moodle(sheet: Sheet, found: Iterable[Outcome], columns: Columns, rules: Rules) -> Filled:
    """Fill in the grades, with the worksheet's decimal mark, and the feedback comments where there is such a column.

    Raises:
        SheetError: this is no grading worksheet, or its columns cannot be told, or its points are not the spec's.
    """
    rows = [line for line in sheet.lines[1:] if any(line.cells)]
    people = [_person(sheet, line) for line in rows]
    grade, maximum = _grade_columns(sheet, rows, columns)
    feedback = sheet.needed(columns.feedback) if columns.feedback else sheet.column(_FEEDBACK)
    worth, mark = _worth(sheet, rows, maximum)

    def write(person: Person, outcome: Outcome, points: Decimal) -> None:
        sheet.set(person.line, grade, plain(points, mark))
        if feedback is not None and outcome.report:
            sheet.set(person.line, feedback, feedback_html(outcome.report))

    filled = fill(sheet, moodle_roster(people), found, worth, rules, write)
    if feedback is None:
        filled.problems.append("no column for feedback is known, and none is written; name it with --feedback-column")
    return filled


def feedback_html(report: Report) -> str:
    """A few lines of HTML for the feedback comments: the points, and for each missed check what was seen and where."""
    lines = [f"{number(report.score)} of {number(report.max_score)} points: {report.spec.title}"]
    lines += [_line(check) for check in report.checks if check.verdict in _MISSED]
    return "".join(f"<p>{html.escape(escape_text(line))}</p>" for line in lines)


def _line(check: CheckResult) -> str:
    points = f"{check.id}, {number(check.points)} of {number(check.max_points)}"
    if check.hidden:
        return f"{points}: hidden check"
    place = place_of(check)
    where = f" ({place[0]}:{place[1]})" if place else ""
    return f"{points}: {check.diagnosis.title if check.diagnosis else check.summary}{where}"


def _person(sheet: Sheet, line: Line) -> Person:
    cells = line.cells
    found = _NUMBER.match(cells[0].strip())
    if found is None:
        raise SheetError(
            f"{sheet.name}:{line.number}: {cells[0]!r} is no identifier, which ends in a number; "
            "give a grading worksheet as Moodle downloads it"
        )
    known = {cells[0], *cells[1:2], *(cell for cell in cells if "@" in cell and " " not in cell)}
    return Person(line, found[2], f"{' '.join(cells[:2])!r} (line {line.number})", frozenset(known))


def _grade_columns(sheet: Sheet, rows: list[Line], columns: Columns) -> tuple[int, int]:
    """Where the grade stands, and the maximum."""
    grade = sheet.needed(columns.grade) if columns.grade else sheet.column(_GRADE)
    maximum = sheet.needed(columns.maximum) if columns.maximum else sheet.column(_MAXIMUM)
    if grade is not None and maximum is not None:
        return grade, maximum
    pairs = [index for index in range(2, len(sheet.head)) if _is_pair(rows, index)]
    if len(pairs) != 1:
        raise SheetError(
            f"{sheet.name}:1: it cannot be told which column holds the grade; "
            f"give --grade-column and --maximum-column, of {', '.join(map(repr, sheet.head))}"
        )
    return pairs[0] - 1, pairs[0]


def _is_pair(rows: list[Line], index: int) -> bool:
    """Whether here stands the same positive number for everybody, and before it no more than that, or nothing."""
    maxima = {decimal(line.cells[index]) if index < len(line.cells) else None for line in rows}
    most = next(iter(maxima)) if len(maxima) == 1 else None
    if most is None or most <= 0:
        return False
    before = [line.cells[index - 1].strip() for line in rows]
    grades = [decimal(cell) for cell in before if cell not in ("", "-")]
    return all(grade is not None and 0 <= grade <= most for grade in grades)


def _worth(sheet: Sheet, rows: list[Line], maximum: int) -> tuple[Decimal, str]:
    cells = {line.cells[maximum].strip() for line in rows if maximum < len(line.cells)}
    worth = decimal(next(iter(cells))) if len(cells) == 1 else None
    if worth is None:
        raise SheetError(f"{sheet.name}: {sheet.head[maximum]!r} is not one number for all; scales cannot be filled in")
    return worth, "," if any("," in cell for cell in cells) else "."
