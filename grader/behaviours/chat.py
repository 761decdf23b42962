"""Chat: what one client says, all others hear."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from grader.behaviours.base import Behaviour
from grader.behaviours.hands import Shown, clients, shown
from grader.clients.personas import silent, talking
from grader.judgement.finding import Finding, passed
from grader.judgement.outcome import How
from grader.spec import Spec
from grader.stage import Guest, Stage
from grader.words import say

_HEARD_BY_HAND = 5


class Broadcast(Behaviour):
    """Send what one client says to all others, line by line, and to nobody twice.

    All connect; then each speaks alone, then all at once: all say half of a line, and when the server has come to rest
    with that, the other half, and more lines. Everybody must hear every line of every other, whole, those of one client
    in their order. Then half of them leave, one with a reset, one with a close, and so on in turn, and the others must
    still hear each other.
    """

    name: ClassVar[str] = "broadcast"
    default_title: ClassVar[str] = "What one says all others hear"
    behaviour: Literal["broadcast"] = "broadcast"
    clients: int = Field(default=6, ge=3, le=200, description="how many are in the room")
    lines: int = Field(default=3, ge=1, le=100, description="how many lines each says at once")

    @property
    def waits_for_replies(self) -> bool:
        return False

    def problems(self, spec: Spec) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
        if spec.protocol.reply != "broadcast":
            yield ("behaviour",), "broadcast asks for a protocol whose reply is broadcast", "write reply: broadcast"

    def check(self, stage: Stage) -> Finding:
        guests = self._come(stage, self.clients)
        for number, guest in enumerate(guests):
            guest.ask(stage.request(number))
            self._heard(stage, guests, say("what {client} said did not reach all others", client=guest.name))
        self._all_speak(stage, guests, say("what all said at once did not reach everybody"))
        leaving, staying = guests[::2], guests[1::2]
        for index, guest in enumerate(leaving):
            if index % 2:
                guest.close()
            else:
                guest.reset()
        stage.forget(leaving)
        staying += self._come(stage, 1)
        left = say("after {count} had left, the others did not all hear each other", count=len(leaving))
        self._all_speak(stage, staying, left)
        words = say(
            "{clients} clients heard each other, and {staying} when others had left",
            clients=self.clients,
            staying=len(staying),
        )
        return passed(words, clients=self.clients)

    def by_hand(self) -> Shown:
        others = clients(silent, min(self.clients - 1, _HEARD_BY_HAND))
        return shown(
            say("all others receive the line, whole, and once"), others, clients(talking, message="hello all\n")
        )

    def _come(self, stage: Stage, count: int) -> list[Guest]:
        guests = stage.connect(count)
        # Who has not been accepted yet cannot be sent anything.
        if (rest := stage.rest()).how is How.ENDED:
            stage.fail(rest, say("the server did not live on when clients had come"), guests, doing="broadcast")
        return guests

    def _all_speak(self, stage: Stage, guests: list[Guest], otherwise: str) -> None:
        first = [(guest, stage.request(1000 * (index + 1))) for index, guest in enumerate(guests)]
        for guest, line in first:
            guest.announce(line)
            guest.say(line[: len(line) // 2])
        stage.rest()
        for guest, line in first:
            guest.say(line[len(line) // 2 :])
        for number in range(1, self.lines):
            for index, guest in enumerate(guests):
                guest.ask(stage.request(1000 * (index + 1) + number))
        self._heard(stage, guests, otherwise)

    def _heard(self, stage: Stage, guests: list[Guest], otherwise: str) -> None:
        stage.answered(guests, otherwise, doing="broadcast")
        # Whatever comes that was due to nobody comes before the server is at rest.
        stage.rest()
        stage.answered(guests, otherwise, doing="broadcast")


BEHAVIOURS = (Broadcast,)
