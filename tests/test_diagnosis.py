"""Each rule names its mistake where the evidence shows it, and nothing where the evidence only resembles it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Grade
from evidence_samples import (
    ANN,
    BOB,
    CLIENT_A,
    CONNECTION,
    LISTENER,
    LISTENING,
    PID,
    PROCESS,
    SERVER_A,
    STUCK,
    WAIT,
)

from grader.evidence.records import (
    ClientPhase,
    Descriptor,
    DescriptorKind,
    Evidence,
    Frame,
    Pass,
    Process,
    Stack,
    TcpState,
    WaitKind,
)
from grader.judgement import outcome
from grader.judgement.budget import Spent
from grader.judgement.diagnosis import RULES, Case, Misheard, diagnose
from grader.judgement.finding import Fact
from grader.judgement.outcome import Outcome
from grader.judgement.source import Traceback
from grader.judgement.texts import TEXTS
from grader.judgement.transcript import Mismatch
from grader.report.model import Basis, Verdict
from grader.spec import Exchange, Protocol

SOURCE = """\
import select, socket
server = socket.create_server(("", 8080))
sockets = [server]
while True:
    readable, _, _ = select.select(sockets, [], [])
    for sock in readable:
        data = sock.recv(4096)
        sock.send(data.upper())
"""
SELECT_LINE, RECV_LINE, SEND_LINE = 5, 7, 8


def lines(*changes: tuple[str, str], text: str = SOURCE) -> dict[str, list[str]]:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return {"server.py": text.splitlines()}


def stack(line: int, tid: int = PID) -> Stack:
    return Stack(
        PID, tid, "thread", (Frame("select", "selectors.py", 99, own=False), Frame("main", "server.py", line, own=True))
    )


RUNS_THE_LOOP = Frame("run_forever", "/usr/lib/python3.11/asyncio/base_events.py", 99, own=False)
IN_THE_LOOP = Stack(PID, PID, "main", (RUNS_THE_LOOP, *stack(RECV_LINE).frames[1:]))


def case(**changes: Any) -> Case:
    base = Case(
        doing="concurrent",
        summary="",
        ended=False,
        spinning=False,
        evidence=None,
        sockets=(),
        stacks=(),
        sources=lines(),
        traceback=None,
    )
    return replace(base, **changes)


def waiting(kind: WaitKind, **changes: Any) -> Evidence:
    return replace(STUCK, waits=(replace(WAIT, kind=kind, **changes),))


def in_epoll(edges: tuple[int, ...] = (), watches: tuple[int, ...] = (3, 4), **changes: Any) -> Evidence:
    """Asleep in epoll_wait(), at a set that watches these."""
    members = Descriptor(9, DescriptorKind.EPOLL, watches=watches, edges=edges)
    process = replace(PROCESS, descriptors=(*PROCESS.descriptors, members))
    limit = changes.pop("limit", None)
    return replace(waiting(WaitKind.EPOLL, reads=(9,), limit=limit), processes=(process,), **changes)


def asking_for_room(writable: tuple[int, ...]) -> Process:
    """A process whose epoll set is to tell when these can be written to."""
    members = Descriptor(9, DescriptorKind.EPOLL, watches=(3, 4), writable=writable)
    return replace(PROCESS, descriptors=(*PROCESS.descriptors, members))


CLOSED = replace(SERVER_A, state=TcpState.CLOSE_WAIT)
PAUSED = replace(STUCK, clients=(replace(ANN, reads=False), BOB))
TRACEBACK = Traceback("ConnectionResetError", "[Errno 104] Connection reset by peer", "server.py", RECV_LINE)
NEGATIVE = Traceback("ValueError", "file descriptor cannot be a negative integer (-1)", "server.py", SELECT_LINE)
TOO_HIGH = Traceback("ValueError", "filedescriptor out of range in select()", "server.py", RECV_LINE)
POLL_SOURCE = """\
import select, socket
server = socket.create_server(("", 8080))
poller = select.poll()
poller.register(server, select.POLLIN)
people = {server.fileno(): server}
while True:
    for fd, what in poller.poll():
        if fd == server.fileno():
            person, _ = server.accept()
            people[person.fileno()] = person
            poller.register(person, select.POLLIN | select.POLLOUT)
        elif what & select.POLLIN:
            people[fd].sendall(people[fd].recv(4096).upper())
