"""The reference clients against a plain socket: what they do, what they see, and what they write down."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from grader.clients import personas
from grader.clients.client import Client
from grader.clients.crowd import Crowd
from grader.clients.journal import Journal, preview
from grader.clients.personas import Until
from grader.evidence.records import ClientPhase


@dataclass
class Meeting:
    """A client and the accepted socket at the other end."""

    client: Client
    journal: Journal
    server: socket.socket
    heard: bytearray = field(default_factory=bytearray)

    def until(self, so: Callable[[], bool]) -> None:
        """Pump the client until it is so; every turn waits for one of the two sockets."""
        for _ in range(100_000):
            while self.client.pump():
                pass
            if so():
                return
            watched = [s for s in (self.server, self.client) if s.fileno() >= 0]
            select.select(watched, [], [], 0.001)
        raise AssertionError("it never was so")

    @property
    def kinds(self) -> list[str]:
        return [entry.kind for entry in self.journal.entries]


@pytest.fixture(params=["127.0.0.1", "::1"])
def meeting(request: pytest.FixtureRequest) -> Iterator[Meeting]:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.create_server((request.param, 0), family=family) as listener:
        journal, heard = Journal(), bytearray()
        client = Client("ann", journal, heard.extend)
        client.connect(request.param, listener.getsockname()[1])
        server, _ = listener.accept()
        with server:
            found = Meeting(client, journal, server, heard)
            found.until(lambda: client.phase is ClientPhase.OPEN)
            yield found
        client.close()


def test_a_client_that_connects_knows_both_ports(meeting: Meeting) -> None:
    assert meeting.client.ports == (meeting.server.getsockname()[1], meeting.server.getpeername()[1])
    assert meeting.kinds == ["connect", "connected"]


def test_what_is_sent_arrives_and_what_is_answered_is_handed_on(meeting: Meeting) -> None:
    meeting.client.send(b"hello")
    assert meeting.server.recv(10) == b"hello"
    meeting.server.sendall(b"HELLO")
    meeting.until(lambda: bytes(meeting.heard) == b"HELLO")

    assert (meeting.client.sent, meeting.client.received) == (5, 5)
    assert [(e.kind, e.detail, e.size) for e in meeting.journal.entries[2:]] == [
        ("send", "hello", 5),
        ("receive", "HELLO", 5),
    ]


def test_more_than_the_buffers_hold_is_sent_piece_by_piece(meeting: Meeting) -> None:
    meeting.client.send(b"x" * (16 << 20))
    state = meeting.client.state()
    assert state.unsent > 0
    assert state.sent + state.unsent == 16 << 20

    got = 0

    def read() -> bool:
        nonlocal got
        if select.select([meeting.server], [], [], 0)[0]:
            got += len(meeting.server.recv(1 << 20))
        return got == 16 << 20

    meeting.until(read)
    assert meeting.client.state().unsent == 0


def test_a_client_that_does_not_read_leaves_it_all_in_the_kernel(meeting: Meeting) -> None:
    meeting.client.pause()
    meeting.server.sendall(b"waiting")
    meeting.until(lambda: meeting.client.state().unread == 7)

    assert meeting.client.received == 0
    assert not meeting.client.state().readable
    meeting.client.resume()
    meeting.until(lambda: meeting.client.received == 7)
    assert [kind for kind in meeting.kinds if kind in ("pause", "resume", "receive")] == ["pause", "resume", "receive"]


def test_the_end_of_the_stream_is_seen(meeting: Meeting) -> None:
    meeting.server.close()
    meeting.until(lambda: bool(meeting.client.ending))

    assert meeting.client.ending == "fin"
    assert meeting.client.state().ended
    assert meeting.kinds[-1] == "end_of_stream"


def test_a_reset_is_seen(meeting: Meeting) -> None:
    meeting.server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    meeting.server.close()
    meeting.until(lambda: bool(meeting.client.ending))

    assert meeting.client.ending == "reset"
    assert meeting.kinds[-1] == "reset_received"


def test_sending_to_a_server_that_has_reset_is_survived(meeting: Meeting) -> None:
    meeting.server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    meeting.server.close()
    meeting.client.send(b"too late")
    meeting.client.finish()
    meeting.until(lambda: meeting.client.ending == "reset")

    assert not meeting.client.wants_to_write


def test_leaving_with_unread_bytes_is_a_reset_for_the_server(meeting: Meeting) -> None:
    meeting.client.pause()
    meeting.server.sendall(b"never read")
    meeting.until(lambda: meeting.client.state().unread == 10)
    meeting.client.close()

    with pytest.raises(ConnectionResetError):
        meeting.server.recv(1)


@pytest.mark.parametrize("how", ["close", "reset", "finish"])
def test_each_way_to_leave_is_what_it_says(meeting: Meeting, how: str) -> None:
    getattr(meeting.client, how)()

    if how == "reset":
        with pytest.raises(ConnectionResetError):
            meeting.server.recv(1)
    else:
        assert meeting.server.recv(1) == b""
    phase = {"close": ClientPhase.CLOSED, "reset": ClientPhase.RESET, "finish": ClientPhase.HALF_CLOSED}[how]
    assert meeting.client.phase is phase
    assert meeting.kinds[-1] == {"finish": "shutdown"}.get(how, how)
    assert (meeting.client.fileno() >= 0) == (how == "finish")


def test_a_half_close_comes_after_all_that_was_to_be_sent(meeting: Meeting) -> None:
    meeting.client.send(b"x" * (16 << 20))
    meeting.client.finish()
    assert "shutdown" not in meeting.kinds

    got = bytearray()

    def ended() -> bool:
        if select.select([meeting.server], [], [], 0)[0]:
            data = meeting.server.recv(1 << 20)
            got.extend(data)
            return not data
        return False

    meeting.until(ended)
    assert len(got) == 16 << 20
    assert meeting.client.phase is ClientPhase.HALF_CLOSED


def test_a_refused_connection_says_why() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    journal = Journal()
    client = Client("ann", journal)
    client.connect("127.0.0.1", port)
    while client.pump():
        pass

    assert client.refused == "Connection refused"
    assert [entry.kind for entry in journal.entries] == ["connect", "refused"]
    assert client.fileno() == -1


def test_a_client_who_has_left_can_be_told_anything(meeting: Meeting) -> None:
    meeting.client.close()

    meeting.client.close()
    meeting.client.reset()
    meeting.client.finish()
    assert not meeting.client.pump()
    assert meeting.kinds.count("close") == 1


def test_a_journal_is_bounded() -> None:
    journal = Journal(cap=2)
    for _ in range(5):
        journal.note("ann", "send", b"x")

    assert (len(journal.entries), journal.dropped) == (2, 3)


def test_a_full_journal_keeps_both_ends_of_the_story() -> None:
    journal = Journal(cap=4)
    for number in range(9):
        journal.note("ann", "send", detail=str(number))

    assert [entry.detail for entry in journal.entries] == ["0", "1", "7", "8"]


def test_a_crowd_moves_only_those_who_can_move_and_forgets_those_who_leave() -> None:
    crowd, journal = Crowd(), Journal()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ann, bob = (Client(name, journal, crowd=crowd) for name in ("ann", "bob"))
        ends = {}
        for client in (ann, bob):
            client.connect("127.0.0.1", listener.getsockname()[1])
            crowd.pump()
            ends[client.name], _ = listener.accept()
        bob.pause()
        for end in ends.values():
            end.sendall(b"hello")
        crowd.wait(10)
        crowd.pump()
        assert (ann.received, bob.received) == (5, 0)
        bob.resume()
        crowd.pump()
        assert bob.received == 5
        ann.close()
        bob.reset()
        crowd.pump()
        for end in ends.values():
            end.close()
    crowd.close()


@pytest.mark.parametrize(
    ("data", "shown"), [(b"hi\n", "hi\\n"), (b"\x1b[2J\0", "\\x1b[2J\\x00"), (b"a" * 30, "a" * 24 + "…"), (b"", "")]
)
def test_a_preview_is_printable_whatever_the_bytes(data: bytes, shown: str) -> None:
    assert preview(data) == shown


class Recorder:
    """A speaker that only writes down what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def ask(self, message: bytes) -> None:
        self.told.append(f"ask {message.decode()}")

    def say(self, piece: bytes) -> None:
        self.told.append(f"say {piece.decode()}")

    def announce(self, message: bytes) -> None:
        self.told.append(f"announce {message.decode()}")

    def pause(self) -> None:
        self.told.append("pause")

    def finish(self) -> None:
        self.told.append("finish")

    def close(self) -> None:
        self.told.append("close")

    def reset(self) -> None:
        self.told.append("reset")


