"""Right servers that a careless check accuses, and wrong ones that it absolves."""

from __future__ import annotations

import contextlib
import re
import threading
import time

import psutil
import pytest
from conftest import ROOT, Grade, only
from servers import BIND, LISTEN, RIGHT, SELECT, changed

from grader.judgement.finding import CheckFailed, Finding
from grader.judgement.outcome import How, Outcome
from grader.launch import Launch
from grader.report.model import Basis, Report, Verdict
from grader.stage import settling
from grader.stage.settling import Settling

EVERYTHING = """
- behaviour: echo
- behaviour: concurrent_clients
- behaviour: disconnect
  how: fin
- behaviour: disconnect
  how: reset
- behaviour: disconnect
  how: half_close
- behaviour: large_message
- behaviour: slow_reader
- behaviour: cpu_ceiling
  when: idle
- behaviour: cpu_ceiling
  when: idle_clients
- behaviour: cpu_ceiling
  when: after_disconnect
- behaviour: io_model
"""


def failed(report: Report) -> dict[str, str]:
    return {check.id: check.summary for check in report.checks if check.verdict is not Verdict.PASS}


LINGER = "connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\\1\\0\\0\\0\\0\\0\\0\\0')"
THREADS = """
import threading, time

def beside(function, *args):
    threading.Thread(target=function, args=args, daemon=True).start()

"""
RIGHT_SERVERS = {
    "a backlog of one": changed((LISTEN, "listener.listen(1)")),
    "a backlog of five": changed((LISTEN, "listener.listen(5)")),
    "a time limit on every wait": changed((SELECT, SELECT.replace("[])", "[], 0.2)"))),
    "a short time limit on every wait": changed((SELECT, SELECT.replace("[])", "[], 0.02)"))),
    "asks to be stopped from the keyboard": changed(
        (SELECT, SELECT.replace("*reading]", "*reading, 0]")),
        ("if ready is listener", "if ready == 0: raise SystemExit\n            if ready is listener"),
    ),
    "waits for a key in its main thread": THREADS
    + changed(("        serve(listener)", "        beside(serve, listener)\n        input('stop? ')")),
    "prints everything": changed(("    if data:\n", "    print(connection, data)\n    if data:\n")),
    "prints a lot": changed(("    if data:\n", "    print('x' * 200000)\n    if data:\n")),
    "works for a while first": changed(("    if data:\n", "    sum(range(30000))\n    if data:\n")),
    "reads little at a time": changed(
        ("CHUNK = 4096", "CHUNK = 100"), ("MOST_PENDING = 1 << 16", "MOST_PENDING = 1000")
    ),
    "buffers without bound": changed(("MOST_PENDING = 1 << 16", "MOST_PENDING = 1 << 40")),
    "a thread beside that only sleeps": THREADS + changed((BIND, f"beside(time.sleep, 9999)\n        {BIND}")),
}


@pytest.mark.parametrize("source", RIGHT_SERVERS.values(), ids=RIGHT_SERVERS)
def test_a_right_server_is_never_accused(grade_source: Grade, source: str) -> None:
    assert failed(grade_source(source, EVERYTHING)) == {}


def test_a_server_that_resets_instead_of_closing_loses_only_what_a_client_has_not_read(grade_source: Grade) -> None:
    source = changed(("\n    connection.close()", f"\n    {LINGER}\n    connection.close()"))

    found = failed(grade_source(source, EVERYTHING))

    assert set(found) == {"disconnect-half-close"}
    assert "a half-closed client who read late" in found["disconnect-half-close"]
    assert "the server reset the connection" in found["disconnect-half-close"]


@pytest.mark.parametrize("how", ["fin", "reset"])
def test_a_socket_that_is_freed_one_client_late_is_no_leak(grade_source: Grade, how: str) -> None:
    """CPython closes a forgotten socket when its last variable is used again."""
    source = changed(("    connection.close()", "    globals().update(last=connection)"))

    assert failed(grade_source(source, f"- {{behaviour: disconnect, how: {how}}}")) == {}


def test_a_server_that_thinks_for_seconds_before_it_answers_is_not_stuck(grade_source: Grade) -> None:
    source = changed(("    if data:\n", "    __import__('time').sleep(1.2)\n    if data:\n"))

    assert (
        only(grade_source(source, "- {behaviour: echo, sizes: [5 B], pieces: 0, pipelined: 0}")).verdict is Verdict.PASS
    )


def test_a_server_woken_by_an_alarm_is_not_stuck(grade_source: Grade) -> None:
    source = """
    import signal, socket
    listener = socket.create_server(("", 8080))
    listener.setblocking(False)
    clients = []

    def serve(*_):
        try:
            clients.append(listener.accept()[0])
            clients[-1].setblocking(False)
        except BlockingIOError:
            pass
        for client in clients:
            try:
                client.sendall(client.recv(4096).upper())
            except BlockingIOError:
                pass

    signal.signal(signal.SIGALRM, serve)
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    while True:
        signal.pause()
    """

    assert only(grade_source(source, "- {behaviour: echo, sizes: [5 B, 99 B], pieces: 0}")).verdict is Verdict.PASS


