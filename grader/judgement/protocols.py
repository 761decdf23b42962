"""What a server is to say: for each protocol that a spec can name, requests to send and what is due for them.

All sans-IO. A conversation makes the transcripts of one server's clients, for what one says may concern the others.
"""

from __future__ import annotations

import functools
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

from grader.judgement.lines import LineTranscript, RoomTranscript
from grader.judgement.transcript import REPLIES, Mismatch, SuffixTranscript, Transcript
from grader.spec import Exchange, Protocol

_AROUND = 16


class Conversation(ABC):
    """What the clients of one server say and hear."""

    def begin(self) -> None:  # noqa: B027 - most have nothing to forget
        """Everybody who was there has gone."""

    @abstractmethod
    def transcript(self, client: str) -> Transcript:
        """The transcript of a client who connects now."""

    @abstractmethod
    def request(self, number: int, size: int = 0) -> bytes:
        """A request unlike that of any other number; of `size` bytes, if it is given and the protocol lets it be."""

    def every_character(self) -> bytes:
        """A request with every character that a text in ASCII may have; empty, where not every text is a request."""
        return b""

    def whole(self, request: bytes) -> bytes:
        """What a person wrote down, as a whole request: with the end of the line, where requests are lines."""
        return request


@dataclass
class Stream(Conversation):
    """The reply is the stream of requests in upper case, or as it came, however it is cut."""

    protocol: Protocol

    def transcript(self, client: str) -> Transcript:
        reply, greeting = REPLIES[self.protocol.reply], bytearray(self.protocol.greeting.encode())
        if self.protocol.suffix:
            return SuffixTranscript(client, reply, suffix=self.protocol.suffix.encode())
        return Transcript(client, reply, greeting)

    def request(self, number: int, size: int = 0) -> bytes:
        text = message(number, size)[-size:]
        # Nothing says that whoever sends this has to end it: not every message is a line.
        return text.removesuffix(b"\n") if number % 2 and not size else text

    def every_character(self) -> bytes:
        return bytes(range(ord(" "), ord("~") + 1)) + b"\t\r\n"


@dataclass
class Lines(Conversation):
    """Each line is answered when it is whole, and nothing before."""

    protocol: Protocol

    @property
    def end(self) -> bytes:
        """How every line ends. Nothing else does: where it is CR LF, a bare LF is part of a line."""
        return self.protocol.line_end.encode()

    def transcript(self, client: str) -> Transcript:
        greeting = bytearray(self.protocol.greeting.encode())
        return LineTranscript(client, self._answer, greeting, end=self.end)

    def _answer(self, line: bytes) -> bytes:
        return line.upper()

    def whole(self, request: bytes) -> bytes:
        return request if request.endswith(self.end) else request + self.end

    def request(self, number: int, size: int = 0) -> bytes:
        end, body = self.end, message(number, size).removesuffix(b"\n")
        if size:
            body = body[len(body) - max(size - len(end), 0) :]
        return body + end


@dataclass
class Table(Lines):
    """Each line is looked up in a table of regular expressions; the first that matches it whole says the reply."""

    def __post_init__(self) -> None:
        self._rows = [(re.compile(row.request), row) for row in self.protocol.table]

    def _answer(self, line: bytes) -> bytes:
        # What is no UTF-8 stays what it is: a server need not decode what it gives back.
        text = line.removesuffix(self.end).decode("utf-8", "surrogateescape")
        for pattern, row in self._rows:
            if match := pattern.fullmatch(text):
                return match.expand(row.reply).encode("utf-8", "surrogateescape") + self.end
        return self.protocol.otherwise.encode() + self.end if self.protocol.otherwise else b""

    def request(self, number: int, size: int = 0) -> bytes:
        lines: list[bytes] = []
        length, rows = 0, self.protocol.table
        while not lines or length < size:
            row = rows[(number + len(lines)) % len(rows)]
            lines.append((example(row, number + len(lines)) + self.protocol.line_end).encode())
            length += len(lines[-1])
        return b"".join(lines)


