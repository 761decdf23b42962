"""Speed: how much a server gets done, as a ratio to one that is known to be right."""

from __future__ import annotations

import statistics
from typing import ClassVar, Literal

from pydantic import Field

from grader.behaviours.base import Behaviour
from grader.behaviours.hands import Look, Shown, clients, shown
from grader.clients.personas import repeating
from grader.judgement.finding import CheckFailed, Finding, passed
from grader.judgement.outcome import How
from grader.report.model import Basis, Verdict
from grader.spec import Percent, Size
from grader.stage import Stage
from grader.words import say

_CLEARLY = 1.25
_LONGER = 3
_QUIET = 0.1


class Throughput(Behaviour):
    """Get as much done with its CPU time as a right server does, or a stated share of that.

    The submission and the reference server run in turn, several times, with the same clients and messages. What
    counts is messages per second of CPU time of the server, never of the clock: how fast the machine is and what else
    runs on it falls on both alike. If the ratio is close to the ceiling, more rounds are run. A server that is busy
    while nobody asks anything fails: how much of its time went into messages would depend on how fast they come.
    """

    name: ClassVar[str] = "throughput"
    default_title: ClassVar[str] = "The server does not waste its time"
    behaviour: Literal["throughput"] = "throughput"
    reference: str = Field(default="select", description="the right server: a bundled one, or a folder beside the spec")
    at_least: Percent = Field(default=0.2, gt=0, le=10, description="messages per CPU second, of the reference's")
    clients: int = Field(default=10, ge=1, le=200, description="how many talk at once")
    messages: int = Field(default=30, ge=1, le=1000, description="how many each sends in a round")
    size: Size = Field(default=1024, ge=2, le=1 << 20, description="how long each message is")
    rounds: int = Field(default=3, ge=1, le=50, description="how often each of the two is measured")

    @property
    def references(self) -> tuple[str, ...]:
        return (self.reference,)

    def check(self, stage: Stage) -> Finding:
        self._require_quiet(stage)
        ours: list[float] = []
        theirs: list[float] = []
        for turn in range(self.rounds * _LONGER):
            theirs.append(self._cost(stage, self.reference))
            ours.append(self._cost(stage, ""))
            share = statistics.median(theirs) / statistics.median(ours)
            near = self.at_least / _CLEARLY < share < self.at_least * _CLEARLY
            if turn + 1 >= self.rounds and not near:
                break
        words = say(
            "with the same CPU time it answers {share:.0%} of the messages that {reference} answers",
            share=share,
            reference=self.reference,
        )
        if share < self.at_least:
            too_few = say("{what}, at least {least:.0%} are asked for", what=words, least=self.at_least)
            stage.fail_observed(too_few, doing="throughput", share=round(share, 3), rounds=len(ours))
        return passed(words, share=round(share, 3), rounds=len(ours))

    def by_hand(self) -> Shown:
        right = say(
            "for the same messages the server {reference} uses at least {least:.0%} of that time",
            reference=self.reference,
            least=self.at_least,
        )
        ask = clients(repeating, self.clients, number=self.messages, size=self.size)
        return shown(right, Look.CPU, ask, Look.CPU)

    @staticmethod
    def _require_quiet(stage: Stage) -> None:
        if (rest := stage.rest()).how is How.STUCK:
            return
        duty = stage.duty(_QUIET, rest)
        if duty and duty.share > _QUIET:
            words = say("without any client it is busy already: duty {duty:.0%} of a core", duty=duty.share)
            stage.fail_observed(words, doing="throughput", duty=round(duty.share, 3))

    def _cost(self, stage: Stage, reference: str) -> float:
        """CPU seconds for one message.

        Raises:
            CheckFailed: not every message was answered; if by the reference, that is no fault of the submission.
        """
        try:
            return self._measured(stage, reference)
        except CheckFailed as failure:
            if not reference:
                raise
            raise CheckFailed(Finding(Verdict.INCONCLUSIVE, Basis.OBSERVATION, failure.finding.summary)) from None

    def _measured(self, stage: Stage, reference: str) -> float:
        who = say("the reference server {name}", name=reference) if reference else say("the server")
        stage.kill()
        stage.dismiss(stage.guests)
        found = stage.restart(reference)
        if found.how is not How.MET:
            stage.fail(found, say("{server} did not come to listen again", server=who), [], doing="throughput")
        guests = stage.connect(self.clients)
        before = 0.0
        for turn in range(self.messages + 1):
            for number, guest in enumerate(guests):
                guest.ask(stage.request(turn * self.clients + number, self.size))
            stage.answered(guests, say("{server} did not answer every message", server=who), doing="throughput")
            # The first turn is not counted: whatever is made only once is made there.
            before = before or stage.reader.cpu_seconds()
        return (stage.reader.cpu_seconds() - before) / (self.messages * self.clients)


BEHAVIOURS = (Throughput,)
