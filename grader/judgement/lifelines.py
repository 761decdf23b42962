"""What each thread of the server was seen doing, look by look: the server's half of the picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from grader.evidence.records import Pass, ThreadSample, Wait
from grader.words import say

Doing = Literal["wait", "timed", "run"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A thread did one thing from one look to the last that showed it unchanged (monotonic nanoseconds)."""

    pid: int
    tid: int
    kind: Doing
    label: str
    began_ns: int
    ended_ns: int


@dataclass
class Lifelines:
    """Joins looks into stretches, at most `cap` of them."""

    cap: int = 2000
    done: list[Stretch] = field(default_factory=list)
    _open: dict[tuple[int, int], Stretch] = field(default_factory=dict)

    def add(self, look: Pass, waits: tuple[Wait, ...]) -> None:
        """Take one more look into account."""
        by_thread = {(wait.pid, wait.tid): wait for wait in waits}
        for sample in look.threads:
            if sample.runtime:
                continue
            key = (sample.pid, sample.tid)
            kind, label = _doing(sample, by_thread.get(key))
            before = self._open.get(key)
            if before and (before.kind, before.label) == (kind, label):
                began = before.began_ns
            else:
                began = sample.at_ns
                if before and len(self.done) < self.cap:
                    self.done.append(before)
            self._open[key] = Stretch(*key, kind, label, began, sample.at_ns)

    def stretches(self) -> list[Stretch]:
        """All of them, the last of each thread included, by time."""
        return sorted([*self.done, *self._open.values()], key=lambda stretch: stretch.began_ns)


def _doing(sample: ThreadSample, wait: Wait | None) -> tuple[Doing, str]:
    if wait is None or sample.state != "S":
        return "run", say("running")
    fds = (*wait.reads, *wait.writes)
    label = f"{wait.call}(fd {fds[0]})" if len(fds) == 1 else wait.call
    return ("wait" if wait.limit is None else "timed"), label
