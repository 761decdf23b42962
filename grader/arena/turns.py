"""Who runs when: for a moment the grader acts, and the server sees all of it at once, when it gets to run again.

Some mistakes show only when several things have happened before the server looks: a client that has left before it was
accepted, two that leave in one round. To hope that it does not look in between is a matter of luck. Instead the
server's threads are put on the grader's own CPU and told not to interrupt (a thread under SCHED_BATCH does not preempt
when it wakes up, sched(7)). They run again as soon as the grader waits, or when its time slice is over: whoever must
know asks the kernel afterwards.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator

from grader.arena.namespaces import STUDENT, has_student_user


@contextlib.contextmanager
def ahead_of(threads: Callable[[], Iterable[int]]) -> Iterator[None]:
    """Run before these threads for a short while, then give them back the CPUs that they had, new threads too.

    What this machine does not allow is left out: then it is luck.
    """
    ours = os.sched_getaffinity(0)
    one = {min(ours)}
    had = {tid: cpus for tid in threads() if (cpus := _cpus(tid))}
    usual = max(had.values(), key=len, default=ours)
    os.sched_setaffinity(0, one)
    try:
        for tid in had:
            _place(tid, one)
        _schedule(had, os.SCHED_BATCH)
        yield
    finally:
        os.sched_setaffinity(0, ours)
        now = list(threads())
        for tid in now:
            _place(tid, had.get(tid, usual))
        _schedule(now, os.SCHED_OTHER)


def _cpus(tid: int) -> set[int] | None:
    try:
        return os.sched_getaffinity(tid)
    except OSError:
        return None


def _place(tid: int, cpus: set[int]) -> None:
    with contextlib.suppress(OSError):
        os.sched_setaffinity(tid, cpus)


def _schedule(threads: Iterable[int], policy: int) -> None:
    """Give threads a policy; only their own user may, so where that is another a child becomes it for a moment.

    That child is outside the sandbox's process namespace: the server can neither see nor signal it.
    """
    if not has_student_user():
        _give(threads, policy)
        return
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        os.setresgid(STUDENT, STUDENT, STUDENT)
        os.setresuid(STUDENT, STUDENT, STUDENT)
        _give(threads, policy)
    finally:
        os._exit(0)


def _give(threads: Iterable[int], policy: int) -> None:
    for tid in threads:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(tid, policy, os.sched_param(0))
