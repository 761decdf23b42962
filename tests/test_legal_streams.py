"""Every protocol beside an oracle: all that a right server may send is taken, and nothing else is.

The oracle of a protocol is the set of all streams that are legal as a whole, made by trying out every one of them for
requests of a few bytes. What has arrived is right so far if it is the beginning of one of these, and complete if it is
one of these. Nothing of it is shared with the code that judges.

The worlds below are the protocols as specs name them: the stream in upper case or as it came, with a greeting or with a
suffix for each chunk, by lines and by a table; rooms and scripts come after them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from grader.judgement.lines import RoomTranscript
from grader.judgement.protocols import Room, Script, conversation
from grader.judgement.transcript import Transcript
from grader.spec import Exchange, Protocol

Draw = Callable[[st.SearchStrategy[Any]], Any]
EDITS = ("changed", "lost", "doubled", "swapped")


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


@dataclass(frozen=True)
class Asked:
    """What was announced and what of it was sent, and how much had arrived when each byte was announced."""

    announced: bytes = b""
    said: bytes = b""
    arrived: tuple[int, ...] = ()

    @classmethod
    def at_once(cls, request: bytes) -> Asked:
        return cls(request, request, (0,) * len(request))

    def announcing(self, request: bytes, arrived: int) -> Asked:
        return Asked(self.announced + request, self.said, self.arrived + (arrived,) * len(request))

    def saying(self, piece: bytes) -> Asked:
        return Asked(self.announced, self.said + piece, self.arrived)


@dataclass(frozen=True)
class World:
    """A protocol, what a client may say in it, and the streams that are legal by what was asked."""

    protocol: Protocol
    words: st.SearchStrategy[bytes]
    legal: Callable[[Asked], set[bytes]]


CHANGES: dict[str, Callable[[bytes], bytes]] = {"upper": upper, "echo": bytes}


def whole(kind: str, greeting: str = "") -> World:
    change = CHANGES[kind]
    words = st.binary(max_size=6) | st.sampled_from([b"aB", b"\xff\x00", b"\n\n", "é".encode(), b"z{`@[A"])
    protocol = Protocol.model_validate({"reply": kind, "greeting": greeting})
    return World(protocol, words, lambda asked: {greeting.encode() + change(asked.announced)})


def with_suffix(kind: str, suffix: str) -> World:
    change = CHANGES[kind]
    letters = sorted({*"aB", *suffix, *suffix.lower()})
    words = st.lists(st.sampled_from(letters), max_size=4).map(lambda found: "".join(found).encode())

    def in_time(chunks: list[bytes], asked: Asked) -> bool:
        """Whether no byte of the reply comes before its request; one that seems to may belong to a suffix."""
        places = [at + suffixes * len(suffix) for at, suffixes in enumerate(whole_before(chunks))]
        return all(place >= arrived for place, arrived in zip(places, asked.arrived, strict=True))

    def legal(asked: Asked) -> set[bytes]:
        return {
            b"".join(change(chunk) + suffix.encode() for chunk in chunks)
            for chunks in cuttings(asked.announced)
            if in_time(chunks, asked)
        }

    return World(Protocol.model_validate({"reply": kind, "suffix": suffix}), words, legal)


def by_lines(answer: Callable[[bytes], bytes | None], words: list[bytes], **protocol: Any) -> World:
    end, greeting = protocol["line_end"].encode(), protocol.get("greeting", "").encode()

    def legal(asked: Asked) -> set[bytes]:
        answers = [answer(line) for line in asked.said.split(end)[:-1]]
        return {greeting + b"".join(found + end for found in answers if found is not None)}

    several = st.lists(st.sampled_from([*words, end, end]), max_size=5).map(b"".join)
    return World(Protocol.model_validate(protocol), several, legal)


LINES = [b"a", b"Z", b"\xff", b"\r", b"\n"]
TABLE = [
    Exchange(request="PING", example="PING", reply="PONG"),
    Exchange(request="ECHO (.+)", example="ECHO {n}", reply=r"\1"),
    Exchange(request=r"SWAP (?P<one>[A-Za-z0-9]+) ([A-Za-z0-9]+)", example="SWAP a b", reply=r"\2 \g<one>"),
    Exchange(request="EC.*", example="EC", reply="short"),
]
REQUESTS = [b"PING", b"PI", b"NG", b"ping", b"ECHO ab", b"ECHO ", b"ECHO \xff", "ECHO é".encode(), b"SWAP l r", b"EC"]


def looked_up(line: bytes, otherwise: bytes | None) -> bytes | None:
    """What the table says to a line, told without regular expressions."""
    if line == b"PING":
        return b"PONG"
    if line.startswith(b"ECHO ") and line != b"ECHO " and b"\n" not in line:
        return line[5:]
    words = line.split(b" ")
    if len(words) == 3 and words[0] == b"SWAP" and words[1].isalnum() and words[2].isalnum():
        return words[2] + b" " + words[1]
    return b"short" if line.startswith(b"EC") and b"\n" not in line else otherwise


def table(end: str, otherwise: str) -> World:
    says = otherwise.encode() or None
    words = [*REQUESTS, b" ", b"\r", b"\n"]
    return by_lines(
        lambda line: looked_up(line, says), words, line_end=end, reply="table", table=TABLE, otherwise=otherwise
    )


WORLDS = {
    "upper": whole("upper"),
    "echo": whole("echo"),
    "upper with a greeting": whole("upper", "hi\n"),
    "echo with a greeting": whole("echo", "é"),
    "upper with a suffix": with_suffix("upper", "_SB"),
    "upper with a suffix of one byte": with_suffix("upper", "A"),
    "echo with a suffix": with_suffix("echo", "aba"),
    "echo with a suffix of like bytes": with_suffix("echo", "aa"),
    "lines": by_lines(upper, LINES, line_end="\n", reply="lines"),
    "lines with a greeting": by_lines(upper, LINES, line_end="\n", reply="lines", greeting="220 hi\n"),
    "lines that end in CR LF": by_lines(upper, LINES, line_end="\r\n", reply="lines", greeting="220\r\n"),
    "a table": table("\n", "WHAT"),
    "a table that is silent otherwise": table("\n", ""),
    "a table of lines that end in CR LF": table("\r\n", "WHAT"),
}
SEVERAL = {name for name in WORLDS if "suffix" in name}
each_world = pytest.mark.parametrize("name", WORLDS)
patiently = settings(
    max_examples=40,
    deadline=None,  # a slow machine is no wrong stream
    suppress_health_check=[HealthCheck.filter_too_much],  # where nobody says anything, nothing can be wrong
)


@dataclass
class Asking:
    """A client who announces its requests and sends them in pieces, and what arrives in between."""

    world: World
    draw: Draw
    asked: Asked = Asked()
    to_ask: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.beside = Beside(conversation(self.world.protocol).transcript("ann"))
        self.to_ask = self.draw(st.lists(self.world.words, max_size=2))

    @property
    def legal(self) -> set[bytes]:
        return self.world.legal(self.asked)

    @property
    def done(self) -> bool:
        return not self.to_ask and self.asked.said == self.asked.announced

    def go_on(self) -> None:
        """Announce the next request, or send a piece of the last."""
        unsent = self.asked.announced[len(self.asked.said) :]
        if not unsent:
            request = self.to_ask.pop(0)
            self.asked = self.asked.announcing(request, len(self.beside.received))
            self.beside.transcript.announce(request)
            return
        piece = unsent[: self.draw(st.integers(1, len(unsent)))]
        self.asked = self.asked.saying(piece)
        self.beside.transcript.say(piece)

    def ask_all(self) -> None:
        while not self.done:
            self.go_on()


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


@each_world
@patiently
@given(data=st.data())
def test_whatever_a_right_server_sends_and_whenever_is_taken(name: str, data: st.DataObject) -> None:
    asking = Asking(WORLDS[name], data.draw)
    beside = asking.beside
    while True:
        legal = asking.legal
        coming = sorted(stream for stream in legal if stream.startswith(beside.received) and stream != beside.received)
        if not coming and asking.done:
            break
        if asking.done or (coming and data.draw(st.booleans())):
            more = data.draw(st.sampled_from(coming))[len(beside.received) :]
            beside.take(more[: data.draw(st.integers(1, len(more)))], legal)
        else:
            asking.go_on()
        assert beside.right
        beside.agrees(asking.legal)

    assert beside.transcript.complete


@each_world
@patiently
@given(data=st.data())
def test_what_comes_before_it_is_due_is_found(name: str, data: st.DataObject) -> None:
    asking = Asking(WORLDS[name], data.draw)
    final = asking.world.legal(Asked.at_once(b"".join(asking.to_ask)))
    stream = data.draw(st.sampled_from(sorted(final)))
    beside = asking.beside
    while stream or not asking.done:
        if asking.done or (stream and data.draw(st.booleans())):
            length = data.draw(st.integers(1, len(stream)))
            beside.take(stream[:length], asking.legal)
            stream = stream[length:]
        else:
            asking.go_on()
        beside.agrees(asking.legal)


@each_world
@pytest.mark.parametrize("edit", EDITS)
@patiently
@given(data=st.data())
def test_a_byte_that_was_changed_lost_doubled_or_swapped_is_found(name: str, edit: str, data: st.DataObject) -> None:
    asking = Asking(WORLDS[name], data.draw)
    asking.ask_all()
    right = data.draw(st.sampled_from(sorted(asking.legal)))
    assume(right)
    stream = edited(data.draw, right, edit)
    beside = asking.beside

    arrive(data.draw, beside, stream, asking.legal)

    # Only a suffix leaves a choice: a suffix of one byte more or less cuts in another place, and a swap may move the
    # end of a chunk. A byte that is changed is never right, for there are the same bytes in all cuttings of one length.
    a_choice = (edit in ("lost", "doubled") and len(asking.world.protocol.suffix) == 1) or edit == "swapped"
    if not (name in SEVERAL and a_choice and stream in asking.legal):
        assert not beside.transcript.complete


@each_world
@patiently
@given(data=st.data())
def test_any_stream_is_told_right_from_wrong(name: str, data: st.DataObject) -> None:
    asking = Asking(WORLDS[name], data.draw)
    asking.ask_all()
    bits = sorted({*asking.legal, asking.world.protocol.suffix.encode(), *(b"a", b"A", b"\n", b"\r\n")} - {b""})
    bit = st.tuples(st.sampled_from(bits), st.integers(0, 9), st.integers(0, 9)).map(
        lambda cut: cut[0][cut[1] : cut[2]]
    )
    stream = b"".join(data.draw(st.lists(bit | st.sampled_from(bits), max_size=4)))

    arrive(data.draw, asking.beside, stream, asking.legal)


@pytest.mark.parametrize("suffix", ["_SB", "A", "\xff", "aba"])
@patiently
@given(
    request=st.binary(min_size=1, max_size=3000),
    sizes=st.lists(st.integers(1, 400), min_size=1),
    pieces=st.lists(st.integers(1, 700), min_size=1),
    at=st.integers(0),
    other=st.binary(min_size=1, max_size=1),
)
def test_a_long_reply_with_suffixes_may_be_cut_anywhere_but_no_byte_of_it_changed(
    suffix: str, request: bytes, sizes: list[int], pieces: list[int], at: int, other: bytes
) -> None:
    stream, left = b"", request
    while left:
        chunk, left = left[: sizes[0]], left[sizes[0] :]
        sizes = [*sizes[1:], sizes[0]]
        stream += upper(chunk) + suffix.encode()
    place = at % len(stream)

    for wrong in (False, True):
        transcript = conversation(Protocol(suffix=suffix)).transcript("ann")
        transcript.announce(request)
        coming = stream[:place] + other + stream[place + 1 :] if wrong else stream
        for length in pieces * (len(stream) // sum(pieces) + 1):
            transcript.take(coming[:length])
            coming = coming[length:]
        assert transcript.complete == (not wrong or other == stream[place : place + 1])


# What one says all others hear.

ROOMS = {
    "a room": Protocol(reply="broadcast"),
    "a room with an echo": Protocol(reply="broadcast", to_sender=True),
    "a room with a greeting": Protocol(reply="broadcast", greeting="hi\nthere\n"),
    "a room of lines that end in CR LF": Protocol(reply="broadcast", line_end="\r\n", greeting="a\nb\r\n"),
}
each_room = pytest.mark.parametrize("name", ROOMS)


class Gathering:
    """Some clients in a room, who come, speak in pieces and leave, and what ann should hear of it, by the oracle."""

    def __init__(self, protocol: Protocol, draw: Draw) -> None:
        self.protocol, self.draw = protocol, draw
        self.end = protocol.line_end.encode()
        self.room = conversation(protocol)
        self.there: dict[str, Transcript] = {}
        # Few words, so that several often say the same.
        line = st.sampled_from([b"a", b"b", b"a", b"", b"ab"]) | st.sampled_from([b"a\rb", b"\r", b"\n", b"a\nb"])
        most = {"ann": 1, "bob": 2, "cat": 1, "dan": 1}
        said = {who: draw(st.lists(line, max_size=count)) for who, count in most.items()}
        self.unsaid = {who: b"".join(found + self.end for found in lines) for who, lines in said.items()}
        self.begun: dict[str, bytes] = dict.fromkeys(self.unsaid, b"")
        self.due: dict[str, tuple[Line, ...]] = {}
        self.beside: Beside | None = None

    def come(self, who: str) -> None:
        self.there[who] = self.room.transcript(who)
        if who == "ann":
            self.beside = Beside(self.there[who])

    def leave(self, who: str) -> None:
        self.there.pop(who).leave()
        self.unsaid[who] = b""

    def speak(self, who: str) -> None:
        piece = self.unsaid[who][: self.draw(st.integers(1, len(self.unsaid[who])))]
        self.unsaid[who] = self.unsaid[who][len(piece) :]
        *lines, self.begun[who] = (self.begun[who] + piece).split(self.end)
        if self.beside and (who != "ann" or self.protocol.to_sender):
            new = tuple((line + self.end, len(self.beside.received)) for line in lines)
            self.due[who] = self.due.get(who, ()) + new
        self.there[who].announce(piece)
        self.there[who].say(piece)

    @property
    def legal(self) -> set[bytes]:
        """All that ann may hear, from the greeting on."""
        greeting = self.protocol.greeting.encode()
        return {greeting + lines for lines in shuffles(list(self.due.values()), len(greeting))}

    def ann_is_there(self) -> Beside:
        """She comes, if she has not yet."""
        if self.beside is None:
            self.come("ann")
        assert self.beside
        return self.beside

    def all_say_what_they_have_to_say(self) -> None:
        while not self.done:
            self.go_on()

    @property
    def done(self) -> bool:
        return not any(self.unsaid.values())

    def go_on(self) -> None:
        """One of those who are not ann comes or leaves, or anybody speaks."""
        who = self.draw(st.sampled_from([who for who, words in self.unsaid.items() if words]))
        if who not in self.there:
            self.come(who)
        elif who != "ann" and self.draw(st.integers(0, 9)) == 1:
            self.leave(who)
        else:
            self.speak(who)


@each_room
@patiently
@given(data=st.data())
def test_lines_of_different_speakers_may_be_heard_in_any_order(name: str, data: st.DataObject) -> None:
    room = Gathering(ROOMS[name], data.draw)
    for _ in range(data.draw(st.integers(0, 4))):
        if not room.beside and not room.done:
            room.go_on()
    beside = room.ann_is_there()
    while True:
        coming = sorted(found for found in room.legal if found.startswith(beside.received) and found != beside.received)
        if not coming and room.done:
            break
        if room.done or (coming and data.draw(st.booleans())):
            more = data.draw(st.sampled_from(coming))[len(beside.received) :]
            beside.take(more[: data.draw(st.integers(1, len(more)))], room.legal)
        else:
            room.go_on()
        assert beside.right
        beside.agrees(room.legal)

    assert beside.transcript.complete


@each_room
@pytest.mark.parametrize("edit", EDITS)
@patiently
@given(data=st.data())
def test_in_a_room_a_byte_that_was_changed_lost_doubled_or_swapped_is_found(
    name: str, edit: str, data: st.DataObject
) -> None:
    room = Gathering(ROOMS[name], data.draw)
    beside = room.ann_is_there()
    room.all_say_what_they_have_to_say()
    right = data.draw(st.sampled_from(sorted(room.legal)))
    assume(right)
    stream = edited(data.draw, right, edit)

    arrive(data.draw, beside, stream, room.legal)

    # All legal streams are made of the same bytes. Swapped bytes may be right where they make other lines of the same.
    if edit != "swapped" or stream not in room.legal:
        assert not beside.transcript.complete


@each_room
@patiently
@given(data=st.data())
def test_a_line_that_is_cut_by_another_or_comes_out_of_turn_is_found(name: str, data: st.DataObject) -> None:
    room = Gathering(ROOMS[name], data.draw)
    beside = room.ann_is_there()
    room.all_say_what_they_have_to_say()
    greeting = room.protocol.greeting.encode()
    lines = data.draw(st.sampled_from(sorted(room.legal))).removeprefix(greeting).split(room.end)
    parts = [greeting, *(part for line in lines[:-1] for part in (line[:1], line[1:] + room.end))]

    stream = b"".join(data.draw(st.permutations(parts)))

    arrive(data.draw, beside, stream, room.legal)


@pytest.mark.parametrize("first", ["bob", "cat"])
@pytest.mark.parametrize(
    ("stream", "right"), [(b"x\ny\nx\n", True), (b"x\nx\ny\n", True), (b"y\nx\nx\n", False), (b"x\ny\ny\n", False)]
)
def test_where_two_say_the_same_it_may_have_been_either(first: str, stream: bytes, *, right: bool) -> None:
    room = conversation(Protocol(reply="broadcast"))
    ann, bob, cat = (room.transcript(name) for name in ("ann", "bob", "cat"))
    for who, words in sorted([("bob", b"x\ny\n"), ("cat", b"x\n")], key=lambda said: said[0] != first):
        {"bob": bob, "cat": cat}[who].say(words)
    ann.take(stream)

    assert ann.complete is right


def test_many_who_say_the_same_are_all_heard_in_whatever_order() -> None:
    room = conversation(Protocol(reply="broadcast"))
    ann = room.transcript("ann")
    for number in range(40):
        other = room.transcript(f"client {number}")
        other.say(b"hello\nbye\n")
    ann.take(b"hello\nbye\n" * 20 + b"hello\n" * 20 + b"bye\n" * 19)

    assert ann.mismatch is None
    assert ann.missing == len(b"bye\n")
    ann.take(b"bye\n")
    assert ann.complete
    ann.take(b"bye\n")
    assert ann.mismatch


def test_nobody_of_an_earlier_server_is_in_the_room() -> None:
    room = conversation(Protocol(reply="broadcast"))
    before = room.transcript("ann")
    room.begin()
    room.transcript("bob").say(b"hello\n")

    assert isinstance(room, Room)
    assert before.complete


# A story.


@pytest.mark.parametrize("name", sorted(set(WORLDS) - SEVERAL))
@patiently
@given(data=st.data())
def test_in_a_story_bytes_may_come_before_they_are_due_but_no_others(name: str, data: st.DataObject) -> None:
    world = WORLDS[name]
    transcript = Script(conversation(world.protocol)).transcript("ann")
    greeting = world.protocol.greeting.encode()
    due, received, asked = greeting, b"", b""
    stream = data.draw(st.binary(max_size=3) | st.just(greeting))
    for _ in range(data.draw(st.integers(1, 8))):
        step = data.draw(st.sampled_from(["receive", "exchange", "hear", "hear rightly"]))
        if step == "receive":
            words = data.draw(world.words)
            transcript.due(words)
            due += words
        elif step == "exchange":
            request = data.draw(world.words)
            before = min(world.legal(Asked.at_once(asked)))
            asked += request
            transcript.announce(request)
            for at in range(len(request)):
                transcript.say(request[at : at + 1])
            due += min(world.legal(Asked.at_once(asked)))[len(before) :]
        else:
            stream = data.draw(st.binary(max_size=3)) if step == "hear" else due[len(received) :]
            transcript.take(stream)
            received += stream
        both = min(len(due), len(received))
        alike = next((at for at in range(both) if due[at] != received[at]), both)
        assert (transcript.mismatch is None) == (alike == both)
        assert transcript.complete == received.startswith(due)
        if transcript.mismatch:
            assert transcript.mismatch.offset == alike


@patiently
@given(st.lists(st.sampled_from([b"a", b"b\n", b"\n"]), max_size=4), st.sampled_from([b"x\n", b"\n", b"y\nz\n"]))
def test_in_a_story_an_exchange_ends_the_line_that_was_begun(sent: list[bytes], request: bytes) -> None:
    transcript = Script(conversation(Protocol(reply="lines"))).transcript("ann")
    for piece in sent:
        transcript.sent(piece)
        transcript.due(upper(piece) if b"\n" in piece else b"")
    begun = b"".join(sent).rpartition(b"\n")[2]
    before = len(transcript.expected)

    transcript.announce(request)
    transcript.say(request)

    assert bytes(transcript.expected[before:]) == upper(begun + request)