"""
REGISTERS = "person, select.POLLIN | select.POLLOUT"
POLL_SPINS: dict[str, Any] = {
    "doing": "idle_clients",
    "spinning": True,
    "stacks": (stack(7), stack(8)),
    "sockets": (replace(LISTENING, receive_queue=0), SERVER_A),
}


def polling(*changes: tuple[str, str]) -> dict[str, list[str]]:
    return lines(*changes, text=POLL_SOURCE)


SPIN = {"spinning": True, "stacks": (stack(RECV_LINE), stack(SELECT_LINE))}
NOT_READ = "spins while a half-closed client does not read: duty 99% of a core"
LATE = "a half-closed client who read late did not get its replies and then the end"
CUT = "the server closed the connection of client 6 after 9 of 99 bytes"
KEPT_BACK: dict[str, Fact] = {"kept": 32768}
HALF = replace(ANN, phase=ClientPhase.HALF_CLOSED)
FORGOTTEN = replace(waiting(WaitKind.SELECT, reads=(3,)), sockets=(LISTENING, CLOSED, CLIENT_A), clients=(HALF,))
LOST = replace(waiting(WaitKind.SELECT, reads=(3, 4)), sockets=(LISTENING, SERVER_A, CLIENT_A), clients=(ANN,))
UNSENT: dict[str, Any] = {"doing": "large", "evidence": LOST, "sockets": LOST.sockets, "unserved": ("ann",)}

TRACEBACK_KEY = replace(TRACEBACK, kind="KeyError")
IN_USE = Traceback("OSError", "[Errno 98] Address already in use", "server.py", 2)
NOT_CONNECTED = Traceback("OSError", "[Errno 107] Transport endpoint is not connected", "server.py", RECV_LINE)
NO_TEXT = Traceback("UnicodeDecodeError", "'utf-8' codec can't decode byte 0x80", "server.py", RECV_LINE)
NO_THREAD = Traceback("RuntimeError", "can't start new thread", "server.py", RECV_LINE)
STOPPED = "stopped: it had 72 processes and threads, 64 are allowed"
AT_RECV: dict[str, Any] = {"stacks": (stack(RECV_LINE),)}
POLLED = "this is not the select model: it waits for the network in poll, not only in select"
UNREAD = (replace(LISTENING, receive_queue=0), replace(SERVER_A, receive_queue=9), CLIENT_A)
LOCKED = waiting(WaitKind.FUTEX, reads=())
ASLEEP = replace(waiting(WaitKind.SELECT, reads=(3, 4)), main=PID)
CATCHES = replace(ASLEEP, processes=(replace(PROCESS, caught=1 << 14),))
CHILD = Process(PID + 1, PID, "python", (replace(CONNECTION, inode=41),))
FORKED = replace(
    waiting(WaitKind.ACCEPT, reads=(3,)), processes=(PROCESS, CHILD), sockets=(LISTENING, CLOSED, CLIENT_A)
)
ALIVE = (LISTENING, SERVER_A, CLIENT_A)
KEPT: dict[str, Any] = {
    "summary": "open sockets grew with every round: 3, 4, 5",
    "processes": (PROCESS,),
    "sockets": (LISTENING, CLOSED),
}
FEWER = "threads became fewer with every round: 14, 11, 8"
POLLS = replace(PROCESS, descriptors=(replace(LISTENER, nonblocking=True), replace(CONNECTION, nonblocking=True)))
QUIET = (replace(LISTENING, receive_queue=0), SERVER_A)
POLLING: dict[str, Any] = {
    **SPIN,
    "sources": lines(("    readable, _, _ = select.select(sockets, [], [])\n", "")),
    "processes": (POLLS,),
    "sockets": QUIET,
}
UNGREETED = Misheard(Mismatch(0, b"ABC", b"220 re"), due=b"220 ready\nABCDEF")
SKIPPED = Misheard(Mismatch(9, b"ABCDEFGHIJKLMNOP", b"KLMNOPQRSTUVWXYZ", later=True))
EARLY = Misheard(Mismatch(3, b"HAL", b"", extra=True, begun=b"half a li"))
AT_ONCE = Misheard(Mismatch(4, b"\ncd", b"efg"), due=b"abcdefg\n")
EMPTY = replace(AT_ONCE, due=b"abc\nefg\n")
UPPER, LINES, GREETS = Protocol(), Protocol(reply="lines"), Protocol(greeting="220 ready\n")
TABLE = Protocol(reply="table", table=[Exchange(request="a", reply="b", example="a")])

ROOM = Protocol(reply="broadcast")
OTHERS = b"ann says hello\nbob says hello\n"
MIXED = Misheard(Mismatch(0, b"ann sbob says hello\n", b"ann says hello\n"), due=OTHERS)
OWN = Misheard(Mismatch(0, b"me\n", b"", extra=True, own=True), due=OTHERS)
SAID = replace(ANN, unread=0, unsent=0)
READ_ALL = in_epoll(sockets=(replace(LISTENING, receive_queue=0), SERVER_A), clients=(SAID,))
SWAPPED = Misheard(Mismatch(2, b"b\nyx", b"b\nxy"), due=b"b\nxy\nb\n")
ENDING_WORKERS = "this is not the prefork model: its workers end when their clients have left, and..."
NAPS: dict[str, Any] = {"doing": "idle", "sockets": QUIET, "facts": {"duty": 0.2, "wakeups": 5000}}


def misheard(offset: int, received: bytes, expected: bytes, *, extra: bool = False) -> Misheard:
    return Misheard(Mismatch(offset, received, expected, extra))


WORKERS = """\
import socket, threading
lock = threading.Lock()
listener = socket.create_server(("", 8080))
def serve(client):
    with lock:
        while data := client.recv(4096):
            client.sendall(data.upper())
def start(client):
    worker = threading.Thread(target=serve(client))
    worker.start()
    worker.join()
while True:
    client, _ = listener.accept()
    start(client)
