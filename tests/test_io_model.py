"""The IO model read from recorded evidence: workers, waits, sockets, and what contradicts a model."""

from __future__ import annotations

from dataclasses import replace

import pytest
from evidence_samples import LISTENING, PID, SERVER_A, STUCK, THREAD

from grader.evidence.records import (
    Descriptor,
    DescriptorKind,
    Evidence,
    Frame,
    Pass,
    Process,
    Stack,
    TcpSocket,
    ThreadSample,
    Wait,
    WaitKind,
)
from grader.judgement.counts import Counts, count, growing
from grader.judgement.io_model import Scene, attended_by_thread, contradictions, library_of, observe

SELECT_MODEL = {"workers": ["single"], "waits": ["select"], "sockets": []}


def server(clients: int, *, nonblocking: bool = False) -> tuple[tuple[Process, ...], tuple[TcpSocket, ...]]:
    """One process with a listener (fd 3) and a connection for each client (fd 4 and on), and its sockets."""
    files = [Descriptor(3, DescriptorKind.TCP, 30, nonblocking)]
    files += [Descriptor(4 + n, DescriptorKind.TCP, 40 + n, nonblocking) for n in range(clients)]
    entries = [replace(LISTENING, receive_queue=0)]
    entries += [replace(SERVER_A, remote_port=5001 + n, inode=40 + n) for n in range(clients)]
    return (Process(PID, 1, "python", tuple(files)),), tuple(entries)


def scene(
    clients: int, *waits: Wait, threads: int = 1, files: tuple[Descriptor, ...] = (), nonblocking: bool = False
) -> Scene:
    (process,), sockets = server(clients, nonblocking=nonblocking)
    process = replace(process, descriptors=process.descriptors + files)
    samples = tuple(replace(THREAD, tid=PID + n) for n in range(threads))
    evidence = Evidence(Pass(1, 2, samples), Pass(3, 4, samples), (process,), waits, sockets, ())
    return Scene(clients, evidence.first, evidence.processes, evidence, sockets)


def select_over(*fds: int, kind: WaitKind = WaitKind.SELECT, tid: int = PID) -> Wait:
    return Wait(PID, tid, kind, kind.value, None, fds, ())


def test_select_over_all_sockets_is_the_select_model() -> None:
    found = observe([scene(0, select_over(3)), scene(2, select_over(3, 4, 5))])

    assert (found.workers, found.waits, found.sockets, found.uncovered) == ("single", ("select",), "blocking", 0)
    assert contradictions(found, SELECT_MODEL) == []


@pytest.mark.parametrize("kind", [WaitKind.POLL, WaitKind.RECV, WaitKind.ACCEPT])
def test_another_call_contradicts_the_model(kind: WaitKind) -> None:
    found = observe([scene(0, select_over(3)), scene(2, select_over(3, 4, 5, kind=kind))])

    assert contradictions(found, SELECT_MODEL) == [f"it waits for the network in {kind}, not only in select"]


def test_select_over_the_listener_alone_leaves_clients_out() -> None:
    found = observe([scene(0, select_over(3)), scene(2, select_over(3))])

    assert found.uncovered == 2
    assert contradictions(found, SELECT_MODEL) == ["not all of its clients are in the set it waits on"]


THREADS_MODEL = {"workers": ["threads"], "waits": ["accept", "recv"]}


def test_select_over_one_socket_and_a_pipe_is_a_blocking_wait_that_can_be_ended() -> None:
    pipe = (Descriptor(90, DescriptorKind.PIPE),)
    workers = [select_over(4 + n, 90, tid=PID + 1 + n) for n in range(4)]
    found = observe([scene(0, select_over(3, 90)), scene(4, select_over(3, 90), *workers, threads=5, files=pipe)])

    assert (found.waits, found.single) == (("select",), ("select",))
    assert contradictions(found, THREADS_MODEL) == []


def test_select_over_one_socket_alone_is_a_blocking_wait_that_a_time_limit_ends() -> None:
    workers = [select_over(4 + n, tid=PID + 1 + n) for n in range(4)]
    last = scene(4, select_over(3), *workers, threads=5)
    found = observe([scene(0, select_over(3)), last])

    assert contradictions(found, THREADS_MODEL) == []
    two = observe([scene(0, select_over(3)), replace(last, naps=(*last.waits, select_over(4, 5, tid=PID + 1)))])
    assert contradictions(two, THREADS_MODEL) == ["it waits for the network in select, not only in accept or recv"]


