"""The one record that a grading ends in: what report.json holds and every page is made from (schema 1)."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


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


class Record(BaseModel):
    """A frozen part of a report; unknown fields are kept out so that a typing slip cannot hide."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SpecInfo(Record):
    """The spec that was applied; `sha256` is over the bytes of its file, and of the Python files it names if any."""

    id: str
    title: str
    sha256: str


class SubmissionInfo(Record):
    """The submission that was graded; `sha256` is over its files, by path."""

    name: str
    entry: str
    language: str
    sha256: str


class Observed(Record):
    """The IO model as the kernel showed it; None where it was not looked at or could not be told.

    `workers` is single, threads, processes or pool; a pool is `made_of` threads or processes, and `bound` is how many
    clients it serves at once.
    """

    workers: str | None = None
    made_of: str | None = None
    bound: int | None = None
    waits: list[str] = Field(default_factory=list)
    sockets: str | None = None
    library: str | None = None


class ArenaInfo(Record):
    """How the server was isolated and how much the kernel told; `missing` names what was not to be had."""

    isolation: Isolation = "namespaces"
    evidence: Telling = "kernel"
    missing: list[str] = Field(default_factory=list)

    @property
    def full(self) -> bool:
        """Whether nothing was missing."""
        return self.isolation == "namespaces" and self.evidence == "kernel" and not self.missing


class Excerpt(Record):
    """Source lines `first_line` .. of `file`; `marked` is the line number to point at."""

    file: str
    first_line: int
    lines: list[str]
    marked: int


class Diagnosis(Record):
    """The misconception behind a failed check, and where in the submission it sits.

    `excerpt` shows that line where no thread stood at it.
    """

    id: str
    title: str
    explanation: str = ""
    hint: str = ""
    file: str | None = None
    line: int | None = None
    excerpt: Excerpt | None = None


class Stood(Record):
    """Where one thread of the server stood when the verdict fell.

    `call` is the system call in words ("recvfrom(fd 4)"), "running", or how it ended; `waits_for` what it would take
    to go on.
    """

    thread: str
    call: str
    waits_for: str = ""
    function: str | None = None
    file: str | None = None
    line: int | None = None
    excerpt: Excerpt | None = None

    @property
    def words(self) -> str:
        """What the thread did, to follow its name: "in recvfrom(fd 4)", "running", "ended with TypeError"."""
        return self.call if self.call.startswith(("running", "ended")) else f"in {self.call}"


class Lane(Record):
    """One lifeline of the picture."""

    id: str
    label: str
    kind: Literal["client", "thread"]


class Event(Record):
    """Something that happened on one lane at one moment (milliseconds since the check began).

    Kinds of a client's lane: connect, connected, refused, send, receive, shutdown, close, reset (by us),
    end_of_stream, reset_received, pause, resume. Kinds of a thread's lane: start, exit.
    `detail` is a short escaped preview of bytes, or words; `size` the number of bytes.
    """

    at_ms: float
    lane: str
    kind: str
    detail: str = ""
    size: int = 0


class Span(Record):
    """What a thread did from `start_ms` to `end_ms`: `wait` without time limit, `timed` wait, or `run`."""

    lane: str
    start_ms: float
    end_ms: float
    kind: Literal["wait", "timed", "run"]
    label: str
    line: int | None = None


class Timeline(Record):
    """The picture of one check: lanes, what happened on them, and the moment of proof.

    `dropped` counts events that were left out to keep the picture readable.
    """

    lanes: list[Lane] = Field(default_factory=list)
    events: list[Event] = Field(default_factory=list)
    spans: list[Span] = Field(default_factory=list)
    decided_ms: float | None = None
    decided_label: str = ""
    dropped: int = 0


class StepResult(Record):
    """One step of an instructor's scenario as it was written, and how far it got; `number` counts from 1."""

    number: str
    text: str
    state: Literal["done", "failed", "not reached"]


class CheckResult(Record):
    """One check: its verdict, what that rests on, and all that a page needs to show it.

    It was given `points` of `max_points` and took `seconds`; `hidden` keeps all but the verdict and the points from
    students. `summary` says in one sentence what was seen, `hint` is the spec's own. `facts` are figures for programs.
    `stood` says where threads stood when the verdict fell, `evidence` what the kernel showed then, line by line.
    `steps` are those of a scenario; `timeline` is the picture.
    """

    id: str
    behaviour: str
    title: str
    verdict: Verdict
    basis: Basis
    points: float
    max_points: float
    hidden: bool = False
    seconds: float = 0.0
    summary: str
    hint: str = ""
    diagnosis: Diagnosis | None = None
    facts: dict[str, str | int | float | bool | list[str] | None] = Field(default_factory=dict)
    stood: list[Stood] = Field(default_factory=list)
    evidence: list[str] = Field(default_factory=list)
    steps: list[StepResult] = Field(default_factory=list)
    timeline: Timeline | None = None


class ServerOutput(Record):
    """What the server printed: `text` is the head and tail that were kept of `total_bytes`."""

    text: str = ""
    total_bytes: int = 0
    kept_bytes: int = 0


class Report(Record):
    """One submission under one spec.

    `grader` is the version that graded; `started` is ISO 8601, and `seconds` how long it took. `output` is what the
    server printed; `notes` are sentences about the grading as a whole.
    """

    schema_version: Literal[1] = Field(1, alias="schema")
    grader: str
    started: str
    seconds: float
    spec: SpecInfo
    submission: SubmissionInfo
    score: float
    max_score: float
    observed: Observed = Field(default_factory=Observed)
    arena: ArenaInfo = Field(default_factory=ArenaInfo)
    checks: list[CheckResult]
    output: ServerOutput = Field(default_factory=ServerOutput)
    notes: list[str] = Field(default_factory=list)

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @property
    def exit_status(self) -> int:
        """The status of `grade` for this report alone: 0 all passed, 1 some failed, 3 could not tell."""
        verdicts = {check.verdict for check in self.checks}
        if Verdict.INCONCLUSIVE in verdicts:
            return 3
        return 1 if Verdict.FAIL in verdicts else 0
