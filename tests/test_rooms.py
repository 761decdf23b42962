"""What one client says all others hear: each line whole, those of one speaker in their order, and nothing besides."""

from __future__ import annotations

import pytest
from conftest import Grade
from hypothesis import assume, given
from hypothesis import strategies as st
from legal_streams import EDITS, Beside, Draw, Line, arrive, edited, hear_out, patiently, shuffles

from grader.judgement.protocols import Room, conversation
from grader.judgement.transcript import Transcript
from grader.spec import Protocol

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

    hear_out(data.draw, beside, room)

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


@pytest.mark.parametrize(
    ("heard", "begun"),
    [
        (b"half a line", b"half a line"),
        (b"half", b"half a line"),
        (b"half a line\n", b"half a line"),
        (b"half a liner\n", b"half a line"),
        (b"something else", b""),
        (b"half a line and more\n", b""),  # it was said before, and comes a second time
    ],
)
def test_a_line_that_came_before_it_was_whole_is_known_as_such(heard: bytes, begun: bytes) -> None:
    room = conversation(Protocol(reply="broadcast"))
    ann, bob = room.transcript("ann"), room.transcript("bob")
    bob.say(b"half a line and more\nhalf a line")
    ann.take(b"half a line and more\n")
    ann.take(heard)

    assert ann.mismatch
    assert ann.mismatch.extra
    assert ann.mismatch.begun == begun


ROOM_OF_THREADS = """
import socket, threading
members, lock = [], threading.Lock()

def serve(client):
    begun = b""
    while data := client.recv(4096):
        READ
        with lock:
            for other in members:
                if other is not client:
                    try:
                        other.sendall(data)
                    except OSError:
                        pass

def attend(client):
    with client:
        try:
            serve(client)
        except OSError:
            pass
        with lock:
            members.remove(client)

with socket.create_server(("", 8080), backlog=128) as listener:
    while True:
        client, _ = listener.accept()
        with lock:
            members.append(client)
        threading.Thread(target=attend, args=(client,), daemon=True).start()
"""
BY_LINE = "*lines, begun = (begun + data).split(b'\\n'); data = b''.join(line + b'\\n' for line in lines)"


@pytest.mark.parametrize(("read", "verdict"), [(BY_LINE, "pass"), ("pass", "fail")], ids=["by line", "by recv"])
def test_lines_are_passed_on_when_they_are_whole(read: str, verdict: str, grade_source: Grade) -> None:
    source = ROOM_OF_THREADS.replace("READ", read)

    (check,) = grade_source(source, "- behaviour: broadcast", head="protocol: {reply: broadcast}").checks

    assert check.verdict == verdict, check.summary
    assert (check.diagnosis is not None and check.diagnosis.id == "message-per-recv") is (verdict == "fail")


def test_nobody_of_an_earlier_server_is_in_the_room() -> None:
    room = conversation(Protocol(reply="broadcast"))
    before = room.transcript("ann")
    room.begin()
    room.transcript("bob").say(b"hello\n")

    assert isinstance(room, Room)
    assert before.complete
