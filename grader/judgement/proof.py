"""When a server is proved stuck: nothing but the grader can make it take another step, and the grader will not.

The argument. Every thread is seen asleep, off the CPU, in a call that has no time limit. Two passes, the second
begun after the first had ended, show the same threads with the same counters; a thread that runs changes its
counters, so none has run in between and there was one instant at which all slept. What each waits for can only
come from another thread of the tree (asleep too), from a timer (there is none), or from the network. The network
was read between the passes: nothing is on its way and nothing that we could still read or send is left. So the
state is final until a client acts, and `settle()` lets no client act.

Each rule below is one sentence of that argument. It answers None, or says why the evidence is no proof.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from grader.evidence.records import (
    ClientPhase,
    ClientState,
    Descriptor,
    DescriptorKind,
    Evidence,
    TcpSocket,
    TcpState,
    ThreadSample,
    Wait,
    WaitKind,
)

Rule = Callable[[Evidence], str | None]

_OURS_OR_THE_TREES = {
    DescriptorKind.TCP,
    DescriptorKind.UDP,
    DescriptorKind.UNIX,
    DescriptorKind.PIPE,
    DescriptorKind.EVENTFD,
    DescriptorKind.EPOLL,
    DescriptorKind.PIDFD,
    DescriptorKind.SIGNALFD,
}
_DATA_STATES = {
    TcpState.ESTABLISHED,
    TcpState.FIN_WAIT1,
    TcpState.FIN_WAIT2,
    TcpState.CLOSE_WAIT,
    TcpState.CLOSING,
    TcpState.LAST_ACK,
}


@dataclass(frozen=True, slots=True)
class Proof:
    """The evidence that satisfied every rule."""

    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the evidence proves nothing: one sentence for each rule that it breaks."""

    reasons: tuple[str, ...]


def _first(reasons: Iterable[str | None]) -> str | None:
    return next((reason for reason in reasons if reason), None)


def passes_in_order(evidence: Evidence) -> str | None:
    """The second pass began after the first had ended: only then do they frame a common instant."""
    return None if evidence.second.began_ns >= evidence.first.ended_ns else "the two passes overlap"


def somebody_lives(evidence: Evidence) -> str | None:
    """There is a thread: that of an ended server is an observation, not a proof."""
    return None if evidence.first.threads else "no thread of the server is left"


def main_lives(evidence: Evidence) -> str | None:
    """The process that was started still lives, or has left the server to others (in the background)."""
    alive = {sample.pid for sample in (*evidence.first.threads, *evidence.second.threads)}
    ended = evidence.main and evidence.first.threads and evidence.main not in alive
    return f"process {evidence.main}, which was started, has ended" if ended else None


def all_asleep(evidence: Evidence) -> str | None:
    """Every thread is asleep inside a system call, in both passes."""
    return _first(map(_awake, (*evidence.first.threads, *evidence.second.threads)))


def _awake(sample: ThreadSample) -> str | None:
    if sample.state != "S":
        return f"thread {sample.tid} is in state {sample.state}, not asleep"
    if sample.call is None:
        where = "blocked outside a system call" if sample.outside else "on a CPU"
        return f"thread {sample.tid} is {where}"
    return None


def same_threads(evidence: Evidence) -> str | None:
    """Both passes show the same threads: none was born or died in between."""
    before = {(sample.pid, sample.tid) for sample in evidence.first.threads}
    after = {(sample.pid, sample.tid) for sample in evidence.second.threads}
    return None if before == after else "a thread came or went between the passes"


def same_calls(evidence: Evidence) -> str | None:
    """Every thread is in the same call, with the same arguments, in both passes."""
    return _changed(evidence, lambda sample: sample.call, "is in another system call than before")


def same_counters(evidence: Evidence) -> str | None:
    """No thread's counters moved: none ran between the passes, not even to fall asleep again in the same call."""
    return _changed(evidence, lambda sample: sample.counters, "ran between the passes")


def _changed(evidence: Evidence, key: Callable[[ThreadSample], object], what: str) -> str | None:
    before = {(s.pid, s.tid): key(s) for s in evidence.first.threads}
    moved = (s.tid for s in evidence.second.threads if before.get((s.pid, s.tid), key(s)) != key(s))
    return _first(f"thread {tid} {what}" for tid in moved)


def no_time_limit(evidence: Evidence) -> str | None:
    """No wait of the server's own ends by itself; those of its language's runtime make nobody go on."""
    return _first(
        f"thread {wait.tid} waits in {wait.call} for at most {wait.limit:.3g} s"
        for wait in evidence.waits
        if wait.limit is not None and not wait.runtime
    )


def every_wait_read(evidence: Evidence) -> str | None:
    """The arguments of every thread's call were read and understood."""
    read = {(wait.pid, wait.tid) for wait in evidence.waits}
    unread = (f"thread {s.tid}: its wait was not read" for s in evidence.first.threads if (s.pid, s.tid) not in read)
    return _first(wait.unreadable for wait in evidence.waits) or _first(unread)


def known_wakers(evidence: Evidence) -> str | None:
    """What each thread waits for can come only from a client or from another thread of the tree."""
    open_files = {process.pid: {d.fd: d for d in process.descriptors} for process in evidence.processes}
    return _first(_foreign_waker(wait, open_files.get(wait.pid, {})) for wait in evidence.waits)


def _foreign_waker(wait: Wait, files: dict[int, Descriptor]) -> str | None:
    if wait.kind in (WaitKind.OTHER, WaitKind.IO_URING):
        return f"thread {wait.tid} waits in {wait.call}, whose wakers are not known"
    return _first(_foreign(wait, fd, files) for fd in (*wait.reads, *wait.writes))


