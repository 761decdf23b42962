"""The readers of the kernel, against small programs that wait in known ways."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from grader.evidence import procfs
from grader.evidence.procfs import ProcReader, own_time, parse_call, schedstat_moves, stat_words
from grader.evidence.records import DescriptorKind, Process, TcpState, ThreadSample, Wait, WaitKind
from grader.evidence.runtimes import is_the_kernels
from grader.evidence.sock_diag import SocketTable
from grader.evidence.syscalls import SHAPES, TABLES, call_name
from grader.evidence.waits import read_wait

PROGRAM = """
import os, select, signal, socket, threading, time
a, b = socket.socketpair()
listener = socket.create_server(("127.0.0.1", 0))
print("ready", flush=True)
{body}
"""


class OneProcess(ProcReader):
    """A reader that sees only one process of this machine."""

    pid: int

    def pids(self) -> list[int]:
        return [self.pid]


@contextmanager
def running(body: str) -> Iterator[OneProcess]:
    program: subprocess.Popen[bytes] = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(body=textwrap.dedent(body))],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert program.stdout
        assert program.stdout.readline() == b"ready\n"
        reader = OneProcess(schedstat=schedstat_moves())
        reader.pid = program.pid
        yield reader
    finally:
        os.killpg(program.pid, signal.SIGKILL)
        program.communicate()


def asleep(reader: ProcReader) -> ThreadSample:
    """The main thread once it sleeps in a call; the reading itself is the waiting."""
    for _ in range(200_000):
        samples = reader.look().threads
        if samples and all(sample.state == "S" and sample.call for sample in samples):
            return samples[0]
    raise AssertionError("it did not fall asleep")


def wait_of(body: str) -> Wait:
    with running(body) as reader:
        wait = read_wait(asleep(reader))
    assert wait is not None
    return wait


@pytest.mark.parametrize(
    ("body", "kind", "limit"),
    [
        ("a.recv(1)", WaitKind.RECV, None),
        ("listener.accept()", WaitKind.ACCEPT, None),
        ("select.select([a], [], [])", WaitKind.SELECT, None),
        ("select.select([a], [], [], 60)", WaitKind.SELECT, 60),
        ("a.settimeout(60); a.recv(1)", WaitKind.POLL, 60),
        ("p = select.poll(); p.register(a, select.POLLIN); p.poll()", WaitKind.POLL, None),
        ("p = select.poll(); p.register(a, select.POLLIN); p.poll(60000)", WaitKind.POLL, 60),
        ("p = select.epoll(); p.register(a, select.EPOLLIN); p.poll()", WaitKind.EPOLL, None),
        ("p = select.epoll(); p.register(a, select.EPOLLIN); p.poll(60)", WaitKind.EPOLL, 60),
        ("time.sleep(60)", WaitKind.SLEEP, 60),
        ("threading.Event().wait()", WaitKind.FUTEX, None),
        ("threading.Event().wait(60)", WaitKind.FUTEX, 60),
        ("signal.pause()", WaitKind.SIGNAL, None),
        ("signal.sigwait([signal.SIGTERM])", WaitKind.SIGNAL, None),
        ("signal.sigtimedwait([signal.SIGTERM], 60)", WaitKind.SIGNAL, 60),
        ("os.read(os.pipe()[0], 1)", WaitKind.READ, None),
        ("os.splice(a.fileno(), os.pipe()[1], 1)", WaitKind.READ, None),
        (
            "a.setsockopt(1, socket.SO_SNDTIMEO, (60).to_bytes(16, 'little'))\nos.splice(os.pipe()[0], a.fileno(), 1)",
            WaitKind.READ,
            60,
        ),
        ("a.sendall(b'x' * (1 << 24))", WaitKind.SEND, None),
        ("os.fork() or signal.pause(); os.wait()", WaitKind.CHILD, None),
        (
            "import struct\na.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack('ll', 60, 0))\na.recv(1)",
            WaitKind.RECV,
            60,
        ),
    ],
)
def test_the_kind_and_the_time_limit_of_a_wait_are_read(body: str, kind: WaitKind, limit: float | None) -> None:
    wait = wait_of(body)

    assert wait.kind is kind
    assert wait.unreadable == ""
    if limit is None:
        assert wait.limit is None
    else:
        assert wait.limit == pytest.approx(limit, abs=30)


def test_the_sets_of_select_are_read_from_its_memory() -> None:
    wait = wait_of("os.dup2(a.fileno(), 900); select.select([listener, 900], [], [])")

    assert 900 in wait.reads
    assert len(wait.reads) == 2
    assert wait.writes == ()


def test_the_write_set_is_told_from_the_read_set() -> None:
    body = "a.setblocking(False)\ntry:\n  while True: a.send(b'x' * 65536)\nexcept BlockingIOError: pass\n"
    wait = wait_of(body + "select.select([listener], [a], [])")

    assert len(wait.reads) == 1
    assert len(wait.writes) == 1
    assert wait.reads != wait.writes


def test_who_moves_bytes_from_one_to_another_waits_for_both() -> None:
    wait = wait_of("os.splice(os.dup2(a.fileno(), 900), os.dup2(os.pipe()[1], 901), 1)")

    assert (wait.reads, wait.writes) == ((900,), (901,))


@pytest.mark.parametrize(
    ("name", "flags", "kernels"),
    [
        ("iou-sqp-7", 0x404050, True),
        ("iou-wrk-7", 0x4010, True),
        ("iou-sqp-7", 0x404000, False),
        ("server", 0x404050, False),
    ],
)
def test_the_kernels_threads_for_a_ring_are_known_by_their_flag(
    tmp_path: Path, name: str, flags: int, kernels: bool
) -> None:
    (tmp_path / "8").mkdir()
    (tmp_path / "8" / "stat").write_text(f"8 ({name}) S 1 7 7 0 -1 {flags} 0 0 0 0 0 5 0 0 20 0 2 0\n")

    assert is_the_kernels(name, lambda: stat_words(8, str(tmp_path))) is kernels


def test_sigwait_is_understood_unless_a_timer_may_end_it() -> None:
    assert not wait_of("signal.sigwait([signal.SIGUSR1])").unreadable
    assert wait_of("signal.sigwait([signal.SIGUSR1, signal.SIGALRM])").unreadable


def process_of(body: str) -> Process:
    with running(body + "\nsignal.pause()") as reader:
        asleep(reader)
        (process,) = reader.processes(())
    return process


def test_descriptors_are_told_apart() -> None:
    process = process_of(
        "os.pipe(); select.epoll(); os.eventfd(0); a.setblocking(False); u = socket.socket(type=socket.SOCK_DGRAM)"
        if hasattr(os, "eventfd")
        else "os.pipe()"
    )

    kinds = {descriptor.kind for descriptor in process.descriptors}
    assert {DescriptorKind.PIPE, DescriptorKind.UNIX, DescriptorKind.TCP} <= kinds
    assert process.open_sockets >= 3


def test_an_epoll_set_tells_what_it_watches() -> None:
    process = process_of(
        "p = select.epoll(); p.register(a, select.EPOLLIN | select.EPOLLET); p.register(listener, select.EPOLLIN);"
        "p.register(b, select.EPOLLOUT | select.EPOLLET); w = os.pipe()[1];"
        "p.register(w, select.EPOLLOUT)"
    )

    (epoll,) = [d for d in process.descriptors if d.kind is DescriptorKind.EPOLL]
    kinds = {d.fd: d.kind for d in process.descriptors}
    assert len(epoll.watches) == 4
    assert [kinds[fd] for fd in epoll.edges] == [DescriptorKind.UNIX]
    assert [kinds[fd] for fd in epoll.writable] == [DescriptorKind.PIPE]


def test_nonblocking_is_seen_in_the_kernel() -> None:
    process = process_of("a.setblocking(False)")

    assert sorted(d.nonblocking for d in process.descriptors if d.kind is DescriptorKind.UNIX) == [
        False,
        True,
    ]


@pytest.mark.parametrize("name", ["SIGALRM", "SIGVTALRM", "SIGPROF"])
def test_a_handler_for_a_timer_signal_is_seen(name: str) -> None:
    assert process_of(f"signal.signal(signal.{name}, lambda *_: None)").alarm_caught


def test_other_handlers_are_no_timers() -> None:
    assert not process_of("signal.signal(signal.SIGUSR1, lambda *_: None)").alarm_caught


def test_a_posix_timer_is_seen() -> None:
    body = """
