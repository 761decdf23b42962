"""One client on the stage, together with what it should receive."""

from __future__ import annotations

from dataclasses import dataclass

from grader.clients.client import Client
from grader.evidence.records import ClientPhase
from grader.judgement.transcript import Transcript


@dataclass
class Guest:
    """A client together with what it should receive."""

    client: Client
    transcript: Transcript

    @property
    def name(self) -> str:
        """The client's name in every sentence and picture."""
        return self.client.name

    @property
    def phase(self) -> ClientPhase:
        """Where the connection stands on our side."""
        return self.client.phase

    @property
    def ending(self) -> str:
        """How the server ended the connection: "", "fin" or "reset"."""
        return self.client.ending

    @property
    def refused(self) -> str:
        """Why it could not connect, "" if it could."""
        return self.client.refused

    def ask(self, message: bytes) -> None:
        """Send a request; its reply is expected from now on."""
        self.transcript.expect(message)
        self.client.send(message)