def _foreign(wait: Wait, fd: int, files: dict[int, Descriptor], depth: int = 0) -> str | None:
    descriptor = files.get(fd)
    if descriptor is None:
        return f"thread {wait.tid} waits for descriptor {fd}, which was not seen"
    if descriptor.kind is DescriptorKind.OUTPUT:
        return f"thread {wait.tid} waits for the grader to take its output"
    if descriptor.kind not in _OURS_OR_THE_TREES or depth > 5:  # noqa: PLR2004 - EP_MAX_NESTS is 4
        return f"thread {wait.tid} waits for descriptor {fd} ({descriptor.target}), whose wakers are not known"
    return _first(_foreign(wait, target, files, depth + 1) for target in descriptor.watches)


def no_alarm(evidence: Evidence) -> str | None:
    """No process handles a signal that an interval timer may send it, nor takes it from a signalfd (setitimer(2))."""
    return _first(f"process {p.pid} handles a timer's signal" for p in evidence.processes if p.alarm_caught)


def no_posix_timer(evidence: Evidence) -> str | None:
    """No process has a POSIX timer (timer_create(2))."""
    for process in evidence.processes:
        if process.posix_timers is None:
            return "this kernel does not list POSIX timers"
        if process.posix_timers:
            return f"process {process.pid} has a POSIX timer"
    return None


def no_timer_descriptor(evidence: Evidence) -> str | None:
    """No process holds a timerfd or an io_uring, which act without any thread running."""
    acting = (DescriptorKind.TIMERFD, DescriptorKind.IO_URING)
    held = (d for process in evidence.processes for d in process.descriptors if d.kind in acting)
    return _first(f"descriptor {d.fd} is a {d.kind}" for d in held)


def no_connection_timer(evidence: Evidence) -> str | None:
    """No connection with unacknowledged bytes ends by itself: that would wake whoever waits to send more."""
    limited = (d for process in evidence.processes for d in process.descriptors if d.user_timeout)
    return _first(f"the connection of descriptor {d.fd} ends after {d.user_timeout} ms" for d in limited)


def no_pending_signal(evidence: Evidence) -> str | None:
    """No signal is on its way to a thread."""
    samples = (*evidence.first.threads, *evidence.second.threads)
    return _first(f"a signal is pending for thread {s.tid}" for s in samples if s.pending_signals)


def everything_delivered(evidence: Evidence) -> str | None:
    """All that was sent has arrived, or is held back by a receiver that does not read: nothing is on its way."""
    peers = {(entry.local_port, entry.remote_port): entry for entry in evidence.sockets}
    sent = {(c.local_port, c.server_port): c.sent for c in evidence.clients}
    for entry in evidence.sockets:
        if entry.state in (TcpState.SYN_SENT, TcpState.SYN_RECV):
            return f"a connection to port {entry.remote_port} is being made"
        if entry.state not in _DATA_STATES or not entry.send_queue:
            continue
        peer = peers.get((entry.remote_port, entry.local_port))
        arrived = sent.get((entry.local_port, entry.remote_port))
        if peer and arrived is not None and entry.state is TcpState.ESTABLISHED and peer.received >= arrived:
            continue  # only the acknowledgement is late (delayed ACK)
        if not _held_back(entry, peer):
            return f"{entry.send_queue} bytes from port {entry.local_port} to {entry.remote_port} are on their way"
    return None


def _held_back(entry: TcpSocket, peer: TcpSocket | None) -> bool:
    # A receiver who has read everything takes more, even if the news that it has room is still to be asked for.
    full = peer is None or peer.receive_queue > 0
    return full and entry.in_flight == 0 and entry.unsent > 0


def endings_arrived(evidence: Evidence) -> str | None:
    """The server's side has seen every connection that a client has reset or closed."""
    ends = {
        (c.server_port, c.local_port): c.name
        for c in evidence.clients
        if c.phase in (ClientPhase.RESET, ClientPhase.CLOSED, ClientPhase.HALF_CLOSED)
    }
    # A port that has been used again belongs to its present user.
    used = {(c.server_port, c.local_port) for c in evidence.clients if c.phase is ClientPhase.OPEN}
    unaware = (e for e in evidence.sockets if e.state is TcpState.ESTABLISHED)
    pairs = ((entry.local_port, entry.remote_port) for entry in unaware)
    return _first(f"the end of {ends[pair]} has not arrived" for pair in pairs if pair in ends and pair not in used)


def clients_at_rest(evidence: Evidence) -> str | None:
    """No client has anything left to do: nothing unread, nothing that its socket would still take, no handshake."""
    return _first(map(_busy, evidence.clients))


def _busy(client: ClientState) -> str | None:
    if client.phase is ClientPhase.CONNECTING:
        return f"{client.name} is still connecting"
    if client.reads and client.readable:
        return f"{client.name} has not read all that came"
    if client.unsent and client.can_send:
        return f"{client.name} still has {client.unsent} bytes to send"
    return None


RULES: tuple[Rule, ...] = (
    passes_in_order,
    somebody_lives,
    main_lives,
    all_asleep,
    same_threads,
    same_calls,
    same_counters,
    every_wait_read,
    no_time_limit,
    known_wakers,
    no_alarm,
    no_posix_timer,
    no_timer_descriptor,
    no_connection_timer,
    no_pending_signal,
    everything_delivered,
    endings_arrived,
    clients_at_rest,
)


def prove(evidence: Evidence, rules: tuple[Rule, ...] = RULES) -> Proof | Refusal:
    """Whether the evidence proves that no step can follow unless a client acts."""
    reasons = tuple(reason for rule in rules if (reason := rule(evidence)))
    return Refusal(reasons) if reasons else Proof(evidence)
