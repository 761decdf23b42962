"""The one record that a grading ends in: what report.json holds and every page is made from (schema 1)."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WrapValidator

from grader.words import Said, say


class Verdict(StrEnum):
    """What was decided about one check."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"


class Basis(StrEnum):
    """What a verdict rests on."""

    OBSERVATION = "observation"
    PROOF = "proof"
    BUDGET = "budget"


Isolation = Literal["namespaces", "process"]
"""How a server is isolated: in namespaces of its own, or only as a process of its own."""
Telling = Literal["kernel", "portable"]
"""How much is told of it: what its threads wait for too, or only what every system tells of a process."""


def _as_said(value: Any, plain: Callable[[Any], str]) -> str:
    return value if isinstance(value, Said) else plain(value)


WORDS = WrapValidator(_as_said)
"""Marks what is said to people: a sentence stays one that can be told in another language."""
Words = Annotated[str, WORDS]


class Record(BaseModel):
    """A frozen part of a report; unknown fields are kept out so that a typing slip cannot hide."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SpecInfo(Record):
    """The spec that was applied."""

    id: str = Field(description="the spec's own short name")
    title: Words = Field(description="one line: what the server is")
    sha256: str = Field(
        description="SHA-256, in hexadecimal, of the bytes of its file and of the Python files that it names"
    )


class SubmissionInfo(Record):
    """The submission that was graded."""

    name: str = Field(description="the name of the submission's folder")
    entry: str = Field(description="the file that starts the server, below that folder")
    language: str = Field(description="the language of that file")
    sha256: str = Field(description="SHA-256, in hexadecimal, of all files of the submission by their paths")


class Observed(Record):
    """The IO model as the kernel showed it; None where it was not looked at or could not be told."""

    workers: str | None = Field(default=None, description="who serves: single, threads, processes or pool")
    made_of: str | None = Field(default=None, description="what a pool is made of: threads or processes")
    bound: int | None = Field(default=None, description="how many clients a pool serves at once")
    waits: list[str] = Field(
        default_factory=list, description="the calls in which its threads wait for the network, such as select"
    )
    sockets: str | None = Field(default=None, description="whether its sockets are blocking, nonblocking or mixed")
    library: str | None = Field(
        default=None, description="the library whose loop runs it, such as asyncio; none if there is none"
    )


class ArenaInfo(Record):
    """How the server was isolated, and how much the kernel told."""

    isolation: Isolation = Field(
        default="namespaces", description="namespaces of its own, or only a process of its own"
    )
    evidence: Telling = Field(
        default="kernel",
        description="kernel if the kernel was asked about every thread, portable if only what any system tells",
    )
    missing: list[Words] = Field(
        default_factory=list, description="what this machine does not offer, each with the reason, in words"
    )

    @property
    def full(self) -> bool:
        """Whether nothing was missing."""
        return self.isolation == "namespaces" and self.evidence == "kernel" and not self.missing


class Excerpt(Record):
    """Some lines of a file of the submission, one of them marked."""

    file: str = Field(description="path of the file below the submission's folder")
    first_line: int = Field(description="number of the first line shown, from 1")
    lines: list[str] = Field(description="the lines shown, without their ends")
    marked: int = Field(description="number of the line to point at, from 1")


class Diagnosis(Record):
    """The misconception behind a failed check, and where in the submission it sits."""

    id: str = Field(description="the mistake's own short name, such as recv-in-accept-loop")
    title: Words = Field(description="the mistake in one clause")
    explanation: Words = Field(default="", description="why it has the effect that was seen, in two or three sentences")
    hint: Words = Field(default="", description="a question or a pointer that does not give the solution away")
    reading: list[Words] = Field(default_factory=list, description="where more is to be read: manual pages, RFCs")
    file: str | None = Field(
        default=None, description="path of the file with the mistake below the submission's folder, where it is known"
    )
    line: int | None = Field(default=None, description="number of the line in that file, from 1")
    excerpt: Excerpt | None = Field(default=None, description="the lines around it, where no thread stood at it")


class Stood(Record):
    """Where one thread of the server stood when the verdict fell."""

    thread: Words = Field(description="the thread's name in words, such as main thread")
    call: Words = Field(
        description="the system call in words, such as recvfrom(fd 4); or running; or how the thread ended"
    )
    waits_for: Words = Field(default="", description="what it would take to go on, in words; empty if nothing is known")
    function: str | None = Field(default=None, description="the function of the submission that it was in")
    file: str | None = Field(default=None, description="path of that function's file below the submission's folder")
    line: int | None = Field(default=None, description="number of the line in that file, from 1")
    excerpt: Excerpt | None = Field(default=None, description="the lines around it")

    @property
    def words(self) -> str:
        """What the thread did, to follow its name: "in recvfrom(fd 4)", "running", "ended with TypeError"."""
        # A translation of words is whole; calls, which stand within "in ...", are ASCII in every language.
        whole = self.call.startswith(("running", "ended")) or not self.call[:1].isascii()
        return self.call if whole else say("in {call}", call=self.call)


class Lane(Record):
    """One lifeline of the picture."""

    id: str = Field(description="name of the lane, unique in its picture; events and spans refer to it")
    label: Words = Field(description="the name to show: that of the client or of the thread")
    kind: Literal["client", "thread"] = Field(
        description="whether it is the lane of a client or of a thread of the server"
    )


class Event(Record):
    """Something that happened on one lane at one moment (milliseconds since the check began).

    Kinds of a client's lane: connect, connected, refused, send, receive, shutdown, close, reset (by us),
    end_of_stream, reset_received, pause, resume. Kinds of a thread's lane: start, exit.
    """

    at_ms: float = Field(description="milliseconds since the check began")
    lane: str = Field(description="id of the lane")
    kind: str = Field(description="what happened, one of the kinds above")
    detail: Words = Field(
        default="", description="a short preview of the bytes with all that is not printable escaped, or words"
    )
    size: int = Field(default=0, description="number of bytes that were sent or received; 0 where none were")


class Span(Record):
    """What a thread did from `start_ms` to `end_ms`: `wait` without time limit, `timed` wait, or `run`."""

    lane: str = Field(description="id of the thread's lane")
    start_ms: float = Field(description="milliseconds from the beginning of the check to that of the stretch")
    end_ms: float = Field(description="milliseconds from the beginning of the check to the end of the stretch")
    kind: Literal["wait", "timed", "run"] = Field(description="wait without a time limit, timed wait, or run")
    label: Words = Field(description="the system call in words")
    line: int | None = Field(
        default=None, description="number of the line in the submission, from 1, where it is known"
    )


class Timeline(Record):
    """The picture of one check: lanes, what happened on them, and the moment of the verdict."""

    lanes: list[Lane] = Field(default_factory=list, description="the lanes, those of threads first")
    events: list[Event] = Field(default_factory=list, description="what happened on the lanes, in order of time")
    spans: list[Span] = Field(default_factory=list, description="what the threads did")
    decided_ms: float | None = Field(
        default=None, description="milliseconds from the beginning of the check to the verdict"
    )
    decided_label: Words = Field(default="", description="how it was decided, in words")
    dropped: int = Field(default=0, description="how many events were left out to keep the picture readable")


class StepResult(Record):
    """One step of an instructor's scenario as it was written, and how far it got."""

    number: str = Field(description="the step's number, counted from 1; 3.1 is the first step within the third")
    text: str = Field(description="the step as it was written, in one line")
    state: Literal["done", "failed", "not reached"] = Field(description="how far it got")


