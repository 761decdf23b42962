"""junit.xml: a suite for each submission, a case for each check; a student's fault is a failure, ours an error.

There is no official schema. Followed is the description of the format by Testmo ("JUnit XML file format", the
repository testmoapp/junitxml) and what Jenkins' and GitLab's readers take from it: `file` and `line` of a case,
properties of suites, and attributes of the root that sum up its suites.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self
from xml.sax.saxutils import escape, quoteattr

from grader.report.check_words import place_of, sentences
from grader.report.escape import escape_text
from grader.report.model import CheckResult, Report, Verdict
from grader.report.outcomes import Outcome
from grader.report.people import number

JUNIT = "junit.xml"
_PIECE = 1 << 16
_NO_CHARACTERS = {chr(plane << 16 | low): "\\ufffe" for plane in range(17) for low in (0xFFFE, 0xFFFF)}
_KINDS = {Verdict.FAIL: "failure", Verdict.INCONCLUSIVE: "error", Verdict.SKIPPED: "skipped"}


@dataclass(frozen=True, slots=True)
class Totals:
    """How many cases there are, how many did not pass and why, and how long they took in seconds."""

    tests: int = 0
    failures: int = 0
    errors: int = 0
    skipped: int = 0
    seconds: float = 0.0

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            self.tests + other.tests,
            self.failures + other.failures,
            self.errors + other.errors,
            self.skipped + other.skipped,
            self.seconds + other.seconds,
        )

    @property
    def attributes(self) -> dict[str, str]:
        """As the attributes of a suite, or of all."""
        counts = {name: str(getattr(self, name)) for name in ("tests", "failures", "errors", "skipped")}
        return counts | {"time": f"{self.seconds:.3f}"}


class Suites:
    """junit.xml as it grows; `spec` is the id of the spec, by default that of the first report.

    The totals stand at the head and are known at the end, so the suites wait in a temporary file.
    """

    def __init__(self, spec: str = "") -> None:
        self._spec, self._totals = spec, Totals()
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8", newline="")  # noqa: SIM115 - closed on leaving

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, outcome: Outcome) -> None:
        """Take in one submission."""
        if outcome.report:
            self._spec = self._spec or outcome.report.spec.id
        text, more = junit_suite(outcome)
        self._file.write(text)
        self._totals += more

    def pieces(self) -> Iterator[str]:
        """The whole file, piece by piece."""
        root = _tag("testsuites", {"name": self._spec or "grading", **self._totals.attributes})
        yield f'<?xml version="1.0" encoding="UTF-8"?>\n{root}\n'
        self._file.seek(0)
        while piece := self._file.read(_PIECE):
            yield piece
        yield "</testsuites>\n"


def junit_suite(outcome: Outcome) -> tuple[str, Totals]:
    """One submission as a suite, and what it adds to the totals; of hidden checks only the verdict is told."""
    if outcome.report is None:
        return _not_graded(outcome)
    report = outcome.report
    verdicts = [check.verdict for check in report.checks]
    totals = Totals(
        tests=len(verdicts),
        failures=verdicts.count(Verdict.FAIL),
        errors=verdicts.count(Verdict.INCONCLUSIVE),
        skipped=verdicts.count(Verdict.SKIPPED),
        seconds=sum(check.seconds for check in report.checks),
    )
    head = {"name": outcome.folder, **totals.attributes, "timestamp": _timestamp(report.started)}
    lines = [_tag("testsuite", head), *_properties(_of(report))]
    for check in report.checks:
        lines += _case(check, outcome.folder)
    return "".join(f"  {line}\n" for line in [*lines, "</testsuite>"]), totals


def _not_graded(outcome: Outcome) -> tuple[str, Totals]:
    ours = outcome.fault != "submission"
    totals = Totals(tests=1, failures=int(not ours), errors=int(ours))
    kind = "error" if ours else "failure"
    lines = [
        _tag("testsuite", {"name": outcome.folder, **totals.attributes}),
        "  " + _tag("testcase", {"name": "it can be graded", "classname": outcome.folder, "time": "0.000"}),
        f"    {_tag(kind, {'message': outcome.failed, 'type': 'not graded'})}{_text(outcome.failed)}</{kind}>",
        "  </testcase>",
        "</testsuite>",
    ]
    return "".join(f"  {line}\n" for line in lines), totals


def _of(report: Report) -> dict[str, str]:
    return {
        "submission": report.submission.name,
        "spec": report.spec.id,
        "score": number(report.score),
        "max_score": number(report.max_score),
        "grader": report.grader,
        "isolation": report.arena.isolation,
        "evidence": report.arena.evidence,
    }


def _case(check: CheckResult, suite: str) -> list[str]:
    title = "hidden check" if check.hidden else check.title
    head = {"name": f"{check.id}: {title}", "classname": suite, "time": f"{check.seconds:.3f}"}
    if place := place_of(check):
        head |= {"file": place[0], "line": str(place[1])}
    points = f"{number(check.points)} of {number(check.max_points)}"
    lines = ["  " + line for line in [_tag("testcase", head), *_properties({"points": points, "basis": check.basis})]]
    if kind := _KINDS.get(check.verdict):
        told = sentences(check)
        kinds = {"message": told[0], "type": _type(check)}
        lines.append(f"    {_tag(kind, kinds)}{_text(chr(10).join(told))}</{kind}>")
    return [*lines, "  </testcase>"]


def _type(check: CheckResult) -> str:
    if check.hidden:
        return "hidden"
    return check.diagnosis.id if check.diagnosis else check.behaviour


def _properties(properties: Mapping[str, str]) -> Iterable[str]:
    yield "  <properties>"
    for name, value in properties.items():
        yield "    " + _tag("property", {"name": name, "value": value}, "/")
    yield "  </properties>"


def _tag(name: str, attributes: Mapping[str, str], end: str = "") -> str:
    return f"<{name}" + "".join(f" {key}={quoteattr(_legal(value))}" for key, value in attributes.items()) + f"{end}>"


def _text(text: str) -> str:
    return escape(_legal(text, keep="\n"))


def _legal(text: str, keep: str = "") -> str:
    """Only what XML 1.0 allows ("Characters", section 2.2), and nothing that would harm a terminal."""
    return "".join(_NO_CHARACTERS.get(char, char) for char in escape_text(text, keep=keep))


def _timestamp(started: str) -> str:
    """ISO 8601 in UTC, without the zone, which the readers do not expect."""
    return started.removesuffix("Z").removesuffix("+00:00")
