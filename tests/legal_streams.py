"""What legal streams are, found by trying out every one: the oracle beside which every protocol is tested.

What has arrived is right so far if it is the beginning of a legal stream, and complete if it is one. Nothing of this is
shared with the code that judges.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st

from grader.judgement.lines import RoomTranscript
from grader.judgement.transcript import Transcript

Draw = Callable[[st.SearchStrategy[Any]], Any]
EDITS = ("changed", "lost", "doubled", "swapped")

patiently = settings(
    max_examples=40,
    # Where nobody says anything, nothing can be wrong.
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


def upper(data: bytes) -> bytes:
    """Upper case as ASCII has it; all other bytes as they are."""
    return bytes(byte - 32 if ord("a") <= byte <= ord("z") else byte for byte in data)


def cuttings(data: bytes) -> Iterator[list[bytes]]:
    """Every way of cutting some bytes into chunks, none of them empty."""
    if not data:
        yield []
    for length in range(1, len(data) + 1):
        for rest in cuttings(data[length:]):
            yield [data[:length], *rest]


def whole_before(chunks: list[bytes]) -> list[int]:
    """For each byte how many chunks end before it."""
    return [number for number, chunk in enumerate(chunks) for _ in chunk]


Line = tuple[bytes, int]
"""A whole line, and how much had arrived when it was sent: it cannot begin before that."""


def shuffles(queues: Sequence[tuple[Line, ...]], at: int = 0) -> set[bytes]:
    """Every way in which whole lines of several can follow each other from a place on, those of each in their order."""
    if not any(queues):
        return {b""}
    return {
        queue[0][0] + rest
        for index, queue in enumerate(queues)
        if queue and queue[0][1] <= at
        for rest in shuffles([*queues[:index], queue[1:], *queues[index + 1 :]], at + len(queue[0][0]))
    }


@dataclass
class Beside:
    """What has arrived, and whether it was right at every moment."""

    transcript: Transcript
    received: bytes = b""
    right: bool = True
    good: int = 0

    def take(self, data: bytes, legal: Collection[bytes]) -> None:
        """Some bytes arrive, when these streams are legal."""
        self.transcript.take(data)
        for length in range(len(self.received) + 1, len(self.received) + len(data) + 1):
            self.right &= any(stream.startswith((self.received + data)[:length]) for stream in legal)
            self.good += self.right
        self.received += data

    def agrees(self, legal: Collection[bytes]) -> None:
        """The transcript says of what has arrived what the oracle says."""
        transcript = self.transcript
        assert (transcript.mismatch is None) == self.right
        assert transcript.complete == (self.right and self.received in legal)
        if self.right:
            least = min(len(stream) for stream in legal if stream.startswith(self.received))
            assert transcript.missing == least - len(self.received)
        elif isinstance(transcript, RoomTranscript):
            assert transcript.mismatch
            assert transcript.mismatch.offset <= self.good  # where the wrong line begins
        else:
            assert transcript.mismatch
            assert transcript.mismatch.offset == self.good


class Speaking(Protocol):
    """A client and others who ask, step by step; `legal` is all that the client may have heard by now."""

    @property
    def legal(self) -> Collection[bytes]: ...
    @property
    def done(self) -> bool: ...
    def go_on(self) -> None: ...


def hear_out(draw: Draw, beside: Beside, speaking: Speaking) -> None:
    """Whatever is legal arrives, in pieces and at any moment, until nothing more is asked and nothing is due."""
    while True:
        legal = speaking.legal
        coming = sorted(stream for stream in legal if stream.startswith(beside.received) and stream != beside.received)
        if not coming and speaking.done:
            break
        if speaking.done or (coming and draw(st.booleans())):
            more = draw(st.sampled_from(coming))[len(beside.received) :]
            beside.take(more[: draw(st.integers(1, len(more)))], legal)
        else:
            speaking.go_on()
        assert beside.right
        beside.agrees(speaking.legal)


def edited(draw: Draw, stream: bytes, edit: str) -> bytes:
    """The stream with one byte changed, lost or doubled, or two different ones side by side swapped."""
    if edit == "swapped":
        places = [at for at in range(len(stream) - 1) if stream[at] != stream[at + 1]]
        assume(places)
        at = draw(st.sampled_from(places))
        return stream[:at] + stream[at + 1 : at + 2] + stream[at : at + 1] + stream[at + 2 :]
    at = draw(st.integers(0, len(stream) - 1))
    byte = stream[at : at + 1]
    others = st.sampled_from([b"?", *{stream[i : i + 1] for i in range(len(stream))}]).filter(lambda new: new != byte)
    new = {"lost": b"", "doubled": byte * 2}[edit] if edit != "changed" else draw(others)
    return stream[:at] + new + stream[at + 1 :]


def arrive(draw: Draw, beside: Beside, stream: bytes, legal: set[bytes]) -> None:
    """A stream arrives in pieces of any length."""
    while stream:
        length = draw(st.integers(1, len(stream)))
        beside.take(stream[:length], legal)
        beside.agrees(legal)
        stream = stream[length:]
