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
        self.announce(message)
        self.say(message)

    def announce(self, message: bytes) -> None:
        """Expect the reply to a request that will be sent in pieces."""
        self.transcript.expect(message)

    def say(self, piece: bytes) -> None:
        """Send a piece of a request that was announced."""
        self.client.send(piece)

    def finish(self) -> None:
        """Send no more (half-close)."""
        self.client.finish()

    def close(self) -> None:
        """Leave with FIN."""
        self.client.close()

    def reset(self) -> None:
        """Leave with RST."""
        self.client.reset()
