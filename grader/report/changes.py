"""What is new in a report since the one before."""

from __future__ import annotations

from grader.report.model import CheckResult, Report, Verdict
from grader.report.people import number
from grader.report.terminal import alike_in_words
from grader.report.told import told
from grader.words import listed, say, say_of
from grader.words.language import ENGLISH, Language


def changes(before: Report, now: Report, language: Language = ENGLISH) -> str:
    """The points in one line, then the checks that pass now, and all that there is to say of those that do not."""
    now = told(now, language)
    earlier = {check.id: _essence(check) for check in before.checks}
    new = [check for check in now.checks if _essence(check) != earlier.get(check.id)]
    passing = [check.id for check in new if check.verdict is Verdict.PASS]
    left = [check.id for check in now.checks if check.verdict is not Verdict.PASS and check not in new]
    lines: list[str] = [_points(before, now)]
    if passing:
        lines.append(say("pass now: {checks}", checks=listed(passing)))
    if left:
        lines.append(
            say_of(
                len(left),
                "{count:,} check as before: {checks}",
                "{count:,} checks as before: {checks}",
                checks=listed(left),
            )
        )
    return "\n".join([*map(language.tell, lines), *alike_in_words(new, language)])


def _points(before: Report, now: Report) -> str:
    points = say("{score} of {most} points", score=number(now.score), most=number(now.max_score))
    if before.score == now.score:
        return points
    return say("{before} -> {points}", before=number(before.score), points=points)


def _essence(check: CheckResult) -> object:
    mistake = check.diagnosis
    return check.verdict, mistake and (mistake.id, mistake.file, mistake.line)
