"""Evidence in words: who stands where, waiting for what."""

from __future__ import annotations

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

_LISTED = 3


@dataclass(frozen=True, slots=True)
class Standing:
    """One thread in words: the call ("recvfrom(fd 4)") and what would let it go on."""

    pid: int
    tid: int
    thread: str
    call: str
    waits_for: str


def standings(evidence: Evidence) -> tuple[Standing, ...]:
    """Every thread of the tree, in the order of the pass, but for those of the language's runtime."""
    waits = {(wait.pid, wait.tid): wait for wait in evidence.waits}
    people = _People(evidence)
    names = thread_names(evidence.first.threads)
    return tuple(
        Standing(s.pid, s.tid, names[s.pid, s.tid], *_words(s, waits.get((s.pid, s.tid)), people))
        for s in evidence.first.students
    )


def thread_names(threads: tuple[ThreadSample, ...]) -> dict[tuple[int, int], str]:
    """What to call each thread: the main thread, then thread 2, 3...; with several processes, of which."""
    pids = sorted({sample.pid for sample in threads})
    names = {}
    for number, pid in enumerate(pids, 1):
        tids = sorted(sample.tid for sample in threads if sample.pid == pid and not sample.runtime)
        for index, tid in enumerate(tids, 1):
            thread = "main thread" if index == 1 else f"thread {index}"
            names[pid, tid] = thread if len(pids) == 1 else f"process {number}, {thread}"
    return names


def _words(sample: ThreadSample, wait: Wait | None, people: _People) -> tuple[str, str]:
    if wait is None:
        return ("running" if not sample.outside else "blocked outside a system call"), "nothing: it is running"
    limit = "" if wait.limit is None else f" for at most {wait.limit:.3g} s"
    match wait.kind:
        case WaitKind.SELECT | WaitKind.POLL | WaitKind.EPOLL:
            return wait.call, people.several(wait) + limit
        case WaitKind.FUTEX:
            return wait.call, f"a lock or another thread of the server{limit}"
        case WaitKind.SLEEP:
            return wait.call, "the end of its sleep" + limit
        case WaitKind.CHILD:
            return wait.call, "a child process to end"
        case _ if wait.reads or wait.writes:
            fd = (*wait.reads, *wait.writes)[0]
            return f"{wait.call}(fd {fd})", people.one(wait, fd) + limit
        case _:
            return wait.call, wait.unreadable or f"something{limit}"


class _People:
    """Who is behind a descriptor."""

    def __init__(self, evidence: Evidence) -> None:
        self._files = {(p.pid, d.fd): d for p in evidence.processes for d in p.descriptors}
        self._sockets = {entry.inode: entry for entry in evidence.sockets if entry.inode}
        self._clients = {(c.server_port, c.local_port): c for c in evidence.clients}

    def client(self, pid: int, fd: int) -> ClientState | None:
        entry = self._entry(pid, fd)
        return self._clients.get((entry.local_port, entry.remote_port)) if entry else None

    def _entry(self, pid: int, fd: int) -> TcpSocket | None:
        descriptor = self._files.get((pid, fd))
        return self._sockets.get(descriptor.inode) if descriptor else None

    def listens(self, pid: int, fd: int) -> bool:
        entry = self._entry(pid, fd)
        return entry is not None and entry.state is TcpState.LISTEN

    def one(self, wait: Wait, fd: int) -> str:
        client = self.client(wait.pid, fd)
        if client:
            return f"{client.name}, {_silence(client, writing=bool(wait.writes))}"
        if self.listens(wait.pid, fd):
            return "a new connection"
        descriptor = self._files.get((wait.pid, fd))
        if fd == 0 and descriptor and descriptor.kind is DescriptorKind.PIPE:
            return "its standard input, at which nobody types"
        return f"descriptor {fd} ({_target(descriptor)})"

    def several(self, wait: Wait) -> str:
        targets = dict.fromkeys((*wait.reads, *wait.writes))
        if wait.kind is WaitKind.EPOLL and wait.reads:
            descriptor = self._files.get((wait.pid, wait.reads[0]))
            targets = dict.fromkeys(descriptor.watches if descriptor else ())
        listeners = [fd for fd in targets if self.listens(wait.pid, fd)]
        clients = [client.name for fd in targets if (client := self.client(wait.pid, fd))]
        others = len(targets) - len(listeners) - len(clients)
        parts = ["a new connection"] if listeners else []
        parts += [listed(clients)] if clients else []
        parts += [f"{others} other descriptor{'s' * (others > 1)}"] if others else []
        return " or ".join(parts) or "nothing at all (an empty set)"


def _target(descriptor: Descriptor | None) -> str:
    return descriptor.target if descriptor else "not open"


def _silence(client: ClientState, *, writing: bool) -> str:
    if writing:
        return "who does not read" if not client.reads else "whose receive buffer is full"
    match client.phase:
        case ClientPhase.OPEN:
            return "who has nothing more to say for now"
        case ClientPhase.HALF_CLOSED:
            return "who has finished sending"
        case _:
            return "who has left"


def listed(names: list[str]) -> str:
    """A few names and how many more: "client 1, client 2, client 3 and 47 more"."""
    shown = ", ".join(names[:_LISTED])
    return shown if len(names) <= _LISTED else f"{shown} and {len(names) - _LISTED} more"


def unread_at_server(evidence: Evidence, client: str) -> tuple[int, bool]:
    """How many bytes of a client lie unread in the server's kernel, and whether its connection was accepted."""
    state = next((c for c in evidence.clients if c.name == client), None)
    for entry in evidence.sockets:
        if state and (entry.local_port, entry.remote_port) == (state.server_port, state.local_port):
            return entry.receive_queue, entry.inode != 0
    return 0, False


def where_it_stands(evidence: Evidence) -> str:
    """One clause: what the threads are in, and for whom."""
    found = standings(evidence)
    if len(found) == 1:
        return f"its only thread is in {found[0].call}, waiting for {found[0].waits_for}"
    groups: dict[str, int] = {}
    for standing in found:
        words = f"in {standing.call}, waiting for {standing.waits_for}"
        groups[words] = groups.get(words, 0) + 1
    first, count = max(groups.items(), key=lambda item: item[1])
    return f"all its {len(found)} threads are asleep, {count} of them {first}"


def unserved_clause(evidence: Evidence, names: tuple[str, ...], shortfall: str = "") -> str:
    """One clause on the client that waits: how much of it lies unread, and whether it was ever accepted."""
    if not names:
        return ""
    size, accepted = unread_at_server(evidence, names[0])
    if not accepted:
        return f"{names[0]} has not been accepted" + (f" and its {size} bytes lie unread" if size else "")
    unread = f"{names[0]}'s {size} bytes lie unread" if size else ""
    return ", ".join(filter(None, (shortfall, unread))) or f"{names[0]} waits for its reply"
