"""What a check may wait for. Each expectation knows when it is met, when it is broken for good, and how far it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from grader.evidence.records import ClientPhase, TcpSocket
from grader.judgement.transcript import Transcript
from grader.words import say


class Party(Protocol):
    """One client as an expectation sees it: its dialogue, and how its connection stands."""

    @property
    def name(self) -> str: ...
    @property
    def transcript(self) -> Transcript: ...
    @property
    def phase(self) -> ClientPhase: ...
    @property
    def ending(self) -> str: ...
    @property
    def refused(self) -> str: ...


class Expectation(Protocol):
    """Something to wait for: `wish` says what, in words ("a reply for every client").

    `broken()` is a sentence once it can never be met; `progress()` grows while it is being met; `unmet()` names the
    clients that still wait; `shortfall()` says in a clause how far the first of them has got, "" where that says
    nothing.
    """

    wish: str

    def met(self) -> bool: ...
    def broken(self) -> str | None: ...
    def progress(self) -> int: ...
    def unmet(self) -> tuple[str, ...]: ...
    def shortfall(self) -> str: ...


@dataclass
class Answered:
    """Every client has received its whole reply, and not a byte else."""

    parties: Sequence[Party]
    wish: str = "a complete reply to every client"

    def met(self) -> bool:
        return all(party.transcript.complete for party in self.parties)

    def broken(self) -> str | None:
        return next(filter(None, map(_spoiled, self.parties)), None)

    def progress(self) -> int:
        return sum(party.transcript.received for party in self.parties)

    def unmet(self) -> tuple[str, ...]:
        return tuple(party.name for party in self.parties if not party.transcript.complete)

    def shortfall(self) -> str:
        party = next((party for party in self.parties if not party.transcript.complete), None)
        return _shortfall(party) if party else ""


@dataclass
class OneAnswered(Answered):
    """One client more has received its whole reply, and nobody a wrong byte."""

    wish: str = "a complete reply to one more client"

    def met(self) -> bool:
        return any(party.transcript.complete for party in self.parties)


@dataclass
class AnsweredOrRefused(Answered):
    """Every client has received its whole reply, or was turned away before a single byte of it."""

    wish: str = "a complete reply to every client that is not turned away"

    def met(self) -> bool:
        return all(party.transcript.complete or _refused(party) for party in self.parties)

    def broken(self) -> str | None:
        return next(filter(None, (_spoiled(party) for party in self.parties if not _refused(party))), None)

    def progress(self) -> int:
        return super().progress() + sum(map(_refused, self.parties))

    def unmet(self) -> tuple[str, ...]:
        return tuple(p.name for p in self.parties if not p.transcript.complete and not _refused(p))


def _refused(party: Party) -> bool:
    return bool(party.ending) and not party.transcript.received


def _shortfall(party: Party) -> str:
    transcript = party.transcript
    if not transcript.received or not transcript.missing:
        return ""
    got, due = transcript.received, len(transcript.expected)
    return say("{client} has received {received} of {due} bytes", client=party.name, received=got, due=due)


def _spoiled(party: Party) -> str | None:
    transcript = party.transcript
    if transcript.mismatch:
        return say("{client}: {mismatch}", client=party.name, mismatch=transcript.mismatch.words)
    if not party.ending or not transcript.missing:
        return None
    got, due = transcript.received, len(transcript.expected)
    if party.ending == "fin":
        return say(
            "the server closed the connection of {client} after {received} of {due} bytes",
            client=party.name,
            received=got,
            due=due,
        )
    return say(
        "the server reset the connection of {client} after {received} of {due} bytes",
        client=party.name,
        received=got,
        due=due,
    )


@dataclass
class Ended:
    """The server has ended the connection of every client, by FIN or RST, after its whole reply."""

    parties: Sequence[Party]
    wish: str = "the end of every half-closed connection"

    def met(self) -> bool:
        return all(party.ending and party.transcript.complete for party in self.parties)

    def broken(self) -> str | None:
        return next(filter(None, map(_spoiled, self.parties)), None)

    def progress(self) -> int:
        return sum(bool(party.ending) + party.transcript.received for party in self.parties)

    def unmet(self) -> tuple[str, ...]:
        return tuple(party.name for party in self.parties if not party.ending)

    def shortfall(self) -> str:
        party = next((party for party in self.parties if not party.ending), None)
        if party is None:
            return ""
        return _shortfall(party) or say(
            "{client} has its whole reply, and its connection stays open", client=party.name
        )


@dataclass
class Connected:
    """Every client is connected."""

    parties: Sequence[Party]
    wish: str = "a connection for every client"

    def met(self) -> bool:
        return all(party.phase is not ClientPhase.CONNECTING for party in self.parties)

    def broken(self) -> str | None:
        refused = (
            say("the connection of {client} was refused: {why}", client=p.name, why=p.refused)
            for p in self.parties
            if p.refused
        )
        return next(refused, None)

    def progress(self) -> int:
        return sum(party.phase is not ClientPhase.CONNECTING for party in self.parties)

    def unmet(self) -> tuple[str, ...]:
        return tuple(party.name for party in self.parties if party.phase is ClientPhase.CONNECTING)

    def shortfall(self) -> str:
        return ""


@dataclass
class Kernel:
    """The kernel's table shows something: room in the listener's queue, bytes read, a server that listens.

    `holds` looks and answers; `count` of what it looks at serves as progress.
    """

    wish: str
    holds: Callable[[], bool]
    count: Callable[[], int] = lambda: 0
    waiting: tuple[str, ...] = ()

    def met(self) -> bool:
        return self.holds()

    def broken(self) -> str | None:
        return None

    def progress(self) -> int:
        return self.count()

    def unmet(self) -> tuple[str, ...]:
        return self.waiting

    def shortfall(self) -> str:
        return ""


def room(listener: TcpSocket) -> int:
    """How many more connections fit in the accept queue now.

    One more than the backlog: it is full when there are more in it than that (sk_acceptq_is_full, include/net/sock.h).
    """
    return listener.send_queue + 1 - listener.receive_queue


NEVER = Kernel("nothing", lambda: False)
"""Expected when we only want to know how the server comes to rest."""
