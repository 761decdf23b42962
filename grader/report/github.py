"""GitHub: the result that Classroom's autograding reporter reads, a job summary, and annotations on the lines.

The result is what "autograding-grading-reporter" of GitHub's education resources reads (its parseRunnerResults,
AggregateResults, ConsoleResults and NotifyClassroom). Workflow commands are escaped as the toolkit's core package does
it (escapeData and escapeProperty), for the runner that reads them (its ActionCommand).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

from grader.report.check_markdown import check_markdown
from grader.report.check_words import place_of, sentences
from grader.report.escape import escape_text
from grader.report.markdown import inline, table
from grader.report.model import CheckResult, Report, Verdict
from grader.report.people import number

_STATUS = {Verdict.PASS: "pass", Verdict.FAIL: "fail", Verdict.INCONCLUSIVE: "error", Verdict.SKIPPED: "fail"}
_SIGNS = {Verdict.PASS: "✅", Verdict.FAIL: "❌", Verdict.INCONCLUSIVE: "❔", Verdict.SKIPPED: "⏭️"}
_LEVELS = {Verdict.FAIL: "error", Verdict.INCONCLUSIVE: "warning"}
_MOST_SUMMARY = 900_000
"""Bytes; GitHub refuses a summary of more than 1 MiB."""
_MOST_ANNOTATIONS = 10
"""GitHub shows so many of each level for a step, and no more."""


def runner_result(report: Report, root: str = "") -> dict[str, Any]:
    """The result of one runner. `root` is the path of the submission in the repository.

    The reporter sums up `score`, and prints a table that counts passed tests instead: both are the same for a result
    of one check that is passed or worth nothing. `narrowed` makes such a one.
    """
    return {
        "version": 1,
        "status": _status(report),
        "max_score": report.max_score,
        "tests": [_test(check, root) for check in report.checks],
    }


def no_result(why: str) -> dict[str, Any]:
    """The result where there is no report: an error that gives no points and takes none, as nothing is reported."""
    test = {"name": "it can be graded", "status": "error", "message": harmless(why), "score": 0, "execution_time": 0}
    place = {"test_code": "grade", "filename": "", "line_no": 0}
    return {"version": 1, "status": "error", "max_score": 0, "tests": [test | place]}


def narrowed(report: Report, name: str) -> Report:
    """The same report with one check only, and the points of that one.

    Raises:
        KeyError: it has no such check.
    """
    for check in report.checks:
        if check.id == name:
            return report.model_copy(update={"checks": [check], "score": check.points, "max_score": check.max_points})
    raise KeyError(name)


def encoded(result: dict[str, Any]) -> str:
    """A result as the reporter takes it: JSON in base64, in one line."""
    return base64.b64encode(json.dumps(result, allow_nan=False).encode()).decode()


def step_outputs(report: Report, root: str = "") -> Iterator[str]:
    """Lines for the file GITHUB_OUTPUT: `result`, and for each check `result_ID`, with _ where its id has a -."""
    yield f"result={encoded(runner_result(report, root))}\n"
    for check in report.checks:
        alone = encoded(runner_result(narrowed(report, check.id), root))
        yield f"result_{check.id.replace('-', '_')}={alone}\n"


def annotation_lines(report: Report, root: str = "") -> Iterator[str]:
    """Workflow commands, one a line: an error for each mistake at its place, a warning for what was not decided."""
    for alike in _alike(report)[:_MOST_ANNOTATIONS]:
        yield _annotation(alike, root)


def _alike(report: Report) -> list[list[CheckResult]]:
    """The checks that did not pass, those of one mistake at one place together."""
    groups: dict[object, list[CheckResult]] = {}
    for check in report.checks:
        if check.verdict in _LEVELS:
            mistake = check.diagnosis.id if check.diagnosis and not check.hidden else check.id
            groups.setdefault((check.verdict, mistake, place_of(check)), []).append(check)
    return list(groups.values())


def job_summary(report: Report) -> str:
    """Markdown for the file GITHUB_STEP_SUMMARY: the verdicts, then what there is to say of what did not pass."""
    name = inline(report.submission.name)
    parts = [
        f"## {name}: {number(report.score)} of {number(report.max_score)} points\n\n{inline(report.spec.title)}\n",
        table(["", "check", "points", "what was seen"], [_row(check) for check in report.checks]),
    ]
    parts += [_details(alike) for alike in _alike(report)]
    return _within("\n".join(parts) + "\n")


def _details(alike: list[CheckResult]) -> str:
    names = ", ".join(inline(check.id) for check in alike)
    return f"### {_SIGNS[alike[0].verdict]} {names}\n\n{check_markdown(alike[0])}"


def _within(text: str) -> str:
    whole = text.encode()
    if len(whole) <= _MOST_SUMMARY:
        return text
    head = whole[:_MOST_SUMMARY].decode(errors="ignore")
    return head[: head.rfind("\n### ")] + "\n\nThe rest did not fit here; it is in the report.\n"


def _row(check: CheckResult) -> list[str]:
    points = f"{number(check.points)}/{number(check.max_points)}"
    return [f"{_SIGNS[check.verdict]} {check.verdict}", inline(check.id), points, inline(sentences(check)[0])]


def _status(report: Report) -> str:
    found = {_STATUS[check.verdict] for check in report.checks}
    return next((status for status in ("fail", "error") if status in found), "pass")


def _test(check: CheckResult, root: str) -> dict[str, Any]:
    place = place_of(check)
    title = "hidden check" if check.hidden else check.title
    return {
        "name": harmless(f"{check.id}: {title}"),
        "status": _STATUS[check.verdict],
        "message": harmless(" ".join(sentences(check))),
        "test_code": f"grade --only {check.id}",
        "filename": harmless(_path(place[0], root)) if place else "",
        "line_no": place[1] if place else 0,
        "execution_time": round(check.seconds, 3),
        "score": check.points,
    }


def harmless(text: str) -> str:
    """Text that others print in a job's log: in one line, and no workflow command in it.

    The runner takes a line for a command that begins with ::, or has ##[ anywhere.
    """
    clean = escape_text(text).replace("##[", "# #[")
    return f"\\{clean}" if clean.lstrip().startswith("::") else clean


def _annotation(alike: list[CheckResult], root: str) -> str:
    first, place = alike[0], place_of(alike[0])
    names = ", ".join(check.id for check in alike)
    properties = {"title": f"{names}: {_titled(first)}"}
    if place:
        properties = {"file": _path(place[0], root), "line": str(place[1]), **properties}
    head = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{_LEVELS[first.verdict]} {head}::{_data(chr(10).join(sentences(first)))}"


def _titled(check: CheckResult) -> str:
    if check.hidden:
        return "hidden check"
    return check.diagnosis.title if check.diagnosis else check.title


def _path(file: str, root: str) -> str:
    return f"{root.strip('/')}/{file}" if root.strip("/.") else file


def _data(text: str) -> str:
    clean = escape_text(text, keep="\n").replace("##[", "# #[")
    return clean.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(escape_text(text)).replace(":", "%3A").replace(",", "%2C")
