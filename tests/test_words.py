"""Evidence in words, and as a picture: who stands where, waiting for whom."""

from __future__ import annotations

from dataclasses import replace

import pytest
from evidence_samples import ANN, BOB, CLIENT_B, LISTENING, PID, SERVER_A, SERVER_B, STUCK, THREAD, WAIT, with_thread

from grader.clients.journal import Entry
from grader.evidence.records import ClientPhase, Descriptor, DescriptorKind, Evidence, Pass, SystemCall, Wait, WaitKind
from grader.judgement import explain, outcome, picture, raw
from grader.judgement.budget import Spent
from grader.judgement.expectations import Connected, Kernel
from grader.judgement.lifelines import Lifelines, Stretch
from grader.judgement.outcome import How, Outcome
from grader.report.model import Basis, Verdict


def waiting(kind: WaitKind, call: str, **changes: object) -> Evidence:
    return replace(STUCK, waits=(replace(WAIT, kind=kind, call=call, **changes),))  # type: ignore[arg-type]


def test_a_stuck_server_is_told_with_who_waits_for_whom() -> None:
    nobody = Kernel("a reply", lambda: False, waiting=("bob",))

    found = outcome.stuck(STUCK, nobody)

    assert (found.how, found.basis, found.verdict) == (How.STUCK, Basis.PROOF, Verdict.FAIL)
    assert found.why == (
        "its only thread is in recvfrom(fd 4), waiting for ann, who has nothing more to say for now; "
        "bob has not been accepted and its 5 bytes lie unread"
    )


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (waiting(WaitKind.ACCEPT, "accept4", reads=(3,)), "accept4(fd 3), waiting for a new connection"),
        (waiting(WaitKind.SELECT, "pselect6", reads=(3, 4)), "pselect6, waiting for a new connection or ann"),
        (waiting(WaitKind.SELECT, "pselect6", reads=()), "pselect6, waiting for nothing at all (an empty set)"),
        (waiting(WaitKind.POLL, "poll", reads=(4,), limit=0.5), "poll, waiting for ann for at most 0.5 s"),
        (
            waiting(WaitKind.SEND, "sendto", reads=(), writes=(4,)),
            "sendto(fd 4), waiting for ann, whose receive buffer is full",
        ),
        (waiting(WaitKind.FUTEX, "futex", reads=()), "futex, waiting for a lock or another thread of the server"),
        (
            waiting(WaitKind.SLEEP, "clock_nanosleep", reads=(), limit=3),
            "waiting for the end of its sleep for at most 3 s",
        ),
        (waiting(WaitKind.CHILD, "wait4", reads=()), "wait4, waiting for a child process to end"),
        (waiting(WaitKind.READ, "read", reads=(77,)), "read(fd 77), waiting for descriptor 77 (not open)"),
        (
            replace(waiting(WaitKind.SEND, "sendto", reads=(), writes=(4,)), clients=(replace(ANN, reads=False), BOB)),
            "waiting for ann, who does not read",
        ),
        (replace(STUCK, clients=(replace(ANN, phase=ClientPhase.HALF_CLOSED),)), "ann, who has finished sending"),
        (replace(STUCK, clients=(replace(ANN, phase=ClientPhase.CLOSED),)), "ann, who has left"),
    ],
)
def test_each_wait_has_its_words(evidence: Evidence, words: str) -> None:
    assert words in explain.where_it_stands(evidence)


def test_many_threads_are_told_by_their_largest_group() -> None:
    threads = tuple(replace(THREAD, tid=PID + n) for n in range(5))
    waits = (
        replace(WAIT, kind=WaitKind.ACCEPT, call="accept4", reads=(3,)),
        *[replace(WAIT, tid=PID + n) for n in range(1, 5)],
    )
    evidence = replace(STUCK, first=Pass(1, 2, threads), waits=waits)

    assert explain.where_it_stands(evidence) == (
        "all its 5 threads are asleep, 4 of them in recvfrom(fd 4), "
        "waiting for ann, who has nothing more to say for now"
    )


