"""Serving: replies are right, for one client and for many at once."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from grader.behaviours.base import Behaviour
from grader.behaviours.hands import Shown, clients, shown
from grader.clients.personas import Until, fragmenting, polite, talking
from grader.judgement.finding import Finding, passed
from grader.judgement.outcome import How
from grader.spec import Size
from grader.stage import Guest, Stage
from grader.words import say

_IN_PIECES = {
    Until.TAKEN: say("a message sent in pieces was not read"),
    Until.ANSWERED: say("a message sent in pieces was not answered rightly"),
}


class Echo(Behaviour):
    """Answer one client rightly, whatever the size of its messages and however TCP cuts them.

    The client sends messages of sizes around the usual buffers, one with every printable character (where the protocol
    takes any), then one a few bytes at a time (each piece only
    when the server has read the one before), then several at once without waiting for replies.
    """

    name: ClassVar[str] = "echo"
    default_title: ClassVar[str] = "Every message is answered rightly"
    behaviour: Literal["echo"] = "echo"
    sizes: list[Size] = Field(
        default=[1, 64, 1000, 1023, 1024, 1025, 2000, 4096, 5000, 10000, 65536],
        min_length=1,
        description="message sizes, each sent once",
    )
    pieces: int = Field(default=8, ge=0, le=100, description="into how many pieces one message is cut; 0 for none")
    binary: bool = Field(
        default=False, description="whether one message holds every byte value, which is text in no encoding"
    )
    pipelined: int = Field(default=5, ge=0, le=100, description="messages sent at once, without waiting for replies")

    def check(self, stage: Stage) -> Finding:
        (guest,) = stage.connect()
        for number, size in enumerate(self.sizes):
            request = stage.request(number, size)
            guest.ask(request)
            otherwise = say("a message of {size} bytes was not answered rightly", size=size)
            stage.answered([guest], otherwise, doing="echo", size=size)
        if text := stage.conversation.every_character():
            guest.ask(text)
            stage.answered([guest], say("a message of all printable characters was not answered rightly"), doing="echo")
        if self.binary:
            guest.ask(bytes(range(256)))
            stage.answered([guest], say("a message of all byte values was not answered rightly"), doing="binary")
        self._in_pieces(stage, guest)
        for number in range(self.pipelined):
            guest.ask(stage.request(number))
        otherwise = say("{count} messages sent at once were not answered rightly", count=self.pipelined)
        stage.answered([guest], otherwise, doing="echo")
        words = say("every reply was right, {size} bytes in all", size=guest.transcript.received)
        return passed(words, messages=len(self.sizes))

    def by_hand(self) -> Shown:
        large = clients(talking, size=max(self.sizes))
        cut = [clients(fragmenting, number=self.pieces)] if self.pieces else []
        several = [clients(talking, message="hello\n" * self.pipelined)] if self.pipelined else []
        right = say("each gets the whole reply to what it has sent, and nothing else")
        return shown(right, large, *cut, *several)

    def _in_pieces(self, stage: Stage, guest: Guest) -> None:
        if self.pieces:
            script = fragmenting(self.pieces)(guest, stage.request(0))
            stage.perform([(guest, script)], _IN_PIECES, doing="echo", pieces=self.pieces)


class SequentialClients(Behaviour):
    """Serve one client after another, each when the one before has gone and nobody else is there.

    Each connects, asks, has its reply and leaves; the next comes only when the server has come to rest.
    """

    name: ClassVar[str] = "sequential_clients"
    default_title: ClassVar[str] = "One client after another is served"
    behaviour: Literal["sequential_clients"] = "sequential_clients"
    clients: int = Field(default=10, ge=2, le=1000, description="how many come, one after the other")

    def check(self, stage: Stage) -> Finding:
        for number in range(self.clients):
            (guest,) = stage.connect()
            words = say("{client} was not served", client=guest.name)
            if number:
                words = say("{client} was not served after those before it had left", client=guest.name)
            guest.ask(stage.request(number))
            stage.answered([guest], words, doing="sequential", served=number)
            stage.dismiss([guest])
            if (rest := stage.rest()).how is How.ENDED:
                gone = say("the server did not live on when {client} had left", client=guest.name)
                stage.fail(rest, gone, [], doing="sequential")
        words = say("{clients} clients were served one after the other", clients=self.clients)
        return passed(words, clients=self.clients)

    def by_hand(self) -> Shown:
        return shown(say("each is answered, however many were there before"), clients(polite, rounds=self.clients))


BEHAVIOURS = (Echo, SequentialClients)
