"""Servers that are proved to stand still: in what, and who is left waiting."""

from __future__ import annotations

from collections.abc import Collection

from grader.evidence.records import TcpSocket, TcpState, Wait, WaitKind
from grader.judgement import source
from grader.judgement.at_work import blocking_line
from grader.judgement.diagnosis.case import (
    ONE_BY_ONE,
    SETS,
    Answer,
    Case,
    Place,
    Rule,
    ignores_send,
    listening_inodes,
    only_call,
    only_line,
    only_wait,
    place_of,
    queued,
    sends_blindly,
)
from grader.judgement.io_model import watched

_NOBODYS = {WaitKind.FUTEX, WaitKind.SLEEP, WaitKind.CHILD, WaitKind.SIGNAL, WaitKind.OTHER}
_SIGTERM = 1 << 14


def not_listening(case: Case) -> Answer | None:
    """It lives, asleep for good, and no socket of it listens."""
    if case.doing != "start" or case.ended or case.evidence is None:
        return None
    return "not-listening", place_of(case)


def recv_in_accept_loop(case: Case) -> Answer | None:
    """The only thread reads from one silent client while others wait to be accepted."""
    wait = only_wait(case, {WaitKind.RECV, WaitKind.READ})
    if wait is None or case.evidence is None or case.doing == "start":
        return None
    if case.doing == "io_model" and case.model in ONE_BY_ONE:
        return None  # that is how such a server waits
    return ("recv-in-accept-loop", place_of(case, wait)) if queued(case.evidence.sockets) else None


def blocking_send(case: Case) -> Answer | None:
    """The only thread writes to a client who does not read."""
    wait = only_wait(case, {WaitKind.SEND, WaitKind.WRITE})
    if wait is None or case.evidence is None:
        return None
    paused = any(not client.reads for client in case.evidence.clients)
    return ("blocking-send-to-slow-reader", place_of(case, wait)) if paused else None


def _inodes(case: Case, pid: int, fds: Collection[int]) -> set[int]:
    processes = case.evidence.processes if case.evidence else ()
    return {d.inode for p in processes if p.pid == pid for d in p.descriptors if d.fd in fds}


def _told_once(case: Case, wait: Wait) -> set[int]:
    """The sockets, by inode, of which an epoll set that is waited for tells once that there is something to read."""
    processes = case.evidence.processes if case.evidence else ()
    sets = [d for p in processes if p.pid == wait.pid for d in p.descriptors if d.fd in wait.reads]
    return _inodes(case, wait.pid, [fd for one in sets for fd in one.edges])


def _of_the_unserved(case: Case) -> tuple[TcpSocket, ...]:
    """The server's ends of the connections whose clients wait for something."""
    evidence = case.evidence
    ports = {c.local_port for c in evidence.clients if c.name in case.unserved} if evidence else set()
    return tuple(entry for entry in evidence.sockets if entry.remote_port in ports) if evidence else ()


def edge_triggered_not_drained(case: Case) -> Answer | None:
    """Epoll sleeps over a socket that it watches and that has something: it has told of that once, and never again."""
    wait = only_wait(case, {WaitKind.EPOLL})
    if wait is None or wait.limit is not None or case.evidence is None:
        return None
    unserved = _of_the_unserved(case)
    once = _told_once(case, wait)
    unread = once & {entry.inode for entry in unserved if entry.inode and entry.receive_queue}
    queue = once & listening_inodes(case.evidence.sockets) if any(not entry.inode for entry in unserved) else set()
    if not unread and not queue:
        return None
    place = only_call(case, {"recv", "recv_into", "read"} if unread else {"accept"})
    return "edge-triggered-not-drained", place if place.line else place_of(case, wait)


def not_accepting_any_more(case: Case) -> Answer | None:
    """Who waits has not been accepted, and the only thread waits for other sockets than the one that listens."""
    wait = only_wait(case, SETS)
    if wait is None or wait.limit is not None or not wait.reads or case.evidence is None:
        return None
    if all(entry.inode for entry in _of_the_unserved(case)):
        return None
    heard = _inodes(case, wait.pid, watched(wait, case.evidence.processes)) & listening_inodes(case.evidence.sockets)
    return None if heard else ("not-accepting-any-more", place_of(case, wait))


def accepted_but_not_watched(case: Case) -> Answer | None:
    """Whoever waits has been accepted, and the only thread waits for other sockets than theirs."""
    wait = only_wait(case, SETS)
    if wait is None or wait.limit is not None or not wait.reads or case.evidence is None:
        return None
    theirs = {entry.inode for entry in _of_the_unserved(case) if entry.inode and entry.receive_queue}
    if case.doing == "io_model" and "in the set it waits on" in case.summary:
        ports = {client.local_port for client in case.evidence.clients}
        theirs = {entry.inode for entry in case.evidence.sockets if entry.inode and entry.remote_port in ports}
    seen = _inodes(case, wait.pid, watched(wait, case.evidence.processes))
    # Who holds a connection in another process, or has handed it to one, may not need to watch it here.
    held = {d.inode for process in case.evidence.processes for d in process.descriptors if process.pid == wait.pid}
    return ("accepted-but-not-watched", place_of(case, wait)) if theirs and theirs <= held - seen else None


