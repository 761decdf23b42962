"""The IO model as the kernel shows it: facets read from evidence taken at rest, never from the source text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from grader.evidence.records import (
    DescriptorKind,
    Evidence,
    Frame,
    Pass,
    Process,
    Stack,
    TcpSocket,
    TcpState,
    Wait,
    WaitKind,
)
from grader.words import also, either, mark, said, say

_CALL_FACET = {
    WaitKind.ACCEPT: "accept",
    WaitKind.RECV: "recv",
    WaitKind.READ: "recv",
    WaitKind.SELECT: "select",
    WaitKind.POLL: "poll",
    WaitKind.EPOLL: "epoll",
    WaitKind.IO_URING: "io_uring",
    WaitKind.SEND: "send",
    WaitKind.WRITE: "send",
    WaitKind.SLEEP: "sleep",
}
SETS = (WaitKind.SELECT, WaitKind.POLL, WaitKind.EPOLL)
_WAKERS = (WaitKind.FUTEX, WaitKind.SIGNAL)
"""With a time limit a nap that can be ended early: by another thread, or by a signal."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A server with `clients` silent clients: at rest with `evidence`, or never at rest (`evidence` None).

    `naps` are the waits seen in many looks at a server that is not asleep for good: what it does by and by.
    """

    clients: int
    look: Pass
    processes: tuple[Process, ...]
    evidence: Evidence | None
    sockets: tuple[TcpSocket, ...]
    naps: tuple[Wait, ...] = ()

    @property
    def waits(self) -> tuple[Wait, ...]:
        """What its threads wait in."""
        return self.naps or (self.evidence.waits if self.evidence else ())


@dataclass(frozen=True, slots=True)
class Facets:
    """What was found.

    `workers` is single, threads, processes or pool, and for a pool `made_of` threads or processes, with at most
    `bound` clients served at once (None where it was not reached). `uncovered` counts accepted clients that no thread
    waits for; `turns`: one thread waits for single sockets in turn; `single` are the calls of `waits` that could watch
    many sockets, and watch one in every thread. `explanation` is what the workers were told by.
    """

    workers: str
    waits: tuple[str, ...]
    sockets: str
    uncovered: int
    explanation: str
    made_of: str | None = None
    bound: int | None = None
    library: str | None = None
    turns: bool = False
    single: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Workers:
    kind: str
    explanation: str
    made_of: str | None = None
    bound: int | None = None


def observe(scenes: list[Scene], stacks: tuple[Stack, ...] = (), runtimes: tuple[str, ...] = ()) -> Facets:
    """The facets from scenes with ever more silent clients, the first with none.

    `stacks` are those of the last scene's threads, `runtimes` those of its processes' languages.
    """
    last = scenes[-1]
    attended = attended_by_thread(last)
    workers = _workers(scenes, attended)
    waits, turns = waits_of(last), _takes_turns(last)
    if turns and "recv" in waits:
        # Of one that waits a little at each socket, whether it is ever seen at the listener is luck.
        waits = tuple(call for call in waits if call != "accept")
    # What a ring of io_uring waits for, no other process can see.
    hidden = any(wait.kind is WaitKind.IO_URING for wait in last.waits)
    seen = {connection for connections in attended.values() for connection in connections}
    return Facets(
        workers=workers.kind,
        waits=waits,
        sockets=_sockets(last),
        uncovered=0 if hidden else len(_accepted(last) - seen),
        explanation=workers.explanation,
        made_of=workers.made_of,
        bound=workers.bound,
        library=library_of(stacks, asleep=_asleep_for_good(last)) or _of_runtime(runtimes, waits),
        turns=turns,
        single=_on_one_socket(last),
    )


def _takes_turns(scene: Scene) -> bool:
    """Whether one thread was seen waiting for one socket, and then for another one."""
    single: dict[tuple[int, int], set[int]] = {}
    for wait in scene.waits:
        fds = watched(wait, scene.processes)
        if len(fds) == 1 and wait.kind not in (WaitKind.SELECT, WaitKind.EPOLL):
            single.setdefault((wait.pid, wait.tid), set()).update(fds)
    return any(len(fds) > 1 for fds in single.values())


def _on_one_socket(scene: Scene) -> tuple[str, ...]:
    """The calls made for many sockets in which no thread was ever seen waiting for more than one, and always that.

    Such a call is how to wait in accept() or recv() with a time limit, or for a signal, too.
    """
    seen: dict[str, dict[tuple[int, int], set[int]]] = {}
    for wait in scene.waits:
        if wait.kind in SETS and (fds := watched(wait, scene.processes)):
            seen.setdefault(_CALL_FACET[wait.kind], {}).setdefault((wait.pid, wait.tid), set()).update(fds)
    return tuple(call for call, threads in seen.items() if all(len(fds) == 1 for fds in threads.values()))


def _workers(scenes: list[Scene], attended: dict[tuple[int, int], set[int]]) -> _Workers:
    first, last = scenes[0], scenes[-1]
    clients = last.clients - first.clients
    processes = len(last.processes) - len(first.processes)
    threads = len(last.look.students) - len(first.look.students)
    if processes >= clients:
        brought = say("{clients} more clients brought {more} more processes", clients=clients, more=processes)
        return _Workers("processes", brought)
    if threads >= clients:
        brought = say("{clients} more clients brought {more} more threads", clients=clients, more=threads)
        return _Workers("threads", brought)
    if len(attended) <= 1:
        return _Workers("single", say("one thread serves them all"))
    made_of = "processes" if len({pid for pid, _ in attended}) > 1 else "threads"
    alone = all(len(connections) == 1 for connections in attended.values())
    count = len(attended)
    each = say("one client each") if alone else say("several clients each")
    workers = said(_MADE_OF[made_of])
    words = say(
        "{count} {workers} serve {each} of {clients}", count=count, workers=workers, each=each, clients=last.clients
    )
    return _Workers("pool", words, made_of, count if alone else None)


def attended_by_thread(scene: Scene) -> dict[tuple[int, int], set[int]]:
    """The accepted connections (by inode) that each thread waits for; threads that wait for none are left out."""
    accepted = _accepted(scene)
    inodes = {(p.pid, d.fd): d.inode for p in scene.processes for d in p.descriptors}
    found: dict[tuple[int, int], set[int]] = {}
    for wait in scene.waits:
        theirs = {inodes[wait.pid, fd] for fd in watched(wait, scene.processes)} & accepted
        if theirs:
            found.setdefault((wait.pid, wait.tid), set()).update(theirs)
    return found


def _accepted(scene: Scene) -> set[int]:
    """The connections with clients: one of which the server holds both ends is how it wakes itself up."""
    ports = {entry.local_port for entry in scene.sockets if entry.state is TcpState.LISTEN}
    held = {d.inode for p in scene.processes for d in p.descriptors}
    open_ = [entry for entry in scene.sockets if entry.state is TcpState.ESTABLISHED and entry.inode]
    own = {(entry.remote_port, entry.local_port) for entry in open_ if entry.inode in held}
    return {e.inode for e in open_ if e.local_port in ports and (e.local_port, e.remote_port) not in own}


def watched(wait: Wait, processes: tuple[Process, ...]) -> set[int]:
    """The TCP descriptors that a wait watches: an epoll set's members in place of the set itself, also of one in it."""
    files = {d.fd: d for p in processes if p.pid == wait.pid for d in p.descriptors}
    targets, found = {*wait.reads, *wait.writes}, set[int]()
    while targets - found:
        found |= targets
        targets = {fd for one in targets if one in files for fd in files[one].watches}
    return {fd for fd in found if fd in files and files[fd].kind is DescriptorKind.TCP}


