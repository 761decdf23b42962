"""From evidence to the misconception: rules, each of which names one mistake and only where nothing else fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from grader.evidence.records import Evidence, Frame, Stack, TcpSocket, TcpState, Wait, WaitKind
from grader.judgement import source
from grader.judgement.source import Traceback
from grader.judgement.texts import TEXTS
from grader.report.model import Diagnosis


@dataclass(frozen=True, slots=True)
class Case:
    """All that a rule may look at. `doing` is what the check was about; `spinning`: the server runs without pause.

    `stacks` are those of the deciding moment, several of them for a thread that spins; `sources` are the lines of
    the student's files by name.
    """

    doing: str
    summary: str
    ended: bool
    spinning: bool
    evidence: Evidence | None
    sockets: tuple[TcpSocket, ...]
    stacks: tuple[Stack, ...]
    sources: dict[str, list[str]]
    traceback: Traceback | None
    workers: str = ""
    model: str = ""
    unserved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the submission, where one is known."""

    file: str | None = None
    line: int | None = None


Answer = tuple[str, Place]
Rule = Callable[[Case], Answer | None]


def _own_frames(case: Case) -> list[Frame]:
    return [frame for stack in case.stacks if (frame := stack.own_frame)]


def _place_of(case: Case, wait: Wait | None = None) -> Place:
    for stack in case.stacks:
        frame = stack.own_frame
        if frame and (wait is None or (stack.pid, stack.tid) == (wait.pid, wait.tid)):
            return Place(frame.file, frame.line)
    return Place()


def _crash(case: Case) -> Place:
    return Place(case.traceback.file, case.traceback.line) if case.traceback else Place()


def crashed_at_start(case: Case) -> Answer | None:
    """It ended before it listened."""
    if case.doing != "start" or not case.ended:
        return None
    syntax = case.traceback and case.traceback.kind in ("SyntaxError", "IndentationError", "TabError")
    return ("syntax-error" if syntax else "crashed-at-start"), _crash(case)


def not_listening(case: Case) -> Answer | None:
    """It lives, asleep for good, and no socket of it listens."""
    if case.doing != "start" or case.ended or case.evidence is None:
        return None
    return "not-listening", _place_of(case)


def reset_not_handled(case: Case) -> Answer | None:
    """A client reset its connection, and the exception that this raises ended the server."""
    kinds = {"ConnectionResetError", "BrokenPipeError", "ConnectionAbortedError"}
    if not (case.ended and case.traceback and case.traceback.kind in kinds):
        return None
    return "reset-not-handled", _crash(case)


def closed_but_not_removed(case: Case) -> Answer | None:
    """A closed socket (descriptor -1) was given to select()."""
    if not (case.ended and case.traceback and case.traceback.kind == "ValueError"):
        return None
    if "file descriptor cannot be a negative integer" not in case.traceback.text:
        return None
    return "closed-but-not-removed", _crash(case)


def beyond_fd_setsize(case: Case) -> Answer | None:
    """A descriptor above 1023 was given to select()."""
    if not (case.ended and case.traceback and case.traceback.kind == "ValueError"):
        return None
    if "filedescriptor out of range in select" not in case.traceback.text:
        return None
    return "beyond-fd-setsize", _crash(case)


_SETS = {WaitKind.SELECT, WaitKind.POLL, WaitKind.EPOLL}


def _only_wait(case: Case, kinds: set[WaitKind]) -> Wait | None:
    if case.evidence is None or len(case.evidence.waits) != 1:
        return None
    wait = case.evidence.waits[0]
    return wait if wait.kind in kinds else None


def recv_in_accept_loop(case: Case) -> Answer | None:
    """The only thread reads from one silent client while others wait to be accepted."""
    wait = _only_wait(case, {WaitKind.RECV, WaitKind.READ})
    if wait is None or case.evidence is None or case.doing == "start":
        return None
    waiting = any(e.state is TcpState.LISTEN and e.receive_queue for e in case.evidence.sockets)
    return ("recv-in-accept-loop", _place_of(case, wait)) if waiting else None


def blocking_send(case: Case) -> Answer | None:
    """The only thread writes to a client who does not read."""
    wait = _only_wait(case, {WaitKind.SEND, WaitKind.WRITE})
    if wait is None or case.evidence is None:
        return None
    paused = any(not client.reads for client in case.evidence.clients)
    return ("blocking-send-to-slow-reader", _place_of(case, wait)) if paused else None


def select_timeout_zero(case: Case) -> Answer | None:
    """It spins, and was seen at a select() whose timeout is 0."""
    if not case.spinning:
        return None
    for frame in _own_frames(case):
        lines = case.sources.get(frame.file, [])
        for near in (frame.line, *source.method_lines(lines, {"select"}, frame.line)):
            if any(source.is_select_without_waiting(call) for call in source.calls_at(lines, near)):
                return "select-timeout-zero", Place(frame.file, near)
    return None


