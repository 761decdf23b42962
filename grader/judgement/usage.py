"""What the servers of one submission used, stretch by stretch of the whole grading: the strip at the end of a report.

Nothing is looked at for its sake. It is told of looks that are taken anyway, and keeps few of them: each stretch holds
the most that was seen in it, and the duty over it. Where there are too many, neighbours of one check become one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from grader.evidence.records import Pass, Process
from grader.judgement.duty import measure
from grader.report.model import Resources

_MOST = 100
_SPACING_NS = 20_000_000
_SHORTEST_NS = 10_000_000
"""A running thread's CPU time is brought up to date only with every tick of the scheduler, 10 ms at the most."""


@dataclass
class _Peak:
    """A figure as it was last seen, and the most that was seen of it since this stretch began; None before."""

    now: int | None = None
    most: int | None = None

    def see(self, figure: int) -> None:
        self.now, self.most = figure, max(figure, self.most or 0)

    def go_on(self) -> None:
        self.most = self.now


@dataclass
class Usage:
    """`began_ns` is when the grading began (monotonic), `check` the id of the check that runs.

    `throttled` tells the nanoseconds lost to a CPU quota. Nothing is written down while it is `paused`: then another
    server runs in the place of the submission's.
    """

    began_ns: int = 0
    throttled: Callable[[], int] = lambda: 0
    check: str = ""
    paused: bool = False
    _done: list[Resources] = field(default_factory=list)
    _spacing_ns: int = _SPACING_NS
    _first: Pass | None = None
    _throttled_before: int = 0
    _last: Pass | None = None
    _threads: _Peak = field(default_factory=_Peak)
    _memory: _Peak = field(default_factory=_Peak)
    _descriptors: _Peak = field(default_factory=_Peak)

    def new_server(self) -> None:
        """Another server from now on."""
        self.end()
        self._first = self._last = None
        self._threads, self._memory, self._descriptors = _Peak(), _Peak(), _Peak()

    def look(self, look: Pass) -> None:
        """A pass over all threads was made."""
        if not look.threads:
            return
        self._last = look
        self._threads.see(len(look.students))
        if self._first is None:
            self._first, self._throttled_before = look, self.throttled()
        elif look.began_ns - self._first.began_ns >= self._spacing_ns:
            self.end()

    def memory(self, held: int) -> None:
        """So many bytes were seen to be held."""
        self._memory.see(held)

    def descriptors(self, held: int) -> None:
        """So many descriptors were counted, 0 where the kernel does not tell."""
        if held:
            self._descriptors.see(held)

    def processes(self, processes: tuple[Process, ...]) -> None:
        """The processes were read with their descriptors."""
        self.descriptors(sum(len(process.descriptors) for process in processes))

    def end(self) -> None:
        """The stretch ends here, and another one begins: the check is over, or the stretch is long enough."""
        first, last = self._first, self._last
        if first is None or last is None or last is first:
            return
        if not self.paused:
            self._done.append(self._stretch(first, last))
        self._first, self._throttled_before = last, self.throttled()
        for peak in (self._threads, self._memory, self._descriptors):
            peak.go_on()
        if len(self._done) > _MOST:
            self._done, self._spacing_ns = _halved(self._done), self._spacing_ns * 2

    def _stretch(self, first: Pass, last: Pass) -> Resources:
        long_enough = last.ended_ns - first.ended_ns >= _SHORTEST_NS
        duty = measure(first, last, self.throttled() - self._throttled_before) if long_enough else None
        return Resources(
            check=self.check,
            start_ms=self._ms(first.began_ns),
            end_ms=self._ms(last.ended_ns),
            duty=round(duty.share, 3) if duty else None,
            threads=self._threads.most or 0,
            descriptors=self._descriptors.most,
            memory=self._memory.most,
        )

    def _ms(self, at_ns: int) -> float:
        return round((at_ns - self.began_ns) / 1e6, 1)

    def stretches(self) -> list[Resources]:
        """All of them, by time."""
        return list(self._done)


def _halved(stretches: list[Resources]) -> list[Resources]:
    """Pairs of neighbours made one, where both are of one check."""
    found: list[Resources] = []
    mergeable = False
    for stretch in stretches:
        if mergeable and found[-1].check == stretch.check:
            found[-1], mergeable = _merged(found[-1], stretch), False
        else:
            found.append(stretch)
            mergeable = True
    return found


def _merged(one: Resources, other: Resources) -> Resources:
    known = [(s.duty, s.end_ms - s.start_ms) for s in (one, other) if s.duty is not None]
    lasted = sum(length for _, length in known)
    return Resources(
        check=one.check,
        start_ms=one.start_ms,
        end_ms=other.end_ms,
        duty=round(sum(duty * length for duty, length in known) / lasted, 3) if lasted else None,
        threads=max(one.threads, other.threads),
        descriptors=max((d for d in (one.descriptors, other.descriptors) if d is not None), default=None),
        memory=max((m for m in (one.memory, other.memory) if m is not None), default=None),
    )