def test_a_connection_of_the_server_with_itself_is_no_client() -> None:
    """How a loop is woken up where there is no socketpair(): its listener may stay open."""
    pair = (Descriptor(90, DescriptorKind.TCP, 90), Descriptor(91, DescriptorKind.TCP, 91))
    ends = (
        replace(LISTENING, local_port=7000, inode=92),
        replace(SERVER_A, local_port=7000, remote_port=6000, inode=90),
        replace(SERVER_A, local_port=6000, remote_port=7000, inode=91),
    )
    waits = [select_over(4 + n, kind=WaitKind.RECV, tid=PID + 1 + n) for n in range(4)]
    made = [scene(0, select_over(3, 90)), scene(4, select_over(3, 90), *waits, threads=5)]
    whole = []
    for one in made:
        (process,) = one.processes
        files = (*process.descriptors, *pair)
        whole.append(replace(one, processes=(replace(process, descriptors=files),), sockets=(*one.sockets, *ends)))

    assert [set(attended_by_thread(one)) for one in whole] == [set(), {(PID, PID + 1 + n) for n in range(4)}]
    assert observe(whole).uncovered == 0


def test_select_over_one_socket_after_another_is_none() -> None:
    last = scene(2, select_over(4), select_over(5))
    found = observe([scene(0, select_over(3)), last])

    assert contradictions(found, {"workers": ["single"], "waits": ["accept", "recv"]})


def test_a_thread_for_each_client_is_seen() -> None:
    last = scene(
        4, select_over(3), *[select_over(4 + n, kind=WaitKind.RECV, tid=PID + 1 + n) for n in range(4)], threads=5
    )
    found = observe([scene(0, select_over(3)), last])

    assert found.workers == "threads"
    assert found.waits == ("recv", "select")
    assert (
        contradictions(found, SELECT_MODEL)[0]
        == "4 more clients brought 4 more threads, where the model has one thread for all of them"
    )


def test_a_process_for_each_client_is_seen() -> None:
    last = scene(2, select_over(3))
    last = replace(last, processes=(*last.processes, Process(200, PID, "python"), Process(201, PID, "python")))

    assert observe([scene(0, select_over(3)), last]).workers == "processes"


def test_threads_that_share_the_clients_are_a_pool() -> None:
    waits = (select_over(4, kind=WaitKind.RECV), select_over(5, kind=WaitKind.RECV, tid=PID + 1))

    assert observe([scene(0, *waits, threads=2), scene(6, *waits, threads=2)]).workers == "pool"


def test_a_helper_thread_that_touches_no_socket_does_not_count() -> None:
    helper = Wait(PID, PID + 1, WaitKind.FUTEX, "futex")
    found = observe([scene(0, select_over(3), helper, threads=2), scene(2, select_over(3, 4, 5), helper, threads=2)])

    assert contradictions(found, SELECT_MODEL) == []


def test_the_members_of_an_epoll_set_are_what_it_waits_for() -> None:
    epoll = Descriptor(9, DescriptorKind.EPOLL, watches=(3, 4, 5))
    found = observe(
        [
            scene(0, select_over(9, kind=WaitKind.EPOLL), files=(epoll,)),
            scene(2, select_over(9, kind=WaitKind.EPOLL), files=(epoll,)),
        ]
    )

    assert (found.waits, found.uncovered) == (("epoll",), 0)


def test_a_server_that_never_rests_is_running() -> None:
    first = scene(0, select_over(3))
    found = observe([first, replace(scene(2), evidence=None)])

    assert found.waits == ("running",)
    assert contradictions(found, SELECT_MODEL) == [
        "it never waits in select: it runs all the time, whether or not there is work"
    ]


def test_flags_of_sockets_are_seen_and_judged_where_the_model_says_so() -> None:
    model = {**SELECT_MODEL, "sockets": ["nonblocking"]}
    scenes = [scene(0, select_over(3)), scene(2, select_over(3, 4, 5))]
    other = [scene(0, select_over(3), nonblocking=True), scene(2, select_over(3, 4, 5), nonblocking=True)]

    assert contradictions(observe(scenes), model) == ["its sockets are blocking, not nonblocking"]
    assert contradictions(observe(other), model) == []


def test_nothing_allowed_means_anything_goes() -> None:
    found = observe([scene(0, select_over(3)), scene(2, select_over(3, kind=WaitKind.RECV))])

    assert contradictions(found, {"workers": [], "waits": [], "sockets": []}) == []


