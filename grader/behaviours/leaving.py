"""Leaving: however a client goes, the others are served and nothing of it stays behind."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from grader.behaviours.base import Behaviour, message
from grader.judgement.counts import growing
from grader.judgement.expectations import Ended
from grader.judgement.finding import Finding, passed
from grader.judgement.outcome import How
from grader.stage import Guest, Stage

_HOW_WORDS = {
    "fin": "closed their connections",
    "reset": "reset their connections",
    "half_close": "half-closed their connections",
}


class Disconnect(Behaviour):
    """Survive clients who leave, time after time, while another one stays.

    In each round some clients connect, are served and leave in the stated way: `fin` closes, `reset` resets,
    `half_close` sends a last message, stops sending and waits for the reply and the end of the stream. After each
    round the one who stays is served, and the server is as quiet as it was. What it holds must not grow with
    every round.
    """

    name: ClassVar[str] = "disconnect"
    default_title: ClassVar[str] = "Clients that leave do no harm"
    behaviour: Literal["disconnect"] = "disconnect"
    how: Literal["fin", "reset", "half_close"] = Field(default="fin", description="the way in which they leave")
    clients: int = Field(default=10, ge=1, le=500, description="how many leave in each round")
    rounds: int = Field(default=4, ge=3, le=20, description="how often; three at least tell a leak from a late release")

    def check(self, stage: Stage) -> Finding:
        (staying,) = stage.connect()
        staying.ask(message(0))
        stage.answered([staying], "not even the first client was served", doing=self.how)
        spun = stage.rest().busy
        counts = []
        for number in range(1, self.rounds + 1):
            self._come_and_go(stage, number)
            after = f"after {self.clients} clients {_HOW_WORDS[self.how]} (round {number})"
            staying.ask(message(number))
            stage.answered([staying], f"the client who stayed was not served {after}", doing=self.how, round=number)
            rest = stage.rest()
            if rest.how is How.ENDED:
                stage.fail(rest, f"the server did not live on {after}", [staying], doing=self.how)
            if rest.busy and not spun:
                stage.fail_observed(f"the server rested before, and does not {after}: {rest.why}", doing=self.how)
            counts.append(stage.counts())
        if leak := growing(counts):
            stage.fail_observed(f"{leak} ({self.clients} clients {_HOW_WORDS[self.how]} in each)", doing=self.how)
        return passed(
            f"{self.rounds} times {self.clients} clients {_HOW_WORDS[self.how]}, and nothing of them stayed",
            clients=self.clients,
            rounds=self.rounds,
        )

    def _come_and_go(self, stage: Stage, number: int) -> None:
        guests = stage.connect(self.clients)
        for index, guest in enumerate(guests):
            guest.ask(message(number * self.clients + index))
        stage.answered(guests, "not all clients were served before they left", doing=self.how, round=number)
        if self.how == "half_close":
            self._half_close(stage, guests)
        for guest in guests:
            if self.how == "reset":
                guest.client.reset()
        stage.dismiss(guests)

    def _half_close(self, stage: Stage, guests: list[Guest]) -> None:
        for index, guest in enumerate(guests):
            guest.ask(message(index))
            guest.client.finish()
        stage.require(Ended(guests), "half-closed clients did not get their reply and then the end", doing=self.how)


BEHAVIOURS = (Disconnect,)
