"""grades.csv: a table of the class for people with a spreadsheet; for programs there is results.jsonl."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from grader.report.cells import csv_line
from grader.report.model import Verdict
from grader.report.outcomes import Outcome

GRADES = "grades.csv"
BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel takes UTF-8 for the encoding of its country."""


def grades_head(checks: Sequence[str]) -> str:
    """The first line; `checks` are the ids that get a column each."""
    return BYTE_ORDER_MARK + csv_line(["submission", "score", "max_score", *checks, "undecided", "not_graded"])


def grades_line(outcome: Outcome, checks: Sequence[str]) -> str:
    """One submission: its points, in all and for each check.

    A check that could not be decided has an empty cell and is named under `undecided`, one that was not asked for has
    an empty cell. A submission that was not graded has no numbers but the reason.
    """
    report = outcome.report
    if report is None:
        return csv_line([outcome.folder, None, None, *[None] * len(checks), "", outcome.failed])
    points = {check.id: check.points for check in report.checks if check.verdict is not Verdict.INCONCLUSIVE}
    undecided = " ".join(check.id for check in outcome.undecided)
    return csv_line([outcome.folder, report.score, report.max_score, *map(points.get, checks), undecided, ""])


def check_ids(outcome: Outcome) -> Iterator[str]:
    """The columns that an outcome asks for."""
    yield from (check.id for check in outcome.report.checks) if outcome.report else ()