def waits_of(scene: Scene) -> tuple[str, ...]:
    """The calls in which threads wait for the network; where none does, those in which they wait at all."""
    listening = {entry.inode for entry in scene.sockets if entry.state is TcpState.LISTEN}
    network, others = set(), set()
    for wait in scene.waits:
        fds = watched(wait, scene.processes)
        if fds:
            files = {d.fd: d.inode for p in scene.processes if p.pid == wait.pid for d in p.descriptors}
            network.add(_facet(wait, fds, listens=any(files[fd] in listening for fd in fds)))
        elif wait.runtime:
            continue
        elif is_nap(wait) or _lets_time_pass(wait, scene.processes):
            others.add("sleep")
        else:
            others.add(_CALL_FACET.get(wait.kind, wait.call))
    if not network and _runs_unseen(scene):
        return ("running",)
    return tuple(sorted(network or others)) or ("running",)


def _runs_unseen(scene: Scene) -> bool:
    """Whether some thread was never seen waiting for anything: that others of it wait for work says nothing."""
    seen = {(wait.pid, wait.tid) for wait in scene.waits}
    return any(sample.call is None and (sample.pid, sample.tid) not in seen for sample in scene.look.students)


def _facet(wait: Wait, fds: set[int], *, listens: bool) -> str:
    # With a time limit on a socket, and in some languages always, accept() and recv() wait in poll() for just it.
    if wait.kind is WaitKind.POLL and len(fds) == 1:
        return "accept" if listens else "recv" if wait.reads else "send"
    return _CALL_FACET.get(wait.kind, wait.call)