def counted(*descriptors: int) -> list[Counts]:
    return [Counts(d, 0, 1, 1, 0) for d in descriptors]


@pytest.mark.parametrize(
    ("rounds", "grows"),
    [
        (counted(5, 6, 7), True),
        (counted(5, 15, 25, 35), True),
        (counted(5, 6, 6), False),
        (counted(5, 6, 5, 6), False),
        (counted(5, 9, 9, 9), False),
        (counted(5, 6), False),
        (counted(), False),
    ],
)
def test_a_leak_is_growth_in_every_round(rounds: list[Counts], *, grows: bool) -> None:
    assert (growing(rounds) is not None) == grows


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("threads", "threads grew"),
        ("processes", "processes grew"),
        ("zombies", "zombie processes grew"),
        ("sockets", "open sockets grew"),
    ],
)
def test_whatever_grows_is_named(field: str, words: str) -> None:
    rounds = [replace(Counts(5, 2, 1, 1, 0), **{field: n}) for n in (3, 4, 5)]

    assert words in (growing(rounds) or "")


def test_everything_of_the_tree_is_counted() -> None:
    process = replace(STUCK.processes[0], open_sockets=2)
    runtimes = replace(THREAD, tid=102, runtime=True)
    threads: tuple[ThreadSample, ...] = (THREAD, replace(THREAD, tid=101), runtimes)

    assert count(Pass(1, 2, threads, zombies=3), (process, replace(process, pid=200))) == Counts(4, 4, 2, 2, 3)


def test_one_socket_after_the_other_is_taking_turns() -> None:
    naps = tuple(replace(select_over(fd, kind=WaitKind.POLL), limit=0.01) for fd in (3, 4, 5))
    found = observe([scene(0, select_over(3)), replace(scene(2), naps=naps)])

    assert found.turns
    assert contradictions(found, {"waits": ["accept", "recv"]}) == [
        "it waits for one socket after the other, for a moment each"
    ]


def test_a_poll_for_one_socket_is_not_the_poll_model() -> None:
    listening = replace(select_over(3, kind=WaitKind.POLL), limit=0.5)
    found = observe([scene(0, listening), scene(0, listening)])

    assert found.waits == ("accept",)


def test_the_bound_of_a_pool_is_how_many_serve_one_each() -> None:
    waits = tuple(select_over(4 + n, kind=WaitKind.RECV, tid=PID + n) for n in range(3))
    found = observe([scene(0, threads=3), scene(9, *waits, threads=3)])

    assert (found.workers, found.made_of, found.bound) == ("pool", "threads", 3)
    assert contradictions(found, {"workers": ["pool"], "made_of": ["processes"]}) == [
        "3 threads serve one client each of 9, where the model has a pool of processes"
    ]


def test_a_nap_between_two_rounds_is_sleep_whatever_call_makes_it() -> None:
    nap = Wait(PID, PID, WaitKind.SELECT, "pselect6", 0.01, (), ())
    found = observe([scene(0, nap), replace(scene(2, nonblocking=True), naps=(nap,))])

    assert (found.waits, found.sockets) == (("sleep",), "nonblocking")


@pytest.mark.parametrize(
    ("files", "library"),
    [
        (["/usr/lib/python3.11/selectors.py", "/usr/lib/python3.11/asyncio/base_events.py"], "asyncio"),
        (["/usr/lib/python3.11/selectors.py", "/usr/lib/python3.11/socketserver.py"], "socketserver"),
        (["/usr/lib/python3.11/selectors.py"], "selectors"),
        (["/usr/lib/python3.11/threading.py"], None),
        ([], None),
    ],
)
def test_the_library_is_the_outermost_of_those_in_the_stack(files: list[str], library: str | None) -> None:
    frames = (Frame("main", "selectors.py", 3, own=True), *(Frame("f", file, 1, own=False) for file in files))
    found = observe([scene(0, select_over(3)), scene(2, select_over(3, 4, 5))], (Stack(PID, PID, "main", frames),))

    assert found.library == library
    assert bool(contradictions(found, {"library": ["none"]})) == (library is not None)