import ctypes
timer = ctypes.c_void_p()
ctypes.CDLL(None).timer_create(1, None, ctypes.byref(timer))
"""
    assert process_of(body).posix_timers == 1


def test_a_running_thread_has_no_call() -> None:
    assert parse_call("running\n") == (None, False)
    assert parse_call("-1 0x7ffe 0x7f00\n") == (None, True)


def test_a_blocked_call_is_named() -> None:
    call, outside = parse_call("0 0x4 0x1 0x2 0x3 0x4 0x5 0x7ffe 0x7f00\n")

    assert call is not None
    assert call.args == (4, 1, 2, 3, 4, 5)
    assert not outside


@pytest.mark.parametrize("machine", sorted(TABLES))
def test_every_wait_we_understand_has_a_number(machine: str) -> None:
    legacy = {"select", "poll", "epoll_wait", "pause"}
    lacking = set(SHAPES) - set(TABLES[machine].values())

    assert lacking <= (legacy if machine == "aarch64" else set())


def test_reading_at_no_offset_is_reading() -> None:
    assert [call_name(number, "x86_64") for number in (295, 296, 327, 328)] == [
        "preadv",
        "pwritev",
        "preadv2",
        "pwritev2",
    ]
    assert [call_name(number, "aarch64") for number in (69, 70, 286, 287)] == [
        "preadv",
        "pwritev",
        "preadv2",
        "pwritev2",
    ]
    assert SHAPES["preadv2"] == SHAPES["readv"]


def test_an_unknown_call_keeps_its_number() -> None:
    assert call_name(9999, "x86_64") == "syscall_9999"


def test_schedstat_of_this_kernel_moves_or_is_told_to_be_absent() -> None:
    assert schedstat_moves() == os.path.exists("/proc/self/schedstat")  # noqa: PTH110 - the kernel's file


def test_a_time_limit_of_a_connection_with_unsent_bytes_is_read() -> None:
    body = """
