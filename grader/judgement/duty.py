"""Duty: how much of a core a server burns of the time in which it could have run.

    duty = cpu / (wall - run delay)

per thread, summed over the tree. A busy loop has duty 1.00 whether the machine is idle or has eight other busy
loops on it, because the time it stood in the run queue is not counted. Time in which a CPU quota stopped the whole
group (cpu.stat, `throttled_usec`) is delay too, but the scheduler does not count it as such.
"""

from __future__ import annotations

from dataclasses import dataclass

from grader.evidence.records import Pass, ThreadSample


@dataclass(frozen=True, slots=True)
class Duty:
    """`share` of a core (0 to number of threads), over `own_seconds` in which the server could have run.

    `cpu_seconds` is what it used of them. For several threads `own_seconds` is that of the busiest.
    """

    share: float
    cpu_seconds: float
    own_seconds: float


def measure(before: Pass, after: Pass, throttled_ns: int = 0) -> Duty | None:
    """The duty between two passes, or None where the kernel keeps no schedstat figures.

    A thread that was born in between counts from its birth; one that died in between is not seen any more, and
    whoever makes and ends threads all the time burns the CPU in the one that makes them.
    """
    share = cpu_total = own = 0.0
    earlier = {(s.pid, s.tid): s for s in before.threads}
    busiest = -1.0
    for sample in after.threads:
        used = _used(earlier.get((sample.pid, sample.tid)), sample, before.began_ns)
        if used is None:
            return None
        cpu, delay, wall = used
        could_run = max(wall - delay - throttled_ns, cpu, 1)
        share += cpu / could_run
        cpu_total += cpu
        if cpu > busiest:
            busiest, own = cpu, could_run
    return Duty(share, cpu_total / 1e9, own / 1e9)


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
