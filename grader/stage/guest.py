"""One client on the stage, together with what it should receive."""

from __future__ import annotations

from dataclasses import dataclass

from grader.clients.speaker import ClientSpeaker
from grader.evidence.records import ClientPhase
from grader.judgement.transcript import Transcript


@dataclass
class Guest(ClientSpeaker):
    """A client together with what it should receive."""

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

    def announce(self, message: bytes) -> None:
        """Expect the reply to a request that will be sent in pieces."""
        self.transcript.announce(message)

    def say(self, piece: bytes) -> None:
        """Send a piece of a request that was announced."""
        self.transcript.say(piece)
        super().say(piece)

    def close(self) -> None:
        """Leave with FIN."""
        self.transcript.leave()
        super().close()

    def reset(self) -> None:
        """Leave with RST."""
        self.transcript.leave()
        super().reset()
