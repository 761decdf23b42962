"""The record that `grader check-spec` ends in: what became of servers that are known to be right or wrong."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import ConfigDict, Field

from grader.report.model import Record, SpecInfo, Verdict, Words


class Weight(StrEnum):
    """How much a remark weighs: by an `error` it is unfit, by a `fault` unknown, a `note` is for thought."""

    ERROR = "error"
    FAULT = "fault"
    NOTE = "note"


class Remark(Record):
    """Something about the spec that an instructor should know, in one sentence, and what can be done about it.

    `kind` is one of right-failed, never-fails, not-caught, untold, no-points, points, no-right-server, no-wrong-server,
    not-run and not-used.
    """

    kind: str
    weight: Weight
    message: Words
    remedy: Words = ""


class TriedServer(Record):
    """One server under the spec: `verdicts` by check id, `summaries` of those checks that it did not pass.

    `role` is right, wrong, or alike: right for another spec, and passing this one too for the reason in `why`.
    `failed` is why it could not be graded, "" if it was.
    """

    name: str
    role: Literal["right", "wrong", "alike"]
    own: bool = False
    why: Words = ""
    score: float = 0.0
    seconds: float = 0.0
    verdicts: dict[str, Verdict] = Field(default_factory=dict)
    summaries: dict[str, Words] = Field(default_factory=dict)
    failed: Words = ""

    @property
    def caught_by(self) -> list[str]:
        """The checks that it fails."""
        return [name for name, verdict in self.verdicts.items() if verdict is Verdict.FAIL]


class TriedCheck(Record):
    """One check: the wrong servers that it catches, and those of them that no other check catches."""

    id: str
    title: Words
    points: float
    catches: list[str] = Field(default_factory=list)
    alone: list[str] = Field(default_factory=list)


class Trial(Record):
    """One spec, tried on servers of which it is known whether they are right (schema 1)."""

    schema_version: Literal[1] = Field(1, alias="schema")
    grader: str
    started: str
    seconds: float
    spec: SpecInfo
    max_score: float
    checks: list[TriedCheck]
    servers: list[TriedServer]
    remarks: list[Remark]

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @property
    def exit_status(self) -> int:
        """The status of `grader check-spec`: 0 fit, 1 unfit, 3 the grader failed or could not tell."""
        weights = {remark.weight for remark in self.remarks}
        if Weight.FAULT in weights:
            return 3
        return 1 if Weight.ERROR in weights else 0
