"""Loops that block while clients wait: told from recorded waits and stacks, and from real servers with asyncio."""

from __future__ import annotations

from dataclasses import replace

import pytest
from conftest import Grade
from evidence_samples import LISTENING, PID, SERVER_A, THREAD

from grader.evidence import stacks
from grader.evidence.records import (
    Counters,
    Descriptor,
    DescriptorKind,
    Evidence,
    Frame,
    Pass,
    Process,
    Stack,
    TcpSocket,
    Wait,
    WaitKind,
)
from grader.judgement.at_work import (
    blocking_line,
    blocks,
    in_primitive,
    is_idle,
    is_telling,
    loops,
    running,
    seen_most,
    was_read_whole,
)
from grader.judgement.io_model import Scene
from grader.report.model import Verdict

LIBRARY = "/usr/lib/python3.11"
EPOLL = Wait(PID, PID, WaitKind.EPOLL, "epoll_wait", None, (9,))
SELECT = Wait(PID, PID, WaitKind.SELECT, "pselect6", None, (3, 4))
FUTEX = Wait(PID, PID, WaitKind.FUTEX, "futex")
NAP = Wait(PID, PID, WaitKind.SLEEP, "clock_nanosleep", 0.001)
FILES = (
    Descriptor(1, DescriptorKind.OUTPUT, 10),
    Descriptor(3, DescriptorKind.TCP, 30),
    Descriptor(4, DescriptorKind.TCP, 40),
    Descriptor(9, DescriptorKind.EPOLL, watches=(3, 4)),
)
SERVER = (Process(PID, 1, "python", FILES),)


def scene(*waits: Wait) -> Scene:
    sockets: tuple[TcpSocket, ...] = (LISTENING, SERVER_A)
    look = Pass(1, 2, (THREAD,))
    return Scene(1, look, SERVER, Evidence(look, look, SERVER, waits, sockets, ()), sockets)


def test_the_threads_that_run_a_loop_are_those_whose_set_holds_clients() -> None:
    beside = [replace(NAP, tid=PID + 1), replace(FUTEX, tid=PID + 2), replace(EPOLL, tid=PID + 3, reads=(8,))]
    child = replace(NAP, pid=7, tid=7, kind=WaitKind.CHILD, call="wait4")
    reads = replace(EPOLL, tid=PID + 4, kind=WaitKind.RECV, reads=(4,))

    assert loops(scene(*beside, child, EPOLL, reads)) == {(PID, PID): EPOLL}
    assert loops(scene(*beside)) == {}


@pytest.mark.parametrize(
    ("wait", "own", "wrong"),
    [
        (EPOLL, EPOLL, False),
        (replace(EPOLL, limit=0.5), EPOLL, False),
        (replace(EPOLL, reads=(8,)), EPOLL, True),
        (replace(SELECT, reads=(3,), writes=(4,)), SELECT, False),
        (replace(SELECT, reads=(), limit=0.002), SELECT, True),
        (SELECT, EPOLL, True),
        (NAP, EPOLL, True),
        (FUTEX, EPOLL, True),
        (Wait(PID, PID, WaitKind.RECV, "recvfrom", None, (4,)), EPOLL, True),
        (Wait(PID, PID, WaitKind.WRITE, "write", None, (), (1,)), EPOLL, False),
        (Wait(PID, PID, WaitKind.OTHER, "fsync"), EPOLL, False),
        (replace(SELECT, unreadable="it has ended"), EPOLL, False),
    ],
)
def test_a_loop_blocks_in_any_call_but_its_own(wait: Wait, own: Wait, *, wrong: bool) -> None:
    assert blocks(wait, own, SERVER) == wrong


def test_a_short_wait_for_a_futex_may_be_for_the_interpreter() -> None:
    assert [is_telling(wait) for wait in (FUTEX, replace(FUTEX, limit=0.05), replace(FUTEX, limit=0.004), NAP)] == [
        True,
        True,
        False,
        True,
    ]
    assert [is_idle(wait) for wait in (NAP, replace(SELECT, reads=(), limit=0.1), FUTEX, SELECT)] == [
        True,
        True,
        False,
        False,
    ]


def stack(*frames: str) -> Stack:
    """Frames as "file:function", innermost first; those of the submission begin with "server.py"."""
    parted = [frame.split(":") for frame in frames]
    made = (
        Frame(function, file if file == "server.py" else f"{LIBRARY}/{file}", 8, own=file == "server.py")
        for file, function in parted
    )
    return Stack(PID, PID, "main", tuple(made))


LOOP = ("asyncio/events.py:Handle._run", "asyncio/base_events.py:BaseEventLoop.run_forever", "server.py:<module>")


