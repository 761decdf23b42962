"""Servers whose threads or processes keep one another waiting."""

from __future__ import annotations

import ast
from collections import Counter

from grader.evidence.records import Frame, Wait, WaitKind
from grader.judgement import source
from grader.judgement.diagnosis.case import Answer, Case, Place, Rule, only_wait, place_of, queued

_FOR_A_CLIENT = {WaitKind.RECV, WaitKind.READ, WaitKind.SEND, WaitKind.WRITE}
_TALKING = {"recv", "recv_into", "read", "readline", "send", "sendall", "write"}
_FOR_A_WORKER = {WaitKind.FUTEX, WaitKind.CHILD}


def called_not_passed(case: Case) -> Answer | None:
    """The one thread reads from a client within the line that should have started a thread for it."""
    wait = only_wait(case, {WaitKind.RECV, WaitKind.READ})
    if wait is None or case.evidence is None or not queued(case.evidence.sockets):
        return None
    found = (frame for frame in _own_frames(case, wait) if any(map(source.works_itself, _calls(case, frame))))
    frame = next(found, None)
    return ("called-not-passed", Place(frame.file, frame.line)) if frame else None


def waits_for_each_worker(case: Case) -> Answer | None:
    """Who accepts waits for the end of whom it has started, who waits for a client, while others are not accepted."""
    if case.evidence is None or not queued(case.evidence.sockets):
        return None
    waits = case.evidence.waits
    if not any(wait.kind in _FOR_A_CLIENT for wait in waits):
        return None
    for wait in waits:
        frames = _own_frames(case, wait)
        if wait.kind not in _FOR_A_WORKER or wait.limit is not None or not frames:
            continue
        accepts = any(source.scope_lines(_lines(case, f), {"accept"}, f.line) for f in frames)
        if accepts and any(map(source.waits_for_worker, _calls(case, frames[0]))):
            return "waits-for-each-worker", place_of(case, wait)
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


def _calls(case: Case, frame: Frame) -> list[ast.Call]:
    return source.calls_at(_lines(case, frame), frame.line)


def _own_frames(case: Case, wait: Wait) -> list[Frame]:
    """The student's own frames of the thread that waits so, the innermost first."""
    stacks = (stack for stack in case.stacks if (stack.pid, stack.tid) == (wait.pid, wait.tid))
    return [frame for stack in stacks for frame in stack.frames if frame.own]


RULES: tuple[Rule, ...] = (called_not_passed, waits_for_each_worker, lock_held_while_waiting)
