"""What a client should hear where requests are lines: the reply to each whole line, or the lines of all others."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from grader.judgement.transcript import Mismatch, Transcript

_MOST_SHOWN, _MOST_PLACES = 80, 500


@dataclass
class LineTranscript(Transcript):
    """The dialogue of a client whose server answers whole lines: `reply` is that to one line, its end included."""

    end: bytes = field(default=b"\n", kw_only=True)
    begun: bytes = b""

    def announce(self, request: bytes) -> None:
        """Nothing is due before it is sent."""

    def say(self, piece: bytes) -> None:
        """The client sends this: the replies to the lines that it ends are due."""
        *whole, self.begun = (self.begun + piece).split(self.end)
        for line in whole:
            self.due(line + self.end)

    def _first_difference(self, data: bytes, due: bytes) -> Mismatch:
        return replace(super()._first_difference(data, due), begun=self.begun)

    def due(self, line: bytes) -> None:
        """The client has sent a whole line."""
        self.expected += self.reply(line)


Place = tuple[int, ...]
"""How many lines of each speaker have been heard, in one way of telling who said what."""


@dataclass
class RoomTranscript(LineTranscript):
    """What one of several clients hears: every line of every other, each whole, those of one in their order.

    The greeting comes first. How the lines of different clients follow each other is the server's to say, and where
    several say the same there are several ways of telling whose line was heard. All are followed at once: `said` holds
    the lines that are due, one list for each speaker (that of the greeting first), and `_places` how far each of them
    may have been heard. Should there be more ways than can be followed, some are forgotten (`_lost`), and from then on
    a line that fits none of the others is wrong only if nobody owes it. `members` is everybody in the room.
    """

    members: list[RoomTranscript] = field(kw_only=True, repr=False)
    to_sender: bool = False
    said: list[list[bytes]] = field(default_factory=lambda: [[]])
    heard: bytes = b""
    _spoken: set[bytes] = field(default_factory=set)
    _numbers: dict[str, int] = field(default_factory=lambda: {"": 0})
    _places: set[Place] = field(default_factory=lambda: {(0,)})
    _owed: Counter[bytes] = field(default_factory=Counter)
    _speakers: dict[bytes, set[int]] = field(default_factory=dict)
    _lost: bool = False

    def due(self, line: bytes) -> None:
        self._spoken.add(line)
        for other in self.members:
            if other is not self or self.to_sender:
                other.due_from(self.client, line)

    def due_from(self, speaker: str, lines: bytes) -> None:
        """These whole lines of another's are to come."""
        if speaker not in self._numbers:
            self._numbers[speaker] = len(self.said)
            self.said.append([])
            self._places = {(*place, 0) for place in self._places}
        new = [line + self.end for line in lines.removesuffix(self.end).split(self.end)]
        self.said[self._numbers[speaker]] += new
        self._owed.update(new)
        for line in new:
            self._speakers.setdefault(line, set()).add(self._numbers[speaker])
        self.expected += lines

    def leave(self) -> None:
        self.members[:] = [other for other in self.members if other is not self]

    def take(self, data: bytes) -> None:
        before, self.received = self.received - len(self.heard), self.received + len(data)
        if self.mismatch is not None:
            return
        *whole, self.heard = (self.heard + data).split(self.end)
        for line in whole:
            if not self._hear(line + self.end):
                self._misheard(before, line + self.end)
                return
            before += len(line) + len(self.end)
        if self.heard and not self._lost and not any(line.startswith(self.heard) for line in self._heads()):
            self._misheard(before, self.heard)

    def _next(self, place: Place, speaker: int) -> bytes:
        """The line of this speaker that may be heard next, b"" if there is none."""
        at, lines = place[speaker], self.said[speaker]
        greeted = not speaker or place[0] == len(self.said[0])
        return lines[at] if greeted and at < len(lines) else b""

    def _heads(self) -> list[bytes]:
        found = (self._next(place, speaker) for place in self._places for speaker in range(len(place)))
        return [line for line in found if line]

    def _hear(self, line: bytes) -> bool:
        after = {
            (*place[:speaker], place[speaker] + 1, *place[speaker + 1 :])
            for place in self._places
            for speaker in self._speakers.get(line, ())
            if self._next(place, speaker) == line
        }
        if not after and not (self._lost and self._owed[line] > 0):
            return False
        if len(after) > _MOST_PLACES:
            after, self._lost = set(sorted(after)[:_MOST_PLACES]), True
        self._places = after or self._places
        self._owed[line] -= 1
        return True

    def _misheard(self, offset: int, line: bytes) -> None:
        heads = self._heads()
        due = heads[0][:_MOST_SHOWN] if heads else b""
        own, begun = line in self._spoken, b"" if line in self._owed else self._begun_by_others(line)
        self.mismatch = Mismatch(offset, line[:_MOST_SHOWN], due, extra=not heads, begun=begun, own=own)

    def _begun_by_others(self, line: bytes) -> bytes:
        """What one of the others has said of a line that is not whole yet, if that is what has come; b"" if not."""
        begun = (other.begun for other in self.members if other is not self and other.begun)
        return next((words for words in begun if line.startswith(words) or words.startswith(line)), b"")
