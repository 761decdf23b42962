"""What one client should receive, compared byte by byte with what it does receive; no socket in sight (sans-IO)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from grader.words import say

Reply = Callable[[bytes], bytes]

REPLIES: dict[str, Reply] = {"upper": bytes.upper, "echo": bytes}
"""The replies that a spec's `protocol` may name. Each maps a stream to a stream of the same length, byte by byte,
so how TCP splits or joins it cannot matter. `upper` is that of ASCII."""

_AROUND = 16
_TELLING = 64


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The first wrong byte: where in the stream, and what was received and wanted from a little before it on.

    `begun` is what the client had sent by then of a line that was not whole yet, where requests are lines; where others
    are to hear it, what was begun by one of these and has come. `own`: it is what this client itself had said.
    `later`: it is what is due only later, so something before it is lost.
    """

    offset: int
    received: bytes
    expected: bytes
    extra: bool = False
    begun: bytes = b""
    own: bool = False
    later: bool = False

    @property
    def words(self) -> str:
        """What is wrong, in one clause."""
        received = _show(self.received)
        if self.extra:
            return say(
                "{received} came although nothing more was asked for (after {offset} bytes)",
                received=received,
                offset=self.offset,
            )
        return say(
            "byte {offset} differs: received {received}, expected {expected}",
            offset=self.offset,
            received=received,
            expected=_show(self.expected),
        )

    def __str__(self) -> str:
        return str(self.words)


def _show(data: bytes) -> str:
    return repr(data)[1:]


@dataclass
class Transcript:
    """The dialogue of one client.

    `announce()` adds the reply to what was asked; `take()` compares what arrives. `ending` is how the server ended the
    connection ("", "fin", "reset"); `leaving` says that an end is now right, because the client has finished.
    """

    client: str
    reply: Reply
    expected: bytearray = field(default_factory=bytearray)
    received: int = 0
    mismatch: Mismatch | None = None

    def announce(self, request: bytes) -> None:
        """The client is going to ask `request`, in one piece or several: its reply is due from now on."""
        self.expected += self.reply(request)

    def say(self, piece: bytes) -> None:
        """The client sends a piece of what it announced."""

    def leave(self) -> None:
        """The client goes."""

    def take(self, data: bytes) -> None:
        """These bytes arrived; after the first wrong one nothing more is compared."""
        if self.mismatch is None:
            due = self.expected[self.received : self.received + len(data)]
            if due != data:
                self.mismatch = self._first_difference(data, bytes(due))
        self.received += len(data)

    def _first_difference(self, data: bytes, due: bytes) -> Mismatch:
        at = next((i for i, (got, want) in enumerate(zip(data, due, strict=False)) if got != want), len(due))
        start = max(at - _AROUND // 2, 0)
        return Mismatch(
            offset=self.received + at,
            received=data[start : start + _AROUND] if at < len(due) else data[at : at + _AROUND],
            expected=due[start : start + _AROUND],
            extra=at == len(due),
            later=self._is_due_later(data[at : at + _TELLING], self.received + at),
        )

    def _is_due_later(self, data: bytes, offset: int) -> bool:
        return len(data) >= _AROUND and self.expected.find(data, offset + 1) >= 0

    @property
    def missing(self) -> int:
        """How many bytes of the reply have not come yet."""
        return max(len(self.expected) - self.received, 0)

    @property
    def complete(self) -> bool:
        """Every byte came, and every byte was right."""
        return self.mismatch is None and not self.missing


@dataclass
class SuffixTranscript(Transcript):
    """The same where the server adds `suffix` to the reply for each chunk that it receives.

    Where a chunk ends is for TCP to say: it may join what was sent in pieces and cut what was sent whole. So every
    way of cutting the requests into chunks is right, as long as no chunk is empty and every suffix is whole. What was
    received is followed in all of these ways at once: `_at` holds the places (bytes of the reply before the place,
    bytes of a suffix begun there) at which it may stand; a place with a whole suffix ends a chunk.
    """

    suffix: bytes = b""
    _at: set[tuple[int, int, bool]] = field(default_factory=lambda: {(0, 0, False)})

    def take(self, data: bytes) -> None:
        """These bytes arrived; after the first that fits no cutting nothing more is compared."""
        index = 0
        while index < len(data) and self.mismatch is None:
            if plain := self._plain(data, index):
                index += plain
                continue
            after = {place for at in self._at for place in self._step(at, data[index])}
            if not after:
                self.mismatch = self._misfit(data[index : index + _AROUND], self.received + index)
            self._at = after or self._at
            index += 1
        self.received += len(data)

    def _plain(self, data: bytes, index: int) -> int:
        """How many bytes can be taken at once: all up to the next that may begin a suffix, if there is one way only."""
        if len(self._at) > 1:
            return 0
        sent, begun, _ = next(iter(self._at))
        end = data.find(self.suffix[:1], index)
        length = (len(data) if end < 0 else end) - index
        if begun or not length or self.expected[sent : sent + length] != data[index : index + length]:
            return 0
        self._at = {(sent + length, 0, True)}
        return length

    def _step(self, at: tuple[int, int, bool], byte: int) -> Iterator[tuple[int, int, bool]]:
        sent, begun, chunk = at
        if not begun and sent < len(self.expected) and self.expected[sent] == byte:
            yield sent + 1, 0, True
        if chunk and self.suffix[begun] == byte:
            whole = begun + 1 == len(self.suffix)
            yield (sent, 0, False) if whole else (sent, begun + 1, True)

    def _misfit(self, received: bytes, offset: int) -> Mismatch:
        sent, begun, _ = max(self._at)
        due = self.suffix[begun:] if begun else bytes(self.expected[sent : sent + _AROUND]) or self.suffix
        done = (len(self.expected), 0, False) in self._at
        return Mismatch(offset, received, due, extra=done)

    @property
    def missing(self) -> int:
        """How many bytes have not come yet, at the least."""
        return min(self._lacking(sent, begun, chunk=chunk) for sent, begun, chunk in self._at)

    def _lacking(self, sent: int, begun: int, *, chunk: bool) -> int:
        left, suffix = len(self.expected) - sent, len(self.suffix)
        # What is left is one chunk more, unless it goes on with the one that has begun.
        return left + (suffix - begun if begun else 0) + (suffix if left or (chunk and not begun) else 0)
