"""Many: what holds for one client holds for many, at once, mixed, and one after the other."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from grader.behaviours.base import Behaviour
from grader.behaviours.hands import Shown, clients, shown
from grader.clients.personas import Steps, Until, fragmenting, polite, talking
from grader.judgement.expectations import Answered, AnsweredOrRefused
from grader.judgement.finding import Finding, passed
from grader.judgement.outcome import How, Outcome
from grader.spec import Size
from grader.stage import Guest, Stage
from grader.words import say, together


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
                guest.ask(stage.request(turn * self.clients + number))
            otherwise = say("not all of {clients} connected clients were served", clients=self.clients)
            found = stage.settle(Answered(guests))
            if found.how is not How.MET:
                served = sum(guest.transcript.complete for guest in guests)
                stage.fail(found, otherwise, guests, doing="concurrent", clients=self.clients, served=served)
        words = say("all {clients} clients were served while all were connected", clients=self.clients)
        return passed(words, clients=self.clients)

    def by_hand(self) -> Shown:
        return shown(say("all are answered, and nobody has to leave for that"), clients(talking, self.clients))


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
        before = stage.counts()
        guests = stage.connect_some(self.clients) if self.may_refuse else stage.connect(self.clients)
        for number, guest in enumerate(guests):
            guest.ask(stage.request(number))
        found = stage.settle(AnsweredOrRefused(guests) if self.may_refuse else Answered(guests))
        served = sum(guest.transcript.complete for guest in guests)
        self._require_enough(stage, found, guests, served)
        stage.dismiss(guests)
        nobody = say("after {clients} clients had come and left nobody was served", clients=self.clients)
        guest = self._newcomer(stage)
        if self.may_refuse and stage.settle(AnsweredOrRefused([guest])).how is How.MET and guest.ending:
            # It may still hold those who have left: whom it cannot hold it may refuse until it has let go of them.
            stage.gives_back(before)
            guest = self._newcomer(stage)
        stage.answered([guest], nobody, doing="capacity")
        words = say("it held {served} clients at once", served=served)
        if refused := self.clients - served:
            words = say("it held {served} clients at once, and turned away {refused}", served=served, refused=refused)
        return passed(words, clients=self.clients, served=served)

    def by_hand(self) -> Shown:
        answered = say("all are answered")
        if self.may_refuse:
            answered = say("at least {least:,} are answered, and the others turned away", least=self.at_least)
        return shown(together([answered, say("the server lives on")]), clients(talking, self.clients))

    def _require_enough(self, stage: Stage, found: Outcome, guests: list[Guest], served: int) -> None:
        enough = served >= (self.at_least if self.may_refuse else self.clients)
        if enough and found.how not in (How.ENDED, How.BROKEN):
            self._require_no_empty_promise(stage, found, guests)
            return
        words = say(
            "only {served} of {clients} clients were served while all were connected",
            served=served,
            clients=self.clients,
        )
        if found.how is How.MET:
            # Turned away by a server that wanted to, or by the end of one that did not?
            found = stage.rest()
            if found.how is not How.ENDED:
                stage.fail_observed(words, doing="capacity", clients=self.clients, served=served)
        stage.fail(found, words, guests, doing="capacity", clients=self.clients, served=served)

    @staticmethod
    def _newcomer(stage: Stage) -> Guest:
        (guest,) = stage.connect()
        guest.ask(stage.request(0))
        return guest

    @staticmethod
    def _require_no_empty_promise(stage: Stage, found: Outcome, guests: list[Guest]) -> None:
        """Whoever is accepted is served or turned away, and not left waiting for something that never comes."""
        waiting = [guest for guest in guests if not guest.transcript.complete and not guest.ending]
        if left := stage.accepted(waiting):
            words = say("{count} clients were accepted, and neither served nor turned away", count=len(left))
            stage.fail(found, words, left, doing="capacity", accepted=len(left))


class Isolation(Behaviour):
    """Keep every client's bytes to itself.

    Many are connected. First one of them alone sends its message a byte at a time. Then all do, each a message unlike
    any other, in turn: the server has read a byte of everybody before anybody sends the next. Whatever it keeps in one
    place for all clients is mixed up then.
    """

    name: ClassVar[str] = "isolation"
    default_title: ClassVar[str] = "No byte of one client reaches another"
    behaviour: Literal["isolation"] = "isolation"
    clients: int = Field(default=10, ge=2, le=500, description="how many talk at once")
    size: Size = Field(default=32, ge=2, le=4096, description="how long each one's message is")

    def check(self, stage: Stage) -> Finding:
        guests = stage.connect(self.clients)
        alone = stage.request(self.clients, self.size)
        guests[0].announce(alone)
        stage.perform(
            [(guests[0], _byte_by_byte(guests[0], alone))],
            {
                Until.TAKEN: say("the bytes of a single client, sent one at a time, were not read"),
                Until.ANSWERED: say("a single client who sent a byte at a time was not answered rightly"),
            },
            doing="alone",
        )
        requests = [stage.request(number, self.size + number) for number in range(self.clients)]
        for guest, request in zip(guests, requests, strict=True):
            guest.announce(request)
        stage.perform(
            [(guest, _byte_by_byte(guest, request)) for guest, request in zip(guests, requests, strict=True)],
            {
                Until.TAKEN: say(
                    "the bytes of {clients} clients, sent one at a time in turn, were not read", clients=self.clients
                ),
                Until.ANSWERED: say(
                    "{clients} clients who sent a byte at a time in turn were not answered rightly",
                    clients=self.clients,
                ),
            },
            doing="isolation",
        )
        words = say("{clients} clients spoke at once, and each heard its own", clients=self.clients)
        return passed(words, clients=self.clients)

    def by_hand(self) -> Shown:
        speak = clients(fragmenting, self.clients, number=self.size, message="this is client {n}\n")
        return shown(say("each hears what it has said itself, with its own number"), speak)


def _byte_by_byte(guest: Guest, request: bytes) -> Steps:
    for index in range(len(request)):
        guest.say(request[index : index + 1])
        yield Until.TAKEN
    yield Until.ANSWERED


class Churn(Behaviour):
    """Serve clients who come and go all the time.

    Some are always there. Again and again the oldest leave, and at the same moment as many others come and ask.
    """

    name: ClassVar[str] = "churn"
    default_title: ClassVar[str] = "Clients may come and go all the time"
    behaviour: Literal["churn"] = "churn"
    clients: int = Field(default=200, ge=4, le=20000, description="how many come in all")
    present: int = Field(default=10, ge=2, le=500, description="how many are there at a time")

    def check(self, stage: Stage) -> Finding:
        present = stage.connect(self.present)
        for number, guest in enumerate(present):
            guest.ask(stage.request(number))
        self._served(stage, present, 0)
        come = len(present)
        while come < self.clients:
            half = max(len(present) // 2, 1)
            leaving, staying = present[:half], present[half:]
            with stage.at_once():
                for guest in leaving:
                    guest.close()
                new = stage.dial(min(self.present - len(staying), self.clients - come))
                for number, guest in enumerate(new, come):
                    guest.ask(stage.request(number))
            stage.forget(leaving)
            self._served(stage, new, come)
            come += len(new)
            present = staying + new
        stage.dismiss(present)
        words = say("{clients} clients came and went, {present} at a time", clients=come, present=self.present)
        return passed(words, clients=come)

    def by_hand(self) -> Shown:
        come = clients(polite, self.present, rounds=max(self.clients // self.present, 1))
        return shown(say("all are answered"), come)

    def _served(self, stage: Stage, guests: list[Guest], before: int) -> None:
        words = say("the first clients were not served")
        if before:
            words = say(
                "a client was not served after {before} others had come and most of them had left", before=before
            )
        stage.answered(guests, words, doing="churn", before=before)


BEHAVIOURS = (ConcurrentClients, Isolation, Churn, Capacity)
