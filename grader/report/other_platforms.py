"""PrairieLearn's results.json and the last line that Autolab reads: one report each.

The fields are those of PrairieLearn's documentation of external grading ("Grading results") and of Autolab's guide for
lab authors ("Autograders").
"""

from __future__ import annotations

import json
from typing import Any

from grader.report.check_words import sentences
from grader.report.escape import escape_text
from grader.report.json_file import harmless_json
from grader.report.model import CheckResult, Report, Verdict
from grader.report.people import counted, number


def prairielearn_results(report: Report) -> dict[str, Any]:
    """The results of one report; the score is a share from 0 to 1.

    If a check could not be decided the submission is not gradable there, which costs the student no attempt and no
    points.
    """
    undecided = [check.id for check in report.checks if check.verdict is Verdict.INCONCLUSIVE]
    told = f"{counted(len(undecided), 'check')} could not be decided; that is not your submission's fault"
    return {
        "gradable": not undecided,
        "score": report.score / report.max_score if report.max_score else 0.0,
        "message": told if undecided else f"{number(report.score)} of {number(report.max_score)} points",
        "tests": [_test(check) for check in report.checks],
    }


def autolab_line(report: Report) -> str:
    """The line of JSON that an Autolab autograder prints last: the points of each problem, which is a check's id."""
    return harmless_json(json.dumps({"scores": {check.id: check.points for check in report.checks}})) + "\n"


def prairielearn_json(report: Report) -> str:
    """The text of results.json."""
    return harmless_json(json.dumps(prairielearn_results(report), indent=2, ensure_ascii=False)) + "\n"


def _test(check: CheckResult) -> dict[str, Any]:
    first, *more = [escape_text(sentence) for sentence in sentences(check)]
    return {
        "name": escape_text(f"{check.id}: {'hidden check' if check.hidden else check.title}"),
        "description": str(check.verdict),
        "points": check.points,
        "max_points": check.max_points,
        "message": first,
        "output": "\n".join(more),
    }
