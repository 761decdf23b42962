"""Servers that run without pause: around which call."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator
from itertools import islice

from grader.evidence.records import DescriptorKind, Frame, TcpState
from grader.judgement import source
from grader.judgement.diagnosis.case import Answer, Case, Place, Rule, only_call, only_line, own_frames, place_of
from grader.judgement.duty import PLAINLY_BUSY

_QUIET = ("idle", "idle_clients", "after_disconnect")
_MOST_PLACES = 64
_OFTEN = 200  # a second
_LEAVING = ("fin", "half_close", "mid_message", "before_accept", "storm", "after_disconnect", "capacity")
_ALL_LEAVING = (*_LEAVING, "reset", "while_replying")
_READING = {"recv", "recv_into", "recvfrom", "recvmsg", "sock_recv", "read", "read1", "readline", "readuntil"}
_WAITING_CALLS = {"select", "poll", "epoll_wait", "run", "run_forever", "sleep", "wait"}


def select_timeout_zero(case: Case) -> Answer | None:
    """It spins, and was seen at a select() whose timeout is 0."""
    if not case.spinning:
        return None
    seen = _seen_around(case, source.is_select_without_waiting)
    return ("select-timeout-zero", seen) if seen else None


def end_still_watched(case: Case) -> Answer | None:
    """It spins since a client has half-closed, and only then, although it cannot send what it still has for it."""
    if not case.spinning or case.doing != "half_close" or not case.facts.get("kept"):
        return None
    return "end-still-watched", _where_it_reads(case)


def eof_not_checked(case: Case) -> Answer | None:
    """It spins since clients have closed, and still holds their connections (CLOSE_WAIT)."""
    left = any(e.state is TcpState.CLOSE_WAIT and e.inode for e in case.sockets)
    if not case.spinning or not left or case.doing not in _LEAVING:
        return None
    return "eof-not-checked", _where_it_reads(case)


def always_writable(case: Case) -> Answer | None:
    """It spins around select() although no socket has anything to read: then it is the write list that is ready."""
    if not case.spinning or case.doing == "throughput" or not _nothing_to_do(case):
        return None
    seen = _seen_around(case, source.is_select_with_writers)
    return ("always-writable", seen) if seen else None


def registered_for_writing(case: Case) -> Answer | None:
    """It spins around poll() although nothing can be read, and all that it registers can nearly always be written."""
    if not case.spinning or case.doing not in (*_QUIET, "io_model") or not _nothing_to_do(case):
        return None
    if _asks_epoll_for_room(case):
        return "registered-for-writing", only_line(case, source.registered_for_writing)
    registers = any(map(source.registered_for_writing, case.sources.values()))
    if not registers or not _seen_around(case, source.waits_in_set, {"poll", "select"}):
        return None
    return "registered-for-writing", only_line(case, source.registered_for_writing)


def _asks_epoll_for_room(case: Case) -> bool:
    """Whether an epoll set is to tell of room to write at a connection on which nothing waits to be sent."""
    idle = {e.inode for e in case.sockets if e.state is TcpState.ESTABLISHED and e.inode and not e.send_queue}
    return any(
        d.kind is DescriptorKind.TCP and d.inode in idle and d.fd in poller.writable
        for process in case.processes
        for poller in process.descriptors
        for d in process.descriptors
    )


def no_pause(case: Case) -> Answer | None:
    """It spins over nonblocking sockets that have nothing, and nothing in its sources ever waits."""
    sockets = [d for p in case.processes for d in p.descriptors if d.kind is DescriptorKind.TCP]
    idle = case.doing in _QUIET and _nothing_to_do(case, least=1)
    if not (case.spinning and idle and sockets and all(d.nonblocking for d in sockets)):
        return None
    own = source.own_names(case.sources)
    waits = any(source.call_lines(lines, _WAITING_CALLS, own) for lines in case.sources.values())
    return None if waits or not own_frames(case) else ("no-pause-between-rounds", only_call(case, {"accept"}))


def wakes_too_often(case: Case) -> Answer | None:
    """Nothing happens, and it goes to sleep and wakes up again hundreds of times in a second of its own time."""
    duty, wakeups = case.facts.get("duty"), case.facts.get("wakeups")
    if case.doing not in _QUIET or not isinstance(duty, float) or not isinstance(wakeups, int):
        return None
    often = duty < PLAINLY_BUSY and wakeups >= _OFTEN and _nothing_to_do(case, least=1)
    return ("wakes-too-often", only_call(case, _WAITING_CALLS)) if often else None


def works_by_the_clock(case: Case) -> Answer | None:
    """Nothing happens, and it naps and works in turn, itself or in children: nothing but a clock can have woken it."""
    duty = case.facts.get("duty")
    if case.doing not in (*_QUIET, *_ALL_LEAVING) or not isinstance(duty, float) or duty >= PLAINLY_BUSY:
        return None
    return ("works-by-the-clock", only_call(case, _WAITING_CALLS)) if _nothing_to_do(case, least=1) else None


def _where_it_reads(case: Case) -> Place:
    """The line that reads: the only one, or one in a function in which it was seen; where it was seen, if none reads.

    In which of its functions a thread that spins is seen is luck, so that decides only where the source does not.
    """
    only = only_call(case, _READING)
    if only.line:
        return only
    own = source.own_names(case.sources)
    for frame in _all_own_frames(case):
        for line in source.scope_lines(case.sources.get(frame.file, []), _READING, frame.line, own):
            return Place(frame.file, line)
    some = any(source.call_lines(lines, _READING, own) for lines in case.sources.values())
    return Place() if some else place_of(case)


def _seen_around(
    case: Case, is_it: Callable[[ast.Call], bool], names: Collection[str] = frozenset({"select"})
) -> Place | None:
    """Where it was seen in such a call of one of these names, or around one in the same function."""
    own = source.own_names(case.sources)
    for frame in _all_own_frames(case):
        lines = case.sources.get(frame.file, [])
        for near in (frame.line, *source.scope_lines(lines, names, frame.line, own)):
            if any(map(is_it, source.calls_at(lines, near))):
                return Place(frame.file, near)
    return None


def _all_own_frames(case: Case) -> Iterator[Frame]:
    """The student's own frames of each stack, and of what called them: a loop is on the stack of all that it calls."""
    outer = (frame for stack in case.stacks for frame in stack.frames if frame.own)
    yield from islice(dict.fromkeys((*own_frames(case), *outer)), _MOST_PLACES)


def _nothing_to_do(case: Case, least: int = 2) -> bool:
    """Whether every socket of the server, `least` of them or more, is there and has nothing to be read."""
    ports = {e.local_port for e in case.sockets if e.state is TcpState.LISTEN}
    ours = [e for e in case.sockets if e.local_port in ports and e.inode]
    quiet = all(e.state in (TcpState.LISTEN, TcpState.ESTABLISHED) and not e.receive_queue for e in ours)
    return quiet and len(ours) >= least


RULES: tuple[Rule, ...] = (
    select_timeout_zero,
    end_still_watched,
    eof_not_checked,
    always_writable,
    registered_for_writing,
    no_pause,
    wakes_too_often,
    works_by_the_clock,
)
