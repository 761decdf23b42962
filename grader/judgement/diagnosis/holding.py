"""Servers that keep what they should give back."""

from __future__ import annotations

from grader.evidence.records import DescriptorKind, Process, TcpState, WaitKind
from grader.judgement.diagnosis.case import (
    SETS,
    Answer,
    Case,
    Place,
    Rule,
    crash_place,
    listening_inodes,
    only_call,
)
from grader.judgement.io_model import watched

_MANY = 100
_FOR_CLIENTS = SETS | {WaitKind.ACCEPT, WaitKind.RECV, WaitKind.READ}
_STARTING = {"fork", "Process", "Thread", "start_new_thread"}


def zombie_children(case: Case) -> Answer | None:
    """Children have ended, and nobody has asked how."""
    return ("zombie-children", only_call(case, {"fork", "Process"})) if case.grew == "zombies" else None


def parent_keeps_connection(case: Case) -> Answer | None:
    """After fork() two processes have the connection; the child has given its up, the one that accepts has not."""
    asked = case.grew == "sockets" or case.doing == "half_close"
    if case.ended or case.spinning or not asked or not _parent_holds_what_has_ended(case):
        return None
    return "parent-keeps-connection", only_call(case, {"fork"})


def _parent_holds_what_has_ended(case: Case) -> bool:
    """Whether the process that accepts holds connections that its clients have ended, beside other processes."""
    waits = case.evidence.waits if case.evidence else ()
    accepting = {wait.pid for wait in waits if wait.kind is WaitKind.ACCEPT}
    processes = case.evidence.processes if case.evidence else case.processes
    ended = _ended_connections(case, processes)
    holders = {p.pid for p in processes if any(d.inode in ended for d in p.descriptors)}
    listeners = listening_inodes(case.sockets)
    parents = {p.pid for p in processes} & {p.parent for p in processes}
    if len(processes) == 1 and case.processes_seen > 1:
        parents = {processes[0].pid}  # all of its children have ended
    keeps = {p.pid for p in processes if p.pid in parents and any(d.inode in listeners for d in p.descriptors)}
    return bool(holders & keeps) and (not waits or bool(holders & accepting))


def _ended_connections(case: Case, processes: tuple[Process, ...]) -> set[int]:
    """The connections that these hold although their clients have ended them."""
    # Those that were reset are in no table of the kernel any more.
    alive = {entry.inode for entry in case.sockets if entry.state is not TcpState.CLOSE_WAIT}
    return {d.inode for p in processes for d in p.descriptors if d.kind is DescriptorKind.TCP} - alive


def removed_but_not_closed(case: Case) -> Answer | None:
    """Clients have left, the server sleeps and watches none of their connections any more, but holds them open."""
    if case.spinning or case.ended:
        return None
    left = {e.inode for e in case.sockets if e.state is TcpState.CLOSE_WAIT and e.inode}
    if case.evidence is None:
        used_up = case.doing == "capacity" and len(left) >= _MANY
        kept = case.grew == "sockets" and _ended_connections(case, case.processes)
        return ("removed-but-not-closed", Place()) if kept or used_up else None
    held = {(p.pid, d.fd) for p in case.evidence.processes for d in p.descriptors if d.inode in left}
    waits, processes = case.evidence.waits, case.evidence.processes
    looked_at = {(wait.pid, fd) for wait in waits for fd in watched(wait, processes)}
    forgotten = case.doing == "half_close" and held and not held & looked_at
    # A worker of a library's that has nothing to do will not close them either.
    idle = {(stack.pid, stack.tid) for stack in case.stacks if stack.own_frame is None}
    kinds = {wait.kind for wait in waits if wait.kind is not WaitKind.FUTEX or (wait.pid, wait.tid) not in idle}
    return ("removed-but-not-closed", Place()) if forgotten and kinds <= _FOR_CLIENTS else None


def worker_lost(case: Case) -> Answer | None:
    """Clients have left, and with them workers of the pool, or all: then whoever comes is kept and never served."""
    seen = case.unserved or "became fewer" in case.summary or case.grew == "sockets"
    if case.ended or case.turned_away or not seen or "workers_lost" not in case.facts:
        return None
    return "worker-lost", crash_place(case)


def workers_never_end(case: Case) -> Answer | None:
    """Whoever served a client that has left is still there."""
    return ("workers-never-end", only_call(case, _STARTING)) if case.grew in ("threads", "processes") else None


def files_never_closed(case: Case) -> Answer | None:
    """It opens something for each message or client that is no connection, and does not close it."""
    return ("files-never-closed", only_call(case, {"open"})) if case.grew == "descriptors" else None


def buffer_without_bound(case: Case) -> Answer | None:
    """It reads on and on from a client who does not read, and keeps all that it cannot send."""
    return ("buffer-without-bound", Place()) if case.doing == "memory" and "held" in case.facts else None


RULES: tuple[Rule, ...] = (
    zombie_children,
    parent_keeps_connection,
    removed_but_not_closed,
    workers_never_end,
    files_never_closed,
    buffer_without_bound,
)