def _lets_time_pass(wait: Wait, processes: tuple[Process, ...]) -> bool:
    """Whether a wait that is for no client ends by itself, or with a timer: an elaborate way to sleep for a while."""
    timers = {d.fd for p in processes if p.pid == wait.pid for d in p.descriptors if d.kind is DescriptorKind.TIMERFD}
    if wait.kind in SETS or wait.kind in _WAKERS:
        return wait.limit is not None or wait.kind is WaitKind.SIGNAL
    return wait.kind is WaitKind.READ and bool(timers & {*wait.reads})


def is_nap(wait: Wait) -> bool:
    """Whether a wait only lets time pass."""
    sets = wait.kind in SETS
    return wait.kind is WaitKind.SLEEP or (sets and wait.limit is not None and not (wait.reads or wait.writes))


_LIBRARIES = {
    "asyncio": re.compile(r"/asyncio/\w+\.py$"),
    "socketserver": re.compile(r"/socketserver\.py$"),
    "selectors": re.compile(r"/selectors\.py$"),
}
_EVENTS = re.compile(r"/asyncio/events\.py$")
_LOOPS_OF_SOCKETSERVER = ("serve_forever", "handle_request")


def library_of(stacks: tuple[Stack, ...], *, asleep: bool = True) -> str | None:
    """The library whose loop runs the server: of several the outermost (asyncio and socketserver use selectors).

    Unless the server is `asleep` for good it may have been seen in the midst of something that its loop has called.
    """
    frames = (frame for stack in stacks for frame in (_at_the_loop(stack) if asleep else stack.frames))
    files = [frame.file for frame in frames if not frame.own]
    return next((name for name, file in _LIBRARIES.items() if any(map(file.search, files))), None)


def _asleep_for_good(scene: Scene) -> bool:
    return scene.evidence is not None and all(wait.limit is None for wait in scene.waits)


def _at_the_loop(stack: Stack) -> tuple[Frame, ...]:
    """The frames of a thread, but for a library's loop that has called something and waits for that to return.

    Whom socketserver's loop has called by way of a handler, it serves by that.
    """
    frames = stack.frames
    tasks = (n for n, f in enumerate(frames) if f.function.rpartition(".")[2] == "_run" and _EVENTS.search(f.file))
    guests = (n for n, f in enumerate(frames) if n and frames[n - 1].own and _is_loop_of_socketserver(f))
    return frames[: min((*tasks, *guests), default=None)]


def _is_loop_of_socketserver(frame: Frame) -> bool:
    name = frame.function.rpartition(".")[2]
    return name in _LOOPS_OF_SOCKETSERVER and bool(_LIBRARIES["socketserver"].search(frame.file))