def test_the_members_of_an_epoll_set_are_named() -> None:
    process = replace(
        STUCK.processes[0],
        descriptors=(*STUCK.processes[0].descriptors, Descriptor(9, DescriptorKind.EPOLL, watches=(3, 4))),
    )
    evidence = replace(waiting(WaitKind.EPOLL, "epoll_wait", reads=(9,)), processes=(process,))

    assert "waiting for a new connection or ann" in explain.where_it_stands(evidence)


@pytest.mark.parametrize(
    ("names", "shortfall", "words"),
    [
        ((), "", ""),
        (("bob",), "", "bob has not been accepted and its 5 bytes lie unread"),
        (("ann",), "", "ann waits for its reply"),
        (("ann",), "ann has received 3 of 9 bytes", "ann has received 3 of 9 bytes"),
        (("zoe",), "", "zoe has not been accepted"),
    ],
)
def test_who_waits_is_told_in_a_clause(names: tuple[str, ...], shortfall: str, words: str) -> None:
    assert explain.unserved_clause(STUCK, names, shortfall) == words


def test_unread_bytes_of_an_accepted_client_are_told() -> None:
    evidence = replace(STUCK, sockets=(LISTENING, SERVER_A, replace(SERVER_B, inode=41), CLIENT_B))

    assert explain.unserved_clause(evidence, ("bob",)) == "bob's 5 bytes lie unread"


def test_threads_of_several_processes_are_told_apart() -> None:
    threads = (THREAD, replace(THREAD, tid=105), replace(THREAD, pid=200, tid=200))

    assert explain.thread_names(threads) == {
        (100, 100): "process 1, main thread",
        (100, 105): "process 1, thread 2",
        (200, 200): "process 2, main thread",
    }


def test_what_was_starved_is_inconclusive_and_what_spent_its_budget_fails() -> None:
    look = STUCK.first

    assert outcome.spent(Spent("it used 1.0 s", busy=True), look, None).verdict is Verdict.FAIL
    assert outcome.spent(Spent("nothing came", starved=True), look, None).verdict is Verdict.INCONCLUSIVE
    assert outcome.spent(Spent("nothing came"), look, None).basis is Basis.BUDGET
    assert Outcome(How.ENDED).basis is Basis.OBSERVATION


def test_a_sleep_beyond_all_patience_is_told() -> None:
    asleep = replace(STUCK, waits=(replace(WAIT, kind=WaitKind.SLEEP, reads=(), limit=9999.0),))

    def of(limit: float, lived: float) -> float | None:
        found = replace(asleep, waits=(replace(asleep.waits[0], limit=limit),))
        return outcome.sleeps_too_long(found, patience=20, lived=lived)

    assert of(9999, lived=5) == 9999
    assert of(60, lived=39) == 60
    assert of(60, lived=41) is None, "it may have begun to sleep when it started, and wake up in time"
    assert of(3, lived=0) is None
    assert outcome.sleeps_too_long(STUCK, patience=20, lived=0) is None


def test_a_server_rests_only_when_nothing_waits_to_be_done() -> None:
    timed = replace(STUCK, waits=(replace(WAIT, limit=0.5),))
    quiet = replace(timed, sockets=(replace(LISTENING, receive_queue=0), SERVER_A), clients=(ANN,))

    assert not outcome.resting(timed)
    assert outcome.resting(quiet)


def test_bytes_unread_behind_a_blocked_send_are_no_work_to_be_done() -> None:
    sending = replace(WAIT, tid=7, kind=WaitKind.SEND, reads=(), writes=WAIT.reads)
    unread = replace(SERVER_A, receive_queue=5)
    timed = replace(
        STUCK, waits=(replace(WAIT, limit=0.5),), sockets=(replace(LISTENING, receive_queue=0), unread), clients=(ANN,)
    )

    assert not outcome.resting(timed)
    assert outcome.resting(replace(timed, waits=(*timed.waits, sending)))
    assert not outcome.resting(replace(timed, waits=(*timed.waits, replace(sending, limit=1.0))))
    assert outcome.resting(replace(timed, waits=(*timed.waits, replace(sending, kind=WaitKind.POLL, limit=3.0))))
    both = replace(sending, kind=WaitKind.POLL, reads=WAIT.reads, limit=3.0)
    assert not outcome.resting(replace(timed, waits=(*timed.waits, both)))


