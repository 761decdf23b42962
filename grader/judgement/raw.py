"""The evidence itself, line by line, for whoever wants to check a verdict by hand."""

from __future__ import annotations

from grader.evidence.records import Evidence, Pass, TcpSocket, TcpState, ThreadSample

_LONGEST = 60


def evidence_lines(evidence: Evidence) -> list[str]:
    """Threads of both passes, waits, sockets and clients, as they were read; long lists are cut with a notice."""
    between = (evidence.second.began_ns - evidence.first.ended_ns) / 1e6
    lines = [f"two passes over {len(evidence.first.threads)} thread(s), {between:.2f} ms apart"]
    lines += _cut([_thread(sample) for sample in evidence.first.threads])
    same = [(s.tid, s.counters) for s in evidence.first.threads] == [
        (s.tid, s.counters) for s in evidence.second.threads
    ]
    lines.append("second pass: " + ("the same threads, calls and counters" if same else "the counters have moved"))
    for wait in evidence.waits:
        limit = "no time limit" if wait.limit is None else f"time limit {wait.limit:g} s"
        lines.append(f"thread {wait.tid} {wait.call}: {limit}, reads {_fds(wait.reads)}, writes {_fds(wait.writes)}")
    lines += _cut([_socket(entry) for entry in evidence.sockets if entry.state is not TcpState.TIME_WAIT])
    return lines + _cut(
        [
            f"{c.name}: {c.phase}, port {c.local_port}, sent {c.sent}, received {c.received}, unread {c.unread}"
            + ("" if c.reads else ", does not read")
            for c in evidence.clients
        ]
    )


def look_lines(look: Pass) -> list[str]:
    """One pass, where there is no more."""
    return _cut([_thread(sample) for sample in look.threads])


def _cut(lines: list[str]) -> list[str]:
    if len(lines) <= _LONGEST:
        return lines
    return [*lines[:_LONGEST], f"... and {len(lines) - _LONGEST} more"]


def _thread(sample: ThreadSample) -> str:
    call = f"{sample.call.name}({', '.join(f'{arg:#x}' for arg in sample.call.args)})" if sample.call else "running"
    counters = sample.counters
    times = "" if counters.cpu_ns is None else f", cpu {counters.cpu_ns} ns, slices {counters.slices}"
    return f"process {sample.pid} thread {sample.tid} state {sample.state} {call}, switches {counters.switches}{times}"


def _fds(fds: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, fds[:20]))
    return f"[{shown}{', ...' if len(fds) > 20 else ''}]"  # noqa: PLR2004 - enough to see what is meant


def _socket(entry: TcpSocket) -> str:
    if entry.state is TcpState.LISTEN:
        queue = f"{entry.receive_queue} of {entry.send_queue} waiting for accept"
        return f"LISTEN {entry.local_address}:{entry.local_port}, {queue}"
    owner = "" if entry.inode else ", no owner"
    return (
        f"{entry.state} {entry.local_port} <- {entry.remote_port}: {entry.receive_queue} bytes unread, "
        f"{entry.send_queue} not acknowledged{owner}"
    )