class Act(Record):
    """Something to do by hand."""

    words: Words = Field(description="what is done, and by whom")
    command: str = Field(description="the command that does it")


class ByHand(Record):
    """How to see with one's own eyes what a failed check has seen: the server, clients, and what a right one does."""

    acts: list[Act] = Field(description="what to do, in order; who stays keeps a terminal for itself")
    right: Words = Field(description="one sentence: what a right server does then")


class CheckResult(Record):
    """One check: its verdict, what that rests on, and all that a page needs to show it."""

    id: str = Field(description="the check's id, unique in the spec")
    behaviour: str = Field(description="the name of the behaviour")
    title: Words = Field(description="one line that a student reads")
    verdict: Verdict = Field(description="what was decided")
    basis: Basis = Field(description="what the verdict rests on")
    points: float = Field(description="points given")
    max_points: float = Field(description="points that a pass gives")
    hidden: bool = Field(default=False, description="whether students see no more than the verdict and the points")
    seconds: float = Field(default=0.0, description="how long the check took")
    summary: Words = Field(description="one sentence: what was seen")
    hint: Words = Field(default="", description="what the spec itself says to a student whose server fails")
    diagnosis: Diagnosis | None = Field(
        default=None, description="the mistake, where the evidence shows which one it is"
    )
    facts: dict[str, str | int | float | bool | list[str] | None] = Field(
        default_factory=dict, description="figures and words by name, for programs; the names depend on the behaviour"
    )
    stood: list[Stood] = Field(
        default_factory=list, description="where threads of the server stood when the verdict fell"
    )
    evidence: list[str] = Field(default_factory=list, description="what the kernel showed then, line by line")
    steps: list[StepResult] = Field(
        default_factory=list,
        description="the steps of a scenario that failed, as they are written, those within others too",
    )
    timeline: Timeline | None = Field(default=None, description="the picture of what clients and threads did")
    by_hand: ByHand | None = Field(
        default=None, description="how to see the same by hand, where the behaviour says how and the check failed"
    )