def _of_runtime(runtimes: tuple[str, ...], waits: tuple[str, ...]) -> str | None:
    """The event loop of a language's runtime: nothing but that can wait in epoll there, or run without ever waiting."""
    if not {"epoll", "running"} & set(waits):
        return None
    return next((loop for name, loop in _LOOPS.items() if name in runtimes), None)


_LOOPS = {"java": "java.nio", "node": "libuv", "go": "go"}


def _sockets(scene: Scene) -> str:
    flags = {d.nonblocking for p in scene.processes for d in p.descriptors if d.kind is DescriptorKind.TCP}
    if len(flags) > 1:
        return "mixed"
    return "nonblocking" if True in flags else "blocking"


def contradictions(found: Facets, allowed: dict[str, list[str]]) -> list[str]:
    """One sentence for each facet in which what was found is not what the model allows; [] if it fits.

    `allowed` maps workers, made_of, waits, sockets and library to values; an empty list allows anything.
    """
    wrong: list[str] = []
    if (workers := allowed.get("workers")) and found.workers not in workers:
        asked = either(said(_ASKED[one]) for one in workers)
        wrong.append(say("{found}, where the model has {asked}", found=found.explanation, asked=asked))
    elif (made_of := allowed.get("made_of")) and found.made_of not in made_of:
        asked = either(said(_MADE_OF[one]) for one in made_of)
        wrong.append(say("{found}, where the model has a pool of {asked}", found=found.explanation, asked=asked))
    wrong += _wrong_waits(found, allowed.get("waits") or [])
    if (sockets := allowed.get("sockets")) and found.sockets not in sockets:
        are, should = said(_SOCKETS[found.sockets]), either(said(_SOCKETS[one]) for one in sockets)
        wrong.append(say("its sockets are {seen}, not {right}", seen=are, right=should))
    if (library := allowed.get("library")) and (found.library or "none") not in library:
        whose, rightly = _whose(found.library or "none"), either(map(_whose, library))
        wrong.append(say("its loop is {seen}, not {right}", seen=whose, right=rightly))
    return wrong


def _wrong_waits(found: Facets, waits: list[str]) -> list[str]:
    # Of a library's or a runtime's loop it is no accident that it waits as it does.
    own = found.library in (None, "selectors", "socketserver")
    right = {*waits, *found.single} if own and "recv" in waits else set(waits)
    wrong = [wait for wait in found.waits if waits and wait not in right]
    if wrong == ["running"]:
        words = say(
            "it never waits in {calls}: it runs all the time, whether or not there is work", calls=either(waits)
        )
        return [words]
    if wrong == ["sleep"]:
        words = say(
            "it never waits in {calls}: it sleeps for a while, looks at its sockets, and sleeps again",
            calls=either(waits),
        )
        return [words]
    if wrong:
        return [say("it waits for the network in {seen}, not only in {right}", seen=also(wrong), right=either(waits))]
    if waits and found.turns:
        return [say("it waits for one socket after the other, for a moment each")]
    if waits and found.uncovered and found.workers == "single" and not {"sleep", "running"} & set(waits):
        sets = {"select", "poll", "epoll"} & set(waits)
        if sets:
            return [say("not all of its clients are in the set it waits on")]
        return [say("it accepts clients that nobody waits for")]
    return []


_ASKED = {
    "single": mark("one thread for all of them"),
    "threads": mark("a thread for each client"),
    "processes": mark("a process for each client"),
    "pool": mark("a pool of workers"),
}
_MADE_OF = {"threads": mark("threads"), "processes": mark("processes")}
_SOCKETS = {"blocking": mark("blocking"), "nonblocking": mark("nonblocking"), "mixed": mark("mixed")}
_OWNERS = {"none": say("its own"), "go": say("that of Go's runtime")}


def _whose(library: str) -> str:
    return _OWNERS.get(library) or say("that of {library}", library=library)
