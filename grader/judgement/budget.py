"""What a server may spend without getting any further before we stop waiting for it.

Counted in the server's own terms, so that a loaded machine changes nothing: CPU seconds it used, and wake-ups of its
timed waits. The wall clock stands behind them only so that grading ends; if it is what ran out although the server
was kept from running, nothing is known and the verdict is `inconclusive`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from grader.evidence.records import Pass, ThreadSample, Wait
from grader.words import say, together

_STARVED = 0.2
"""The share of the time in the run queue from which on the wall clock says nothing about a server."""
_LONG_STARVED = 10
"""So many times its limit a server that is kept off the CPU is waited for."""

_STOPPED_NS = 1_000_000_000
"""How long all threads must be stopped: whoever stops for a moment only is let go on sooner."""

_STANDSTILL_NS = 250_000_000
"""From how long on the grader was stopped, or the machine, where the grader neither ran nor wanted to."""

_FORKING = ("vfork", "clone", "clone3")


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent without progress, and `total`, the seconds after which even progress is too slow.

    `total` is for all waits of one check together, and what the grader itself used of it does not count. `cpu` seconds
    of the whole tree; `wakeups` of all timed waits together, over at least `least` wall seconds (many short naps are no
    sign of standing still); `wall` seconds. `of_the_check`: what is spent under it counts towards that total.
    `rest`: the server need not be proved stuck, it is enough that it comes to rest.
    """

    cpu: float = 1.0
    wakeups: int = 40
    wall: float = 20.0
    least: float = 1.0
    total: float = 60.0
    of_the_check: bool = False
    rest: bool = False

    def for_clients(self, count: int) -> Budget:
        """The same with room for a server that visits its clients in turn, waiting a little at each."""
        return replace(self, wakeups=self.wakeups + 4 * count)


@dataclass(frozen=True, slots=True)
class Spent:
    """What ran out, in one sentence; `busy` if it was CPU time, `starved` if the server was kept from running.

    `kept_off` is for how many seconds it was kept off the CPU, where it was the clock that ran out.
    """

    reason: str
    busy: bool = False
    starved: bool = False
    kept_off: float | None = None


