"""A class in Markdown, for the summary of a job that graded it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from grader.report.markdown import inline, table
from grader.report.model import Report, Verdict
from grader.report.outcomes import Outcome
from grader.report.people import counted, number

_MOST = 900_000
"""Bytes; GitHub refuses a summary of more than 1 MiB."""


def class_summary(found: Iterable[Outcome]) -> Iterator[str]:
    """A table with a line for each submission: its points, and the mistakes that were found or why there are none."""
    yield table(["submission", "points", "what was found"], [])
    written, graded, all_of_them = 0, 0, 0
    for outcome in found:
        all_of_them += 1
        graded += outcome.report is not None
        line = _row(outcome)
        written += len(line.encode())
        if written < _MOST:
            yield line
    rest = "" if written < _MOST else " Not all of them fit here."
    yield f"\n{graded} of {counted(all_of_them, 'submission')} graded.{rest}\n"


def _row(outcome: Outcome) -> str:
    report = outcome.report
    points = f"{number(report.score)}/{number(report.max_score)}" if report else "not graded"
    told = "; ".join(_told(report)) if report else outcome.failed
    return f"| {inline(outcome.folder)} | {points} | {inline(told)} |\n"


def _told(report: Report) -> Iterator[str]:
    """Each mistake once; a check that failed without a known one by its id, a hidden one not at all."""
    failed = [check for check in report.checks if check.verdict is Verdict.FAIL and not check.hidden]
    yield from dict.fromkeys(check.diagnosis.title if check.diagnosis else check.id for check in failed)
    undecided = [check.id for check in report.checks if check.verdict is Verdict.INCONCLUSIVE]
    if undecided:
        yield f"could not be decided: {', '.join(undecided)}"