def eof_not_checked(case: Case) -> Answer | None:
    """It spins since clients have closed, and still holds their connections (CLOSE_WAIT)."""
    left = any(e.state is TcpState.CLOSE_WAIT and e.inode for e in case.sockets)
    if not case.spinning or not left or case.doing not in ("fin", "half_close", "after_disconnect"):
        return None
    for frame in _own_frames(case):
        for line in source.method_lines(case.sources.get(frame.file, []), {"recv", "recv_into", "read"}, frame.line):
            return "eof-not-checked", Place(frame.file, line)
    return "eof-not-checked", _place_of(case)


def always_writable(case: Case) -> Answer | None:
    """It spins around select() although no socket has anything to read: then it is the write list that is ready."""
    ports = {e.local_port for e in case.sockets if e.state is TcpState.LISTEN}
    ours = [e for e in case.sockets if e.local_port in ports]
    quiet = all(e.state in (TcpState.LISTEN, TcpState.ESTABLISHED) and not e.receive_queue for e in ours)
    if not case.spinning or not quiet or len(ours) < 2:  # noqa: PLR2004 - a listener and a client
        return None
    for frame in _own_frames(case):
        lines = case.sources.get(frame.file, [])
        for near in (frame.line, *source.method_lines(lines, {"select"}, frame.line)):
            if any(source.is_select_with_writers(call) for call in source.calls_at(lines, near)):
                return "always-writable", Place(frame.file, near)
    return None


def removed_but_not_closed(case: Case) -> Answer | None:
    """Clients have left, the server sleeps and watches none of their connections any more, but holds them open."""
    if case.spinning or case.ended:
        return None
    grew = "open sockets grew" in case.summary
    if case.evidence is None:
        return ("removed-but-not-closed", Place()) if grew else None
    left = {e.inode for e in case.sockets if e.state is TcpState.CLOSE_WAIT and e.inode}
    held = {(p.pid, d.fd) for p in case.evidence.processes for d in p.descriptors if d.inode in left}
    watched = {(wait.pid, fd) for wait in case.evidence.waits for fd in (*wait.reads, *wait.writes)}
    forgotten = case.doing == "half_close" and held and not held & watched
    return ("removed-but-not-closed", Place()) if forgotten and _only_wait(case, _SETS) else None


def send_return_ignored(case: Case) -> Answer | None:
    """All that a client sent was read, nothing is under way or about to be sent, and part of the reply is missing."""
    wait = _only_wait(case, _SETS)
    if wait is None or case.evidence is None or case.doing not in ("large", "slow_reader") or wait.writes:
        return None
    states = {c.name: c for c in case.evidence.clients}
    waiting = [states[name] for name in case.unserved if name in states]
    entries = {(e.local_port, e.remote_port): e for e in case.evidence.sockets}
    for client in waiting:
        entry = entries.get((client.server_port, client.local_port))
        if entry is None or entry.receive_queue or entry.send_queue or client.unsent or not client.received:
            return None
    calls = {
        (name, line)
        for name, lines in case.sources.items()
        for line in source.method_lines(lines, {"send"}, len(lines) + 1)
    }
    only = next(iter(calls)) if len(calls) == 1 else (None, None)
    return ("send-return-ignored", Place(*only)) if waiting else None


def threads_behind_select(case: Case) -> Answer | None:
    """The spec asks for one thread, and every client gets its own."""
    if case.doing != "io_model" or case.model != "select" or case.workers not in ("threads", "processes"):
        return None
    stacks = sorted(case.stacks, key=lambda stack: stack.pid == stack.tid)
    frame = next((frame for stack in stacks if (frame := stack.own_frame)), None)
    return f"{case.workers}-not-select", Place(frame.file, frame.line) if frame else Place()


def blocking_call_in_coroutine(case: Case) -> Answer | None:
    """The one thread of an event loop sleeps in a call of its own while clients wait."""
    if case.doing != "at_work" or case.model != "asyncio":
        return None
    # Between two such calls it waits inside the library, and the student's innermost line is just where the loop runs.
    frame = next((stack.frames[0] for stack in case.stacks if stack.in_own_code), None)
    calls = source.calls_at(case.sources.get(frame.file, []), frame.line) if frame else []
    return "blocking-call-in-coroutine", Place(frame.file, frame.line) if frame and calls else Place()


RULES: tuple[Rule, ...] = (
    crashed_at_start,
    not_listening,
    reset_not_handled,
    closed_but_not_removed,
    beyond_fd_setsize,
    recv_in_accept_loop,
    blocking_send,
    select_timeout_zero,
    eof_not_checked,
    always_writable,
    removed_but_not_closed,
    send_return_ignored,
    threads_behind_select,
    blocking_call_in_coroutine,
)


def diagnose(case: Case) -> Diagnosis | None:
    """The one mistake that the evidence shows, or None: no diagnosis is better than a wrong one."""
    for rule in RULES:
        if answer := rule(case):
            name, place = answer
            text = TEXTS[name]
            return Diagnosis(
                id=name,
                title=text.title,
                explanation=text.explanation,
                hint=text.hint,
                file=place.file,
                line=place.line,
            )
    return None