@pytest.mark.parametrize("step", ["_run", "Handle._run"])
def test_a_loop_that_has_called_a_coroutine_and_waits_for_it_to_return_does_not_run_the_server(step: str) -> None:
    loop = (Frame(step, "/lib/asyncio/events.py", 80, own=False), Frame("run", "/lib/asyncio/runners.py", 1, own=False))
    own = Frame("serve", "server.py", 7, own=True)
    library = Frame("select", "/lib/selectors.py", 9, own=False)

    assert library_of((Stack(PID, PID, "main", (own, *loop)),)) is None
    assert library_of((Stack(PID, PID, "main", (library, own, *loop)),)) == "selectors"
    assert library_of((Stack(PID, PID, "main", (library, loop[1])),)) == "asyncio"


@pytest.mark.parametrize(
    ("within", "library"),
    [
        ([("Server.service_actions", "server.py")], None),
        ([("select", "/lib/selectors.py"), ("Server.handle_timeout", "server.py")], "selectors"),
        ([("Handler.handle", "server.py"), ("BaseRequestHandler.__init__", "/lib/socketserver.py")], "socketserver"),
        ([("select", "/lib/selectors.py")], "socketserver"),
    ],
)
def test_who_is_served_without_a_handler_of_socketserver_is_not_served_by_its_loop(
    within: list[tuple[str, str]], library: str | None
) -> None:
    called = [Frame(name, file, 7, own=file == "server.py") for name, file in within]
    loop = Frame("BaseServer.serve_forever", "/lib/socketserver.py", 9, own=False)

    assert library_of((Stack(PID, PID, "main", (*called, loop)),)) == library


def test_a_server_that_runs_without_pause_may_be_seen_anywhere_in_its_loop() -> None:
    called = (Frame("serve", "server.py", 7, own=True), Frame("Handle._run", "/lib/asyncio/events.py", 80, own=False))

    assert library_of((Stack(PID, PID, "main", called),), asleep=False) == "asyncio"
    assert library_of((Stack(PID, PID, "main", called),), asleep=True) is None


def test_what_idle_workers_wait_for_is_not_where_a_running_thread_waits() -> None:
    idle = Wait(PID, PID + 1, WaitKind.FUTEX, "futex", None, (), ())
    running, waiting = replace(THREAD, state="R", call=None), replace(THREAD, tid=PID + 1)
    busy = replace(scene(2, idle), look=Pass(1, 2, (running, waiting)), evidence=None, naps=(idle,))

    assert observe([scene(0, idle), busy]).waits == ("running",)
    assert observe([scene(0, idle), replace(busy, look=Pass(1, 2, (waiting,)))]).waits == ("futex",)
    assert observe([scene(0, idle), busy], runtimes=("node",)).library == "libuv"


def test_a_set_within_a_set_is_looked_into() -> None:
    inner = Descriptor(9, DescriptorKind.EPOLL, watches=(4, 5))
    outer = Descriptor(10, DescriptorKind.EPOLL, watches=(3, 9))
    sets = (inner, outer, Descriptor(11, DescriptorKind.EPOLL, watches=(11,)))
    empty, full = scene(0, select_over(3)), scene(2, select_over(10, kind=WaitKind.EPOLL), files=sets)

    found = observe([empty, full])

    assert (found.workers, found.waits, found.uncovered) == ("single", ("epoll",), 0)
    assert observe([empty, scene(2, select_over(3, 9, kind=WaitKind.POLL), files=sets)]).waits == ("poll",)
    assert observe([empty, scene(2, select_over(11, kind=WaitKind.EPOLL), files=sets)]).waits == ("epoll",)


@pytest.mark.parametrize(
    "nap",
    [
        Wait(PID, PID, WaitKind.EPOLL, "epoll_wait", 0.01, (9,), ()),
        Wait(PID, PID, WaitKind.POLL, "poll", 0.01, (8,), ()),
        Wait(PID, PID, WaitKind.SIGNAL, "pause", None, (), ()),
        Wait(PID, PID, WaitKind.SIGNAL, "rt_sigtimedwait", 0.01, (), ()),
        Wait(PID, PID, WaitKind.READ, "read", None, (7,), ()),
    ],
    ids=["at an empty set", "at a pipe", "until an alarm", "for a signal", "at a timer"],
)
def test_who_waits_for_no_client_and_wakes_up_by_itself_sleeps_for_a_while(nap: Wait) -> None:
    files = (
        Descriptor(7, DescriptorKind.TIMERFD),
        Descriptor(8, DescriptorKind.PIPE),
        Descriptor(9, DescriptorKind.EPOLL),
    )

    assert observe([scene(0, nap, files=files), scene(2, nap, files=files)]).waits == ("sleep",)
