"""Duty: how much of a core a server burns of the time in which it could have run.

    duty = cpu / (wall - run delay)

per thread, summed over the tree. A busy loop has duty 1.00 whether the machine is idle or has eight other busy
loops on it, because the time it stood in the run queue is not counted. Time in which a CPU quota stopped the whole
group (cpu.stat, `throttled_usec`) is delay too, but the scheduler does not count it as such.
"""

from __future__ import annotations

from dataclasses import dataclass

from grader.evidence.records import Pass, ThreadSample, Wait

PLAINLY_BUSY = 0.5
"""A duty that no server at rest has: a spin was never measured below 0.78, a quiet server never above 0.06."""
SHORT = 0.2
"""So many seconds of its own time are enough to tell a server that is plainly busy."""
_SHORTEST, _LONG = 0.04, 2.0
_PLAINLY_BELOW = 0.5
_LONG_SLEEP = 10.0


@dataclass(frozen=True, slots=True)
class Duty:
    """`share` of a core (0 to number of threads), over `own_seconds` in which the server could have run.

    `cpu_seconds` is what it used of them, and `wakeups` how often a thread went to sleep meanwhile, each of its own
    accord. For several threads `own_seconds` is that of the busiest.
    """

    share: float
    cpu_seconds: float
    own_seconds: float
    wakeups: int = 0

    def told_from(self, ceiling: float, *, whole_turn: bool) -> bool:
        """Whether this was long enough to say on which side of `ceiling` the server is.

        The closer the longer. `whole_turn`: every timed wait has run out, and all threads are asleep again.
        """
        if self.share >= PLAINLY_BUSY:
            return self.own_seconds >= SHORT
        if self.share > ceiling or not whole_turn:
            return self.own_seconds >= _LONG and (self.share > ceiling or whole_turn)
        return self.own_seconds >= (_SHORTEST if self.share <= ceiling * _PLAINLY_BELOW else SHORT)


def measure(before: Pass, after: Pass, throttled_ns: int = 0) -> Duty | None:
    """The duty between two passes, or None where the kernel keeps no schedstat figures.

    A thread that was born in between counts from its birth; one that died in between is not seen any more, and
    whoever makes and ends threads all the time burns the CPU in the one that makes them.
    """
    share = cpu_total = own = 0.0
    wakeups = 0
    earlier = {(s.pid, s.tid): s for s in before.threads}
    busiest = -1.0
    for new in after.threads:
        old = earlier.get((new.pid, new.tid))
        used = _used(old, new, before.began_ns)
        if used is None:
            return None
        cpu, delay, wall = used
        could_run = max(wall - delay - throttled_ns, cpu, 1)
        share += cpu / could_run
        cpu_total += cpu
        wakeups += _wakeups(new) - (_wakeups(old) if old else 0)
        if cpu > busiest:
            busiest, own = cpu, could_run
    return Duty(share, cpu_total / 1e9, own / 1e9, wakeups)


def _wakeups(sample: ThreadSample) -> int:
    return sample.counters.switches - sample.counters.preempted


def _used(old: ThreadSample | None, new: ThreadSample, began_ns: int) -> tuple[int, int, int] | None:
    now = new.counters
    if now.cpu_ns is None or now.delay_ns is None:
        return None
    if old is None:
        return now.cpu_ns, now.delay_ns, new.at_ns - began_ns
    then = old.counters
    if then.cpu_ns is None or then.delay_ns is None:
        return None
    return now.cpu_ns - then.cpu_ns, now.delay_ns - then.delay_ns, new.at_ns - old.at_ns


class Turns:
    """Whether every thread that was there at first has been through a whole turn of what it does by the clock.

    That is so once each timed wait in which it was seen first has run out, and nobody runs now. Who is seen running
    at first may fall into a timed wait later: then that has to run out, or only the end of a spin was measured.
    """

    def __init__(self, before: Pass, waits: tuple[Wait, ...]) -> None:
        self._here = {(s.pid, s.tid) for s in before.threads}
        self._asleep: dict[tuple[int, int], int] = {}
        self.whole = False
        self.add(before, waits)

    def add(self, now: Pass, waits: tuple[Wait, ...]) -> None:
        """Another look."""
        switches = {(s.pid, s.tid): s.counters.switches for s in now.threads}
        for wait in waits:
            key = (wait.pid, wait.tid)
            if key in self._here and _soon(wait):
                self._asleep.setdefault(key, switches.get(key, 0))
        out = all(switches.get(key) != before for key, before in self._asleep.items())
        self.whole = out and all(s.state != "R" for s in now.threads)


def _soon(wait: Wait) -> bool:
    return wait.limit is not None and wait.limit < _LONG_SLEEP and not wait.runtime
