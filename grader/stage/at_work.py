"""A server at work, watched for a loop that blocks: looks at its thread, and then where that stands in its source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from grader.evidence.records import Counters, Pass, Process, Stack, Wait
from grader.judgement.at_work import (
    Thread,
    blocks,
    in_primitive,
    is_idle,
    is_telling,
    loops,
    running,
    seen_most,
    was_read_whole,
)
from grader.judgement.expectations import Answered
from grader.judgement.io_model import Scene
from grader.stage.guest import Guest
from grader.stage.measures import Measuring
from grader.words import say

_LOOKS, _SEEN = 40, 3
_BETWEEN_LOOKS = 0.0003
_MOST_TRIED = 1000  # looks, where the server is not let run, or has served everybody before each
_READINGS, _MOST_TURNS = 16, 32
_LONG = 4096

Request = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class Blocked:
    """A loop that blocks while clients wait: in what it was seen, and a pass with the stacks of just that thread."""

    wait: Wait
    look: Pass
    stacks: tuple[Stack, ...]


@dataclass(frozen=True, slots=True)
class _Work:
    """Clients who ask, and the waits that loops of these processes make for them, by thread."""

    guests: Sequence[Guest]
    request: Request
    loops: dict[Thread, Wait]
    processes: Sequence[Process]

    @property
    def awaited(self) -> Answered:
        return Answered(self.guests)

    def ask(self, turns: int = 1, size: int = 0) -> None:
        """Let each ask, so many times, if all have been served."""
        if self.awaited.met():
            for turn in range(turns):
                for number, guest in enumerate(self.guests):
                    guest.ask(self.request(number + turn, size))

    def blocking(self, waits: Sequence[Wait]) -> list[Wait]:
        """Those of these waits in which a loop is blocked."""
        own = self.loops
        return [w for w in waits if (w.pid, w.tid) in own and blocks(w, own[w.pid, w.tid], self.processes)]


@dataclass(kw_only=True)
class Working(Measuring):
    """A server that is given work, to see how its loop does it."""

    def blocked_at_work(self, guests: Sequence[Guest], scene: Scene, request: Request) -> Blocked | None:
        """Where a thread that runs a loop in `scene` is blocked while these clients ask and wait, or None.

        They ask until 40 looks have found somebody unserved, of which those that find it awake count only for the part
        of the time in which it was let run. In three of them a thread that runs a loop must be blocked
        elsewhere: that is certain for one who spends half of its time so. (Who sleeps for 1 ms over each message spends
        nine tenths of it so, who sleeps for 100 us about half.) What is not a sleep, or the wait for a child, may be a
        moment's wait for a lock that every program has: there three readings of its stack must show the same line.

        Raises:
            CheckFailed: they are not served, and no loop was seen blocked.
        """
        work = _Work(guests, request, loops(scene), scene.processes)
        seen = self._seen_blocked(work)
        lets_time_pass = [wait for wait in seen if is_idle(wait)]
        certain = len(lets_time_pass) >= _SEEN
        wait = next(iter(lets_time_pass if certain else seen), None)
        blocked = self._where(work, wait, certain=certain) if wait and len(seen) >= _SEEN else None
        if blocked is None:
            self.require(work.awaited, say("not all clients were served"))
        return blocked

    def _seen_blocked(self, work: _Work) -> list[Wait]:
        """The waits in which loops were seen blocked, in as many looks as it takes."""
        seen: list[Wait] = []
        asleep, awake, before = 0, list[tuple[Counters, ...]](), tuple[Counters, ...]()
        for number in range(_MOST_TRIED if work.loops else 0):
            looks = asleep + len(awake) * running(awake)
            if looks >= _LOOKS or work.awaited.broken() or self.server.poll() is not None:
                break
            work.ask()
            look, waits = self.look(work.loops)
            counters = tuple(sample.counters for sample in look.threads)
            self.pump()
            if not work.awaited.met():
                seen += work.blocking(waits)
                asleep += bool(waits)
                # One that has neither run nor waited since the last look was only kept from running.
                if not waits and counters != before:
                    awake.append(counters)
                before = counters
            if sum(map(is_idle, seen)) >= _SEEN:
                break
            self._wait(_BETWEEN_LOOKS * (1 + number % 7))
            self.pump()
        return seen

    def _where(self, work: _Work, wait: Wait, *, certain: bool) -> Blocked | None:
        """At which line: to read a stack takes longer than many a wait, so clients ask for ever more meanwhile.

        A wait can end while the stack is read, and the line after it is shown: the line seen most often is the one, and
        first of those that call what was found within them.
        """
        passes: list[Pass] = []
        readings: list[tuple[Stack, ...]] = []
        whole: list[tuple[Stack, ...]] = []
        turns, in_time = 1, 0
        while seen_most(whole)[0] < _SEEN and in_time < _READINGS:
            # Long ones, so that several are not read at once, and waited over only once.
            work.ask(turns, _LONG)
            self.pump()
            look, stacks, telling = self._read_thread(work, wait)
            passes.append(look)
            readings.append(tuple(stack for stack in stacks if certain or telling or in_primitive(stack)))
            whole.append(tuple(stack for stack in readings[-1] if was_read_whole(stack, self.lines)))
            self.pump()
            if work.awaited.met() and turns < _MOST_TURNS:
                turns *= 2  # it may have been done before it was looked at
            else:
                in_time += 1
        times, first = max(seen_most(whole), seen_most(readings), key=lambda most: min(most[0], _SEEN))
        return Blocked(wait, passes[first], readings[first]) if certain or times >= _SEEN else None

    def _read_thread(self, work: _Work, wait: Wait) -> tuple[Pass, tuple[Stack, ...], bool]:
        """A pass, the stacks of the thread that makes a wait, and whether it was blocked before and after these."""
        thread = wait.pid, wait.tid
        look, before = self.look()
        only = replace(look, threads=tuple(sample for sample in look.threads if (sample.pid, sample.tid) == thread))
        stacks = tuple(stack for stack in self.stacks(only) if (stack.pid, stack.tid) == thread)
        after = self.look([thread])[1]
        both = (work.blocking([one for one in waits if (one.pid, one.tid) == thread]) for waits in (before, after))
        return look, stacks, all(any(map(is_telling, waits)) for waits in both)