def test_a_server_that_passes_its_clients_to_a_child_by_a_pipe_is_not_stuck(grade_source: Grade) -> None:
    source = """
    import socket, subprocess
    upper = ["sed", "--unbuffered", r"s/.*/\\U&/"]
    child = subprocess.Popen(upper, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    listener = socket.create_server(("", 8080))
    client, _ = listener.accept()
    while data := client.recv(4096):
        child.stdin.write(data)
        client.sendall(child.stdout.readline())
    """

    checks = "- {behaviour: echo, sizes: [99 B, 99 B], pieces: 0, pipelined: 0}"
    assert only(grade_source(source, checks)).verdict is Verdict.PASS


ONE_AT_A_TIME = """
import socket
listener = socket.create_server(("", 8080))
{limit}
while True:
    client, _ = listener.accept()
    {client}
    while True:
        try:
            data = client.recv(4096)
        except TimeoutError:
            continue
        if not data:
            break
        client.sendall(data.upper())
    client.close()
"""


def test_stuck_without_a_time_limit_is_proved(grade_source: Grade) -> None:
    check = only(grade_source(ONE_AT_A_TIME.format(limit="", client=""), "- behaviour: concurrent_clients"))

    assert (check.verdict, check.basis) == (Verdict.FAIL, Basis.PROOF)


def test_a_timed_wait_is_never_a_proof_but_its_wake_ups_are_counted(grade_source: Grade) -> None:
    source = ONE_AT_A_TIME.format(limit="", client="client.settimeout(0.05)")

    check = only(grade_source(source, "- {behaviour: concurrent_clients, clients: 2}"))

    assert (check.verdict, check.basis) == (Verdict.FAIL, Basis.BUDGET)
    assert "woke" in check.summary


def test_a_leak_of_one_descriptor_for_each_client_is_found(grade_source: Grade) -> None:
    source = "kept = []\n" + changed(("    connection.close()", "    kept.append(connection)"))

    check = only(grade_source(source, "- {behaviour: disconnect, how: fin, clients: 2}"))

    assert check.verdict is Verdict.FAIL
    assert "open sockets grew with every round" in check.summary


@pytest.mark.parametrize(
    ("new", "basis"),
    [
        ("data", Basis.OBSERVATION),
        ("data.upper().replace(b'Q', b'')", Basis.OBSERVATION),
        ("data.upper() + b'!'", Basis.OBSERVATION),
        ("data[:1000].upper()", Basis.PROOF),
    ],
    ids=["not upper", "a byte lost", "a byte too many", "cut off"],
)
def test_a_wrong_reply_is_seen(grade_source: Grade, new: str, basis: Basis) -> None:
    check = only(grade_source(changed(("data.upper()", new))))

    assert (check.verdict, check.basis) == (Verdict.FAIL, basis)


def test_a_server_that_waits_to_be_asked_twice_is_proved_stuck(grade_source: Grade) -> None:
    source = changed(
        ("writing = [c for c in pending if pending[c]]", "writing = [c for c in pending if len(pending[c]) > 100]")
    )

    check = only(grade_source(source, "- behaviour: concurrent_clients"))

    assert (check.verdict, check.basis) == (Verdict.FAIL, Basis.PROOF)
    assert check.facts["served"] == 0


def test_two_servers_in_one_program_are_not_one_model(grade_source: Grade) -> None:
    source = """
    import select, socket, threading
    listener = socket.create_server(("", 8080), backlog=100)

    def serve(clients):
        while True:
            ready, _, _ = select.select(clients, [], [], 0.1)
            for client in ready:
                client.sendall(client.recv(4096).upper())

    while True:
        select.select([listener], [], [])
        threading.Thread(target=serve, args=([listener.accept()[0]],), daemon=True).start()
    """

    check = only(grade_source(source, "- behaviour: io_model"))

    assert check.verdict is Verdict.FAIL
    assert check.facts["workers"] == "threads"


def test_a_spin_is_seen_whatever_else_waits(grade_source: Grade) -> None:
    spin = "beside(lambda: [0 for _ in iter(int, 1)])"
    source = THREADS + changed((BIND, f"{spin}\n        {BIND}"))

    check = only(grade_source(source, "- {behaviour: cpu_ceiling, when: idle}"))

    assert check.verdict is Verdict.FAIL


NAPS = """
    import socket, threading, time
    listener = socket.create_server(("", 8080), backlog=100)

    def serve(client):
        while data := client.recv(4096):
            client.sendall(data.upper())

    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client,), daemon=True).start()
        for _ in range(10):
            time.sleep(0.001)
    """


def test_a_server_is_not_at_rest_before_it_has_accepted_everybody_however_often_it_wakes(grade_source: Grade) -> None:
    report = grade_source(NAPS, "- {behaviour: io_model, clients: 15}")

    assert report.observed is not None
    assert (report.observed.workers, report.observed.bound) == ("threads", None)


AT_WORK = """
import time

def work():
    until = time.process_time() + 0.7
    while time.process_time() < until:
        pass

"""