import threading
client = socket.create_connection(listener.getsockname())
connection, _ = listener.accept()
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 4321)
connection.setblocking(False)
try:
  while True: connection.send(b'x' * 65536)
except BlockingIOError: pass
signal.pause()
"""
    table = SocketTable()
    with running(body) as reader:
        asleep(reader)
        (process,) = reader.processes(table.read())
    table.close()

    assert sorted({d.user_timeout for d in process.descriptors}) == [0, 4321]


def test_the_socket_table_shows_queues_of_listeners_and_connections() -> None:
    table = SocketTable()
    with socket.create_server(("127.0.0.1", 0), backlog=7) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"hello")
            entries = [e for e in table.read() if port in (e.local_port, e.remote_port)]
            listening = [e for e in table.read_listeners() if e.local_port == port]
    table.close()

    (waiting,) = listening
    assert (waiting.state, waiting.receive_queue, waiting.send_queue) == (TcpState.LISTEN, 1, 7)
    (server,) = [e for e in entries if e.local_port == port and e.state is TcpState.ESTABLISHED]
    assert (server.receive_queue, server.received, server.inode) == (5, 5, 0)


def test_a_reply_held_back_by_a_client_is_unsent_and_not_in_flight() -> None:
    table = SocketTable()
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(listener.getsockname())
        server, _ = listener.accept()
        with server:
            server.setblocking(False)
            while select.select([], [server], [], 0)[1]:
                server.send(b"x" * 65536)
            port = listener.getsockname()[1]
            for _ in range(100_000):
                (entry,) = [e for e in table.read() if e.local_port == port and e.remote_port]
                if entry.in_flight == 0:
                    break
    table.close()

    assert entry.unsent > 0
    assert entry.send_queue >= entry.unsent


def test_a_thread_whose_call_may_not_be_read_is_there_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(path: str) -> str:
        if path.endswith("/syscall"):
            raise PermissionError(path)
        return read(path)

    read = procfs._read
    with running("signal.pause()") as reader:
        monkeypatch.setattr(procfs, "_read", refusing)

        (sample,) = reader.look().threads

    assert sample.call is None


def test_what_tells_our_own_time_leaves_nothing_open() -> None:
    before = os.listdir("/proc/self/fd")

    told = own_time()
    first = told()
    while told() == first:  # it moves with the scheduler's tick
        pass
    del told

    assert os.listdir("/proc/self/fd") == before
