"""A report with everything in it, and the same with a hostile text in every place that a submission can choose."""

from __future__ import annotations

from typing import Any

from grader.report.model import (
    ArenaInfo,
    Basis,
    CheckResult,
    Diagnosis,
    Event,
    Excerpt,
    Lane,
    Observed,
    Report,
    ServerOutput,
    Span,
    SpecInfo,
    Stood,
    SubmissionInfo,
    Timeline,
    Verdict,
)


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
        output=ServerOutput(text=f"printed {text}\n", total_bytes=5000, kept_bytes=100),
        notes=[f"a note {text}"],
    )
    return found.model_copy(update=changes)
