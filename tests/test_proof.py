"""The rule for a proof: what makes one, and that each of its conditions is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from evidence_samples import (
    ANN,
    BOB,
    CLIENT_A,
    CLIENT_B,
    CONNECTION,
    FIRST,
    LISTENER,
    SECOND,
    SERVER_A,
    SERVER_B,
    STUCK,
    THREAD,
    WAIT,
    waiting_for,
    with_client,
    with_descriptor,
    with_first,
    with_process,
    with_second,
    with_socket,
    with_thread,
    with_wait,
)

from grader.evidence.records import (
    ClientPhase,
    Counters,
    Descriptor,
    DescriptorKind,
    Evidence,
    Pass,
    SystemCall,
    TcpState,
    WaitKind,
)
from grader.judgement import proof
from grader.judgement.proof import RULES, Proof, Refusal, prove

Rule = Callable[[Evidence], str | None]

HELD_BACK = with_socket(SERVER_A, send_queue=90_000, in_flight=0, unsent=90_000)
ANOTHER_THREAD = replace(THREAD, tid=101)
EPOLL_OVER_TIMER = replace(
    with_process(
        descriptors=(
            LISTENER,
            CONNECTION,
            Descriptor(5, DescriptorKind.EPOLL, watches=(6,)),
            Descriptor(6, DescriptorKind.OTHER, target="anon_inode:inotify"),
        )
    ),
    waits=(replace(WAIT, kind=WaitKind.EPOLL, reads=(5,)),),
)

EPOLL_IN_EPOLL = replace(
    with_process(
        descriptors=(LISTENER, *(Descriptor(n, DescriptorKind.EPOLL, watches=(n + 1,)) for n in range(5, 12)))
    ),
    waits=(replace(WAIT, kind=WaitKind.EPOLL, reads=(5,)),),
)

REFUSED: list[tuple[str, Rule, Evidence]] = [
    ("only children of the started process are left", proof.main_lives, replace(STUCK, main=99)),
    ("the passes overlap", proof.passes_in_order, replace(STUCK, second=replace(SECOND, began_ns=1_999))),
    (
        "no thread is left",
        proof.somebody_lives,
        replace(STUCK, first=replace(FIRST, threads=()), second=replace(SECOND, threads=()), waits=()),
    ),
    ("a thread is runnable", proof.all_asleep, with_thread(state="R")),
    ("a thread is in uninterruptible sleep", proof.all_asleep, with_thread(state="D")),
    ("a thread is stopped", proof.all_asleep, with_thread(state="T")),
    ("a thread is asleep outside any system call", proof.all_asleep, with_thread(call=None, outside=True)),
    ("a thread shows S but is on the CPU", proof.all_asleep, with_thread(call=None)),
    ("a thread woke up for the second pass", proof.all_asleep, with_second(state="R")),
    (
        "a thread was born",
        proof.same_threads,
        replace(STUCK, second=replace(SECOND, threads=(*SECOND.threads, ANOTHER_THREAD))),
    ),
    (
        "a thread died",
        proof.same_threads,
        replace(
            STUCK,
            first=replace(FIRST, threads=(*FIRST.threads, ANOTHER_THREAD)),
            waits=(WAIT, replace(WAIT, tid=101)),
        ),
    ),
    (
        "another system call",
        proof.same_calls,
        with_second(call=SystemCall("recvfrom", (5, 0, 1024, 0, 0, 0))),
    ),
    (
        "it was switched in between",
        proof.same_counters,
        with_second(counters=Counters(8, 5_000_000, 1_000, 9)),
    ),
    ("it used CPU in between", proof.same_counters, with_second(counters=Counters(7, 5_000_001, 1_000, 9))),
    ("it was put on a CPU", proof.same_counters, with_second(counters=Counters(7, 5_000_000, 1_000, 10))),
    ("its wait could not be read", proof.every_wait_read, with_wait(unreadable="no memory there")),
    ("no wait was read for a thread", proof.every_wait_read, replace(STUCK, waits=())),
    ("it waits with a time limit", proof.no_time_limit, with_wait(limit=0.5)),
    ("it waits with a time limit of zero", proof.no_time_limit, with_wait(limit=0.0)),
    ("it is in a call we do not know", proof.known_wakers, with_wait(kind=WaitKind.OTHER, reads=())),
    ("it waits in io_uring", proof.known_wakers, with_wait(kind=WaitKind.IO_URING, reads=())),
    ("it waits for a descriptor nobody saw", proof.known_wakers, with_wait(reads=(77,))),
    (
        "it waits for us to take its output",
        proof.known_wakers,
        waiting_for(DescriptorKind.OUTPUT, writing=True),
    ),
    ("it waits for a device", proof.known_wakers, waiting_for(DescriptorKind.OTHER, target="/dev/ptmx")),
    ("it waits for a signalfd", proof.known_wakers, waiting_for(DescriptorKind.SIGNALFD)),
    ("its epoll set holds something foreign", proof.known_wakers, EPOLL_OVER_TIMER),
    ("a timer's signal is handled", proof.no_alarm, with_process(alarm_caught=True)),
    ("a POSIX timer exists", proof.no_posix_timer, with_process(posix_timers=1)),
    ("POSIX timers cannot be seen", proof.no_posix_timer, with_process(posix_timers=None)),
    ("a timerfd is open", proof.no_timer_descriptor, with_descriptor(Descriptor(8, DescriptorKind.TIMERFD))),
    (
        "an io_uring is open",
        proof.no_timer_descriptor,
        with_descriptor(Descriptor(8, DescriptorKind.IO_URING)),
    ),
    (
        "a connection gives up after a while",
        proof.no_connection_timer,
        with_process(descriptors=(LISTENER, replace(CONNECTION, user_timeout=5000))),
    ),
    ("a signal is pending", proof.no_pending_signal, with_second(pending_signals=True)),
    ("a signal was pending", proof.no_pending_signal, with_first(pending_signals=True)),
    ("a thread was awake for the first pass", proof.all_asleep, with_first(state="R")),
    ("an epoll set is nested too deeply", proof.known_wakers, EPOLL_IN_EPOLL),
    *[
        (
            f"bytes are under way in {state}",
            proof.everything_delivered,
            with_socket(SERVER_A, state=state, send_queue=5, in_flight=1),
        )
        for state in (
            TcpState.ESTABLISHED,
            TcpState.FIN_WAIT1,
            TcpState.FIN_WAIT2,
            TcpState.CLOSE_WAIT,
            TcpState.CLOSING,
            TcpState.LAST_ACK,
        )
    ],
    *[
        (f"a connection is in {state}", proof.everything_delivered, with_socket(SERVER_A, state=state))
        for state in (TcpState.SYN_SENT, TcpState.SYN_RECV)
    ],
    (
        "bytes are under way, and more are held back",
        proof.everything_delivered,
        with_socket(SERVER_A, send_queue=9, in_flight=1, unsent=5),
    ),
    (
        "bytes wait to be sent to somebody who has read all that came",
        proof.everything_delivered,
        HELD_BACK,
    ),
    (
        "bytes are neither under way nor held back",
        proof.everything_delivered,
        with_socket(SERVER_A, send_queue=9, in_flight=0, unsent=0),
    ),
    (
        "bytes of a client are under way to a connection that is not there yet",
        proof.everything_delivered,
        replace(
            STUCK,
            sockets=tuple(
                replace(s, send_queue=5, in_flight=1) if s is CLIENT_B else s
                for s in STUCK.sockets
                if s is not SERVER_B
            ),
        ),
    ),
    (
        "bytes of a client are under way",
        proof.everything_delivered,
        with_socket(CLIENT_B, send_queue=5, in_flight=1, state=TcpState.FIN_WAIT1),
    ),
    (
        "bytes of a client were sent and have not arrived",
        proof.everything_delivered,
        replace(with_socket(CLIENT_B, send_queue=7, in_flight=1), clients=(ANN, replace(BOB, sent=12))),
    ),
    ("a reply is under way", proof.everything_delivered, with_socket(SERVER_A, send_queue=6, in_flight=1)),
    (
        "a handshake is under way",
        proof.everything_delivered,
        with_socket(SERVER_B, state=TcpState.SYN_RECV, receive_queue=0),
    ),
    ("a reset has not arrived", proof.endings_arrived, with_client(ANN, phase=ClientPhase.RESET)),
    ("a close has not arrived", proof.endings_arrived, with_client(BOB, phase=ClientPhase.CLOSED)),
    ("a half-close has not arrived", proof.endings_arrived, with_client(BOB, phase=ClientPhase.HALF_CLOSED)),
    ("a client is connecting", proof.clients_at_rest, with_client(BOB, phase=ClientPhase.CONNECTING)),
    ("a reply lies unread at a client", proof.clients_at_rest, with_client(BOB, unread=5, readable=True)),
    ("an end of stream lies unread at a client", proof.clients_at_rest, with_client(BOB, readable=True)),
    ("a client can still send", proof.clients_at_rest, with_client(BOB, unsent=10, can_send=True)),
]


def test_a_server_asleep_for_good_is_proved_stuck() -> None:
    assert isinstance(prove(STUCK), Proof)


@pytest.mark.parametrize(("rule", "evidence"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_evidence_that_breaks_one_condition_is_refused_by_exactly_that_rule(rule: Rule, evidence: Evidence) -> None:
    refusal = prove(evidence)

    assert isinstance(refusal, Refusal)
    assert [found.__name__ for found in RULES if found(evidence)] == [rule.__name__]
    assert refusal.reasons == (rule(evidence),)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_rule_can_be_removed_unnoticed(rule: Rule) -> None:
    """Without the rule, evidence that it alone refuses would count as a proof."""
    without = tuple(other for other in RULES if other is not rule)

    accepted = [evidence for _, named, evidence in REFUSED if named is rule]

    assert accepted
    assert all(isinstance(prove(evidence, without), Proof) for evidence in accepted)


PROVED: list[tuple[str, Evidence]] = [
    (
        "a late acknowledgement of bytes that have arrived (delayed ACK)",
        with_socket(CLIENT_B, send_queue=5, in_flight=1),
    ),
    (
        "a reply held back by a client who does not read",
        replace(
            HELD_BACK,
            sockets=tuple(replace(s, receive_queue=4096) if s is CLIENT_A else s for s in HELD_BACK.sockets),
            clients=(replace(ANN, reads=False, unread=4096), BOB),
        ),
    ),
    ("a client whose bytes the server's kernel no longer takes", with_client(BOB, unsent=10, can_send=False)),
    ("a server without kept schedstat figures", with_thread(counters=Counters(7))),
    (
        "a port that a new client uses again",
        replace(STUCK, clients=(*STUCK.clients, replace(ANN, phase=ClientPhase.RESET))),
    ),
    (
        "threads that wait for each other",
        replace(
            with_thread(call=SystemCall("futex", (0, 0, 0, 0, 0, 0))),
            waits=(replace(WAIT, kind=WaitKind.FUTEX, call="futex", reads=()),),
        ),
    ),
    *[
        (f"a {kind} within the tree", waiting_for(kind))
        for kind in (
            DescriptorKind.PIPE,
            DescriptorKind.UDP,
            DescriptorKind.UNIX,
            DescriptorKind.EVENTFD,
            DescriptorKind.EPOLL,
            DescriptorKind.PIDFD,
        )
    ],
    ("bytes that a client deliberately does not read", with_client(BOB, reads=False, readable=True, unread=5)),
    ("room in the socket of a client who has nothing to send", with_client(BOB, can_send=True)),
    ("a second pass that begins when the first ends", replace(STUCK, second=replace(SECOND, began_ns=2_000))),
    ("a started process that lives on", replace(STUCK, main=STUCK.first.threads[0].pid)),
    ("sockets in TIME_WAIT", with_socket(CLIENT_A, state=TcpState.TIME_WAIT)),
]


@pytest.mark.parametrize("evidence", [case[1] for case in PROVED], ids=[case[0] for case in PROVED])
def test_what_cannot_wake_the_server_does_not_spoil_the_proof(evidence: Evidence) -> None:
    assert prove(evidence) == Proof(evidence)


def test_a_look_without_threads_is_never_asleep() -> None:
    nobody = replace(STUCK, first=Pass(1, 2, ()), second=Pass(3, 4, ()), waits=(), processes=())

    assert isinstance(prove(nobody), Refusal)
