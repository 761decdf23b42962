"""Runs a persona from the command line against any server, telling each step as it happens."""

from __future__ import annotations

import argparse
import select
import sys
from collections.abc import Callable
from dataclasses import dataclass

import click

from grader.clients.client import Client
from grader.clients.journal import Entry, Journal
from grader.clients.personas import Persona, Until
from grader.clients.speaker import ClientSpeaker
from grader.evidence.records import ClientPhase

_WORDS = {
    "connect": "connects",
    "connected": "is connected",
    "refused": "was refused",
    "send": "sends",
    "receive": "receives",
    "shutdown": "sends no more (FIN)",
    "close": "closes",
    "reset": "resets",
    "end_of_stream": "sees the end of the stream (FIN)",
    "reset_received": "sees a reset (RST)",
    "pause": "stops reading",
    "resume": "reads again",
}
_PATIENCE = 0.5


@dataclass
class Talk(ClientSpeaker):
    """A speaker for people to watch; `asked` bytes were announced, and replies count as long as their requests."""

    asked: int = 0

    def announce(self, message: bytes) -> None:
        """Count on a reply to a request that will be sent in pieces."""
        self.asked += len(message)

    def so(self, until: Until) -> bool:
        """Whether what a persona waits for has come; what the server has read cannot be seen from here."""
        match until:
            case Until.ANSWERED:
                return bool(self.client.ending) or self.client.received >= self.asked
            case Until.ENDED:
                return bool(self.client.ending)
            case Until.TAKEN:
                return not self.client.wants_to_write


class Narrator(Journal):
    """A journal that prints what it is told."""

    def note(self, client: str, kind: str, data: bytes = b"", detail: str = "") -> None:
        """Write down an event, and say it."""
        super().note(client, kind, data, detail)
        entry = self.entries[-1]
        click.echo(_line(entry, self.entries[0].at_ns))


def _line(entry: Entry, began_ns: int) -> str:
    size = f", {entry.size} bytes" if entry.size else ""
    detail = f" {entry.detail}" if entry.detail else ""
    return (
        f"{(entry.at_ns - began_ns) / 1e6:9.1f} ms  {entry.client} {_WORDS.get(entry.kind, entry.kind)}{detail}{size}"
    )


def run(persona: Persona, about: str | None, message: str = "hello\n") -> None:
    """Parse HOST PORT [MESSAGE], play the persona, and stay connected until it or the server has left."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("message", nargs="?", default=message, help=r"what it says; \n is a line end")
    chosen = parser.parse_args()
    client = Client(persona.__name__, Narrator())
    client.connect(chosen.host, chosen.port)
    try:
        _wait(client, lambda: client.phase is not ClientPhase.CONNECTING)
        if client.refused:
            sys.exit(1)
        _play(persona, Talk(client), chosen.message.replace(r"\n", "\n").encode())
    except KeyboardInterrupt:
        client.close()


def _play(persona: Persona, talk: Talk, message: bytes) -> None:
    for until in persona(talk, message):
        _wait(talk.client, lambda until=until: talk.so(until))  # type: ignore[misc]
    if talk.client.fileno() >= 0 and not talk.client.ending:
        click.echo("it stays connected; Ctrl-C to leave")
        _wait(talk.client, lambda: bool(talk.client.ending))


def _wait(client: Client, so: Callable[[], bool]) -> None:
    while True:
        while client.pump():
            pass
        if so() or client.fileno() < 0:
            return
        poller = select.poll()
        poller.register(client.fileno(), select.POLLIN | (select.POLLOUT if client.wants_to_write else 0))
        poller.poll(_PATIENCE * 1000)