"""
WITH_LOCK, WORKER_RECV, CALLED, JOIN, START = 5, 6, 9, 11, 14
OTHER = PID + 1
JOINS = replace(WAIT, kind=WaitKind.FUTEX, reads=())
READS_ON = replace(WAIT, tid=OTHER)


def called(*chain: int, tid: int = PID) -> Stack:
    """The stack of a thread that is at the first of these lines, called from the second, called from the third."""
    return Stack(PID, tid, "main", tuple(Frame("f", "server.py", line, own=True) for line in chain))


def working(*changes: tuple[str, str], **more: Any) -> Case:
    """The program above: the main thread waits in join() for one that reads from ann, while bob is not accepted."""
    base: dict[str, Any] = {
        "evidence": replace(STUCK, waits=(JOINS, READS_ON)),
        "stacks": (called(JOIN, START), called(WORKER_RECV, tid=OTHER)),
        "unserved": ("bob",),
    }
    return case(**{**base, **more}, sources=lines(*changes, text=WORKERS))


IN_ONE_THREAD: dict[str, Any] = {"evidence": STUCK, "stacks": (called(WORKER_RECV, CALLED, START),)}
WANTS = replace(JOINS, tid=OTHER + 1)
LOCKED_OUT: dict[str, Any] = {
    "evidence": replace(STUCK, waits=(replace(WAIT, kind=WaitKind.ACCEPT), READS_ON, WANTS)),
    "stacks": (called(13), called(WORKER_RECV, tid=OTHER), called(WITH_LOCK, tid=OTHER + 1)),
}
MORE_THREADS = "threads grew with every round: 6, 10, 14"
BY_HAND = (("    with lock:\n", "    lock.acquire()\n"), ("        while data", "    while data"))
QUIET_PAIR = replace(STUCK, sockets=(replace(LISTENING, receive_queue=0), SERVER_A, CLIENT_A))
ALL_READ = replace(STUCK, sockets=(replace(LISTENING, receive_queue=0), SERVER_A, CLIENT_A), clients=(ANN,))
HALF_READ = replace(
    ALL_READ,
    sockets=(replace(LISTENING, receive_queue=0), replace(SERVER_A, receive_queue=3), CLIENT_A),
    clients=(replace(ANN, received=0),),
)
UNANSWERED: dict[str, Any] = {
    "evidence": replace(ALL_READ, clients=(replace(ANN, received=0),)),
    "unserved": ("ann",),
}
UNWATCHED = replace(waiting(WaitKind.SELECT, reads=(3,)), sockets=UNREAD)


NAMED: list[tuple[str, str | None, Case]] = [
    ("crashed-at-start", "server.py:7", case(doing="start", ended=True, traceback=TRACEBACK)),
    ("crashed-at-start", None, case(doing="start", ended=True)),
    ("syntax-error", "server.py:7", case(doing="start", ended=True, traceback=replace(TRACEBACK, kind="SyntaxError"))),
    ("syntax-error", "server.py:7", case(doing="start", ended=True, traceback=replace(TRACEBACK, kind="TabError"))),
    ("not-listening", "server.py:5", case(doing="start", evidence=STUCK, stacks=(stack(SELECT_LINE),))),
    ("reset-not-handled", "server.py:7", case(doing="reset", ended=True, traceback=TRACEBACK)),
    (
        "reset-not-handled",
        "server.py:7",
        case(doing="fin", ended=True, traceback=replace(TRACEBACK, kind="BrokenPipeError")),
    ),
    ("closed-but-not-removed", "server.py:5", case(doing="fin", ended=True, traceback=NEGATIVE)),
    ("recv-in-accept-loop", "server.py:7", case(evidence=STUCK, stacks=(stack(RECV_LINE),))),
    ("recv-in-accept-loop", None, case(evidence=waiting(WaitKind.READ), stacks=(stack(RECV_LINE, tid=999),))),
    (
        "blocking-send-to-slow-reader",
        "server.py:8",
        case(evidence=replace(PAUSED, waits=(replace(WAIT, kind=WaitKind.SEND),)), stacks=(stack(SEND_LINE),)),
    ),
    ("select-timeout-zero", "server.py:5", case(doing="idle", **SPIN, sources=lines(("[], [])", "[], [], 0)")))),
    ("select-timeout-zero", "server.py:5", case(doing="idle", **SPIN, sources=lines(("[], [])", "[], [], 0.0)")))),
    ("eof-not-checked", "server.py:7", case(doing="fin", **SPIN, sockets=(LISTENING, CLOSED))),
    ("eof-not-checked", "server.py:7", case(doing="half_close", **SPIN, sockets=(LISTENING, CLOSED))),
    ("eof-not-checked", "server.py:7", case(doing="before_accept", **SPIN, sockets=(LISTENING, CLOSED))),
    (
        "end-still-watched",
        "server.py:7",
        case(
            doing="half_close",
            **SPIN,
            facts=KEPT_BACK,
            summary=f"it rested before, and {NOT_READ}",
            sockets=(LISTENING, CLOSED),
        ),
    ),
    ("replies-dropped-at-end", "server.py:7", case(doing="half_close", summary=f"{LATE}: {CUT}", facts=KEPT_BACK)),
    (
        "always-writable",
        "server.py:5",
        case(
            doing="idle_clients",
            **SPIN,
            sources=lines(("[], [])", "sockets, [])")),
            sockets=(replace(LISTENING, receive_queue=0), SERVER_A),
        ),
    ),
    ("registered-for-writing", "server.py:11", case(**POLL_SPINS, sources=polling())),
    ("registered-for-writing", "server.py:11", case(**POLL_SPINS, sources=polling((REGISTERS, "person")))),
    (
        "registered-for-writing",
        "server.py:11",
        case(**POLL_SPINS, sources=polling(("select.poll()", "select.epoll()"), (REGISTERS, "person.fileno()"))),
    ),
    (
        "registered-for-writing",
        "server.py:11",
        case(
            **POLL_SPINS,
            sources=polling((REGISTERS, "person, events=EVENT_READ | EVENT_WRITE"), (".poll()", ".poll(-1)")),
        ),
    ),
    ("registered-for-writing", "server.py:11", case(**{**POLL_SPINS, "doing": "io_model"}, sources=polling())),
    ("registered-for-writing", None, case(**{**POLL_SPINS, "processes": (asking_for_room((4,)),)}, sources={})),
    ("removed-but-not-closed", None, case(doing="fin", **KEPT)),
    # Who has reset leaves a socket that is in no table of the kernel any more.
    ("removed-but-not-closed", None, case(doing="reset", **{**KEPT, "sockets": (LISTENING,)})),
    ("removed-but-not-closed", None, case(doing="half_close", evidence=FORGOTTEN, sockets=FORGOTTEN.sockets)),
    ("send-return-ignored", "server.py:8", case(**UNSENT)),
    (
        "threads-not-select",
        "server.py:7",
        case(doing="io_model", model="select", workers="threads", stacks=(stack(SELECT_LINE), stack(RECV_LINE, 7))),
    ),
    ("processes-not-select", None, case(doing="io_model", model="select", workers="processes")),
    ("beyond-fd-setsize", "server.py:7", case(doing="capacity", ended=True, traceback=TOO_HIGH)),
    (
        "blocking-call-in-coroutine",
        "server.py:7",
        case(doing="at_work", model="asyncio", stacks=(Stack(PID, PID, "main", stack(RECV_LINE).frames[1:]),)),
    ),
    # Between two such calls it waits in the library, and its own line is only where the loop was started.
    ("blocking-call-in-coroutine", None, case(doing="at_work", model="asyncio", stacks=(IN_THE_LOOP,))),
    ("blocking-call-in-coroutine", None, case(doing="at_work", model="asyncio")),
    ("address-reuse-missing", "server.py:2", case(doing="restarts", ended=True, traceback=IN_USE)),
    ("asked-who-has-left", "server.py:7", case(doing="before_accept", ended=True, traceback=NOT_CONNECTED)),
    ("decode-per-chunk", "server.py:7", case(doing="echo", ended=True, traceback=NO_TEXT)),
    (
        "threads-not-select",
        "server.py:1",
        case(doing="capacity", ended=True, traceback=NO_THREAD, model="select", sources={"server.py": ["Thread()"]}),
    ),
    ("threads-not-one", None, case(doing="limits", ended=True, summary=STOPPED, model="poll")),
    ("threads-not-one", "server.py:7", case(doing="io_model", model="epoll", workers="threads", **AT_RECV)),
    ("processes-not-one", None, case(doing="io_model", model="asyncio", workers="processes")),
    ("uncaught-exception", "server.py:7", case(doing="reset", ended=True, traceback=TRACEBACK_KEY)),
    ("uncaught-exception", "server.py:5", case(doing="fin", ended=True, traceback=replace(NEGATIVE, text="invalid"))),
    ("uncaught-exception", "server.py:7", case(doing="capacity", ended=True, traceback=replace(TOO_HIGH, text="no"))),
    ("segmentation-fault", None, case(doing="large", ended=True, status=139)),
    ("sigpipe-not-ignored", "server.py:8", case(doing="storm", ended=True, status=141)),
    (
        "sigpipe-not-ignored",
        None,
        case(doing="storm", ended=True, status=141, sources={"server.c": ["int main(void)", "{ send(fd, p, n, 0); }"]}),
    ),
    ("ended-by-itself", None, case(doing="fin", ended=True, status=0)),
    (
        "edge-triggered-not-drained",
        "server.py:7",
        case(evidence=in_epoll(edges=(4,), sockets=UNREAD), unserved=("ann",), **AT_RECV),
    ),
    ("edge-triggered-not-drained", None, case(evidence=in_epoll(edges=(3, 4)), unserved=("bob",))),
    ("not-accepting-any-more", None, case(evidence=waiting(WaitKind.SELECT), unserved=("bob",))),
    ("not-accepting-any-more", None, case(evidence=in_epoll(watches=(4,)), unserved=("bob",))),
    ("waits-for-no-client", "server.py:7", case(evidence=LOCKED, unserved=("bob",), **AT_RECV)),
    ("signal-only-noted", None, case(doing="stops", summary="it did not end on SIGTERM", evidence=CATCHES)),
    ("no-pause-between-rounds", None, case(doing="idle", **POLLING)),
    ("zombie-children", None, case(doing="fin", summary="zombie processes grew with every round: 5, 10, 15")),
    ("workers-never-end", None, case(doing="fin", summary="threads grew with every round: 5, 10, 15")),
    (
        "worker-lost",
        "server.py:7",
        case(doing="reset", summary=FEWER, traceback=TRACEBACK, facts={"workers_lost": 12}),
    ),
    ("worker-lost", None, case(doing="fin", unserved=("bob",), facts={"workers_lost": 2})),
    ("worker-lost", None, case(doing="before_accept", facts={"workers_lost": 16}, **KEPT)),
    ("files-never-closed", None, case(doing="leak", summary="open descriptors grew with every round: 3, 4, 5")),
    ("buffer-without-bound", None, case(doing="memory", facts={"held": 99})),
    ("parent-keeps-connection", None, case(doing="half_close", evidence=FORKED, sockets=FORKED.sockets)),
    (
        "parent-keeps-connection",
        None,
        case(
            doing="fin",
            summary="open sockets grew with every round: 3, 4, 5",
            processes=FORKED.processes,
            sockets=FORKED.sockets,
        ),
    ),
    (
        "parent-keeps-connection",
        None,
        case(
            doing="reset",
            summary="open sockets grew with every round: 3, 4, 5",
            processes=FORKED.processes,
            sockets=(LISTENING,),
        ),
    ),
    (
        "parent-keeps-connection",
        None,
        case(
            doing="fin",
            summary="open sockets grew with every round: 3, 4, 5",
            processes=(PROCESS,),
            processes_seen=9,
            sockets=FORKED.sockets,
        ),
    ),
    ("greeting-missing", None, case(doing="echo", wrong=(UNGREETED,), protocol=GREETS)),
    (
        "adds-to-the-reply",
        None,
        case(doing="echo", wrong=(misheard(3, b"\n", b"", extra=True),), protocol=UPPER),
    ),
    (
        "adds-to-the-reply",
        None,
        case(doing="large", wrong=(misheard(9, b"ab\0cdef", b"abcdefg"),), protocol=UPPER),
    ),
    ("message-per-recv", "server.py:7", case(wrong=(EARLY,), protocol=LINES)),
    ("message-per-recv", "server.py:7", case(wrong=(AT_ONCE,), protocol=LINES)),
    ("message-per-recv", "server.py:7", case(wrong=(misheard(3, b"ab\ncd", b"abcdef"),), protocol=LINES)),
    (
        "shared-state-between-clients",
        None,
        case(doing="isolation", wrong=(misheard(3, b"x", b"y"),), protocol=UPPER),
    ),
    ("send-return-ignored", "server.py:8", case(doing="slow_reader", wrong=(SKIPPED,), protocol=UPPER)),
    ("send-return-ignored", "server.py:8", case(doing="half_close", facts={"kept": 0, "dropped": 45896})),
    ("message-per-recv", "server.py:7", case(doing="broadcast", wrong=(MIXED,), protocol=ROOM)),
    ("message-per-recv", "server.py:7", case(doing="broadcast", wrong=(EARLY,), protocol=ROOM)),
    ("hears-itself", None, case(doing="broadcast", wrong=(OWN,), protocol=ROOM)),
    ("not-passed-on", None, case(doing="broadcast", evidence=READ_ALL, unserved=("ann",), protocol=ROOM)),
    ("reply-not-by-the-table", None, case(doing="echo", wrong=(SWAPPED,), protocol=TABLE)),
    ("hung-up", None, case(doing="queued", unserved=("bob",), turned_away=("bob", "cat"))),
    ("hung-up", None, case(doing="fin", unserved=("bob",), turned_away=("bob",), facts={"workers_lost": 1})),
    ("wakes-too-often", "server.py:5", case(**NAPS)),
    ("works-by-the-clock", "server.py:5", case(**{**NAPS, "facts": {"duty": 0.2, "wakeups": 50}})),
    ("works-by-the-clock", "server.py:5", case(**{**NAPS, "doing": "reset", "facts": {"duty": 0.2}})),
    ("pool-without-bound", None, case(doing="io_model", model="prefork", workers="processes")),
    ("workers-end-with-clients", None, case(doing="io_model", workers="pool", summary=ENDING_WORKERS)),
    ("more-workers-than-allowed", None, case(doing="pool", summary="24 of 24 were served, more than a pool of 16 can")),
    (
        "waits-in-another-call",
        "server.py:7",
        case(doing="io_model", workers="single", summary=POLLED, evidence=ASLEEP, **AT_RECV),
    ),
    (
        "one-thread-for-all",
        "server.py:7",
        case(
            doing="io_model",
            workers="single",
            workers_asked=("threads",),
            summary=POLLED,
            evidence=ASLEEP,
            **AT_RECV,
        ),
    ),
    ("waits-in-another-call", None, case(doing="io_model", workers="single", summary=POLLED, **AT_RECV)),
    ("several-threads-per-client", None, case(doing="threads", facts={"threads": 41, "clients": 20})),
    ("called-not-passed", "server.py:9", working(**IN_ONE_THREAD)),
    ("called-not-passed", "server.py:9", working(("threading.Thread(target=", "pool.submit("), **IN_ONE_THREAD)),
    ("waits-for-each-worker", "server.py:11", working()),
    ("waits-for-each-worker", "server.py:11", working(doing="io_model", workers="single", unserved=())),
    ("waits-for-each-worker", "server.py:11", working(("worker.join()", "job.result()"))),
    (
        "waits-for-each-worker",
        "server.py:11",
        working(
            ("worker.join()", "os.waitpid(child, 0)"),
            evidence=replace(STUCK, waits=(replace(JOINS, kind=WaitKind.CHILD), READS_ON)),
        ),
    ),
    ("lock-held-while-waiting", "server.py:6", working(**LOCKED_OUT)),
    ("lock-held-while-waiting", "server.py:6", working(*BY_HAND, **LOCKED_OUT)),
    (
        "lock-held-while-waiting",
        "server.py:6",
        working(**{**LOCKED_OUT, "evidence": None, "unserved": ()}, doing="fin", summary=MORE_THREADS),
    ),
    ("waits-for-more", "server.py:7", case(**UNANSWERED, protocol=UPPER, **AT_RECV)),
    ("accepted-but-not-watched", "server.py:5", case(evidence=UNWATCHED, unserved=("ann",), stacks=(stack(5),))),
    (
        "accepted-but-not-watched",
        None,
        case(doing="io_model", evidence=UNWATCHED, summary="not all of its clients are in the set it waits on"),
    ),
    (
        "removed-but-not-closed",
        None,
        case(
            doing="half_close",
            evidence=replace(FORGOTTEN, waits=(replace(WAIT, kind=WaitKind.ACCEPT, reads=(3,)),)),
            sockets=FORGOTTEN.sockets,
        ),
    ),
    (
        "removed-but-not-closed",
        None,
        case(
            doing="half_close",
            evidence=replace(FORGOTTEN, waits=(*FORGOTTEN.waits, replace(JOINS, tid=OTHER))),
            sockets=FORGOTTEN.sockets,
            stacks=(stack(SELECT_LINE), Stack(PID, OTHER, "worker", stack(9).frames[:1])),
        ),
    ),
    ("bound-to-loopback", "server.py:2", case(doing="starts", summary="only programs on the same machine can connect")),
    ("wrong-port", "server.py:2", case(doing="starts", summary="it listens on 0.0.0.0 port 9, not on port 8080")),
]


@pytest.mark.parametrize(("name", "place", "found"), NAMED, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(NAMED)])
def test_a_mistake_is_named_with_its_line(name: str, place: str | None, found: Case) -> None:
    diagnosis = diagnose(found)

    assert diagnosis is not None
    assert diagnosis.id == name
    assert (f"{diagnosis.file}:{diagnosis.line}" if diagnosis.file else None) == place
    assert diagnosis.title == TEXTS[name].title
    assert diagnosis.explanation
    assert diagnosis.hint


UNNAMED: list[tuple[str, Case]] = [
    ("it joins, and everybody is accepted", working(evidence=replace(QUIET_PAIR, waits=(JOINS, READS_ON)))),
    ("it joins whom others have started", working(("    client, _ = listener.accept()", "    client = next(queue)"))),
    ("it joins for a while", working(evidence=replace(STUCK, waits=(replace(JOINS, limit=1.0), READS_ON)))),
    ("it joins two texts", working(("worker.join()", "','.join(names)"))),
    ("nobody reads from a client", working(evidence=replace(STUCK, waits=(JOINS, ASLEEP.waits[0])))),
    (
        "the lock is another one",
        working(
            ("worker.start()", "turns.acquire()"),
            **{**LOCKED_OUT, "stacks": (*LOCKED_OUT["stacks"][:2], called(10, tid=OTHER + 1))},
        ),
    ),
    ("the lock has been given back", working(*BY_HAND, ("acquire()", "acquire(); lock.release()"), **LOCKED_OUT)),
    (
        "several have it at once: it counts places",
        working(
            evidence=replace(STUCK, waits=(READS_ON, replace(READS_ON, tid=PID), WANTS)),
            stacks=(called(WORKER_RECV), called(WORKER_RECV, tid=OTHER), called(WITH_LOCK, tid=OTHER + 1)),
        ),
    ),
    (
        "it accepts while it has the lock",
        working(
            ("data := client.recv(4096)", "data := listener.accept()"),
            **{**LOCKED_OUT, "evidence": None},
        ),
    ),
    ("it reads on, and has answered before", case(**{**UNANSWERED, "evidence": ALL_READ}, protocol=UPPER, **AT_RECV)),
    ("it reads on, and there is more to read", case(**{**UNANSWERED, "evidence": HALF_READ}, protocol=UPPER)),
    ("it reads on until a line is whole", case(**UNANSWERED, protocol=LINES)),
    ("it watches whom it has accepted", case(evidence=replace(UNWATCHED, waits=LOST.waits), unserved=("ann",))),
    (
        "somebody else has the connection",
        case(evidence=replace(UNWATCHED, processes=(replace(PROCESS, descriptors=(LISTENER,)),)), unserved=("ann",)),
    ),
    ("nothing lies at whom it does not watch", case(evidence=replace(UNWATCHED, sockets=ALIVE), unserved=("ann",))),
    (
        "a worker of its own may close it yet",
        case(
            doing="half_close",
            evidence=replace(FORGOTTEN, waits=(*FORGOTTEN.waits, replace(JOINS, tid=OTHER))),
            sockets=FORGOTTEN.sockets,
            stacks=(stack(SELECT_LINE), stack(RECV_LINE, OTHER)),
        ),
    ),
    ("nothing is known", case()),
    ("it ended later, without a traceback", case(doing="fin", ended=True)),
    (
        "nobody waits to be accepted",
        case(evidence=replace(STUCK, sockets=(replace(LISTENING, receive_queue=0), SERVER_A))),
    ),
    ("two threads wait", case(evidence=replace(STUCK, waits=(WAIT, replace(WAIT, tid=101))))),
    ("it sends to a client who reads", case(evidence=waiting(WaitKind.SEND))),
    ("it spins elsewhere than at select", case(doing="idle", **SPIN)),
    ("it spins at a select that waits", case(doing="idle", **SPIN, sources=lines(("[], [])", "[], [], 1)")))),
    ("it spun, and nobody has left", case(doing="fin", **SPIN, sockets=(LISTENING, SERVER_A))),
    ("it spins with a reset client", case(doing="reset", **SPIN, sockets=(LISTENING, CLOSED))),
    (
        "it spins with something to read",
        case(
            doing="idle_clients",
            **SPIN,
            sources=lines(("[], [])", "sockets, [])")),
            sockets=(replace(LISTENING, receive_queue=0), replace(SERVER_A, receive_queue=9)),
        ),
    ),
    (
        "the half-closed connection is in the set",
        case(
            doing="half_close",
            evidence=in_epoll(sockets=FORGOTTEN.sockets, clients=FORGOTTEN.clients),
            sockets=FORGOTTEN.sockets,
        ),
    ),
    (
        "the half-closed connection is watched",
        case(
            doing="half_close",
            evidence=replace(FORGOTTEN, waits=(replace(WAIT, kind=WaitKind.SELECT, reads=(3, CONNECTION.fd)),)),
            sockets=FORGOTTEN.sockets,
        ),
    ),
    (
        "the rest of the reply is about to be sent",
        case(
            doing="large",
            evidence=replace(LOST, waits=(replace(WAIT, kind=WaitKind.SELECT, writes=(4,)),)),
            unserved=("ann",),
        ),
    ),
    (
        "the rest of the reply is on its way",
        case(
            doing="large",
            evidence=replace(LOST, sockets=(LISTENING, replace(SERVER_A, send_queue=9), CLIENT_A)),
            unserved=("ann",),
        ),
    ),
    (
        "the rest of the request is on its way",
        case(
            doing="large",
            evidence=replace(LOST, sockets=(LISTENING, SERVER_A, replace(CLIENT_A, send_queue=9))),
            unserved=("ann",),
        ),
    ),
    (
        "no byte of the reply ever came",
        case(doing="large", evidence=replace(LOST, clients=(replace(ANN, received=0),)), unserved=("ann",)),
    ),
    ("a model that may sleep at work", case(doing="at_work", model="threads", stacks=(stack(RECV_LINE),))),
    ("one thread serves, its sockets are of the wrong kind", case(doing="io_model", model="select", workers="single")),
    ("an exception before it listened is another matter", case(doing="limits", ended=True, traceback=TRACEBACK_KEY)),
    ("it had too many threads, as its model may", case(doing="limits", ended=True, summary=STOPPED, model="threads")),
    ("a port that somebody has from the beginning", case(doing="churn", ended=True, summary="Address already in use")),
    ("it was killed", case(doing="fin", ended=True, status=137)),
    ("it ended when it was told to", case(doing="stops", ended=True, status=0)),
    ("epoll watches, and nothing lies there", case(evidence=in_epoll(edges=(3, 4)), unserved=("ann",))),
    ("epoll looks again after a while", case(evidence=in_epoll(edges=(3, 4), limit=1.0), unserved=("bob",))),
    ("epoll watches for something else", case(evidence=in_epoll(sockets=UNREAD), unserved=("ann",))),
    ("epoll is to tell of the listener", case(evidence=in_epoll(), unserved=("bob",))),
    (
        "it sends all, and lost something for another reason",
        case(**UNSENT, sources=lines(("sock.send(", "sock.sendall("))),
    ),
    (
        "it sends all, and writes elsewhere",
        case(**UNSENT, sources=lines(("sock.send(data.upper())", "sock.sendall(data); sys.stderr.write('sent')"))),
    ),
    (
        "part of the reply is missing where what send() took is looked at",
        case(**UNSENT, sources=lines(("sock.send(", "sent = sock.send("))),
    ),
    ("a method of its own sends", case(**UNSENT, sources=lines(("sock.send(data.upper())", "sock.send()")))),
    (
        "something is lost where what send() took is looked at",
        case(doing="large", wrong=(SKIPPED,), protocol=UPPER, sources=lines(("sock.send(", "sent = sock.send("))),
    ),
    (
        "another byte came, in a long reply",
        case(doing="large", wrong=(replace(SKIPPED, mismatch=replace(SKIPPED.mismatch, later=False)),), protocol=UPPER),
    ),
    ("something was lost in a short reply", case(doing="echo", wrong=(SKIPPED,), protocol=UPPER)),
    ("select watches the listener", case(evidence=waiting(WaitKind.SELECT, reads=(3, 4)), unserved=("bob",))),
    ("select looks again soon", case(evidence=waiting(WaitKind.SELECT, limit=0.1), unserved=("bob",))),
    ("it sleeps for a moment", case(evidence=waiting(WaitKind.SLEEP, reads=(), limit=0.1), unserved=("bob",))),
    ("a lock, and nobody waits", case(evidence=waiting(WaitKind.FUTEX, reads=()))),
    ("SIGTERM is ignored", case(doing="stops", summary="it did not end on SIGTERM", evidence=ASLEEP)),
    ("SIGINT has a handler of Python's own", case(doing="stops", summary="not on SIGINT", evidence=CATCHES)),
    (
        "it spins, and somewhere it waits",
        case(doing="idle", **{**POLLING, "sources": lines(("[], [])", "[], [], 1)"))}),
    ),
    ("it spins over sockets that block", case(doing="idle", **{**POLLING, "processes": (PROCESS,)})),
    ("a pool of threads", case(doing="io_model", model="thread_pool", workers="pool")),
    ("one thread may serve", case(doing="io_model", workers="single", workers_asked=("single", "threads"))),
    ("each client has its thread", case(doing="threads", facts={"threads": 21, "clients": 20})),
    ("another byte came", case(doing="echo", wrong=(misheard(3, b"abcX", b"abcD"),), protocol=UPPER)),
    (
        "words follow the reply",
        case(doing="echo", wrong=(misheard(3, b"OK", b"", extra=True),), protocol=UPPER),
    ),
    ("another line came", case(doing="echo", wrong=(misheard(3, b"abX\n", b"abD\n"),), protocol=LINES)),
    ("after the greeting", case(doing="echo", wrong=(misheard(6, b"X", b"A"),), protocol=GREETS)),
    ("another greeting", case(wrong=(replace(UNGREETED, mismatch=Mismatch(0, b"Hi", b"22")),), protocol=GREETS)),
    (
        "it is hard at work",
        case(doing="throughput", **SPIN, sources=lines(("[], [])", "sockets, [])")), sockets=QUIET),
    ),
    ("an empty line", case(wrong=(EMPTY,), protocol=LINES)),
    (
        "a prompt",
        case(wrong=(replace(EARLY, mismatch=Mismatch(3, b"> ", b"", extra=True, begun=b"h")),), protocol=LINES),
    ),
    ("there is nothing left to send", case(doing="half_close", **SPIN, summary=f"it rested, and {NOT_READ}")),
    ("it spins for another reason", case(doing="half_close", **SPIN, summary="it spins after 5 clients half-closed")),
    (
        "its connection stays open",
        case(doing="half_close", summary=f"{LATE}: client 6 has 9 of 99 bytes", facts=KEPT_BACK),
    ),
    ("it reset", case(doing="half_close", summary=f"{LATE}: {CUT}".replace("closed", "reset"), facts=KEPT_BACK)),
    ("nothing was missing before the end", case(doing="half_close", facts={"kept": 0, "dropped": 0})),
    (
        "something is missing at the end where what send() took is looked at",
        case(doing="half_close", facts={"dropped": 9}, sources=lines(("sock.send(", "sent = sock.send("))),
    ),
    ("it did not wait to send", case(doing="half_close", summary=f"{LATE}: {CUT}", facts={"kept": 0})),
    ("a thread has died", case(doing="half_close", summary=f"{LATE}: {CUT}", facts=KEPT_BACK, complained=True)),
    ("the server has ended", case(doing="half_close", summary=f"{LATE}: {CUT}", facts=KEPT_BACK, ended=True)),
    ("it had not been sent to for long", case(doing="half_close", summary=f"half-closed clients: {CUT}")),
    ("it was killed by another signal", case(doing="before_accept", ended=True, status=143)),
    ("it ended later, and a thread had died before", case(doing="fin", ended=True, traceback=TRACEBACK, status=137)),
    ("too many processes", case(doing="limits", ended=True, summary=STOPPED, model="poll", processes_seen=9)),
    (
        "what is due depends on what is asked",
        case(doing="isolation", wrong=(misheard(3, b"x", b"y"),), protocol=TABLE),
    ),
    ("a line of somebody else came too early", case(wrong=(replace(MIXED, due=b"bob says hello\n"),), protocol=ROOM)),
    ("what was never said came", case(wrong=(replace(OWN, mismatch=Mismatch(0, b"x", b"")),), protocol=ROOM)),
    (
        "the line lies unread",
        case(
            evidence=replace(
                READ_ALL, sockets=(replace(LISTENING, receive_queue=0), replace(SERVER_A, receive_queue=9))
            ),
            unserved=("ann",),
            protocol=ROOM,
        ),
    ),
    (
        "the line is on its way",
        case(
            evidence=replace(READ_ALL, sockets=(LISTENING, replace(SERVER_A, send_queue=9))),
            unserved=("ann",),
            protocol=ROOM,
        ),
    ),
    (
        "the line has not been sent",
        case(evidence=replace(READ_ALL, clients=(replace(SAID, unsent=9),)), unserved=("ann",), protocol=ROOM),
    ),
    (
        "it waits to send the line",
        case(
            evidence=replace(READ_ALL, waits=(replace(READ_ALL.waits[0], writes=(4,)),)),
            unserved=("ann",),
            protocol=ROOM,
        ),
    ),
    ("nobody else is to hear it", case(evidence=READ_ALL, unserved=("ann",), protocol=LINES)),
    (
        "a reply that belongs elsewhere",
        case(wrong=(replace(SWAPPED, mismatch=Mismatch(2, b"b\nb\n", b"b\nxy")),), protocol=TABLE),
    ),
    ("the end of a reply", case(wrong=(replace(SWAPPED, mismatch=Mismatch(3, b"xz\n", b"xy\n")),), protocol=TABLE)),
    ("more than one was left waiting", case(doing="queued", unserved=("ann", "bob"), turned_away=("bob",))),
    ("there may be no room for more", case(doing="capacity", unserved=("bob",), turned_away=("bob",))),
    ("nobody was left waiting", case(doing="queued", turned_away=("bob",))),
    ("a traceback may be why", case(doing="queued", unserved=("bob",), turned_away=("bob",), complained=True)),
    ("it works between its naps", case(**{**NAPS, "facts": {"duty": 0.9, "wakeups": 5000}})),
    ("there is something to do", case(**{**NAPS, "sockets": (LISTENING, replace(SERVER_A, receive_queue=9))})),
    ("epoll tells what can be read", case(**{**POLL_SPINS, "processes": (asking_for_room(()),)}, sources={})),
    (
        "something waits to be sent",
        case(
            **{**POLL_SPINS, "sockets": (LISTENING, replace(SERVER_A, send_queue=9))},
            processes=(asking_for_room((4,)),),
            sources={},
        ),
    ),
    ("it registers for reading", case(**POLL_SPINS, sources=polling((" | select.POLLOUT", "")))),
    (
        "the listener alone is registered for everything",
        case(**POLL_SPINS, sources=polling(("server, select.POLLIN", "server"), (" | select.POLLOUT", ""))),
    ),
    ("it does not wait", case(**POLL_SPINS, sources=polling((".poll()", ".poll(0)")))),
    ("how long it waits is not known", case(**POLL_SPINS, sources=polling((".poll()", ".poll(limit)")))),
    (
        "what is registered changes",
        case(**POLL_SPINS, sources=polling(("people[fd].sendall", "poller.modify(fd, 1); people[fd].sendall"))),
    ),
    ("it is told once only", case(**POLL_SPINS, sources=polling((REGISTERS, "person, EPOLLOUT | EPOLLET")))),
    (
        "something else takes what it registers",
        case(**POLL_SPINS, sources=polling((f"poller.register({REGISTERS}", "atexit.register(person.close"))),
    ),
    (
        "there is something to read",
        case(**{**POLL_SPINS, "sockets": (LISTENING, replace(SERVER_A, receive_queue=9))}, sources=polling()),
    ),
    ("a reply is cut off", case(**{**POLL_SPINS, "doing": "half_close"}, sources=polling())),
    ("no connection is held", case(doing="fin", **{**KEPT, "sockets": (LISTENING, SERVER_A)})),
    ("workers are fewer, and everybody is served", case(doing="fin", facts={"workers_lost": 2})),
    ("the parent holds living connections", case(doing="half_close", evidence=replace(FORKED, sockets=ALIVE))),
]


HELPERS = """\
import select, socket
poller = select.epoll()
def read(sock):
    data = sock.recv(4096)
    sock.send(data.upper())
