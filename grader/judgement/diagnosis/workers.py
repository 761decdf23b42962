"""Servers whose threads or processes keep one another waiting."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable

from grader.evidence.records import Frame, Stack, Wait, WaitKind
from grader.judgement import source
from grader.judgement.diagnosis.case import Answer, Case, Place, Rule, only_wait, queued

_FOR_A_CLIENT = {WaitKind.RECV, WaitKind.READ, WaitKind.SEND, WaitKind.WRITE}
_TALKING = {"recv", "recv_into", "read", "readline", "send", "sendall", "write"}
_FOR_A_WORKER = {WaitKind.FUTEX, WaitKind.CHILD}


def called_not_passed(case: Case) -> Answer | None:
    """The one thread reads from a client within the line that should have started a thread for it."""
    wait = only_wait(case, {WaitKind.RECV, WaitKind.READ})
    if wait is None or case.evidence is None or not queued(case.evidence.sockets):
        return None
    frame = _outer_frame(case, wait, source.works_itself)
    return ("called-not-passed", Place(frame.file, frame.line)) if frame else None


def waits_for_each_worker(case: Case) -> Answer | None:
    """Who accepts waits for the end of whom it has started, who waits for a client, while others are not accepted."""
    if case.evidence is None or not queued(case.evidence.sockets):
        return None
    waits = case.evidence.waits
    if not any(wait.kind in _FOR_A_CLIENT for wait in waits):
        return None
    for wait in waits:
        frame = _own_frame(case, wait)
        if wait.kind not in _FOR_A_WORKER or wait.limit is not None or frame is None:
            continue
        calls = source.calls_at(_lines(case, frame), frame.line)
        if any(map(source.waits_for_worker, calls)) and _accepts(case, wait):
            return "waits-for-each-worker", Place(frame.file, frame.line)
    return None


def lock_held_while_waiting(case: Case) -> Answer | None:
    """One thread has a lock and waits for a client, others wait for that lock."""
    if case.ended or case.spinning or not (case.unserved or case.grew == "threads"):
        return None
    stacks = {(stack.pid, stack.tid): stack for stack in case.stacks}
    waits = {(wait.pid, wait.tid): wait.kind for wait in case.evidence.waits} if case.evidence else {}
    wanted: set[str] = set()
    holders: list[tuple[str, Frame]] = []
    for key, stack in stacks.items():
        frame = stack.own_frame
        if frame is None:
            continue
        lines = _lines(case, frame)
        if waits.get(key, WaitKind.FUTEX) is WaitKind.FUTEX:
            wanted |= source.locks_taken(lines, frame.line)
        told = waits[key] in _FOR_A_CLIENT if key in waits else frame.line in source.call_lines(lines, _TALKING)
        if told:
            holders += [(name, frame) for name in source.locks_held(lines, frame.line)]
    # What several have at once is no lock, but a number of places.
    alone = {name for name, count in Counter(name for name, _ in holders).items() if count == 1}
    found = next((frame for name, frame in holders if name in wanted & alone), None)
    return ("lock-held-while-waiting", Place(found.file, found.line)) if found else None


def _lines(case: Case, frame: Frame) -> list[str]:
    return case.sources.get(frame.file, [])


def _stack(case: Case, wait: Wait) -> Stack | None:
    return next((stack for stack in case.stacks if (stack.pid, stack.tid) == (wait.pid, wait.tid)), None)


def _own_frame(case: Case, wait: Wait) -> Frame | None:
    stack = _stack(case, wait)
    return stack.own_frame if stack else None


def _outer_frame(case: Case, wait: Wait, told: Callable[[ast.Call], bool]) -> Frame | None:
    """The first of the student's frames of a thread in whose line such a call stands."""
    stack = _stack(case, wait)
    frames = (frame for frame in stack.frames if frame.own) if stack else ()
    return next((f for f in frames if any(map(told, source.calls_at(_lines(case, f), f.line)))), None)


def _accepts(case: Case, wait: Wait) -> bool:
    """Whether the thread that waits so is the one that accepts: some function that it is in does."""
    stack = _stack(case, wait)
    frames = [frame for frame in stack.frames if frame.own] if stack else []
    return any(source.scope_lines(_lines(case, frame), {"accept"}, frame.line) for frame in frames)


RULES: tuple[Rule, ...] = (called_not_passed, waits_for_each_worker, lock_held_while_waiting)