class Resources(Record):
    """What the server used in one stretch of the grading: its duty over the stretch, and the most of all else.

    A stretch lies within one check; each check may have a server of its own.
    """

    check: str = Field(description="id of the check that ran")
    start_ms: float = Field(description="milliseconds from the beginning of the grading to that of the stretch")
    end_ms: float = Field(description="milliseconds from the beginning of the grading to the end of the stretch")
    duty: float | None = Field(
        default=None, description="CPU time over the time in which it could have run; None where too short to be told"
    )
    threads: int = Field(description="threads of all its processes, without those of the language's runtime")
    descriptors: int | None = Field(default=None, description="open descriptors of all its processes, where counted")
    memory: int | None = Field(default=None, description="bytes that they held, where that was read")


class ServerOutput(Record):
    """What the server printed, where that is much without its middle."""

    text: str = Field(default="", description="what was kept of its standard output and standard error: head and tail")
    total_bytes: int = Field(default=0, description="bytes printed in all")
    kept_bytes: int = Field(default=0, description="bytes of them that were kept")
    hidden: bool = Field(
        default=False, description="whether it was printed by a server that also took part in a hidden check"
    )


class Saying(Record):
    """How a sentence was composed, for whoever tells it in another language; what is empty is left out."""

    message: str = Field(description="the message in English, with the names of its values in braces")
    several: str = Field(default="", description="its form for where the value count is not 1, if it has one")
    values: dict[str, str | int | float] = Field(default_factory=dict, description="what is filled in, as it is")
    parts: dict[str, str] = Field(
        default_factory=dict,
        description="what is filled in and is a sentence itself: composed, or a constant of the grader's",
    )


class Report(Record):
    """One submission under one spec."""

    schema_version: Literal[1] = Field(1, alias="schema", description="number of the schema")
    grader: str = Field(description="version of the grader")
    started: str = Field(description="when the grading began, in UTC (ISO 8601)")
    seconds: float = Field(description="how long the grading took")
    spec: SpecInfo = Field(description="the spec that was applied")
    submission: SubmissionInfo = Field(description="what was graded")
    score: float = Field(description="sum of the points given")
    max_score: float = Field(description="sum of the points of all checks")
    observed: Observed = Field(default_factory=Observed, description="the IO model that was seen")
    arena: ArenaInfo = Field(default_factory=ArenaInfo, description="where it ran, and what could be seen there")
    checks: list[CheckResult] = Field(description="every check that was to run, in the order of the spec")
    resources: list[Resources] = Field(
        default_factory=list, description="what the server used, stretch by stretch; not more than some two hundred"
    )
    output: ServerOutput = Field(default_factory=ServerOutput, description="what the server printed")
    notes: list[Words] = Field(default_factory=list, description="sentences about the grading as a whole")
    messages: dict[str, Saying] = Field(
        default_factory=dict,
        description="how sentences of this report were composed, by their text: what it takes to tell them in another "
        "language; those that are constants are not here",
    )

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @property
    def exit_status(self) -> int:
        """The status of `grade` for this report alone: 0 all passed, 1 some failed, 3 could not tell."""
        verdicts = {check.verdict for check in self.checks}
        if Verdict.INCONCLUSIVE in verdicts:
            return 3
        return 1 if Verdict.FAIL in verdicts else 0
