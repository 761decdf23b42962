"""What a check requires of the server, and the finding that ends it where that does not come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from grader.judgement.expectations import Answered, Expectation
from grader.judgement.finding import CheckFailed, Fact, Finding
from grader.judgement.outcome import How, Outcome
from grader.report.model import Basis, Verdict
from grader.spec.model import SPARE_DESCRIPTORS
from grader.stage.guest import Guest
from grader.stage.settling import Settling
from grader.words import say, say_of


@dataclass(kw_only=True)
class Judging(Settling):
    """A server of which something is required. `descriptors` is how many this machine lets it, and the grader, have."""

    descriptors: int = 1024

    def require(self, expectation: Expectation, otherwise: str, *, doing: str = "", **facts: Fact) -> Outcome:
        """Settle, and end the check if the expectation is not met; `otherwise` begins the sentence that says so.

        Raises:
            CheckFailed: with the finding.
        """
        found = self.settle(expectation)
        if found.how is not How.MET:
            raise CheckFailed(self.finding(found, otherwise, doing=doing, unserved=expectation.unmet(), **facts))
        return found

    def require_descriptors(self, clients: int) -> None:
        """End the check as inconclusive if this machine does not allow so many clients.

        Raises:
            CheckFailed: it does not.
        """
        if clients + SPARE_DESCRIPTORS > self.descriptors:
            words = say(
                "this machine allows {descriptors} descriptors for a process, too few for {clients} clients",
                descriptors=self.descriptors,
                clients=clients,
            )
            raise CheckFailed(Finding(Verdict.INCONCLUSIVE, Basis.OBSERVATION, words))

    def answered(self, guests: Sequence[Guest], otherwise: str, *, doing: str = "", **facts: Fact) -> Outcome:
        """Require the complete reply for every one of these clients."""
        return self.require(Answered(guests), otherwise, doing=doing, **facts)

    def fail(
        self, found: Outcome, otherwise: str, guests: Sequence[Guest], *, doing: str = "", **facts: Fact
    ) -> NoReturn:
        """End the check with an outcome that is not what it should be."""
        unserved = tuple(guest.name for guest in guests if not guest.transcript.complete)
        raise CheckFailed(self.finding(found, otherwise, doing=doing, unserved=unserved, **facts))

    def trusted(self, finding: Finding) -> Finding:
        """A finding; where somebody else had a hand in it, it says nothing of the server."""
        if finding.verdict is not Verdict.FAIL or not (others := self.strangers()):
            return finding
        words = say_of(
            others,
            "somebody else on this machine had a connection with the server, so this says nothing: {what}",
            "somebody else on this machine had {count} connections with the server, so this says nothing: {what}",
            what=finding.summary,
        )
        return replace(finding, verdict=Verdict.INCONCLUSIVE, basis=Basis.OBSERVATION, summary=words)

    def fail_observed(self, summary: str, *, doing: str = "", **facts: Fact) -> NoReturn:
        """End the check with something that was seen."""
        raise CheckFailed(Finding(Verdict.FAIL, Basis.OBSERVATION, summary, facts, look=self.look()[0], doing=doing))

    def finding(
        self, found: Outcome, otherwise: str, *, doing: str = "", unserved: tuple[str, ...] = (), **facts: Fact
    ) -> Finding:
        """An unmet outcome as a finding."""
        if found.kept_off is not None:
            facts["seconds_kept_off_the_cpu"] = round(found.kept_off, 3)
        return Finding(
            verdict=found.verdict,
            basis=found.basis,
            summary=say("{what}: {why}", what=otherwise, why=found.why) if found.why else otherwise,
            facts=facts,
            evidence=found.evidence,
            look=found.look,
            doing=doing,
            unserved=unserved,
            ended=found.how is How.ENDED,
        )

    def undue(self) -> Finding | None:
        """A finding if a client receives, until the server has come to rest, what nobody asked for."""
        self.rest()
        wrong = next((guest for guest in self.guests if guest.transcript.mismatch), None)
        if wrong is None:
            return None
        mismatch = wrong.transcript.mismatch
        assert mismatch is not None  # noqa: S101 - it was chosen for that
        words = say("every reply was right, but then {client}: {mismatch}", client=wrong.name, mismatch=mismatch.words)
        return Finding(Verdict.FAIL, Basis.OBSERVATION, words, look=self.look()[0], doing="undue")
