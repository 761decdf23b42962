"""Evidence in words: who stands where, waiting for what."""

from __future__ import annotations

import functools
from collections.abc import Iterable
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
from grader.words import clauses, listed, say, say_of

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
    return named((sample.pid, sample.tid) for sample in threads if not sample.runtime)


def named(threads: Iterable[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """The same of threads that are known by their process and thread ids alone."""
    tids: dict[int, list[int]] = {}
    for pid, tid in sorted(set(threads)):
        tids.setdefault(pid, []).append(tid)
    names: dict[tuple[int, int], str] = {}
    for number, (pid, own) in enumerate(tids.items(), 1):
        for index, tid in enumerate(own, 1):
            thread = say("main thread") if index == 1 else say("thread {number}", number=index)
            alone = len(tids) == 1
            names[pid, tid] = thread if alone else say("process {number}, {thread}", number=number, thread=thread)
    return names


def _words(sample: ThreadSample, wait: Wait | None, people: _People) -> tuple[str, str]:
    if wait is None:
        stands = say("blocked outside a system call") if sample.outside else say("running")
        return stands, say("nothing: it is running")
    match wait.kind:
        case WaitKind.SELECT | WaitKind.POLL | WaitKind.EPOLL:
            return wait.call, _limited(people.several(wait), wait)
        case WaitKind.FUTEX:
            return wait.call, _limited(say("a lock or another thread of the server"), wait)
        case WaitKind.SLEEP:
            return wait.call, _limited(say("the end of its sleep"), wait)
        case WaitKind.CHILD:
            return wait.call, say("a child process to end")
        case _ if wait.reads or wait.writes:
            fd = (*wait.reads, *wait.writes)[0]
            return f"{wait.call}(fd {fd})", _limited(people.one(wait, fd), wait)
        case _:
            return wait.call, wait.unreadable or _limited(say("something"), wait)


def _limited(what: str, wait: Wait) -> str:
    if wait.limit is None:
        return what
    return say("{what} for at most {limit:.3g} s", what=what, limit=wait.limit)


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
            silence = _silence(client, writing=bool(wait.writes))
            return say("{client}, {who_is_silent}", client=client.name, who_is_silent=silence)
        if self.listens(wait.pid, fd):
            return say("a new connection")
        descriptor = self._files.get((wait.pid, fd))
        if fd == 0 and descriptor and descriptor.kind is DescriptorKind.PIPE:
            return say("its standard input, at which nobody types")
        return say("descriptor {fd} ({target})", fd=fd, target=_target(descriptor))

    def several(self, wait: Wait) -> str:
        targets = dict.fromkeys((*wait.reads, *wait.writes))
        if wait.kind is WaitKind.EPOLL and wait.reads:
            descriptor = self._files.get((wait.pid, wait.reads[0]))
            targets = dict.fromkeys(descriptor.watches if descriptor else ())
        listeners = [fd for fd in targets if self.listens(wait.pid, fd)]
        clients = [client.name for fd in targets if (client := self.client(wait.pid, fd))]
        others = len(targets) - len(listeners) - len(clients)
        parts: list[str] = [say("a new connection")] if listeners else []
        parts += [some(clients)] if clients else []
        parts += [say_of(others, "{count} other descriptor", "{count} other descriptors")] if others else []
        if not parts:
            return say("nothing at all (an empty set)")
        return functools.reduce(lambda one, other: say("{one} or {other}", one=one, other=other), parts)


def _target(descriptor: Descriptor | None) -> str:
    return descriptor.target if descriptor else say("not open")


def _silence(client: ClientState, *, writing: bool) -> str:
    if writing:
        return say("whose receive buffer is full") if client.reads else say("who does not read")
    match client.phase:
        case ClientPhase.OPEN:
            return say("who has nothing more to say for now")
        case ClientPhase.HALF_CLOSED:
            return say("who has finished sending")
        case _:
            return say("who has left")


def some(names: list[str]) -> str:
    """A few names and how many more: "client 1, client 2, client 3 and 47 more"."""
    shown, more = listed(names[:_LISTED]), len(names) - _LISTED
    return shown if more <= 0 else say("{some} and {more} more", some=shown, more=more)


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
        only = found[0]
        return say("its only thread is in {call}, waiting for {whom}", call=only.call, whom=only.waits_for)
    groups: dict[str, int] = {}
    for standing in found:
        words = say("in {call}, waiting for {whom}", call=standing.call, whom=standing.waits_for)
        groups[words] = groups.get(words, 0) + 1
    first, count = max(groups.items(), key=lambda item: item[1])
    return say(
        "all its {threads} threads are asleep, {count} of them {where}", threads=len(found), count=count, where=first
    )


def unserved_clause(evidence: Evidence, names: tuple[str, ...], shortfall: str = "") -> str:
    """One clause on the client that waits: how much of it lies unread, and whether it was ever accepted."""
    if not names:
        return ""
    if any(client.refused for client in evidence.clients if client.name == names[0]):
        return say("{client} was refused: nobody listened at that moment", client=names[0])
    size, accepted = unread_at_server(evidence, names[0])
    if not accepted:
        if size:
            return say("{client} has not been accepted and its {size} bytes lie unread", client=names[0], size=size)
        return say("{client} has not been accepted", client=names[0])
    unread = say("{client}'s {size} bytes lie unread", client=names[0], size=size) if size else ""
    return clauses(filter(None, (shortfall, unread))) or say("{client} waits for its reply", client=names[0])
