"""Duty: how much of a core a server burns of the time in which it could have run.

    duty = cpu / (wall - run delay)

per thread, summed over the tree. A busy loop has duty 1.00 whether the machine is idle or has eight other busy
loops on it, because the time it stood in the run queue is not counted. Time in which a CPU quota stopped the whole
group (cpu.stat, `throttled_usec`) is delay too, but the scheduler does not count it as such.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from grader.evidence.records import Pass, SystemCall, ThreadSample, Wait

PLAINLY_BUSY = 0.5
"""A duty that no server at rest has: a spin was never measured below 0.78, a quiet server never above 0.06."""
SHORT = 0.2
"""So many seconds of its own time are enough to tell a server that is plainly busy."""
LONG = 2.0
"""So many are enough for any, but for one that has not been through a whole turn yet."""
_LONG_SLEEP = 10.0
_PLACE, _LITTLE = 4096, 0.05


@dataclass(frozen=True, slots=True)
class Duty:
    """`share` of a core (0 to number of threads), over `own_seconds` in which the server could have run.

    `cpu_seconds` is what it used of them, and `wakeups` how often a thread went to sleep meanwhile, each of its own
    accord. For several threads `own_seconds` is that of the busiest. `by_turns` is the share if only one of them can
    run at a time (see Movers): then a thread that waits for a CPU keeps the others waiting, too.
    """

    share: float
    cpu_seconds: float
    own_seconds: float
    wakeups: int = 0
    by_turns: float = 0.0

    def told_from(self, ceiling: float, *, whole_turn: bool, spins: bool) -> bool:
        """Whether this was long enough to say on which side of `ceiling` the server is.

        One that naps may do in one turn of many what it does not do in the others. `whole_turn`: every timed wait has
        run out, and all threads are asleep again. `spins`: it ran without pause before, too.
        """
        if spins and self.share >= PLAINLY_BUSY:
            return self.own_seconds >= SHORT
        return self.own_seconds >= LONG and (self.share > ceiling or whole_turn)


def measure(before: Pass, after: Pass, throttled_ns: int = 0, tree_ns: int = 0) -> Duty | None:
    """The duty between two passes, or None where the kernel keeps no schedstat figures.

    A thread that was born in between counts from its birth; one that died in between is not seen any more. What the
    living have not used of `tree_ns`, the CPU time of the whole tree with ended threads and children, they have.
    """
    share = cpu_total = delays = longest = own = 0.0
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
        delays += delay
        longest = max(longest, wall)
        wakeups += _wakeups(new) - (_wakeups(old) if old else 0)
        if cpu > busiest:
            busiest, own = cpu, could_run
    if (beside := tree_ns - cpu_total) > 0:
        own = max(own, longest - delays - throttled_ns, 1)
        share += beside / own
        cpu_total += beside
    by_turns = cpu_total / max(longest - delays - throttled_ns, cpu_total, 1)
    return Duty(share, cpu_total / 1e9, own / 1e9, wakeups, by_turns)


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


class Movers:
    """The threads that have used nearly all of the CPU time since `before`, and in what they were seen waiting.

    Threads that run by turns, as those of one Python interpreter do, seem to sleep for most of the time: each waits
    for whoever has the turn, who may wait for a CPU. `wait_for_one_another`: that was all that they were seen at.
    """

    def __init__(self, before: Pass) -> None:
        self._before = {(s.pid, s.tid): s.counters.cpu_ns or 0 for s in before.students}
        self._used: dict[tuple[int, int], int] = {}
        self._calls: dict[tuple[int, int], set[SystemCall]] = {}

    def add(self, now: Pass) -> None:
        """Another look."""
        for sample in now.students:
            key = (sample.pid, sample.tid)
            self._used[key] = (sample.counters.cpu_ns or 0) - self._before.get(key, 0)
            if sample.call:
                self._calls.setdefault(key, set()).add(sample.call)

    @property
    def threads(self) -> set[tuple[int, int]]:
        """Those who used most, until few percent of the time are left."""
        found: set[tuple[int, int]] = set()
        left = total = sum(self._used.values())
        for key in sorted(self._used, key=self._used.__getitem__, reverse=True):
            if left <= total * _LITTLE:
                break
            found.add(key)
            left -= self._used[key]
        return found

    @property
    def wait_for_one_another(self) -> bool:
        """Whether those are several threads, and were seen waiting for nothing but the turn."""
        return len(self.threads) > 1 and self.wait_for_one_thing

    @property
    def wait_for_one_thing(self) -> bool:
        """Whether there are any, and what they were seen waiting for was one place in memory, or nothing."""
        threads = self.threads
        calls = {(pid, call) for pid, tid in threads for call in self._calls.get((pid, tid), ())}
        places = {(pid, call.args[0] // _PLACE) for pid, call in calls}
        return bool(threads) and len(places) <= 1 and all(call.name == "futex" for _, call in calls)

    def by_turns(self, duty: Duty) -> Duty:
        """The duty of the server if its threads run by turns, as far as they seem to."""
        return replace(duty, share=max(duty.share, duty.by_turns)) if self.wait_for_one_another else duty


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
