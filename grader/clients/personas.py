"""The reference clients: what each does, step by step, and after which steps it waits, and for what.

A persona is a generator. It acts through a `Speaker` and yields what has to be so before its next step. Who runs it
knows how to wait: the stage settles on evidence, a script for people waits for the socket.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Protocol


class Until(StrEnum):
    """What a persona waits for."""

    ANSWERED = "answered"
    """The whole reply to all that it has asked has come."""
    TAKEN = "taken"
    """The server has read all that was sent."""
    ENDED = "ended"
    """The server has ended the connection, after the whole reply."""


class Speaker(Protocol):
    """One connection, as a persona acts on it."""

    def ask(self, message: bytes) -> None:
        """Send a request; its reply is expected from now on."""

    def say(self, piece: bytes) -> None:
        """Send a piece of a request that was announced with `announce`."""

    def announce(self, message: bytes) -> None:
        """Expect the reply to a request that will be sent in pieces."""

    def pause(self) -> None:
        """Stop reading: what the server sends piles up."""

    def finish(self) -> None:
        """Send no more (half-close)."""

    def close(self) -> None:
        """Leave with FIN."""

    def reset(self) -> None:
        """Leave with RST."""


Steps = Iterator[Until]
Persona = Callable[[Speaker, bytes], Steps]


def silent(_: Speaker, __: bytes) -> Steps:
    """Connects and says nothing."""
    yield from ()


def polite(speaker: Speaker, message: bytes) -> Steps:
    """Asks, waits for the reply, and closes."""
    speaker.ask(message)
    yield Until.ANSWERED
    speaker.close()


def resetting(speaker: Speaker, message: bytes) -> Steps:
    """Asks, waits for the reply, and resets the connection."""
    speaker.ask(message)
    yield Until.ANSWERED
    speaker.reset()


def half_closing(speaker: Speaker, message: bytes) -> Steps:
    """Asks twice, the second time announcing that it will send no more, and waits for the reply and the end."""
    speaker.ask(message)
    yield Until.ANSWERED
    speaker.ask(message)
    speaker.finish()
    yield Until.ENDED
    speaker.close()


def fragmenting(pieces: int) -> Persona:
    """Sends one request in `pieces` pieces, each when the server has read the one before; then waits for the reply."""

    def persona(speaker: Speaker, message: bytes) -> Steps:
        speaker.announce(message)
        step = max(len(message) // pieces, 1)
        for start in range(0, len(message), step):
            speaker.say(message[start : start + step])
            yield Until.TAKEN
        yield Until.ANSWERED

    persona.__name__ = "fragmenting"
    return persona


def interrupted(speaker: Speaker, message: bytes) -> Steps:
    """Says half of a message, and no more. When the server has read that, whoever runs it lets it leave."""
    speaker.announce(message)
    speaker.say(message[: len(message) // 2])
    yield Until.TAKEN


def unreading(speaker: Speaker, message: bytes) -> Steps:
    """Asks, reads nothing of what comes, and stays."""
    speaker.pause()
    speaker.ask(message)
    yield from ()


def talking(speaker: Speaker, message: bytes) -> Steps:
    """Asks, waits for the reply, and stays. However long the message is, it reads while it sends."""
    speaker.ask(message)
    yield Until.ANSWERED


def repeating(times: int) -> Persona:
    """Asks `times` times, each time when the reply before has come, and stays."""

    def persona(speaker: Speaker, message: bytes) -> Steps:
        for _ in range(times):
            speaker.ask(message)
            yield Until.ANSWERED

    persona.__name__ = "repeating"
    return persona


def hasty(speaker: Speaker, message: bytes) -> Steps:
    """Asks, and resets at once."""
    speaker.ask(message)
    speaker.reset()
    yield from ()