def watch(sock):
    poller.modify(sock, 1)
def serve(sockets):
    while True:
        readable, writable, _ = select.select(sockets, sockets, [])
        for sock in readable:
            read(sock)
            watch(sock)
serve([])
"""
READS, WRITES_TOO = 4, 10
CHAINS = [(4, 12, 14), (5, 12, 14), (7, 13, 14), (10, 14), (11, 14), (12, 14), (13, 14)]
LEFT: dict[str, Any] = {"doing": "half_close", "sockets": (LISTENING, CLOSED)}


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize(
    ("name", "line", "more"),
    [
        ("end-still-watched", READS, {**LEFT, "facts": KEPT_BACK}),
        ("eof-not-checked", READS, LEFT),
        ("always-writable", WRITES_TOO, {"doing": "idle_clients", "sockets": QUIET}),
    ],
)
def test_it_is_luck_where_a_server_that_spins_is_seen_and_its_line_is_the_same(
    name: str, line: int, more: dict[str, Any], chain: tuple[int, ...]
) -> None:
    diagnosis = diagnose(case(spinning=True, stacks=(called(*chain),), sources=lines(text=HELPERS), **more))

    assert diagnosis
    assert (diagnosis.id, diagnosis.line) == (name, line)


def test_of_several_lines_that_read_it_is_the_one_in_whose_function_it_was_seen() -> None:
    sources = lines(("    poller.modify(sock, 1)", "    sock.recv_into(poller)"), text=HELPERS)
    seen = {chain: diagnose(case(spinning=True, stacks=(called(*chain),), sources=sources, **LEFT)) for chain in CHAINS}

    assert {chain: found.line for chain, found in seen.items() if found} == {
        **dict.fromkeys(CHAINS),  # it was seen in neither, and either would be a guess
        (4, 12, 14): READS,
        (5, 12, 14): READS,
        (7, 13, 14): 7,
    }


@pytest.mark.parametrize("found", [entry[1] for entry in UNNAMED], ids=[entry[0] for entry in UNNAMED])
def test_no_mistake_is_named_where_the_evidence_only_resembles_it(found: Case) -> None:
    assert diagnose(found) is None


def test_every_text_belongs_to_a_rule_and_every_rule_has_been_shown() -> None:
    assert {name for name, _, _ in NAMED} == set(TEXTS)
    assert {rule.__name__ for rule in RULES for _, _, found in NAMED if rule(found)} == {
        rule.__name__ for rule in RULES
    }


@pytest.mark.parametrize("garbage", ["(((", "\0", "def f(:", "(" * 5000, ""])
def test_source_that_does_not_parse_is_no_obstacle(garbage: str) -> None:
    sources = {"server.py": garbage.splitlines()}

    assert diagnose(case(doing="idle", **SPIN, sources=sources)) is None


@pytest.mark.parametrize("deep", ["1" + "+1" * 2000, "a" + ".b" * 2000, "-" * 80 + "1"])
def test_source_that_nests_deeply_is_no_obstacle(deep: str) -> None:
    changes = [
        (REGISTERS, f"person, {deep}"),
        ("poller = select.poll()", f"poller = {deep}"),
        (".poll():", f".poll({deep}):"),
    ]

    for change in (*changes, ("server.accept()", f"({deep}).accept()"), (REGISTERS, deep)):
        diagnose(case(**POLL_SPINS, sources=polling(change)))


def test_a_server_that_registers_for_writing_is_told_at_which_line(grade_source: Grade) -> None:
    check = grade_source(POLL_SOURCE, "- {behaviour: cpu_ceiling, when: idle_clients}", head="model: poll").checks[0]

    assert check.diagnosis
    assert (check.diagnosis.id, check.diagnosis.line) == ("registered-for-writing", 11)


HALF_CLOSE = "- {behaviour: disconnect, how: half_close}"
SAYS_GOODBYE = """
import select, socket
listener = socket.create_server(("", 8080), backlog=100)
sockets, forgotten = [listener], []
while True:
    for sock in select.select(sockets, [], [])[0]:
        if sock is listener:
            sockets.append(listener.accept()[0])
            continue
        data = sock.recv(4096)
        sock.sendall(data.upper() or b"BYE")
        if not data:
            sockets.remove(sock)
            forgotten.append(sock)
