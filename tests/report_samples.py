"""A report with everything in it, and the same with a hostile text in every place that a submission can choose."""

from __future__ import annotations

import unicodedata
from html.parser import HTMLParser
from typing import Any

from grader.report.model import (
    Act,
    ArenaInfo,
    Basis,
    ByHand,
    CheckResult,
    Diagnosis,
    Event,
    Excerpt,
    Lane,
    Observed,
    Report,
    Resources,
    ServerOutput,
    Span,
    SpecInfo,
    Stood,
    SubmissionInfo,
    Timeline,
    Verdict,
)

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "]]></svg><script>x</script>",
    "</style><link rel=stylesheet href=//x>",
    "{{ 7 * 7 }}{% raw %}",
    "\u202e\u2066evil\u2069\u2028\u2029\ue000",
    "\x1b]0;title\x07\x1b[31m\x9b31m\x00",
    "&lt;b&gt;&#x202e;",
    "javascript:alert(1)' onload='x",
]


def timeline(text: str = "hello") -> Timeline:
    """Two clients, one of whom waits in vain for the only thread."""
    return Timeline(
        lanes=[
            Lane(id="t1.1", label=f"main thread {text}", kind="thread"),
            Lane(id="ann", label="client 1", kind="client"),
            Lane(id="bob", label="client 2", kind="client"),
        ],
        events=[
            Event(at_ms=0.1, lane="ann", kind="connect"),
            Event(at_ms=0.2, lane="ann", kind="connected"),
            Event(at_ms=0.3, lane="bob", kind="connect"),
            Event(at_ms=0.4, lane="bob", kind="send", detail=text, size=5),
            Event(at_ms=0.5, lane="ann", kind="receive", detail=text, size=5),
            Event(at_ms=0.6, lane="ann", kind="shutdown"),
        ],
        spans=[Span(lane="t1.1", start_ms=0.2, end_ms=1.5, kind="wait", label=f"recvfrom(fd 4) {text}", line=3)],
        decided_ms=2.0,
        decided_label="proved: nothing more can happen",
    )


def failed(text: str = "x", **changes: Any) -> CheckResult:
    """A failed check with all that can be told of one."""
    excerpt = Excerpt(file=f"server{text}.py", first_line=2, lines=["a = 1", f"b = {text}", "c = 3"], marked=3)
    check = CheckResult(
        id="concurrent",
        behaviour="concurrent_clients",
        title="Many at once",
        verdict=Verdict.FAIL,
        basis=Basis.PROOF,
        points=0,
        max_points=20,
        seconds=0.0123,
        summary=f"not all were served: {text}",
        hint=f"look again {text}",
        diagnosis=Diagnosis(
            id="recv-in-accept-loop",
            title=f"Reading {text}",
            explanation=f"Because {text}",
            hint=f"Think {text}",
            file=f"server{text}.py",
            line=3,
        ),
        facts={"clients": 50, "served": 1, "said": text, "several": [text, "b"]},
        stood=[
            Stood(
                thread=f"main thread {text}",
                call=f"recvfrom(fd 4) {text}",
                waits_for=text,
                function=f"main{text}",
                file=f"server{text}.py",
                line=3,
                excerpt=excerpt,
            )
        ],
        evidence=[f"thread 1 {text}"],
        timeline=timeline(text),
        by_hand=ByHand(acts=[Act(words=f"ask {text}", command=f"run {text}")], right=f"answered {text}"),
    )
    return check.model_copy(update=changes)


def passed(**changes: Any) -> CheckResult:
    """A passed check."""
    check = CheckResult(
        id="echo",
        behaviour="echo",
        title="Right replies",
        verdict=Verdict.PASS,
        basis=Basis.OBSERVATION,
        points=10,
        max_points=10,
        summary="every reply was right",
    )
    return check.model_copy(update=changes)


def report(*checks: CheckResult, text: str = "x", **changes: Any) -> Report:
    """A whole report; by default one check passed and one failed."""
    found = Report(
        grader="0.1.0",
        started="2026-01-02T03:04:05+00:00",
        seconds=0.41,
        spec=SpecInfo(id="select", title=f"A server {text}", sha256="a" * 64),
        submission=SubmissionInfo(name=f"alice{text}", entry=f"server{text}.py", language="python", sha256="b" * 64),
        score=10,
        max_score=30,
        observed=Observed(workers="single", waits=["recv"], sockets="blocking"),
        arena=ArenaInfo(missing=[f"nothing {text}"]),
        checks=list(checks) or [passed(), failed(text)],
        resources=[
            Resources(check="echo", start_ms=5, end_ms=40, duty=0.5, threads=2, descriptors=5, memory=10 << 20),
            Resources(check="concurrent", start_ms=40, end_ms=42, threads=1, descriptors=54, memory=12 << 20),
        ],
        output=ServerOutput(text=f"printed {text}\n", total_bytes=5000, kept_bytes=100),
        notes=[f"a note {text}"],
    )
    return found.model_copy(update=changes)


def everywhere(text: str) -> Report:
    """A report of every verdict with one text in each place that a submission can choose."""
    found = failed(text, title=text, facts={text: text, "several": [text, "b"]})
    assert found.diagnosis
    assert found.timeline
    lanes = [lane.model_copy(update={"label": text}) for lane in found.timeline.lanes]
    drawn = found.timeline.model_copy(update={"lanes": lanes, "decided_label": text})
    diagnosis = found.diagnosis.model_copy(update={"excerpt": found.stood[0].excerpt})
    problem = found.model_copy(update={"timeline": drawn, "diagnosis": diagnosis})
    again = problem.model_copy(update={"id": "again"})
    unknown = failed(text, id="unknown", verdict=Verdict.INCONCLUSIVE, diagnosis=None, timeline=None)
    skipped = passed(id="later", verdict=Verdict.SKIPPED, title=text, summary=text)
    return report(passed(title=text, summary=text), problem, again, unknown, skipped, text=text)


class Page(HTMLParser):
    """What a browser would make of a page: its elements with attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def words(self) -> str:
        return " ".join("".join(self.texts).split())


def harmful(text: str) -> list[str]:
    """The control, format, bidirectional and private characters in a text, but for the ends of lines."""
    unwanted = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    return [char for char in text if unicodedata.category(char) in unwanted and char != "\n"]