@pytest.mark.parametrize(
    ("frames", "found", "primitive"),
    [
        (["server.py:serve"], True, False),
        (["threading.py:Condition.wait", "threading.py:Event.wait", "server.py:serve"], True, True),
        (["threading.py:wait", "concurrent/futures/_base.py:result", "server.py:serve"], True, True),
        (["selectors.py:select", "subprocess.py:communicate", "subprocess.py:run", "server.py:serve"], True, False),
        (["threading.py:Condition.wait", "threading.py:Event.wait", "threading.py:Thread.start"], False, True),
        (["logging/__init__.py:acquire", "logging/__init__.py:info", "server.py:serve"], True, False),
        (["selectors.py:EpollSelector.select"], False, False),
        (["asyncio/selector_events.py:write", "asyncio/streams.py:write", "server.py:serve"], False, False),
    ],
)
def test_a_line_blocks_where_asyncio_is_not_asked(frames: list[str], *, found: bool, primitive: bool) -> None:
    read = stack(*frames, *LOOP)

    assert (blocking_line(read) is not None, in_primitive(read)) == (found, primitive)


SLEEPS, AFTER, IN_ASYNCIO = (
    Frame("serve", "server.py", 8, own=True),
    Frame("serve", "server.py", 9, own=True),
    Frame("write", f"{LIBRARY}/asyncio/streams.py", 500, own=False),
)


@pytest.mark.parametrize(
    ("readings", "times", "first"),
    [
        ([AFTER, SLEEPS, SLEEPS, SLEEPS], 3, 1),
        ([SLEEPS, AFTER, IN_ASYNCIO, SLEEPS], 2, 0),
        ([IN_ASYNCIO, SLEEPS, IN_ASYNCIO], 1, 1),
        ([IN_ASYNCIO, IN_ASYNCIO], 0, 1),
    ],
    ids=["one reading came late", "the library between", "one reading in own code", "never in own code"],
)
def test_the_line_where_it_blocks_is_the_one_seen_most(readings: list[Frame], times: int, first: int) -> None:
    assert seen_most([(Stack(PID, PID, "main", (frame,)),) for frame in readings]) == (times, first)


@pytest.mark.parametrize(
    ("frames", "line", "whole"),
    [
        (["threading.py:Condition.wait", "_base.py:Future.result"], "pool.submit(work).result()", True),
        (["threading.py:Condition.wait", "_base.py:Future.result"], "writer.write(data.upper())", False),
        (["threading.py:Condition.wait", "_base.py:Future.result"], "with lock:", False),
        ([], "with lock:", True),
        (["server.py:helper"], "pass", True),
    ],
)
def test_a_stack_of_a_thread_that_went_on_meanwhile_does_not_fit_its_source(
    frames: list[str], line: str, *, whole: bool
) -> None:
    read = stack(*frames, "server.py:serve", *LOOP)

    assert was_read_whole(read, lambda _: [""] * 7 + [line]) == whole


def counters(cpu_ns: int | None, delay_ns: int | None) -> tuple[Counters, ...]:
    return (Counters(5, 100, 100), Counters(7, cpu_ns, delay_ns))


@pytest.mark.parametrize(
    ("looks", "part"),
    [
        ([counters(10, 10), counters(99, 99), counters(40, 100)], 0.25),
        ([counters(10, 10), counters(40, 10)], 1),
        ([counters(10, 10)], 1),
        ([counters(None, None), counters(None, None)], 1),
        ([], 1),
    ],
)
def test_a_look_at_who_is_awake_counts_for_the_part_in_which_a_cpu_let_it_run(
    looks: list[tuple[Counters, ...]], part: float
) -> None:
    assert running(looks) == part


CHECK, HEAD = "- {behaviour: io_model, at_work: true}", "model: asyncio"
SERVE = """
import asyncio, logging, os, queue, signal, sys, threading, time
from concurrent.futures import ThreadPoolExecutor

{beside}

async def serve(reader, writer):
    try:
        while data := await reader.read(4096):
            {work}
            writer.write(data.upper())
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()

async def main():
    server = await asyncio.start_server(serve, "", 8080)
    async with server:
        await server.serve_forever()

{run}
"""
THREAD_BESIDE = "threading.Thread(target={}, daemon=True).start()"


def with_asyncio(work: str = "pass", beside: str = "", run: str = "asyncio.run(main())") -> str:
    return SERVE.format(work=work, beside=beside, run=run)


