"""How a wait ended, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from grader.evidence.records import Descriptor, DescriptorKind, Evidence, Pass, TcpState, WaitKind
from grader.judgement import proof
from grader.judgement.budget import Spent
from grader.judgement.expectations import Expectation
from grader.judgement.explain import unserved_clause, where_it_stands
from grader.report.model import Basis, Verdict
from grader.words import say, together


class How(StrEnum):
    """The five ways in which waiting ends."""

    MET = "met"
    BROKEN = "broken"
    ENDED = "ended"
    STUCK = "stuck"
    SPENT = "spent"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `settle()` answers: `why` is one sentence; `evidence` lies behind a proof, `look` is the last pass.

    `busy`: it was CPU time that ran out; `starved`: the server was kept from running, so nothing is known; `quiet`:
    nothing can happen before a time limit or a timer runs out, and nothing waits to be done; `queued`: nothing but
    clients who have not been accepted. `still`: it would be stuck, if only nobody else could reach it. `kept_off`:
    for how many seconds it was kept off the CPU, where it was the clock that ran out.
    """

    how: How
    why: str = ""
    evidence: Evidence | None = None
    look: Pass | None = None
    busy: bool = False
    starved: bool = False
    quiet: bool = False
    queued: bool = False
    still: bool = False
    kept_off: float | None = None

    @property
    def at_rest(self) -> bool:
        """Whether the server sleeps, for good or until a time limit, with nothing left to do."""
        return self.how is How.STUCK or self.quiet

    @property
    def basis(self) -> Basis:
        """What a verdict from this outcome rests on."""
        return {How.STUCK: Basis.PROOF, How.SPENT: Basis.BUDGET}.get(self.how, Basis.OBSERVATION)

    @property
    def verdict(self) -> Verdict:
        """The verdict on a check that asked for the expectation."""
        if self.how is How.MET:
            return Verdict.PASS
        return Verdict.INCONCLUSIVE if self.starved else Verdict.FAIL


def stuck(evidence: Evidence, expectation: Expectation) -> Outcome:
    """The expectation can never be met: say where the server stands and who waits."""
    names = expectation.unmet()
    waiting = unserved_clause(evidence, names, expectation.shortfall())
    why = together(filter(None, (where_it_stands(evidence), waiting)))
    return Outcome(How.STUCK, why, evidence)


def still(evidence: Evidence, expectation: Expectation, seconds: float) -> Outcome:
    """Where others might still wake the server up: all that a proof takes but for them, for some seconds."""
    unmoved = say("nothing moved for {seconds:g} s", seconds=seconds)
    why = together([stuck(evidence, expectation).why, unmoved])
    return Outcome(How.SPENT, why, evidence, evidence.second, still=True)


def spent(what: Spent, look: Pass, evidence: Evidence | None) -> Outcome:
    """The budget ran out."""
    return Outcome(How.SPENT, what.reason, evidence, look, what.busy, what.starved, kept_off=what.kept_off)


_BUT_FOR_TIME = tuple(rule for rule in proof.RULES if rule is not proof.no_time_limit)
# What a ring of io_uring is about to do no other process can see; a thread that waits for it may rest all the same.
_BUT_FOR_RINGS = {proof.every_wait_read, proof.known_wakers}
_LONG = 10.0
_TIMERS = {proof.no_alarm, proof.no_posix_timer, proof.no_timer_descriptor, proof.no_connection_timer}
_BUT_FOR_TIMERS = tuple(rule for rule in _BUT_FOR_TIME if rule not in _TIMERS | _BUT_FOR_RINGS)


def resting(evidence: Evidence, *, queue: bool = True) -> bool:
    """Nothing will happen before a timed wait or a timer runs out, and the server has taken all that came.

    Without `queue`: all that came from those whom it has accepted.

    What lies unread at a connection on which a thread is blocked sending does not count, for until the client reads
    that thread will not (or its time limit runs out); and where nothing is timed at all, whatever lies unread stays so.
    """
    others = _but_for_rings(evidence)
    foreign = proof.known_wakers(_but_for_timerfds(others)) or any(wait.unreadable for wait in others.waits)
    if foreign or not isinstance(proof.prove(evidence, _BUT_FOR_TIMERS), proof.Proof):
        return False
    if not any(rule(others) for rule in (proof.no_time_limit, *_TIMERS)):
        return True
    clients = {client.server_port for client in evidence.clients}
    listening = {e.local_port for e in evidence.sockets if e.state is TcpState.LISTEN}
    ours = (e for e in evidence.sockets if e.local_port in clients | listening)
    untaken = {e.inode for e in ours if e.receive_queue and (queue or (e.inode and e.state is not TcpState.LISTEN))}
    return untaken <= _blocked_sending(evidence)


def asleep_but_for_alarms(evidence: Evidence) -> bool:
    """Nothing can happen for seconds, but for an interval timer of which nobody can see whether it is running."""
    others = tuple(rule for rule in _BUT_FOR_TIME if rule is not proof.no_alarm)
    soon = any(wait.limit is not None and wait.limit < _LONG for wait in evidence.waits)
    return not soon and isinstance(proof.prove(evidence, others), proof.Proof)


def _but_for_rings(evidence: Evidence) -> Evidence:
    return replace(
        evidence,
        waits=tuple(wait for wait in evidence.waits if wait.kind is not WaitKind.IO_URING),
        processes=tuple(
            replace(p, descriptors=tuple(d for d in p.descriptors if d.kind is not DescriptorKind.IO_URING))
            for p in evidence.processes
        ),
    )


def _but_for_timerfds(evidence: Evidence) -> Evidence:
    """As if each were an eventfd: that time may make it readable is told by the rule about timers."""
    return replace(
        evidence,
        processes=tuple(replace(p, descriptors=tuple(map(_untimed, p.descriptors))) for p in evidence.processes),
    )


def _untimed(descriptor: Descriptor) -> Descriptor:
    timed = descriptor.kind is DescriptorKind.TIMERFD
    return replace(descriptor, kind=DescriptorKind.EVENTFD) if timed else descriptor


_SENDING = (WaitKind.SEND, WaitKind.WRITE, WaitKind.POLL, WaitKind.SELECT)
"""With a time limit on a socket, send() waits in poll() for just it."""
_SOON = 1.0
"""Seconds after which whoever could not send may do something else, which is not waited out."""


def _blocked_sending(evidence: Evidence) -> set[int]:
    """The sockets, by inode, at which a thread waits for nothing but room to send, and will for a while."""
    inodes = {(p.pid, d.fd): d.inode for p in evidence.processes for d in p.descriptors}
    senders = (w for w in evidence.waits if w.kind in _SENDING and (w.limit is None or w.limit > _SOON))
    return {inodes.get((wait.pid, fd), 0) for wait in senders for fd in {*wait.writes} - {*wait.reads}} - {0}


def sleeps_too_long(evidence: Evidence, patience: float, lived: float) -> float | None:
    """The shortest time limit in seconds, if nothing can happen before it and it lies beyond `patience` seconds.

    Of most waits the limit is known but not when they began: at the earliest with the server, `lived` seconds ago.
    """
    limits = [wait.limit for wait in evidence.waits if wait.limit is not None and not wait.runtime]
    if not limits or min(limits) - lived < patience:
        return None
    return min(limits) if isinstance(proof.prove(evidence, _BUT_FOR_TIME), proof.Proof) else None