def waits_for_more(case: Case) -> Answer | None:
    """It has read all that a client sent, has answered nothing, and goes on reading from that client."""
    if case.evidence is None or not (case.protocol and case.protocol.reply in ("upper", "echo")):
        return None
    ports = {c.local_port for c in case.evidence.clients if c.name in case.unserved and not c.received and not c.unsent}
    theirs = [e for e in _of_the_unserved(case) if e.remote_port in ports]
    read = {e.inode for e in theirs if e.inode and e.received and not e.receive_queue}
    for wait in case.evidence.waits:
        if wait.kind in (WaitKind.RECV, WaitKind.READ) and _inodes(case, wait.pid, wait.reads) & read:
            return "waits-for-more", place_of(case, wait)
    return None


def waits_for_no_client(case: Case) -> Answer | None:
    """Every thread waits for something that no client can bring, and some wait for it."""
    if case.evidence is None or case.doing in ("start", "stops") or not case.unserved:
        return None
    waits = case.evidence.waits
    nobodys = all(w.kind in _NOBODYS and w.limit is None and not w.reads and not w.writes for w in waits)
    return ("waits-for-no-client", place_of(case, waits[0])) if waits and nobodys else None


def signal_only_noted(case: Case) -> Answer | None:
    """It has a handler for SIGTERM, got the signal, and sleeps on."""
    if case.doing != "stops" or case.evidence is None or "SIGTERM" not in case.summary:
        return None
    main = next((process for process in case.evidence.processes if process.pid == case.evidence.main), None)
    for_good = all(wait.limit is None for wait in case.evidence.waits)
    return ("signal-only-noted", place_of(case)) if for_good and main and main.caught & _SIGTERM else None


def send_return_ignored(case: Case) -> Answer | None:
    """All that a client sent was read, nothing is under way or about to be sent, and part of the reply is missing."""
    wait = only_wait(case, SETS)
    if wait is None or case.evidence is None or case.doing not in ("large", "slow_reader") or wait.writes:
        return None
    states = {c.name: c for c in case.evidence.clients}
    waiting = [states[name] for name in case.unserved if name in states]
    entries = {(e.local_port, e.remote_port): e for e in case.evidence.sockets}
    for client in waiting:
        entry = entries.get((client.server_port, client.local_port))
        if entry is None or entry.receive_queue or entry.send_queue or client.unsent or not client.received:
            return None
        other = entries.get((client.local_port, client.server_port))
        if other and other.send_queue:
            return None
    if not waiting:
        return None
    if any(name.endswith(".py") for name in case.sources):
        return ("send-return-ignored", only_line(case, ignores_send(case))) if sends_blindly(case) else None
    return "send-return-ignored", only_call(case, {"send"})


def not_passed_on(case: Case) -> Answer | None:
    """In a room, all that was said has been read, nothing is about to be sent, and somebody has not heard it."""
    wait = only_wait(case, SETS)
    if wait is None or wait.limit is not None or wait.writes or case.evidence is None or not case.unserved:
        return None
    if case.protocol is None or case.protocol.reply != "broadcast" or case.wrong:
        return None
    ports = {client.server_port for client in case.evidence.clients}
    ours = [entry for entry in case.evidence.sockets if entry.local_port in ports]
    done = all(
        entry.inode and not entry.receive_queue and not entry.send_queue for entry in ours if not _listens(entry)
    )
    said = all(not client.unsent for client in case.evidence.clients)
    return ("not-passed-on", Place()) if done and said else None


def _listens(entry: TcpSocket) -> bool:
    return entry.state is TcpState.LISTEN


def blocking_call_in_coroutine(case: Case) -> Answer | None:
    """The one thread of an event loop blocks in a call of its own while clients wait."""
    if case.doing != "at_work" or case.model != "asyncio":
        return None
    frame = next(filter(None, map(blocking_line, case.stacks)), None)
    calls = source.calls_at(case.sources.get(frame.file, []), frame.line) if frame else []
    return "blocking-call-in-coroutine", Place(frame.file, frame.line) if frame and calls else Place()


RULES: tuple[Rule, ...] = (
    not_listening,
    waits_for_more,
    recv_in_accept_loop,
    blocking_send,
    edge_triggered_not_drained,
    not_accepting_any_more,
    accepted_but_not_watched,
    not_passed_on,
    waits_for_no_client,
    signal_only_noted,
)