COMPUTES = "def compute():\n    while True:\n        for _ in range(200000): pass\n        time.sleep(0.02)\n"
CHATTERS = (
    "logging.basicConfig(level=logging.INFO)\n"
    "def chatter():\n    while True:\n        for _ in range(100): logging.info('x')\n        time.sleep(0.001)\n"
)
SUPERVISES = """
while True:
    pid = os.fork()
    if pid == 0:
        asyncio.run(main())
        os._exit(0)
    signal.signal(signal.SIGTERM, lambda *_: (os.kill(pid, signal.SIGTERM), sys.exit()))
    os.waitpid(pid, 0)
"""
RIGHT = {
    "nothing beside": with_asyncio(),
    "a thread that sleeps": with_asyncio(
        beside="def metrics():\n    while True: time.sleep(1)\n" + THREAD_BESIDE.format("metrics")
    ),
    "the loop in another thread": with_asyncio(
        run=THREAD_BESIDE.format("lambda: asyncio.run(main())") + "\nwhile True: time.sleep(1)"
    ),
    "a parent that waits for its child": with_asyncio(run=SUPERVISES),
    "an executor that sleeps": with_asyncio(
        "await asyncio.get_running_loop().run_in_executor(None, time.sleep, 0.01)",
    ),
    "a thread that computes": with_asyncio(
        "sum(x * x for x in range(3000))", COMPUTES + THREAD_BESIDE.format("compute")
    ),
    "a thread that logs as the loop does": with_asyncio(
        "logging.info('%d bytes', len(data))", CHATTERS + THREAD_BESIDE.format("chatter")
    ),
    "threads started by the loop": with_asyncio(THREAD_BESIDE.format("data.upper")),
    "a queue that a thread empties": with_asyncio(
        "Q.put(data)", "Q = queue.Queue()\ndef drain():\n    while True: Q.get()\n" + THREAD_BESIDE.format("drain")
    ),
}


@pytest.mark.parametrize("source", RIGHT.values(), ids=RIGHT)
def test_a_loop_that_never_blocks_is_not_accused_of_what_happens_beside(grade_source: Grade, source: str) -> None:
    (check,) = grade_source(source, CHECK, head=HEAD).checks

    assert (check.verdict, check.diagnosis) == (Verdict.PASS, None), check.summary


FEW = 5


@pytest.mark.parametrize("model", ["asyncio", "epoll"])
@pytest.mark.parametrize("failures", [FEW, 1000])
def test_whose_loop_it_runs_is_known_or_not_judged(
    grade_source: Grade, monkeypatch: pytest.MonkeyPatch, model: str, failures: int
) -> None:
    tried = 0

    def fails_at_first(program: str, pid: int, patience: float) -> list[dict[str, object]]:
        nonlocal tried
        tried += 1
        return read(program, pid, patience) if tried > failures else []

    read = stacks._read
    monkeypatch.setattr(stacks, "_read", fails_at_first)

    (check,) = grade_source(with_asyncio(), "- behaviour: io_model", head=f"model: {model}").checks

    rightly = Verdict.PASS if model == "asyncio" else Verdict.FAIL
    assert check.verdict is (rightly if failures == FEW else Verdict.INCONCLUSIVE), check.summary


SLEEPER = "def metrics():\n    while True: time.sleep(1)\n" + THREAD_BESIDE.format("metrics")
POOL = "pool = ThreadPoolExecutor(1)\n"
WRONG = {
    "sleeps for 1 ms": with_asyncio("time.sleep(0.001)"),
    "sleeps beside a thread that sleeps": with_asyncio("time.sleep(0.005)", SLEEPER),
    "an event": with_asyncio("event.wait(0.002)", "event = threading.Event()"),
    "a future": with_asyncio("pool.submit(time.sleep, 0.01).result()", POOL),
    "a future that computes": with_asyncio(
        "pool.submit(compute).result()", POOL + "def compute():\n    for _ in range(20000): pass"
    ),
    "a queue": with_asyncio(
        "Q.get()",
        "Q = queue.SimpleQueue()\ndef feed():\n    while True: time.sleep(0.003); Q.put(1)\n"
        + THREAD_BESIDE.format("feed"),
    ),
    "another program": with_asyncio("os.system('sleep 0.01')"),
    "for good": with_asyncio("threading.Event().wait()"),
}


@pytest.mark.parametrize("source", WRONG.values(), ids=WRONG)
def test_a_loop_that_blocks_is_found_with_its_line(grade_source: Grade, source: str) -> None:
    (check,) = grade_source(source, CHECK, head=HEAD).checks

    assert check.diagnosis is not None, check.summary
    blocking = source.splitlines().index("            writer.write(data.upper())")
    assert (check.diagnosis.id, check.diagnosis.line) == ("blocking-call-in-coroutine", blocking)
