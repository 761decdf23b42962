"""Evidence written by hand: a server asleep with two clients, one of whom waits in vain, and ways to change it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from grader.evidence.records import (
    ClientPhase,
    ClientState,
    Counters,
    Descriptor,
    DescriptorKind,
    Evidence,
    Pass,
    Process,
    SystemCall,
    TcpSocket,
    TcpState,
    ThreadSample,
    Wait,
    WaitKind,
)

PID, PORT = 100, 8080
CALL = SystemCall("recvfrom", (4, 0, 1024, 0, 0, 0))
THREAD = ThreadSample(PID, PID, "python", "S", CALL, Counters(7, 5_000_000, 1_000, 9), at_ns=1_000)
WAIT = Wait(PID, PID, WaitKind.RECV, "recvfrom", None, (4,), ())
LISTENER = Descriptor(3, DescriptorKind.TCP, 30, target="socket:[30]")
CONNECTION = Descriptor(4, DescriptorKind.TCP, 40, target="socket:[40]")
PROCESS = Process(PID, 1, "python", (LISTENER, CONNECTION), open_sockets=2)
LISTENING = TcpSocket(TcpState.LISTEN, PORT, 0, "0.0.0.0", receive_queue=1, send_queue=5, inode=30)  # noqa: S104
SERVER_A = TcpSocket(TcpState.ESTABLISHED, PORT, 5001, received=6, inode=40)
CLIENT_A = TcpSocket(TcpState.ESTABLISHED, 5001, PORT, inode=50)
SERVER_B = TcpSocket(TcpState.ESTABLISHED, PORT, 5002, received=5, receive_queue=5)
CLIENT_B = TcpSocket(TcpState.ESTABLISHED, 5002, PORT, inode=51)
ANN = ClientState("ann", ClientPhase.OPEN, 5001, PORT, sent=6, received=6)
BOB = ClientState("bob", ClientPhase.OPEN, 5002, PORT, sent=5)

FIRST = Pass(1_000, 2_000, (THREAD,))
SECOND = Pass(3_000, 4_000, (replace(THREAD, at_ns=3_500),))
STUCK = Evidence(
    first=FIRST,
    second=SECOND,
    processes=(PROCESS,),
    waits=(WAIT,),
    sockets=(LISTENING, SERVER_A, CLIENT_A, SERVER_B, CLIENT_B),
    clients=(ANN, BOB),
)
"""A server that serves one client at a time: in recvfrom() for ann, who is silent, while bob waits."""


def with_thread(evidence: Evidence = STUCK, **changes: Any) -> Evidence:
    """The same change to the thread in both passes."""
    return replace(
        evidence,
        first=replace(evidence.first, threads=tuple(replace(t, **changes) for t in evidence.first.threads)),
        second=replace(evidence.second, threads=tuple(replace(t, **changes) for t in evidence.second.threads)),
    )


def with_first(**changes: Any) -> Evidence:
    """A change that only the first pass shows."""
    threads = tuple(replace(t, **changes) for t in FIRST.threads)
    return replace(STUCK, first=replace(FIRST, threads=threads))


def with_second(evidence: Evidence = STUCK, **changes: Any) -> Evidence:
    """A change that only the second pass shows."""
    threads = tuple(replace(t, **changes) for t in evidence.second.threads)
    return replace(evidence, second=replace(evidence.second, threads=threads))


def with_wait(**changes: Any) -> Evidence:
    """Another wait, in the records and in the samples."""
    return replace(STUCK, waits=(replace(WAIT, **changes),))


def with_process(**changes: Any) -> Evidence:
    """Another state of the only process."""
    return replace(STUCK, processes=(replace(PROCESS, **changes),))


def with_descriptor(descriptor: Descriptor) -> Evidence:
    """One more open descriptor, which nobody waits for."""
    return with_process(descriptors=(LISTENER, CONNECTION, descriptor))


def waiting_for(kind: DescriptorKind, *, writing: bool = False, target: str = "") -> Evidence:
    """The thread waits for one descriptor of this kind."""
    evidence = with_descriptor(Descriptor(9, kind, 90, target=target))
    wait = replace(WAIT, reads=() if writing else (9,), writes=(9,) if writing else ())
    return replace(evidence, waits=(wait,))


def with_socket(old: TcpSocket, **changes: Any) -> Evidence:
    """Another state of one socket."""
    return replace(STUCK, sockets=tuple(replace(s, **changes) if s is old else s for s in STUCK.sockets))


def with_client(old: ClientState, **changes: Any) -> Evidence:
    """Another state of one client."""
    return replace(STUCK, clients=tuple(replace(c, **changes) if c is old else c for c in STUCK.clients))
