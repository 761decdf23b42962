"""What is new in a report since the one before."""

from __future__ import annotations

from grader.report.model import CheckResult, Report, Verdict
from grader.report.people import counted, number
from grader.report.terminal import alike_in_words


def changes(before: Report, now: Report) -> str:
    """The points in one line, then the checks that pass now, and all that there is to say of those that do not."""
    earlier = {check.id: _essence(check) for check in before.checks}
    new = [check for check in now.checks if _essence(check) != earlier.get(check.id)]
    passing = [check.id for check in new if check.verdict is Verdict.PASS]
    left = [check.id for check in now.checks if check.verdict is not Verdict.PASS and check not in new]
    return "\n".join(
        [
            _points(before, now),
            *([f"pass now: {', '.join(passing)}"] if passing else []),
            *([f"{counted(len(left), 'check')} as before: {', '.join(left)}"] if left else []),
            *alike_in_words(new),
        ]
    )


def _points(before: Report, now: Report) -> str:
    points = f"{number(now.score)} of {number(now.max_score)} points"
    return f"{number(before.score)} -> {points}" if before.score != now.score else points


def _essence(check: CheckResult) -> object:
    mistake = check.diagnosis
    return check.verdict, mistake and (mistake.id, mistake.file, mistake.line)
