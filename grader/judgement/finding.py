"""What a behaviour concludes."""

from __future__ import annotations

from dataclasses import dataclass, field

from grader.evidence.records import Evidence, Pass, Stack
from grader.report.model import Basis, StepResult, Verdict

Fact = str | int | float | bool | list[str] | None


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict with its basis, one sentence of what was seen, and the evidence behind it.

    `doing` says what the check was about when it was decided, for the diagnosis ("fin", "reset", "slow_reader"...).
    `unserved` names the clients who did not get what they should. `stacks` are given where they were read already.
    `steps` are those of an instructor's story, each with what became of it.
    """

    verdict: Verdict
    basis: Basis
    summary: str
    facts: dict[str, Fact] = field(default_factory=dict)
    evidence: Evidence | None = None
    look: Pass | None = None
    doing: str = ""
    unserved: tuple[str, ...] = ()
    ended: bool = False
    stacks: tuple[Stack, ...] = ()
    steps: tuple[StepResult, ...] = ()


def passed(summary: str, basis: Basis = Basis.OBSERVATION, **facts: Fact) -> Finding:
    """The behaviour holds."""
    return Finding(Verdict.PASS, basis, summary, facts)


class CheckFailed(Exception):  # noqa: N818 - not an error of ours: a check that is over
    """Ends a check early with what was found."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.summary)
        self.finding = finding