def example(row: Exchange, number: int) -> str:
    """A request that a row of a table gives as its example, with the number filled in."""
    return row.example.replace("{n}", str(number))


@dataclass
class Room(Lines):
    """What one client says, line by line, all others hear and nobody else."""

    members: list[RoomTranscript] = field(default_factory=list)

    def begin(self) -> None:
        self.members = []

    def transcript(self, client: str) -> Transcript:
        new = RoomTranscript(client, bytes, end=self.end, members=self.members, to_sender=self.protocol.to_sender)
        if self.protocol.greeting:
            new.due_from("", self.protocol.greeting.encode())
        self.members.append(new)
        return new


@dataclass
class Script(Conversation):
    """What an instructor's own story says is due, and the replies of a protocol where the story asks for those."""

    protocol: Conversation

    def begin(self) -> None:
        self.protocol.begin()

    def transcript(self, client: str) -> ScriptTranscript:
        shadow = self.protocol.transcript(client)
        return ScriptTranscript(client, bytes, bytearray(shadow.expected), shadow=shadow)

    def request(self, number: int, size: int = 0) -> bytes:
        return self.protocol.request(number, size)

    def whole(self, request: bytes) -> bytes:
        return self.protocol.whole(request)


@dataclass
class ScriptTranscript(Transcript):
    """The dialogue of a client in a story: bytes may come before the story says that they are due.

    `shadow` is what the protocol alone would expect.
    """

    shadow: Transcript = field(kw_only=True)
    heard: bytearray = field(default_factory=bytearray)

    def announce(self, request: bytes) -> None:
        before = len(self.shadow.expected)
        self.shadow.announce(request)
        self.due(bytes(self.shadow.expected[before:]))

    def say(self, piece: bytes) -> None:
        before = len(self.shadow.expected)
        self.shadow.say(piece)
        self.due(bytes(self.shadow.expected[before:]))

    def sent(self, piece: bytes) -> None:
        """The client has sent this, and the story itself says what is due for it; it may have begun a line."""
        self.shadow.say(piece)

    def leave(self) -> None:
        self.shadow.leave()

    def due(self, data: bytes) -> None:
        """This is to be received next."""
        before = len(self.expected)
        self.expected += data
        self._compare(before)

    def take(self, data: bytes) -> None:
        before = self.received
        self.heard += data
        self.received += len(data)
        self._compare(before)

    def _compare(self, start: int) -> None:
        end = min(len(self.expected), self.received)
        got, want = self.heard[start:end], self.expected[start:end]
        if self.mismatch is None and got != want:
            at = start + next(i for i, (a, b) in enumerate(zip(got, want, strict=True)) if a != b)
            self.mismatch = Mismatch(at, bytes(self.heard[at:][:_AROUND]), bytes(self.expected[at:][:_AROUND]))


_CONVERSATIONS: dict[str, Callable[[Protocol], Conversation]] = {
    "upper": Stream,
    "echo": Stream,
    "lines": Lines,
    "table": Table,
    "broadcast": Room,
}


def conversation(protocol: Protocol) -> Conversation:
    """A new conversation by a spec's `protocol`."""
    return _CONVERSATIONS[protocol.reply](protocol)


def message(number: int, size: int = 0) -> bytes:
    """A line of text like no other, of at least `size` bytes; its number is not that of the client who sends it."""
    line = f"letter {number} says: the quick brown fox jumps over the lazy dog\n".encode()
    if size <= len(line):
        return line
    return _blocks(size)[: size - len(line)] + line


@functools.lru_cache(maxsize=4)
def _blocks(size: int) -> bytes:
    """Numbered blocks: a lost, doubled or swapped stretch shows, whatever its length."""
    return b"".join(b"%08x-abcdefghijklmnopqrstuvw-" % index for index in range(size // 33 + 1))
