"""What one client should receive, compared byte by byte with what it does receive; no socket in sight (sans-IO)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

Reply = Callable[[bytes], bytes]

REPLIES: dict[str, Reply] = {"upper": bytes.upper, "echo": bytes}
"""The replies that a spec's `protocol` may name. Each maps a stream to a stream of the same length, byte by byte,
so how TCP splits or joins it cannot matter. `upper` is that of ASCII."""

_AROUND = 16


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The first wrong byte: where in the stream, and what was received and wanted from a little before it on."""

    offset: int
    received: bytes
    expected: bytes
    extra: bool = False

    def __str__(self) -> str:
        if self.extra:
            return f"{_show(self.received)} came although nothing more was asked for (after {self.offset} bytes)"
        return f"byte {self.offset} differs: received {_show(self.received)}, expected {_show(self.expected)}"


def _show(data: bytes) -> str:
    return repr(data)[1:]


@dataclass
class Transcript:
    """The dialogue of one client.

    `expect()` adds the reply to what was asked; `take()` compares what arrives. `ending` is how the server ended the
    connection ("", "fin", "reset"); `leaving` says that an end is now right, because the client has finished.
    """

    client: str
    reply: Reply
    expected: bytearray = field(default_factory=bytearray)
    received: int = 0
    mismatch: Mismatch | None = None

    def expect(self, request: bytes) -> None:
        """The client asks `request`: its reply is due."""
        self.expected += self.reply(request)

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
        )

    @property
    def missing(self) -> int:
        """How many bytes of the reply have not come yet."""
        return max(len(self.expected) - self.received, 0)

    @property
    def complete(self) -> bool:
        """Every byte came, and every byte was right."""
        return self.mismatch is None and not self.missing
