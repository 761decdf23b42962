"""Every protocol with one client: all that a right server may send is taken, and nothing else is.

The worlds are the protocols as specs name them: the stream in upper case or as it came, with a greeting or with a
suffix for each chunk, by lines and by a table. The scripts of stories come last; rooms are in `test_rooms.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from legal_streams import EDITS, Beside, Draw, arrive, cuttings, edited, hear_out, patiently, upper, whole_before

from grader.judgement.protocols import Script, conversation
from grader.spec import Exchange, Protocol


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


@each_world
@patiently
@given(data=st.data())
def test_whatever_a_right_server_sends_and_whenever_is_taken(name: str, data: st.DataObject) -> None:
    asking = Asking(WORLDS[name], data.draw)
    beside = asking.beside

    hear_out(data.draw, beside, asking)

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