"""
THREAD_EACH = """
import socket, threading
listener = socket.create_server(("", 8080), backlog=100)
def serve(client):
    while True:
        data = client.recv(4096)
        client.sendall(data.upper())
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


def test_a_server_that_happened_to_run_when_it_was_looked_at_does_not_spin(
    grade_source: Grade, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.inquiry._runs", lambda *_: True)

    (check,) = grade_source(SAYS_GOODBYE, HALF_CLOSE).checks

    assert check.verdict is Verdict.FAIL
    assert "byte 8 differs" in check.summary or "BYE" in check.summary
    assert check.diagnosis is None or check.diagnosis.id != "eof-not-checked"


def test_of_several_threads_the_one_that_spins_is_shown_at_the_line_of_the_mistake(grade_source: Grade) -> None:
    (check,) = grade_source(THREAD_EACH, "- {behaviour: disconnect, how: fin}").checks

    assert check.diagnosis
    assert (check.diagnosis.id, check.diagnosis.line) == ("eof-not-checked", 6)
    shown = [(stood.call.split("(")[0], stood.function, stood.line) for stood in check.stood]
    assert shown[0] == ("running", "serve", 6)
    assert ("accept4", "<module>", 9) in shown


def test_a_server_whose_threads_were_seen_asleep_between_two_turns_spins_all_the_same(
    grade_source: Grade, monkeypatch: pytest.MonkeyPatch
) -> None:
    spent = outcome.spent

    def seen_asleep(what: Spent, look: Pass, _: Evidence | None) -> Outcome:
        return spent(what, look, replace(STUCK, first=look, second=look))

    monkeypatch.setattr(outcome, "spent", seen_asleep)
    (check,) = grade_source(THREAD_EACH, HALF_CLOSE).checks

    assert check.basis is Basis.BUDGET
    assert check.diagnosis
    assert (check.diagnosis.id, check.diagnosis.line) == ("eof-not-checked", 6)


TALK = """
from wire import read, write
def talk(client):
    while True:
        message = read(client)
        write(client, message.upper())
"""
WIRE = """
def read(client):
    return client.recv(4096)
def write(client, data):
    client.sendall(data)
"""
MAIN = """
import socket, threading
from talk import talk
listener = socket.create_server(("", 8080), backlog=100)
while True:
    threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()
"""


def test_the_line_of_the_mistake_is_found_in_whatever_file_it_is(grade_source: Grade, tmp_path: Path) -> None:
    folder = tmp_path / "submission"
    folder.mkdir()
    (folder / "talk.py").write_text(TALK)
    (folder / "wire.py").write_text(WIRE)

    (check,) = grade_source(MAIN, "- {behaviour: disconnect, how: fin}").checks

    assert check.diagnosis
    assert (check.diagnosis.id, check.diagnosis.file, check.diagnosis.line) == ("eof-not-checked", "wire.py", 3)
