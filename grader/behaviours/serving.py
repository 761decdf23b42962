"""Serving: replies are right, for one client and for many at once."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from grader.behaviours.base import Behaviour, message
from grader.clients.personas import Until, fragmenting
from grader.judgement.expectations import Answered, AnsweredOrRefused
from grader.judgement.finding import Finding, passed
from grader.judgement.outcome import How, Outcome
from grader.spec import Size
from grader.stage import Guest, Stage

_IN_PIECES = {
    Until.TAKEN: "a message sent in pieces was not read",
    Until.ANSWERED: "a message sent in pieces was not answered rightly",
}


class Echo(Behaviour):
    """Answer one client rightly, whatever the size of its messages and however TCP cuts them.

    The client sends messages of sizes around the usual buffers, then one a few bytes at a time (each piece only
    when the server has read the one before), then several at once without waiting for replies.
    """

    name: ClassVar[str] = "echo"
    default_title: ClassVar[str] = "Every message is answered rightly"
    behaviour: Literal["echo"] = "echo"
    sizes: list[Size] = Field(
        default=[1, 64, 1023, 1024, 1025, 4096, 65536],
        min_length=1,
        description="message sizes, each sent once",
    )
    pieces: int = Field(default=8, ge=0, le=100, description="into how many pieces one message is cut; 0 for none")
    pipelined: int = Field(default=5, ge=0, le=100, description="messages sent at once, without waiting for replies")

    def check(self, stage: Stage) -> Finding:
        (guest,) = stage.connect()
        for number, size in enumerate(self.sizes):
            request = message(number, size)[-size:]
            guest.ask(request)
            stage.answered([guest], f"a message of {size} bytes was not answered rightly", doing="echo", size=size)
        self._in_pieces(stage, guest)
        for number in range(self.pipelined):
            guest.ask(message(number))
        stage.answered([guest], f"{self.pipelined} messages sent at once were not answered rightly", doing="echo")
        return passed(f"every reply was right, {guest.transcript.received} bytes in all", messages=len(self.sizes))

    def _in_pieces(self, stage: Stage, guest: Guest) -> None:
        if self.pieces:
            script = fragmenting(self.pieces)(guest, message(0))
            stage.perform([(guest, script)], _IN_PIECES, doing="echo", pieces=self.pieces)


class ConcurrentClients(Behaviour):
    """Serve many clients who are all connected at the same time, none waiting for another to leave.

    All connect, then all ask at once, twice; nobody leaves before everybody has both replies.
    """

    name: ClassVar[str] = "concurrent_clients"
    default_title: ClassVar[str] = "Many clients are served at the same time"
    behaviour: Literal["concurrent_clients"] = "concurrent_clients"
    clients: int = Field(default=50, ge=2, le=1000, description="how many are connected at once")

    def check(self, stage: Stage) -> Finding:
        guests = stage.connect(self.clients)
        for turn in range(2):
            for number, guest in enumerate(guests):
                guest.ask(message(turn * self.clients + number))
            otherwise = f"not all of {self.clients} connected clients were served"
            found = stage.settle(Answered(guests))
            if found.how is not How.MET:
                served = sum(guest.transcript.complete for guest in guests)
                stage.fail(found, otherwise, guests, doing="concurrent", clients=self.clients, served=served)
        return passed(f"all {self.clients} clients were served while all were connected", clients=self.clients)


class Capacity(Behaviour):
    """Hold very many clients at once, most of them silent.

    All connect, then each asks once while all others are there. Then they leave, and somebody new must be served.
    Where the model has a bound of its own (select() cannot watch a descriptor above 1023) `may_refuse` lets the server
    turn away those whom it cannot hold, by ending their connections or by leaving them in the listener's queue; it
    must still serve `at_least` at once, and live.
    """

    name: ClassVar[str] = "capacity"
    default_title: ClassVar[str] = "Very many clients at once"
    behaviour: Literal["capacity"] = "capacity"
    clients: int = Field(default=1000, ge=2, le=20000, description="how many are connected at once")
    may_refuse: bool = Field(default=False, description="whether the server may turn away those whom it cannot hold")
    at_least: int = Field(default=500, ge=1, le=20000, description="how many it must hold even so")

    @property
    def descriptors(self) -> int:
        return self.clients

    def check(self, stage: Stage) -> Finding:
        stage.require_descriptors(self.clients)
        guests = stage.connect_some(self.clients) if self.may_refuse else stage.connect(self.clients)
        for number, guest in enumerate(guests):
            guest.ask(message(number))
        found = stage.settle(AnsweredOrRefused(guests) if self.may_refuse else Answered(guests))
        served = sum(guest.transcript.complete for guest in guests)
        self._require_enough(stage, found, guests, served)
        stage.dismiss(guests)
        (guest,) = stage.connect()
        guest.ask(message(0))
        stage.answered([guest], f"after {self.clients} clients had come and left nobody was served", doing="capacity")
        refused = self.clients - served
        others = f", and turned away {refused}" if refused else ""
        return passed(f"it held {served} clients at once{others}", clients=self.clients, served=served)

    def _require_enough(self, stage: Stage, found: Outcome, guests: list[Guest], served: int) -> None:
        enough = served >= (self.at_least if self.may_refuse else self.clients)
        if enough and found.how not in (How.ENDED, How.BROKEN):
            return
        words = f"only {served} of {self.clients} clients were served while all were connected"
        if found.how is How.MET:
            # Turned away by a server that wanted to, or by the end of one that did not?
            found = stage.rest()
            if found.how is not How.ENDED:
                stage.fail_observed(words, doing="capacity", clients=self.clients, served=served)
        stage.fail(found, words, guests, doing="capacity", clients=self.clients, served=served)


BEHAVIOURS = (Echo, ConcurrentClients, Capacity)
