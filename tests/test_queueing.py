"""Servers that serve only so many at once: what they owe to those who wait."""

from __future__ import annotations

import pytest
from conftest import ROOT, Grade, spec_of

from grader.report.model import Basis, CheckResult, Verdict
from grader.spec import SpecError

QUEUE = "- {behaviour: queued_clients, clients: 4}"
POOL = "- {behaviour: pool_limit, at_least: 2, at_most: 6, clients: 9}"


def server(name: str) -> str:
    return (ROOT / "reference" / "servers" / name / "server.py").read_text()


def only(grade_source: Grade, source: str, check: str) -> CheckResult:
    (found,) = grade_source(source, check).checks
    return found


@pytest.mark.parametrize("name", ["blocking", "socketserver", "threads", "select", "prefork"])
def test_the_next_is_served_when_the_one_before_has_left(grade_source: Grade, name: str) -> None:
    assert only(grade_source, server(name), QUEUE).verdict is Verdict.PASS


def test_a_server_that_stops_after_its_first_client_is_found(grade_source: Grade) -> None:
    source = server("blocking").replace(
        "        while True:\n            connection", "        for _ in range(1):\n            connection"
    )

    check = only(grade_source, source, QUEUE)

    assert check.verdict is Verdict.FAIL
    assert "client 2 was not served after client 1 had left" in check.summary


def test_a_server_that_never_comes_back_for_the_next_is_proved_stuck(grade_source: Grade) -> None:
    source = server("blocking").replace(
        "    except ConnectionError:\n        pass", "    except ConnectionError:\n        pass\n    signal.pause()"
    )

    check = only(grade_source, source, QUEUE)

    assert (check.verdict, check.basis) == (Verdict.FAIL, Basis.PROOF)


@pytest.mark.parametrize(
    ("name", "old", "new", "bound"),
    [
        ("thread_pool", "WORKERS = 8", "WORKERS = 3", 3),
        ("thread_pool", "WORKERS = 8", "WORKERS = 6", 6),
        ("prefork", "WORKERS = 4", "WORKERS = 2", 2),
    ],
)
def test_the_bound_of_a_pool_is_observed(grade_source: Grade, name: str, old: str, new: str, bound: int) -> None:
    assert old in server(name)

    check = only(grade_source, server(name).replace(old, new), POOL)

    assert check.verdict is Verdict.PASS
    assert check.facts["bound"] == bound


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (server("thread_pool"), "8 of 9 clients were served at once, more than a pool of 6 can"),
        (server("threads"), "9 of 9 clients were served at once, more than a pool of 6 can"),
        (server("blocking"), "only 1 of 9 clients were served at once, at least 2 are to be"),
    ],
)
def test_a_pool_of_another_size_is_none(grade_source: Grade, source: str, said: str) -> None:
    check = only(grade_source, source, POOL)

    assert check.verdict is Verdict.FAIL
    assert said in check.summary


def test_a_worker_that_dies_with_its_client_is_found(grade_source: Grade) -> None:
    source = (
        server("thread_pool")
        .replace("    while True:\n        serve(waiting.get())", "    serve(waiting.get())")
        .replace("WORKERS = 8", "WORKERS = 3")
    )

    check = only(grade_source, source, POOL)

    assert check.verdict is Verdict.FAIL
    assert "still waited when another had left" in check.summary


def test_bounds_out_of_order_are_refused() -> None:
    with pytest.raises(SpecError, match="must grow in this order"):
        spec_of("- {behaviour: pool_limit, at_least: 9, at_most: 6, clients: 9}")


def test_a_suffix_for_each_chunk_is_accepted_however_it_is_cut(grade_source: Grade) -> None:
    source = server("select").replace("data.upper()", 'data.upper() + b"_SB"')
    head = "protocol: {reply: upper, suffix: _SB}"
    checks = (
        "- behaviour: echo\n- {behaviour: concurrent_clients, clients: 5}\n- {behaviour: large_message, size: 64 KiB}"
    )

    assert [check.verdict for check in grade_source(source, checks, head=head).checks] == [Verdict.PASS] * 3
    assert grade_source(server("select"), "- behaviour: echo", head=head).checks[0].verdict is Verdict.FAIL


def test_those_who_come_one_by_one_are_served_by_a_server_for_one(grade_source: Grade) -> None:
    for how in ("fin", "reset", "half_close"):
        check = f"- {{behaviour: disconnect, how: {how}, clients: 2, staying: false}}"
        assert only(grade_source, server("blocking"), check).verdict is Verdict.PASS


def test_zombies_are_counted(grade_source: Grade) -> None:
    source = (ROOT / "reference" / "mutants" / "processes" / "zombies" / "server.py").read_text()

    check = only(grade_source, source, "- {behaviour: disconnect, how: fin, clients: 3}")

    assert check.verdict is Verdict.FAIL
    assert "zombie processes grew with every round" in check.summary


