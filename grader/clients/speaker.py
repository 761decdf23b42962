"""A persona's hands and voice: what it says and does, done by a client."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from grader.clients.client import Client
from grader.clients.personas import Speaker


@dataclass
class ClientSpeaker(Speaker):
    """A speaker over one connection; who makes one says what an announced request means to it."""

    client: Client

    @abstractmethod
    def announce(self, message: bytes) -> None:
        """Expect the reply to a request that will be sent in pieces."""

    def ask(self, message: bytes) -> None:
        """Send a request; its reply is expected from now on."""
        self.announce(message)
        self.say(message)

    def say(self, piece: bytes) -> None:
        """Send a piece of a request that was announced."""
        self.client.send(piece)

    def pause(self) -> None:
        """Stop reading: what the server sends piles up."""
        self.client.pause()

    def finish(self) -> None:
        """Send no more (half-close)."""
        self.client.finish()

    def close(self) -> None:
        """Leave with FIN."""
        self.client.close()

    def reset(self) -> None:
        """Leave with RST."""
        self.client.reset()
