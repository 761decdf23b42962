"""Each rule names its mistake where the evidence shows it, and nothing where the evidence only resembles it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from evidence_samples import ANN, BOB, CLIENT_A, CONNECTION, LISTENING, PID, SERVER_A, STUCK, WAIT

from grader.evidence.records import ClientPhase, Evidence, Frame, Stack, TcpState, WaitKind
from grader.judgement.diagnosis import RULES, Case, diagnose
from grader.judgement.source import Traceback
from grader.judgement.texts import TEXTS

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


def lines(*changes: tuple[str, str]) -> dict[str, list[str]]:
    text = SOURCE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return {"server.py": text.splitlines()}


def stack(line: int, tid: int = PID) -> Stack:
    return Stack(
        PID, tid, "thread", (Frame("select", "selectors.py", 99, own=False), Frame("main", "server.py", line, own=True))
    )


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


CLOSED = replace(SERVER_A, state=TcpState.CLOSE_WAIT)
PAUSED = replace(STUCK, clients=(replace(ANN, reads=False), BOB))
TRACEBACK = Traceback("ConnectionResetError", "[Errno 104] Connection reset by peer", "server.py", RECV_LINE)
NEGATIVE = Traceback("ValueError", "file descriptor cannot be a negative integer (-1)", "server.py", SELECT_LINE)
TOO_HIGH = Traceback("ValueError", "filedescriptor out of range in select()", "server.py", RECV_LINE)
SPIN = {"spinning": True, "stacks": (stack(RECV_LINE), stack(SELECT_LINE))}
HALF = replace(ANN, phase=ClientPhase.HALF_CLOSED)
FORGOTTEN = replace(waiting(WaitKind.SELECT, reads=(3,)), sockets=(LISTENING, CLOSED, CLIENT_A), clients=(HALF,))
LOST = replace(waiting(WaitKind.SELECT, reads=(3, 4)), sockets=(LISTENING, SERVER_A, CLIENT_A), clients=(ANN,))

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
    ("removed-but-not-closed", None, case(doing="fin", summary="open sockets grew with every round: 3, 4, 5")),
    ("removed-but-not-closed", None, case(doing="half_close", evidence=FORGOTTEN, sockets=FORGOTTEN.sockets)),
    ("send-return-ignored", "server.py:8", case(doing="large", evidence=LOST, sockets=LOST.sockets, unserved=("ann",))),
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
    ("blocking-call-in-coroutine", None, case(doing="at_work", model="asyncio", stacks=(stack(RECV_LINE),))),
    ("blocking-call-in-coroutine", None, case(doing="at_work", model="asyncio")),
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
    ("nothing is known", case()),
    ("it ended later, without a traceback", case(doing="fin", ended=True)),
    ("another exception ended it", case(doing="reset", ended=True, traceback=replace(TRACEBACK, kind="KeyError"))),
    ("another ValueError ended it", case(doing="fin", ended=True, traceback=replace(NEGATIVE, text="invalid literal"))),
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
    ("files grew, not sockets", case(doing="fin", summary="open descriptors grew with every round: 3, 4, 5")),
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
        "no byte of the reply ever came",
        case(doing="large", evidence=replace(LOST, clients=(replace(ANN, received=0),)), unserved=("ann",)),
    ),
    ("a ValueError of the program's own", case(doing="capacity", ended=True, traceback=replace(TOO_HIGH, text="no"))),
    ("a model that may sleep at work", case(doing="at_work", model="threads", stacks=(stack(RECV_LINE),))),
    ("one thread serves, in the wrong call", case(doing="io_model", model="select", workers="single")),
]


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
