"""grades.csv: a table of the class for people with a spreadsheet; for programs there is results.jsonl."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from grader.report.cells import Cell, csv_line
from grader.report.model import Verdict
from grader.report.outcomes import Outcome

GRADES = "grades.csv"
BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel takes UTF-8 for the encoding of its country."""


@dataclass
class Grades:
    """The table as it grows: a line for each submission with its points, in all and for each check.

    A check that could not be decided has an empty cell and is named under `undecided`, one that was not asked for has
    an empty cell. A submission that was not graded has no numbers but the reason.
    """

    _checks: dict[str, None] = field(default_factory=dict)
    _lines: list[tuple[tuple[Cell, ...], tuple[Cell, ...]]] = field(default_factory=list)
    """The cells before and after those of checks that nobody had been asked for yet."""

    def add(self, outcome: Outcome) -> None:
        """Take in one submission; only its cells are kept."""
        report = outcome.report
        if report is None:
            self._lines.append(((outcome.folder, None, None), ("", outcome.failed)))
            return
        self._checks.update(dict.fromkeys(check.id for check in report.checks))
        points = {check.id: check.points for check in report.checks if check.verdict is not Verdict.INCONCLUSIVE}
        undecided = " ".join(check.id for check in outcome.undecided)
        first = (outcome.folder, report.score, report.max_score, *map(points.get, self._checks))
        self._lines.append((first, (undecided, "")))

    def pieces(self) -> Iterator[str]:
        """The whole file, line by line."""
        head = ["submission", "score", "max_score", *self._checks, "undecided", "not_graded"]
        yield BYTE_ORDER_MARK + csv_line(head)
        for first, last in self._lines:
            yield csv_line([*first, *[None] * (len(head) - len(first) - len(last)), *last])
