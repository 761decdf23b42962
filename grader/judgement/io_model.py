"""The IO model as the kernel shows it: facets read from evidence taken at rest, never from the source text."""

from __future__ import annotations

from dataclasses import dataclass

from grader.evidence.records import (
    DescriptorKind,
    Evidence,
    Pass,
    Process,
    TcpSocket,
    TcpState,
    Wait,
    WaitKind,
)

_CALL_FACET = {
    WaitKind.ACCEPT: "accept",
    WaitKind.RECV: "recv",
    WaitKind.READ: "recv",
    WaitKind.SELECT: "select",
    WaitKind.POLL: "poll",
    WaitKind.EPOLL: "epoll",
    WaitKind.IO_URING: "io_uring",
    WaitKind.SLEEP: "sleep",
}


@dataclass(frozen=True, slots=True)
class Scene:
    """A server with `clients` silent clients: at rest with `evidence`, or never at rest (`evidence` None)."""

    clients: int
    look: Pass
    processes: tuple[Process, ...]
    evidence: Evidence | None


@dataclass(frozen=True, slots=True)
class Facets:
    """What was found. `uncovered` counts clients that no thread watches; `workers` with the growth that shows it."""

    workers: str
    waits: tuple[str, ...]
    sockets: str
    uncovered: int
    explanation: str


def observe(scenes: list[Scene]) -> Facets:
    """The facets from scenes with ever more silent clients, the first with none."""
    last = scenes[-1]
    workers, explanation = _workers(scenes)
    if last.evidence is None:
        return Facets(workers, ("running",), _sockets(last), 0, explanation)
    network = [wait for wait in last.evidence.waits if _touches_network(wait, last.evidence)]
    waits = tuple(sorted({_CALL_FACET.get(wait.kind, wait.call) for wait in network}))
    if not waits:
        waits = tuple(sorted({_CALL_FACET.get(wait.kind, wait.call) for wait in last.evidence.waits}))
    return Facets(workers, waits, _sockets(last), _uncovered(network, last.evidence), explanation)


def _workers(scenes: list[Scene]) -> tuple[str, str]:
    first, last = scenes[0], scenes[-1]
    clients = last.clients - first.clients
    processes = len(last.processes) - len(first.processes)
    threads = len(last.look.threads) - len(first.look.threads)
    if processes >= clients:
        return "processes", f"{clients} more clients brought {processes} more processes"
    if threads >= clients:
        return "threads", f"{clients} more clients brought {threads} more threads"
    busy = {(w.pid, w.tid) for w in _network_waits(last)}
    if len(busy) > 1:
        return "pool", f"{len(busy)} threads wait on the network, however many clients there are"
    return "single", "one thread serves them all"


def _network_waits(scene: Scene) -> list[Wait]:
    if scene.evidence is None:
        return []
    return [wait for wait in scene.evidence.waits if _touches_network(wait, scene.evidence)]


def watched(wait: Wait, evidence: Evidence) -> set[int]:
    """The descriptors that a wait watches: an epoll set's members in place of the set itself."""
    files = {d.fd: d for p in evidence.processes if p.pid == wait.pid for d in p.descriptors}
    targets = {*wait.reads, *wait.writes}
    if wait.kind is WaitKind.EPOLL:
        targets = {fd for one in targets if one in files for fd in files[one].watches}
    return {fd for fd in targets if fd in files and files[fd].kind is DescriptorKind.TCP}


def _touches_network(wait: Wait, evidence: Evidence) -> bool:
    return bool(watched(wait, evidence))


def _uncovered(network: list[Wait], evidence: Evidence) -> int:
    files = {(p.pid, d.fd): d.inode for p in evidence.processes for d in p.descriptors}
    inodes = {files[wait.pid, fd] for wait in network for fd in watched(wait, evidence)}
    return sum(1 for entry in _accepted(evidence.sockets) if entry.inode not in inodes)


def _accepted(sockets: tuple[TcpSocket, ...]) -> list[TcpSocket]:
    ports = {entry.local_port for entry in sockets if entry.state is TcpState.LISTEN}
    return [e for e in sockets if e.local_port in ports and e.inode and e.state is TcpState.ESTABLISHED]


def _sockets(scene: Scene) -> str:
    flags = {d.nonblocking for p in scene.processes for d in p.descriptors if d.kind is DescriptorKind.TCP}
    if len(flags) > 1:
        return "mixed"
    return "nonblocking" if True in flags else "blocking"


def contradictions(found: Facets, allowed: dict[str, list[str]]) -> list[str]:
    """One sentence for each facet in which what was found is not what the model allows; [] if it fits.

    `allowed` maps workers, waits, sockets and library to values; an empty list allows anything.
    """
    said = []
    if (workers := allowed.get("workers")) and found.workers not in workers:
        said.append(f"workers are {found.workers}, not {' or '.join(workers)}: {found.explanation}")
    if waits := allowed.get("waits"):
        wrong = [wait for wait in found.waits if wait not in waits]
        if wrong == ["running"]:
            said.append(f"it never waits in {' or '.join(waits)}: it runs all the time, whether or not there is work")
        elif wrong:
            said.append(f"it waits for the network in {' and '.join(wrong)}, not only in {' or '.join(waits)}")
        if found.uncovered and not wrong:
            said.append(f"{found.uncovered} of its clients are not in the set it waits on")
    if (sockets := allowed.get("sockets")) and found.sockets not in sockets:
        said.append(f"its sockets are {found.sockets}, not {' or '.join(sockets)}")
    return said