def test_a_thread_at_a_ring_of_io_uring_rests_whatever_lies_unread() -> None:
    ring = replace(WAIT, kind=WaitKind.IO_URING, reads=(), unreadable="its time limit cannot be read")
    (process,) = STUCK.processes
    rings = replace(process, descriptors=(*process.descriptors, Descriptor(9, DescriptorKind.IO_URING)))
    waiting = replace(STUCK, waits=(ring,), processes=(rings,))

    assert outcome.resting(waiting)
    assert not outcome.resting(replace(waiting, processes=(replace(rings, alarm_caught=True),)))


def test_connecting_expects_everybody() -> None:
    assert Connected([]).met()


def test_looks_become_stretches_of_one_doing() -> None:
    lines = Lifelines()
    wait = (WAIT,)
    lines.add(Pass(1, 2, (replace(THREAD, at_ns=10),)), wait)
    lines.add(Pass(3, 4, (replace(THREAD, at_ns=20),)), wait)
    lines.add(Pass(5, 6, (replace(THREAD, at_ns=30, call=None, state="R"),)), ())
    lines.add(Pass(7, 8, (replace(THREAD, at_ns=40),)), (replace(WAIT, limit=1.0),))

    assert lines.stretches() == [
        Stretch(PID, PID, "wait", "recvfrom(fd 4)", 10, 20),
        Stretch(PID, PID, "run", "running", 30, 30),
        Stretch(PID, PID, "timed", "recvfrom(fd 4)", 40, 40),
    ]


def test_the_picture_is_on_one_scale_and_keeps_both_ends_of_a_long_story() -> None:
    entries = [Entry(1_000_000 * n, f"client {n % 3}", "send", "x", 1) for n in range(1000)]
    found = picture.draw(
        entries, [Stretch(1, 1, "wait", "select", 0, 5_000_000)], {(1, 1): "main thread"}, 0, 999_000_000, "proved", 7
    )

    assert [lane.label for lane in found.lanes] == ["main thread", "client 0", "client 1", "client 2"]
    assert (found.events[0].at_ms, found.events[-1].at_ms) == (0.0, 999.0)
    assert found.dropped == 7 + 1000 - len(found.events)
    assert found.spans[0].end_ms == 5.0
    assert {event.lane for event in found.events} <= {lane.id for lane in found.lanes}


def test_the_raw_evidence_can_be_checked_by_hand() -> None:
    lines = raw.evidence_lines(STUCK)

    assert (
        "process 100 thread 100 state S recvfrom(0x4, 0x0, 0x400, 0x0, 0x0, 0x0), switches 7, cpu 5000000 ns, slices 9"
        in lines
    )
    assert "second pass: the same threads, calls and counters" in lines
    assert "thread 100 recvfrom: no time limit, reads [4], writes []" in lines
    assert "LISTEN 0.0.0.0:8080, 1 of 5 waiting for accept" in lines
    assert "ESTABLISHED 8080 <- 5002: 5 bytes unread, 0 not acknowledged, no owner" in lines
    assert "bob: open, port 5002, sent 5, received 0, unread 0" in lines


def test_raw_evidence_of_thousands_is_cut_with_a_notice() -> None:
    sockets = tuple(replace(SERVER_A, remote_port=n) for n in range(1, 1000))

    assert "... and 939 more" in raw.evidence_lines(replace(STUCK, sockets=sockets))
    assert raw.look_lines(with_thread(call=SystemCall("read", (1,))).first)[0].startswith(
        "process 100 thread 100 state S read(0x1)"
    )


def test_a_wait_that_is_not_understood_says_so() -> None:
    unknown = Wait(PID, PID, WaitKind.OTHER, "syscall_999", unreadable="syscall_999 is not understood")

    assert "syscall_999 is not understood" in explain.where_it_stands(replace(STUCK, waits=(unknown,)))
