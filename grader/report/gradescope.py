"""results.json for Gradescope: a test for each check, with its score, its visibility and what there is to say of it.

The fields are those of "Autograder Specifications", section "Output format", in Gradescope's autograder documentation.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from grader.report.check_markdown import check_markdown
from grader.report.escape import escape_text
from grader.report.json_file import harmless_json
from grader.report.markdown import inline
from grader.report.model import CheckResult, Report, Verdict
from grader.report.people import counted, number

VISIBILITIES = ("hidden", "after_due_date", "after_published")
_STATUS = {Verdict.PASS: "passed", Verdict.FAIL: "failed", Verdict.SKIPPED: "failed"}
_NOT_YET = (
    "**Not graded yet.** If you read this, the grading was stopped before it could tell anything. That is not your "
    "submission's fault: ask the course staff to run the autograder again."
)
_STOPPED = (
    "**Not graded to the end.** If you read this, the grading was stopped after the tests below. That is not your "
    "submission's fault: ask the course staff to run the autograder again."
)


def gradescope_results(report: Report, *, hide_with: str = VISIBILITIES[0]) -> dict[str, Any]:
    """The results of one report; `hide_with` is the visibility of hidden checks, one of `VISIBILITIES`.

    The score at the top is the report's, so that no rounding of a sum changes it. Of a hidden check nothing is written
    but its verdict and its points, whatever its visibility. Gradescope shows no total while a test is hidden.
    """
    return {
        "score": report.score,
        "execution_time": round(report.seconds),
        "output": _heading(report),
        "output_format": "md",
        "test_output_format": "md",
        "test_name_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [_test(check, place, hide_with) for place, check in enumerate(report.checks, 1)],
        "extra_data": _extra(report),
    }


def unfinished(done: Sequence[CheckResult], *, hide_with: str = VISIBILITIES[0]) -> dict[str, Any]:
    """What is known while grading goes on, in case it is stopped: the tests so far, and no score for the whole.

    With no test yet there is no score at all, so that a grading that never began is a failure of the autograder's and
    not a zero.
    """
    return {
        "output": _STOPPED if done else _NOT_YET,
        "output_format": "md",
        "test_output_format": "md",
        "stdout_visibility": "hidden",
        "tests": [_test(check, place, hide_with) for place, check in enumerate(done, 1)],
    }


def not_gradable(why: str, max_score: float) -> dict[str, Any]:
    """What a student is told whose submission cannot be graded as it was handed in; `why` is one sentence.

    Gradescope knows no result without points but a failure of the autograder, whose reason students do not see. So
    this is a zero with the reason, until something else is handed in.
    """
    told = f"**This could not be graded:** {inline(why)}\n\nNothing of it was tried. Mend that, and hand it in again.\n"
    return {
        "score": 0,
        "output": f"{told}\nThere are {number(max_score)} points to be had.\n",
        "output_format": "md",
        "stdout_visibility": "hidden",
        "tests": [],
        "extra_data": {"not_graded": escape_text(why)},
    }


def results_json(results: dict[str, Any]) -> str:
    """The text of results.json."""
    return harmless_json(json.dumps(results, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def _heading(report: Report) -> str:
    lines = [f"{inline(report.spec.title)}: {number(report.score)} of {number(report.max_score)} points.\n"]
    undecided = [check for check in report.checks if check.verdict is Verdict.INCONCLUSIVE]
    if undecided:
        told = counted(len(undecided), "test")
        lines.append(f"{told} could not be decided. That is not your submission's fault: ask the course staff.\n")
    if any(check.hidden for check in report.checks):
        lines.append("Some tests are hidden; of these only the verdict is told, and when is up to the course staff.\n")
    return "\n".join(lines)


def _test(check: CheckResult, place: int, hide_with: str) -> dict[str, Any]:
    test: dict[str, Any] = {
        "name": escape_text(_name(check)),
        "number": str(place),
        "score": check.points,
        "max_score": check.max_points,
        "output": check_markdown(check),
        "tags": [str(check.verdict), check.behaviour] if not check.hidden else [str(check.verdict)],
        "visibility": hide_with if check.hidden else "visible",
        "extra_data": {"id": check.id, "verdict": str(check.verdict), "basis": str(check.basis)},
    }
    if status := _STATUS.get(check.verdict):
        test["status"] = status  # there is no third one: what could not be decided has none
    return test


def _name(check: CheckResult) -> str:
    title = "hidden check" if check.hidden else check.title
    return f"{check.id}: {title}" + (" (could not be decided)" if check.verdict is Verdict.INCONCLUSIVE else "")


def _extra(report: Report) -> dict[str, Any]:
    return {
        "grader": report.grader,
        "spec": report.spec.id,
        "spec_sha256": report.spec.sha256,
        "submission_sha256": report.submission.sha256,
        "isolation": report.arena.isolation,
        "evidence": report.arena.evidence,
        "undecided": [check.id for check in report.checks if check.verdict is Verdict.INCONCLUSIVE],
    }