@dataclass
class Account:
    """Adds up what a server spends from one pass to the next, since the last progress.

    `blind`: the kernel does not tell how long a thread stood in the run queue. `before_ns` and `before_delay_ns` are
    what earlier waits of the same check have spent; `own_ns` is what the grader itself used, on a CPU or waiting for
    one, since this wait began. `stopped_ns` is since when every thread is stopped by a signal, 0 if that is not so.
    """

    budget: Budget
    began_ns: int
    before_ns: int = 0
    before_delay_ns: int = 0
    own_ns: int = 0
    cpu_ns: int = 0
    delay_ns: int = 0
    wakeups: int = 0
    earlier_ns: int = 0
    earlier_delay_ns: int = 0
    blind: bool = False
    stopped_ns: int = 0
    _anew: bool = False
    _last: dict[tuple[int, int], tuple[int, int, int]] = field(default_factory=dict)
    _queued: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    _absent_ns: int | None = field(default=None, init=False)
    _ticked: tuple[int, int] = field(default=(0, 0), init=False)

    def __post_init__(self) -> None:
        self._absent_ns = self.began_ns

    def restart(self, now_ns: int) -> None:
        """Something was achieved: the server has its whole budget again.

        What it has done since the last pass may have been done before that, so of the next one only the delay counts.
        """
        self.earlier_ns += now_ns - self.began_ns
        self.earlier_delay_ns += self.delay_ns
        self.began_ns = now_ns
        self.cpu_ns = self.delay_ns = self.wakeups = 0
        self._anew = True

    def tick(self, now_ns: int, own_ns: int, asked_ns: int) -> None:
        """Time has passed: `own_ns` is what the grader has run or wanted to since this wait began.

        Since the last tick it has slept for `asked_ns`, and what is left over counts for nobody: it was stopped
        (Ctrl-Z), or the whole machine was.
        """
        last_ns, last_own_ns = self._ticked
        gap_ns = now_ns - last_ns - (own_ns - last_own_ns) - asked_ns if last_ns else 0
        if gap_ns > _STANDSTILL_NS:
            self.began_ns += gap_ns
            self.stopped_ns += gap_ns if self.stopped_ns else 0
        self._ticked = now_ns, own_ns
        self.own_ns = own_ns

    def add(self, look: Pass, waits: tuple[Wait, ...]) -> None:
        """Count what the threads did since the last pass; `waits` are those of its blocked threads.

        A wake-up counts only while no thread wants to run: one that polls every millisecond must not use up the
        patience that another, kept off the CPU by a loaded machine, still needs.
        """
        timed = {(wait.pid, wait.tid) for wait in waits if wait.limit is not None and not wait.runtime}
        quiet = all(sample.state == "S" and sample.call for sample in look.threads)
        stopped = bool(look.threads) and all(sample.state == "T" for sample in look.threads)
        self.stopped_ns = (self.stopped_ns or look.began_ns) if stopped else 0
        self._add_absence(look)
        for sample in look.threads:
            key, counters = (sample.pid, sample.tid), sample.counters
            self.blind |= counters.delay_ns is None
            # A preemption is no wake-up: it comes from whatever else runs on the machine.
            now = (counters.cpu_ns or 0, counters.delay_ns or 0, counters.switches - counters.preempted)
            before = self._last.get(key, now)
            self.delay_ns += self._delay(sample, now[1] - before[1], moved=now != before or key not in self._last)
            self.cpu_ns += 0 if self._anew else now[0] - before[0]
            if quiet and key in timed and not self._anew:
                self.wakeups += now[2] - before[2]
            self._last[key] = now
        self._anew = False

    def _add_absence(self, look: Pass) -> None:
        """Before its first thread is there and after its last, it is the sandbox that is made, or taken away.

        That takes as long as the machine lets it, and the server can do nothing about it.
        """
        if look.threads:
            self._absent_ns = None
            return
        if self._absent_ns is not None:
            self.delay_ns += max(look.ended_ns - self._absent_ns, 0)
        self._absent_ns = look.ended_ns

    def _delay(self, sample: ThreadSample, told_ns: int, *, moved: bool) -> int:
        """How long a thread was kept from running since the last pass.

        How long it stood in the run queue the kernel tells (`told_ns`) when it gets to run again. Until then it is
        runnable, or the kernel has it wait for a disk or a lock of its own, and none of its figures moves.
        """
        key = sample.pid, sample.tid
        counted_ns, since_ns = self._queued.get(key, (0, sample.at_ns))
        forks = sample.call is not None and sample.call.name in _FORKING  # vfork(2) waits for the child
        if moved or not (sample.state == "R" or (sample.state == "D" and not forks)):
            self._queued[key] = 0, sample.at_ns
            return max(told_ns - counted_ns, 0)
        kept_ns = sample.at_ns - since_ns
        self._queued[key] = counted_ns + (kept_ns if sample.state == "R" else 0), sample.at_ns
        return kept_ns

    @property
    def worn(self) -> bool:
        """Whether a quarter of the CPU time or of the wake-ups is gone."""
        return self.cpu_ns >= self.budget.cpu * 0.25e9 or 4 * self.wakeups >= self.budget.wakeups

    def spent(self, now_ns: int) -> Spent | None:
        """What ran out, if anything did."""
        wall = (now_ns - self.began_ns) / 1e9
        if self.cpu_ns >= self.budget.cpu * 1e9:
            used = say("it used {spent:.1f} s of CPU time without getting any further", spent=self.cpu_ns / 1e9)
            return Spent(used, busy=True)
        if self.wakeups >= self.budget.wakeups and wall >= self.budget.least:
            return Spent(say("its timed wait woke {times} times without getting any further", times=self.wakeups))
        if self.stopped_ns and now_ns - self.stopped_ns >= _STOPPED_NS:
            return Spent(say("every thread of it is stopped (SIGSTOP), and none is left that could let it go on"))
        total_ns, delay_ns = self.total(now_ns)
        total = total_ns / 1e9
        silent, late = (
            say("nothing came in {seconds:.0f} s", seconds=wall),
            say("it was not done after {seconds:.0f} s", seconds=total),
        )
        return self._by_the_clock(silent, wall, self.delay_ns, self.budget.wall) or self._by_the_clock(
            late, total, delay_ns, self.budget.total
        )

    def total(self, now_ns: int) -> tuple[int, int]:
        """How long the check has waited for the server so far, and for how much of that it was kept off the CPU."""
        here = now_ns - self.began_ns + self.earlier_ns - self.own_ns
        return self.before_ns + max(here, 0), self.before_delay_ns + self.earlier_delay_ns + self.delay_ns

    def _by_the_clock(self, reason: str, wall: float, delay_ns: int, limit: float) -> Spent | None:
        """Whether `limit` seconds are spent; while the server is kept off the CPU they do not count, up to a point."""
        if wall < limit:
            return None
        if self.blind:
            untold = say("this kernel does not tell whether it was kept off the CPU")
            return Spent(together([reason, untold]), starved=True)
        kept_off = delay_ns / 1e9
        if wall - kept_off >= limit or kept_off <= wall * _STARVED:
            return Spent(reason, kept_off=kept_off)
        if wall >= _LONG_STARVED * limit:
            words = together([reason, say("it was kept off the CPU, so this says nothing")])
            return Spent(words, starved=True, kept_off=kept_off)
        return None