@pytest.mark.parametrize(
    ("checks", "end"),
    [
        ("- {behaviour: cpu_ceiling, clients: 1, at_most: 45%, when: after_disconnect}", "    else:\n        drop("),
        (
            "- {behaviour: disconnect, clients: 1, how: half_close}",
            "    elif pending[connection]:\n        finished.add(",
        ),
    ],
)
def test_a_server_that_wakes_by_the_clock_and_works_for_a_moment_does_not_spin(
    grade_source: Grade, checks: str, end: str
) -> None:
    source = AT_WORK + changed(
        (SELECT, SELECT.replace("[])", "[], 0.05)")), (end, end.replace("        ", "        work()\n        "))
    )

    assert failed(grade_source(source, checks)) == {}


BURSTS = """
    import select, socket, time
    listener = socket.create_server(("", 8080))
    while True:
        select.select([], [], [], 0.6)
        until = time.process_time() + 0.6
        while time.process_time() < until:
            pass
    """


def test_a_server_that_sleeps_and_spins_in_turn_is_busy_whichever_half_is_seen_first(grade_source: Grade) -> None:
    (check,) = grade_source(BURSTS, "- {behaviour: cpu_ceiling, at_most: 20%}").checks

    assert check.verdict is Verdict.FAIL


def test_without_schedstat_a_ceiling_is_inconclusive(grade_source: Grade, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.launch.schedstat_moves", lambda: False)
    spinning = changed((SELECT, SELECT.replace("[])", "[], 0)")))

    report = grade_source(spinning, "- {behaviour: cpu_ceiling, when: idle}")

    assert only(report).verdict is Verdict.INCONCLUSIVE
    assert report.exit_status == 3
    assert any("schedstat" in what for what in report.arena.missing)


def test_a_server_that_dies_before_its_last_reply_is_seen_to_end(grade_source: Grade) -> None:
    source = changed(("    if data:\n", "    if data == b'':\n        raise SystemExit(7)\n    if data:\n"))

    check = only(grade_source(source, "- {behaviour: disconnect, how: fin}"))

    assert check.verdict is Verdict.FAIL
    assert "status 7" in check.summary


THREAD_EACH = """
import select, signal, socket, sys, threading, time
listener = socket.create_server(("", 8080), backlog=128)

def serve(client):
    try:
        {first}
        while data := client.recv(4096):
            client.sendall(data.upper())
    except OSError:
        pass
    {last}
    client.close()

def accept_all():
    while True:
        {before}
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client,), daemon=True).start()
{main}
"""
THREADS_MODEL = "model: threads"


def thread_each(*, first: str = "pass", last: str = "pass", before: str = "pass", main: str = "accept_all()") -> str:
    """A thread for each client, with something else in some of its places."""
    return THREAD_EACH.format(first=first, last=last, before=before, main=main)


WAYS_OF_LEAVING = "\n".join(f"- {{behaviour: disconnect, how: {how}, clients: 3}}" for how in ("fin", "reset", "storm"))


@pytest.mark.parametrize(
    "last",
    ["time.sleep(0.2)", "client.close(); threading.Event().wait(0.2)"],
    ids=["a connection that is closed a moment later", "a thread that ends a moment later"],
)
def test_what_is_given_back_after_a_while_is_no_leak(grade_source: Grade, last: str) -> None:
    assert failed(grade_source(thread_each(last=last), WAYS_OF_LEAVING, head=THREADS_MODEL)) == {}


RECYCLES = """
import os, signal, socket, time
workers = set()
def work(listener):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for _ in range({clients}):
        client, _ = listener.accept()
        try:
            while data := client.recv(4096): client.sendall(data.upper())
        except OSError: pass
        client.close()
    os._exit(0)
def stop(*_):
    for pid in workers: os.kill(pid, signal.SIGTERM)
    os._exit(0)
listener = socket.create_server(("", 8080), backlog=128)
signal.signal(signal.SIGTERM, stop)
while True:
    while len(workers) < 6:
        pid = os.fork()
        if pid == 0: work(listener)
        workers.add(pid)
    time.sleep(0.3)
    while (pid := os.waitpid(-1, os.WNOHANG)[0]): workers.discard(pid)
"""
POOL_MODEL = "model: prefork"


@pytest.mark.parametrize("clients", [2, 5])
def test_workers_that_are_replaced_by_the_clock_are_a_pool_and_no_leak(grade_source: Grade, clients: int) -> None:
    checks = (
        "- {behaviour: pool_limit, at_least: 4, at_most: 8, clients: 12}\n- behaviour: io_model\n" + WAYS_OF_LEAVING
    )

    assert failed(grade_source(RECYCLES.format(clients=clients), checks, head=POOL_MODEL)) == {}


def test_a_story_that_expects_so_many_sockets_gives_a_server_time_to_close_them(grade_source: Grade) -> None:
    story = """
    - behaviour: scenario
      steps:
        - connect: ann
        - exchange: {ann: hello}
        - close: ann
        - expect: {open_sockets: 1, threads: 1}
    """
    assert failed(grade_source(thread_each(last="time.sleep(0.2)"), story, head=THREADS_MODEL)) == {}


def test_a_leak_is_found_also_in_a_server_that_closes_late(grade_source: Grade) -> None:
    source = "kept = []\n" + thread_each(last="kept.append(client.dup()); time.sleep(0.2)")

    check = only(grade_source(source, "- {behaviour: disconnect, how: fin, clients: 2}", head=THREADS_MODEL))

    assert check.verdict is Verdict.FAIL
    assert "open sockets grew" in check.summary


def test_a_server_that_does_not_live_on_when_it_is_spoken_to_may_be_of_its_model(grade_source: Grade) -> None:
    source = changed(("def receive(connection):\n", "def receive(connection):\n    raise SystemExit(1)\n"))

    assert failed(grade_source(source, "- behaviour: io_model\n- behaviour: echo", head="model: select")).keys() == {
        "echo"
    }


def test_a_model_that_changes_when_clients_have_spoken_is_seen(grade_source: Grade) -> None:
    answers = "pending[connection] += data.upper()"
    thread = "threading.Thread(target=threading.Event().wait, daemon=True).start()"
    source = "import threading\n" + changed((answers, f"{thread}; {answers}"))

    check = only(grade_source(source, "- behaviour: io_model", head="model: select"))

    assert check.verdict is Verdict.FAIL
    assert "once its clients have spoken 40 more clients brought 40 more threads" in check.summary


TURN_TO_POLL = """
import select

left = []

def turn_to_poll(listener):
    ready, clients = select.poll(), {listener.fileno(): listener}
    ready.register(listener, select.POLLIN)
    while True:
        for fd, _ in ready.poll():
            if fd == listener.fileno():
                client, _ = listener.accept()
                clients[client.fileno()] = client
                ready.register(client, select.POLLIN)
            elif data := clients[fd].recv(4096):
                clients[fd].sendall(data.upper())
            else:
                ready.unregister(fd)
                clients.pop(fd).close()

"""
WITHIN_SOCKETSERVER = """
import socketserver

class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        answer(self.request)

class Server(socketserver.TCPServer):
    request_queue_size = 64

    def service_actions(self):
        while True:
            client, _ = self.socket.accept()
            with client:
                answer(client)

def answer(client):
    try:
        while data := client.recv(4096):
            client.sendall(data.upper())
    except ConnectionError:
        pass

Server(("", 8080), Handler).serve_forever(0.05)
"""


def test_a_model_that_changes_when_clients_have_left_is_seen(grade_source: Grade) -> None:
    source = TURN_TO_POLL + changed(
        ("    if data:\n", "    if not data: left.append(connection)\n    if data:\n"),
        (SELECT, f"turn_to_poll(listener) if left else {SELECT}"),
    )

    check = only(grade_source(source, "- behaviour: io_model", head="model: select"))

    assert check.verdict is Verdict.FAIL
    assert "once others have come and left it waits for the network in poll, not only in select" in check.summary


def test_a_server_that_does_not_outlive_its_clients_may_be_of_its_model(grade_source: Grade) -> None:
    source = changed(("    if data:\n", "    if not data: raise SystemExit\n    if data:\n"))

    assert failed(grade_source(source, "- behaviour: io_model", head="model: select")) == {}


def test_a_loop_within_that_of_socketserver_is_not_that_of_socketserver(grade_source: Grade) -> None:
    check = only(grade_source(WITHIN_SOCKETSERVER, "- behaviour: io_model", head="model: socketserver"))

    assert check.verdict is Verdict.FAIL
    assert "its loop is its own, not that of socketserver" in check.summary
    assert check.diagnosis is None


LAZY_POOL = """
import asyncio, itertools, queue, threading

jobs, idle, made = queue.SimpleQueue(), threading.Semaphore(0), itertools.count()


def work():
    while True:
        loop, done, data = jobs.get()
        loop.call_soon_threadsafe(done.set_result, data.upper())
        if next(made) % 3:
            idle.release()


async def serve(reader, writer):
    try:
        while data := await reader.read(4096):
            loop = asyncio.get_running_loop()
            done = loop.create_future()
            if not idle.acquire(blocking=False) and threading.active_count() <= {most}:
                threading.Thread(target=work, daemon=True).start()
            jobs.put((loop, done, data))
            writer.write(await done)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "", 8080)
    await server.serve_forever()


asyncio.run(main())
"""


@pytest.mark.parametrize("how", ["fin", "reset"])
def test_a_pool_that_grows_to_its_size_is_no_leak(grade_source: Grade, how: str) -> None:
    """As that of asyncio.to_thread() does, whatever the size of the machine lets it have: up to 32."""
    source = LAZY_POOL.replace("{most}", "32")

    assert (
        failed(grade_source(source, f"- {{behaviour: disconnect, how: {how}}}", head="protocol: {reply: upper}")) == {}
    )


def test_a_pool_that_grows_without_end_is_a_leak(grade_source: Grade) -> None:
    source = LAZY_POOL.replace("{most}", "1000000")

    check = only(grade_source(source, "- {behaviour: disconnect, how: fin}", head="protocol: {reply: upper}"))

    assert check.verdict is Verdict.FAIL
    assert "threads grew with every" in check.summary


def test_a_leak_of_now_and_then_is_found(grade_source: Grade) -> None:
    late = "    gone.append(0)\n    kept.append(connection) if len(gone) % 17 == 0 else connection.close()"
    source = "gone, kept = [], []\n" + changed(("    connection.close()\n\n\ndef receive", f"{late}\n\n\ndef receive"))

    check = only(grade_source(source, "- {behaviour: disconnect, how: fin}"))

    assert check.verdict is Verdict.FAIL
    assert "open sockets grew with every 4 rounds" in check.summary


SIGWAIT = """
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
threading.Thread(target=accept_all, daemon=True).start()
signal.sigwait([signal.SIGTERM])
"""
PIPE = """
reading, writing = socket.socketpair()
writing.setblocking(False)
signal.set_wakeup_fd(writing.fileno())
signal.signal(signal.SIGTERM, lambda *_: None)
accept_all()
"""
UNTIL_TOLD = "if reading in select.select([listener, reading], [], [])[0]: sys.exit()"
DEFER = """
listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 30)
accept_all()
"""
BESIDE = {
    "a listener that hands over only clients who have spoken": thread_each(main=DEFER),
    "its main thread in sigwait()": thread_each(main=SIGWAIT),
    "a pipe beside the listener": thread_each(main=PIPE, before=UNTIL_TOLD),
}


@pytest.mark.parametrize("source", BESIDE.values(), ids=BESIDE)
def test_what_a_server_sets_beside_its_model_is_no_fault(grade_source: Grade, source: str) -> None:
    checks = "- behaviour: stops\n- behaviour: io_model\n- {behaviour: cpu_ceiling, when: idle}\n- behaviour: churn"

    assert failed(grade_source(source, checks, head=THREADS_MODEL)) == {}


def test_a_thread_that_the_kernel_makes_for_a_ring_is_no_thread_of_the_server(grade_source: Grade) -> None:
    asks, with_a_thread = "memset(&p, 0, sizeof p);", "p.flags = IORING_SETUP_SQPOLL; p.sq_thread_idle = 1;"
    enters = "wanted ? IORING_ENTER_GETEVENTS : 0"
    source = (ROOT / "reference" / "servers" / "io_uring" / "server.c").read_text()
    assert source.count(asks) == source.count(enters) == 1
    source = source.replace(asks, f"{asks} {with_a_thread}").replace(enters, f"({enters}) | IORING_ENTER_SQ_WAKEUP")
    head = "model: io_uring\nserver: {entry: server.c}"

    report = grade_source(source, "- behaviour: io_model\n- behaviour: echo", name="server.c", head=head)

    assert failed(report) == {}
    # Not to be seen at rest costs twenty seconds a time.
    assert sum(check.seconds for check in report.checks) < 20


def test_a_server_that_reads_by_way_of_a_pipe_is_a_blocking_one(grade_source: Grade) -> None:
    source = """
    import os, socket
    listener = socket.create_server(("", 8080), backlog=64)
    reading, writing = os.pipe()
    while True:
        client, _ = listener.accept()
        with client:
            while count := os.splice(client.fileno(), writing, 4096):
                client.sendall(os.read(reading, count).upper())
    """
    checks = "- behaviour: io_model\n- {behaviour: cpu_ceiling, when: idle_clients}\n- behaviour: concurrent_clients"

    report = grade_source(source, checks, head="model: blocking")

    assert failed(report).keys() == {"concurrent-clients"}
    assert report.checks[-1].basis is Basis.PROOF


def test_a_server_with_a_timerfd_or_a_signalfd_comes_to_rest(grade_source: Grade) -> None:
    source = """
    import ctypes, os, select, signal, socket, struct
    libc = ctypes.CDLL(None)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    told = libc.signalfd(-1, struct.pack("Q", 1 << (signal.SIGTERM - 1)), 0)
    timer = libc.timerfd_create(1, 0)
    libc.timerfd_settime(timer, 0, struct.pack("qqqq", 60, 0, 60, 0), None)
    listener = socket.create_server(("", 8080), backlog=128)
    waiting, clients = select.epoll(), {}
    for one in (told, timer, listener):
        waiting.register(one, select.EPOLLIN)
    while True:
        for fd, _ in waiting.poll():
            if fd == told:
                raise SystemExit
            if fd == timer:
                os.read(timer, 8)
            elif fd == listener.fileno():
                client, _ = listener.accept()
                clients[client.fileno()] = client
                waiting.register(client, select.EPOLLIN)
            elif data := clients[fd].recv(4096):
                clients[fd].sendall(data.upper())
            else:
                clients.pop(fd).close()
    """
    report = grade_source(source, "- behaviour: sequential_clients\n- behaviour: io_model", head="model: epoll")

    assert failed(report) == {}
    # Not to be seen at rest costs five seconds a time: that would be a minute here.
    assert sum(check.seconds for check in report.checks) < 30


IDLE_LIMIT = ONE_AT_A_TIME.format(limit="listener.listen(1)", client="client.settimeout(30)")


def test_a_blocking_server_with_an_idle_limit_and_a_short_queue_is_not_accused(grade_source: Grade) -> None:
    checks = """
    - behaviour: queued_clients
    - {behaviour: cpu_ceiling, when: idle_clients}
    - behaviour: io_model
    - behaviour: stops
    """
    assert failed(grade_source(IDLE_LIMIT, checks, head="model: blocking")) == {}


@pytest.mark.parametrize("backlog", [0, 1, 5])
def test_the_queue_holds_one_more_than_the_backlog(grade_source: Grade, backlog: int) -> None:
    source = ONE_AT_A_TIME.format(limit=f"listener.listen({backlog})", client="")

    check = only(grade_source(source, "- {behaviour: concurrent_clients, clients: 20}", head="model: blocking"))

    assert f"client {backlog + 3} could not connect" in check.summary


@pytest.mark.parametrize(
    ("addresses", "reach"),
    [
        ([("0.0.0.0", "AF_INET"), ("::1", "AF_INET6")], "any"),  # noqa: S104 - the student's
        ([("127.0.0.1", "AF_INET"), ("::1", "AF_INET6")], "loopback"),
        ([("::ffff:127.0.0.1", "AF_INET6")], "loopback"),
        ([("::", "AF_INET6")], "any"),
    ],
)
def test_every_address_that_a_server_listens_on_counts(
    grade_source: Grade, addresses: list[tuple[str, str]], reach: str
) -> None:
    source = f"""
    import signal, socket
    listeners = []
    for address, family in {addresses}:
        listeners.append(socket.socket(getattr(socket, family)))
        if family == "AF_INET6":
            listeners[-1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, "ffff" not in address)
        listeners[-1].bind((address, 8080))
    for listener in listeners:
        listener.listen()
    while True:
        signal.pause()
    """
    checks = "- {{behaviour: starts, id: right, address: {0}}}\n- {{behaviour: starts, id: wrong, address: {1}}}"
    wrong = "loopback" if reach == "any" else "any"

    assert set(failed(grade_source(source, checks.format(reach, wrong)))) == {"wrong"}


def test_a_server_that_accepts_more_than_it_serves_has_not_turned_them_away(grade_source: Grade) -> None:
    last = "    connection.setblocking(False)"
    many = f"    if len(pending) >= 40:\n        ignored.append(connection)\n        return\n{last}"
    source = "ignored = []\n" + changed((last, many))

    check = only(grade_source(source, "- {behaviour: capacity, clients: 60, may_refuse: true, at_least: 20}"))

    assert (check.verdict, check.basis) == (Verdict.FAIL, Basis.PROOF)
    assert "20 clients were accepted, and neither served nor turned away" in check.summary


def test_bytes_after_the_last_reply_are_seen(grade_source: Grade) -> None:
    sent = "    del pending[connection][:sent]\n"
    # The last of the messages is that of all printable characters.
    source = changed((sent, f"    last = b'~' in pending[connection]\n{sent}    last and late(connection)\n"))
    late = "def late(connection):\n    sum(range(10**6))\n    connection.send(b'!')\n\n\n"
    source = source.replace("def drop(", f"{late}def drop(", 1)

    check = only(grade_source(source, "- {behaviour: echo, sizes: [64 B], pieces: 0, pipelined: 0}"))

    assert check.verdict is Verdict.FAIL
    assert "'!' came although nothing more was asked for" in check.summary


WORKERS_STAY = """
import os, signal, socket
listener = socket.create_server(("", 8080), backlog=50)
for _ in range(2):
    if os.fork() == 0:
        while True:
            client, _ = listener.accept()
            while data := client.recv(4096):
                client.sendall(data.upper())
            client.close()
while True:
    signal.pause()
"""


def test_workers_that_go_on_listening_are_seen_when_their_parent_has_ended(grade_source: Grade) -> None:
    check = only(grade_source(WORKERS_STAY, "- {behaviour: stops, clients: 1}", head="model: prefork"))

    assert (check.verdict, check.basis) == (Verdict.FAIL, Basis.PROOF)
    assert "left processes behind that still listen" in check.summary


def test_a_task_that_asyncio_cancels_is_no_complaint(grade_source: Grade) -> None:
    source = """
    import asyncio, signal

    async def serve(reader, writer):
        while data := await reader.read(4096):
            writer.write(data.upper())
            await writer.drain()
        writer.close()

    async def main():
        server = await asyncio.start_server(serve, "", 8080)
        told = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
        await told.wait()

    asyncio.run(main())
    """
    assert failed(grade_source(source, "- behaviour: stops", head="model: asyncio")) == {}


def test_the_end_in_the_middle_of_a_message_is_tried_on_a_blocking_server_too(grade_source: Grade) -> None:
    source = """
    import socket
    listener = socket.create_server(("", 8080), backlog=5)
    while True:
        client, _ = listener.accept()
        line = b""
        try:
            while data := client.recv(4096):
                client.sendall(data.upper())
                line = b"" if data.rstrip().endswith(b"dog") else line + data  # so do all messages end
            while line and not client.recv(1):
                pass
        except OSError:
            pass
        client.close()
    """
    checks = """
    - {behaviour: disconnect, how: fin, clients: 3, staying: false}
    - {behaviour: disconnect, how: mid_message, clients: 3, staying: false}
    """
    assert set(failed(grade_source(source, checks, head="model: blocking"))) == {"disconnect-mid-message"}


def test_a_second_write_to_a_client_who_has_closed_is_tried(grade_source: Grade) -> None:
    reset_only = "    except ConnectionResetError:\n        pass\n    except OSError:\n        os._exit(3)\n"
    source = "import os\n" + thread_each().replace("    except OSError:\n        pass\n", reset_only)

    check = only(grade_source(source, "- {behaviour: disconnect, how: before_accept}", head=THREADS_MODEL))

    assert check.verdict is Verdict.FAIL
    assert "status 3" in check.summary


def test_a_server_that_dies_is_told_of_in_the_same_words_each_time(grade_source: Grade) -> None:
    source = changed(("    if data:\n", "    if b'letter 7' in data:\n        raise SystemExit(7)\n    if data:\n"))

    told = {only(grade_source(source, "- {behaviour: concurrent_clients, clients: 9}")).summary for _ in range(5)}

    assert told == {"not all of 9 connected clients were served: the server ended with status 7"}


def test_a_listener_that_only_the_kernel_still_holds_is_nobodys(grade_source: Grade) -> None:
    # It lies in a queue to which only itself refers: the kernel finds that out some time after the end of the process.
    kept = "a, b = socket.socketpair()"
    kept += "; [socket.send_fds(a, [b'x'], [listener.fileno(), b.fileno()]) for _ in range(200)]"
    source = changed((LISTEN, f"{LISTEN}; {kept}"))

    assert [failed(grade_source(source, "- behaviour: stops")) for _ in range(6)] == [{}] * 6


def test_a_right_server_needs_no_excuse(grade_source: Grade) -> None:
    assert failed(grade_source(RIGHT, EVERYTHING)) == {}


def test_memory_that_a_runtime_clears_up_late_is_not_kept_for_a_client(grade_source: Grade) -> None:
    """A collector that lets garbage lie as long as there is room: Node's grows so by tens of MiB."""
    lying = "    if data:\n        lying.append(b'x' * (1 << 20)) if len(lying) < 24 else None\n"
    source = changed(("    if data:\n", lying)).replace("pending = {}", "pending = {}\nlying = []")
    assert "lying = []" in source

    (check,) = grade_source(source, "- behaviour: memory_ceiling").checks

    assert (check.verdict, check.summary) == (Verdict.PASS, check.summary)
    assert check.facts["held"] > 16 << 20 > check.facts["kept"] * 4  # type: ignore[operator] # both are numbers
    assert "of that for this client" in check.summary


def stopping_the_sandbox(seconds: float) -> threading.Thread:
    """Keeps bwrap, but not the server in it, from running for a while, as soon as that is told to stop."""
    ours = psutil.Process()

    def stop() -> None:
        found: list[psutil.Process] = []
        while not found:
            with contextlib.suppress(psutil.Error):
                below = {child: child.cmdline() for child in ours.children(recursive=True)}
                served = any("server.py" in words and "bwrap" not in words[0] for words in below.values() if words)
                found = [child for child, words in below.items() if served and words and "bwrap" in words[0]]
        for one in found:
            one.suspend()
        time.sleep(seconds)  # it is the length of the delay that is tried
        for one in found:
            with contextlib.suppress(psutil.Error):
                one.resume()

    thread = threading.Thread(target=stop, daemon=True)
    thread.start()
    return thread


def test_the_time_that_a_loaded_machine_takes_for_the_sandbox_is_not_the_servers(grade_source: Grade) -> None:
    thread = stopping_the_sandbox(3.0)

    (check,) = grade_source(RIGHT, "- behaviour: stops\n  within: 1 s").checks
    thread.join()

    assert (check.verdict, check.summary) == (Verdict.PASS, "it ended on SIGTERM with 3 clients connected")


POLLING = """
import signal, socket, threading
told = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: told.set())
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
listener = socket.create_server(("", 8080), backlog=128)
listener.setblocking(False)
clients = []
while not told.is_set():
    try:
        clients.append(listener.accept()[0])
        clients[-1].setblocking(False)
    except BlockingIOError:
        pass
    for client in clients[:]:
        try:
            if data := client.recv(4096):
                client.sendall(data.upper())
                continue
        except BlockingIOError:
            continue
        except ConnectionError:
            pass
        clients.remove(client)
        client.close()
    NAP
"""


@pytest.mark.parametrize("nap", ["told.wait(0.01)", "signal.sigtimedwait([signal.SIGUSR1], 0.01)"])
def test_a_nap_that_can_be_ended_early_is_a_nap(grade_source: Grade, nap: str) -> None:
    checks = "- behaviour: stops\n- behaviour: io_model\n- {behaviour: cpu_ceiling, when: idle_clients}"

    assert failed(grade_source(POLLING.replace("NAP", nap), checks, head="model: nonblocking")) == {}


def test_a_time_limit_on_each_client_of_a_thread_hangs_up_on_nobody_who_only_reads_late(grade_source: Grade) -> None:
    checks = "- behaviour: slow_reader\n- {behaviour: large_message, size: 1 MiB}"

    assert failed(grade_source(thread_each(first="client.settimeout(4)"), checks, head=THREADS_MODEL)) == {}


def test_all_of_a_large_epoll_set_is_read(grade_source: Grade) -> None:
    source = (ROOT / "reference" / "servers" / "epoll" / "server.py").read_text()
    report = grade_source(source, "- {behaviour: io_model, clients: 450}", head="model: epoll")

    assert failed(report) == {}


def test_a_client_who_was_refused_has_not_just_not_been_accepted(grade_source: Grade) -> None:
    source = """
    import socket
    while True:
        with socket.create_server(("", 8080)) as listener:
            client, _ = listener.accept()
        while data := client.recv(4096):
            client.sendall(data.upper())
        client.close()
    """
    check = only(grade_source(source, "- {behaviour: disconnect, how: fin}", head="model: blocking"))

    assert check.verdict is Verdict.FAIL
    assert "was refused: nobody listened at that moment" in check.summary


def test_a_server_that_is_not_let_come_to_rest_is_not_told_to_stop(
    grade_source: Grade, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_off = Outcome(How.SPENT, "it was kept off the CPU", starved=True)
    monkeypatch.setattr(Settling, "rest", lambda _: kept_off)

    check = only(grade_source(RIGHT, "- behaviour: stops"))

    assert check.verdict is Verdict.INCONCLUSIVE
    assert check.summary == "the server could not come to rest: it was kept off the CPU"


ONE_THREAD_EACH = """
import socket, threading
def serve(client):
    while data := client.recv(4096):
        client.sendall(data.upper())
with socket.create_server(("", 8080), backlog=128) as listener:
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client,), daemon=True).start()
"""


def test_a_server_that_ended_is_not_told_of_as_one_that_runs_all_the_time(grade_source: Grade) -> None:
    check = only(grade_source(ONE_THREAD_EACH, "- behaviour: io_model", head="model: threads\nlimits: {processes: 32}"))

    assert check.verdict is Verdict.FAIL
    assert "RuntimeError: can't start new thread" in check.summary or "stopped: it had" in check.summary
    assert "runs all the time" not in check.summary


@pytest.mark.parametrize(
    ("source", "check", "head", "summary"),
    [
        (
            ONE_THREAD_EACH,
            "io_model",
            "model: select\nlimits: {processes: 32}",
            "stopped: it had 41 processes and threads, 32 are allowed",
        ),
        (
            ONE_THREAD_EACH,
            "io_model",
            "model: threads\nlimits: {processes: 32}",
            "stopped: it had 41 processes and threads, 32 are allowed",
        ),
        (
            "kept = bytes(range(256)) * (400 << 10)\n" + RIGHT,
            "starts",
            "limits: {memory: 64 MiB}",
            r"stopped: it held [\d.]+ MiB of memory, 64 MiB are allowed",
        ),
    ],
    ids=["threads, before anything else is said of it", "threads, before it passes", "memory, before it passes"],
)
def test_what_comes_between_two_looks_at_its_limits_is_seen_in_the_end(
    source: str, check: str, head: str, summary: str, grade_source: Grade, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The looks that come every now and then never come here.
    monkeypatch.setattr(settling, "_MEMORY_LOOK", 0.0)
    monkeypatch.setattr(Settling, "require_within_limits", Settling._police)
    monkeypatch.setattr(Settling, "_police", lambda _: None)

    result = only(grade_source(source, f"- behaviour: {check}", head=head))

    assert result.verdict is Verdict.FAIL
    assert re.fullmatch(summary, result.summary)


def test_a_server_that_goes_over_its_limits_between_two_checks_is_not_the_graders_fault(
    grade_source: Grade, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> bool:
        raise CheckFailed(Finding(Verdict.FAIL, Basis.OBSERVATION, "stopped: it held too much"))

    monkeypatch.setattr(Launch, "_as_it_began", stopped)
    twice = "\n".join(f"- {{behaviour: echo, id: {name}}}" for name in ("first", "second"))

    assert [check.verdict for check in grade_source(RIGHT, twice).checks] == [Verdict.PASS, Verdict.PASS]


def test_the_threads_of_a_server_that_has_ended_have_their_names(grade_source: Grade) -> None:
    source = """
    import socket, threading
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    listener = socket.create_server(("", 8080))
    client, _ = listener.accept()
    client.sendall(client.recv(4096).upper())
    listener.accept()
    1 / 0
    """
    # The first client stays, and the server has come to rest with it, both threads seen, before the next one comes.
    check = only(grade_source(source, "- {behaviour: disconnect, how: fin}"))

    assert check.timeline
    assert [lane.label for lane in check.timeline.lanes if lane.kind == "thread"] == ["main thread", "thread 2"]
