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


@dataclass(frozen=True, slots=True)
class _Used:
    """What was used from one look to another, in nanoseconds: CPU time, time in the run queue, and time that passed."""

    cpu: int
    delay: int
    wall: int


def measure(
    before: Pass, after: Pass, throttled_ns: int = 0, tree_ns: int = 0, passing: Passing | None = None
) -> Duty | None:
    """The duty between two passes, or None where the kernel keeps no schedstat figures.

    A thread that was born in between counts from its birth; one that ended in between as far as it was seen
    (`passing`). What these have not used of `tree_ns`, the CPU time of the whole tree with all that has ended, somebody
    else has.
    """
    earlier = {(s.pid, s.tid): s for s in before.threads}
    pairs = [(earlier.get((s.pid, s.tid)), s) for s in after.threads]
    wakeups = sum(_wakeups(new) - (_wakeups(old) if old else 0) for old, new in pairs)
    used = [_used(old, new, before.began_ns) for old, new in pairs if old or not passing]
    parts = [part for part in used if part is not None]
    if len(parts) < len(used):
        return None
    parts += passing.in_rows(after) if passing else []
    could_run = [max(part.wall - part.delay - throttled_ns, part.cpu, 1) for part in parts]
    share = sum(part.cpu / time for part, time in zip(parts, could_run, strict=True))
    cpu = sum(part.cpu for part in parts)
    own = max(zip((part.cpu for part in parts), could_run, strict=True), key=lambda one: one[0], default=(0, 0))[1]
    left = max((part.wall for part in parts), default=0) - sum(part.delay for part in parts) - throttled_ns
    if (beside := tree_ns - cpu) > 0:
        own = max(own, left, 1)
        share += beside / own
        cpu += beside
    return Duty(share, cpu / 1e9, own / 1e9, wakeups, cpu / max(left, cpu, 1))


class Passing:
    """The threads that came or ended after `before`, with as much as each was seen to use.

    Of a child that has ended, the kernel tells what it used and not for how long it waited for a CPU.
    """

    def __init__(self, before: Pass) -> None:
        self._began_ns = before.began_ns
        self._before = {(s.pid, s.tid): s for s in before.threads}
        self._first: dict[tuple[int, int], ThreadSample] = {}
        self._last: dict[tuple[int, int], ThreadSample] = {}
        self.add(before)

    def add(self, now: Pass) -> None:
        """Another look."""
        for sample in now.threads:
            self._first.setdefault((sample.pid, sample.tid), sample)
            self._last[sample.pid, sample.tid] = sample

    def in_rows(self, after: Pass) -> list[_Used]:
        """What they used until `after`; those of whom each came when the one before had ended count as one thread.

        Whoever keeps one from running keeps the next from coming.
        """
        stayed = self._before.keys() & {(s.pid, s.tid) for s in after.threads}
        wall = after.ended_ns - self._began_ns
        rows: list[tuple[int, _Used]] = []  # until when the last of each row was seen, and what they used
        for key in sorted(self._first.keys() - stayed, key=lambda key: self._first[key].at_ns):
            first, last = self._first[key], self._last[key]
            used = _used(self._before.get(key), last, self._began_ns)
            if used is None:
                continue
            free = next((row for row in rows if row[0] < first.at_ns), None)
            so_far = free[1] if free else _Used(0, 0, wall)
            if free:
                rows.remove(free)
            rows.append((last.at_ns, _Used(so_far.cpu + used.cpu, so_far.delay + used.delay, wall)))
        return [used for _, used in rows]


def _wakeups(sample: ThreadSample) -> int:
    return sample.counters.switches - sample.counters.preempted


def _used(old: ThreadSample | None, new: ThreadSample, began_ns: int) -> _Used | None:
    now = new.counters
    if now.cpu_ns is None or now.delay_ns is None:
        return None
    if old is None:
        return _Used(now.cpu_ns, now.delay_ns, new.at_ns - began_ns)
    then = old.counters
    if then.cpu_ns is None or then.delay_ns is None:
        return None
    return _Used(now.cpu_ns - then.cpu_ns, now.delay_ns - then.delay_ns, new.at_ns - old.at_ns)


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