POOL_OF_THREADS = """
import queue, socket, threading, time
jobs, workers = queue.Queue(), []

def work():
    while True:
        client = jobs.get()
        {serve}(client)

def carelessly(client):
    with client:
        while data := client.recv(4096):
            client.sendall(data.upper())

def carefully(client):
    try:
        carelessly(client)
    except OSError:
        pass

def hire():
    workers.append(threading.Thread(target=work, daemon=True))
    workers[-1].start()

def mind():
    while True:
        time.sleep(0.05)
        for worker in [worker for worker in workers if not worker.is_alive()]:
            workers.remove(worker)
            hire()

{before}
listener = socket.create_server(("", 8080), backlog=128)
while True:
    client, _ = listener.accept()
    {each}
    jobs.put(client)
"""
POOL_OF_PROCESSES = """
import os, signal, socket
listener = socket.create_server(("", 8080), backlog=128)

def work():
    while True:
        serve(listener.accept()[0])

def serve(client):
    with client:
        while data := client.recv(4096):
            client.sendall(data.upper())

def hire():
    if os.fork() == 0:
        work()

for _ in range({size}):
    hire()
while True:
    os.wait()
    {after}
"""
LAZY_PROCESSES = """
import os, signal, socket
listener = socket.create_server(("", 8080), backlog=128)

def serve(client):
    try:
        with client:
            while data := client.recv(4096):
                client.sendall(data.upper())
    except OSError:
        pass

for _ in range(16):
    client, _ = listener.accept()
    if os.fork() == 0:
        serve(client)
        while True:
            serve(listener.accept()[0])
    client.close()
signal.pause()
"""
LEAVING = "\n".join(f"- {{behaviour: disconnect, how: {how}, clients: 3}}" for how in ("fin", "reset", "half_close"))


def pool_of_threads(*, serve: str = "carefully", before: str = "", each: str = "pass") -> str:
    return POOL_OF_THREADS.format(serve=serve, before=before, each=each)


def pool_of_processes(size: int, after: str = "pass") -> str:
    return POOL_OF_PROCESSES.format(size=size, after=after)


HIRE_ALL = "[hire() for _ in range({size})]"
RIGHT_POOLS = {
    "threads, one by one": ("thread_pool", pool_of_threads(each="len(workers) < 16 and hire()")),
    "processes, one by one": ("prefork", LAZY_PROCESSES),
    "processes that are replaced": ("prefork", pool_of_processes(8, "hire()")),
    "threads that are replaced a moment later": (
        "thread_pool",
        pool_of_threads(
            serve="carelessly",
            before=HIRE_ALL.format(size=8) + "\nthreading.Thread(target=mind, daemon=True).start()",
        ),
    ),
}


@pytest.mark.parametrize(("model", "source"), RIGHT_POOLS.values(), ids=RIGHT_POOLS)
def test_a_pool_may_grow_to_its_size_and_replace_its_workers(grade_source: Grade, model: str, source: str) -> None:
    checks = grade_source(source, LEAVING, head=f"model: {model}").checks

    assert {check.id: check.summary for check in checks if check.verdict is not Verdict.PASS} == {}


@pytest.mark.parametrize(
    ("model", "source"),
    [
        ("thread_pool", pool_of_threads(serve="carelessly", before=HIRE_ALL.format(size=16))),
        ("thread_pool", pool_of_threads(serve="carelessly", before=HIRE_ALL.format(size=8))),
        ("thread_pool", pool_of_threads(serve="carelessly", before=HIRE_ALL.format(size=4))),
        ("prefork", pool_of_processes(16)),
        ("prefork", pool_of_processes(5)),
    ],
    ids=["16 threads", "8 threads", "4 threads", "16 processes", "5 processes"],
)
def test_workers_that_end_with_a_reset_are_missed(grade_source: Grade, model: str, source: str) -> None:
    checks = {check.id: check for check in grade_source(source, LEAVING, head=f"model: {model}").checks}

    assert [check.verdict for check in checks.values()] == [Verdict.PASS, Verdict.FAIL, Verdict.PASS]
    diagnosis = checks["disconnect-reset"].diagnosis
    assert diagnosis is not None
    assert diagnosis.id == "worker-lost"


def test_workers_beyond_the_size_of_the_pool_are_a_leak(grade_source: Grade) -> None:
    source = pool_of_threads(each="hire()")

    for check in grade_source(source, LEAVING, head="model: thread_pool").checks:
        assert check.verdict is Verdict.FAIL
        assert "threads grew with every round" in check.summary


def test_children_that_go_on_accepting_are_told_as_processes(grade_source: Grade) -> None:
    # Whoever accepts makes a process, so which of them the kernel wakes is all the same.
    source = """
    import os, signal, socket
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.create_server(("", 8080), backlog=128)
    while True:
        client, _ = listener.accept()
        if os.fork() == 0:
            try:
                while data := client.recv(4096):
                    client.sendall(data.upper())
            except OSError:
                pass
        client.close()
    """

    check = only(grade_source, source, "- {behaviour: disconnect, how: fin, clients: 5}")

    assert check.verdict is Verdict.FAIL
    assert "processes grew with every round" in check.summary
    assert check.diagnosis is not None
    assert check.diagnosis.id == "workers-never-end"


def test_the_size_of_a_pool_is_that_of_its_check_or_a_usual_one() -> None:
    assert spec_of(POOL).pool == 6
    assert spec_of(f"{LEAVING}\n{POOL}", "model: thread_pool").pool == 6
    assert spec_of(LEAVING, "model: prefork").pool == 16
    assert spec_of(LEAVING, "model: select").pool == 0
