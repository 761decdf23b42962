"""Loops that block while their clients wait: which threads run a loop, where else these wait, and at whose line."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from grader.evidence.records import Counters, DescriptorKind, Frame, Process, Stack, Wait, WaitKind
from grader.judgement import source
from grader.judgement.io_model import SETS, Scene, attended_by_thread, is_nap

Thread = tuple[int, int]

# Whoever waits for the interpreter's lock asks for it again after 5 ms (sys.getswitchinterval()).
_LONGER_THAN_FOR_THE_INTERPRETER = 0.01
_HARMLESS = (WaitKind.OTHER, WaitKind.IO_URING)
_ASYNCIO = re.compile(r"/asyncio/\w+\.py$")
_THREADING = re.compile(r"/threading\.py$")
_PRIMITIVES = {"wait", "join", "_wait_for_tstate_lock"}


def loops(scene: Scene) -> dict[Thread, Wait]:
    """The threads that wait for clients' sockets in a set, each with that wait: those that run a loop."""
    threads = attended_by_thread(scene)
    waits = {(wait.pid, wait.tid): wait for wait in scene.waits if wait.kind in SETS and not is_nap(wait)}
    return {thread: wait for thread, wait in waits.items() if thread in threads}


def blocks(wait: Wait, own: Wait, processes: Sequence[Process] = ()) -> bool:
    """Whether a thread that runs a loop, in which it makes the wait `own`, is in a call that blocks it elsewhere.

    To wait for a futex may be one, and may be how a lock of the interpreter or of a library is had. Who writes what the
    grader drains waits for the grader.
    """
    if wait.kind in _HARMLESS or wait.unreadable:
        return False
    if wait.kind is own.kind and not is_nap(wait):
        return wait.kind is WaitKind.EPOLL and wait.reads != own.reads
    outputs = {d.fd for p in processes if p.pid == wait.pid for d in p.descriptors if d.kind is DescriptorKind.OUTPUT}
    return outputs.isdisjoint((*wait.reads, *wait.writes))


def is_idle(wait: Wait) -> bool:
    """Whether a wait lets only time pass, or a child run: no library does so for a moment."""
    return is_nap(wait) or wait.kind is WaitKind.CHILD


def is_telling(wait: Wait) -> bool:
    """Whether a wait that blocks is no wait for the interpreter's lock."""
    return wait.kind is not WaitKind.FUTEX or wait.limit is None or wait.limit > _LONGER_THAN_FOR_THE_INTERPRETER


def blocking_line(stack: Stack) -> Frame | None:
    """The submission's line that a loop's thread is at, in a call of its own or of a library; None inside asyncio.

    To start a thread is to wait until it runs, and not counted.
    """
    for frame in stack.frames:
        if frame.own:
            return frame
        starts = _THREADING.search(frame.file) and frame.function.endswith("start")
        if starts or _ASYNCIO.search(frame.file):
            return None
    return None


def in_primitive(stack: Stack) -> bool:
    """Whether a thread waits in Python's own threading: for an event, a condition, a future, a queue or a thread."""
    innermost = stack.frames[0] if stack.frames else None
    if innermost is None or not _THREADING.search(innermost.file):
        return False
    return innermost.function.rsplit(".", 1)[-1] in _PRIMITIVES


def running(looks: Sequence[Sequence[Counters]]) -> float:
    """Of the time in which threads could have run, from first to last, the part in which a CPU let them; 1 if unknown.

    A machine with much to do keeps a thread awake for longer, and shows it so more often; it lets none sleep less.
    """
    if not looks:
        return 1.0
    first, last = looks[0], looks[-1]
    ran = sum(one.cpu_ns or 0 for one in last) - sum(one.cpu_ns or 0 for one in first)
    kept = sum(one.delay_ns or 0 for one in last) - sum(one.delay_ns or 0 for one in first)
    return ran / (ran + kept) if ran > 0 and kept > 0 else 1.0


def was_read_whole(stack: Stack, lines: Callable[[str], list[str]]) -> bool:
    """Whether the submission's line calls what was found within it, as far as `lines` of its files say.

    A stack is read from its innermost frame outwards: of a thread that goes on meanwhile the outer ones are later.
    """
    first = next((number for number, frame in enumerate(stack.frames) if frame.own), 0)
    if first == 0:
        return True
    frame, within = stack.frames[first], stack.frames[first - 1]
    return within.function.rsplit(".", 1)[-1] in source.called_at(lines(frame.file), frame.line)


def seen_most(readings: Sequence[tuple[Stack, ...]]) -> tuple[int, int]:
    """How often the commonest blocking line was read, and in which reading first; (0, the last) without any."""
    places: dict[tuple[str, int], list[int]] = {}
    for number, stacks in enumerate(readings):
        if frame := next(filter(None, map(blocking_line, stacks)), None):
            places.setdefault((frame.file, frame.line), []).append(number)
    found = max(places.values(), key=len, default=[])
    return len(found), found[0] if found else len(readings) - 1