@pytest.mark.parametrize(
    ("persona", "story"),
    [
        (personas.silent, []),
        (personas.unreading, ["pause", "ask abc"]),
        (personas.interrupted, ["announce abc", "say a", Until.TAKEN]),
        (personas.talking, ["ask abc", Until.ANSWERED]),
        (personas.polite, ["ask abc", Until.ANSWERED, "close"]),
        (personas.resetting, ["ask abc", Until.ANSWERED, "reset"]),
        (personas.half_closing, ["ask abc", Until.ANSWERED, "ask abc", "finish", Until.ENDED, "close"]),
        (
            personas.fragmenting(3),
            ["announce abc", "say a", Until.TAKEN, "say b", Until.TAKEN, "say c", Until.TAKEN, Until.ANSWERED],
        ),
        (
            personas.fragmenting(99),
            ["announce abc", *["say a", Until.TAKEN, "say b", Until.TAKEN, "say c", Until.TAKEN], Until.ANSWERED],
        ),
    ],
    ids=[
        "silent",
        "unreading",
        "interrupted",
        "talking",
        "polite",
        "resetting",
        "half-closing",
        "fragmenting",
        "more pieces than bytes",
    ],
)
def test_a_persona_acts_and_waits_in_its_order(persona: personas.Persona, story: list[str]) -> None:
    recorder = Recorder()
    for until in persona(recorder, b"abc"):
        recorder.told.append(until)

    assert recorder.told == story
