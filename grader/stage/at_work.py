"""A server at work, watched for a loop that blocks: looks at its thread, and then where that stands in its source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from grader.evidence.records import Pass, Stack, ThreadSample, Wait, WaitKind
from grader.judgement import at_work
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


@dataclass(kw_only=True)
class Working(Measuring):
    """A server that is given work, to see how its loop does it."""

    def blocked_at_work(self, guests: Sequence[Guest], scene: Scene, request: Request) -> Blocked | None:
        """Where a thread that runs a loop in `scene` is blocked while these clients ask and wait, or None.

        They ask until 40 looks have found somebody unserved. Three of them must show the thread in a call that blocks.
        That is certain for one who spends a quarter of that time so, such as by sleeping 100 us over each message. To
        wait for a futex is told from the locks that every program has by the stack: the same line, in three readings.

        Raises:
            CheckFailed: they are not served, and no loop was seen blocked.
        """
        loops = at_work.loops(scene)
        seen = self._blocking(guests, scene, loops, request)
        blocked = None
        if len(seen) >= _SEEN:
            certain = [wait for wait in seen if wait.kind is not WaitKind.FUTEX]
            blocked = self._where(guests, loops, request, (certain or seen)[0], certain=len(certain) >= _SEEN)
        if not blocked:
            self.require(Answered(guests), say("not all clients were served"))
        return blocked

    def _blocking(
        self, guests: Sequence[Guest], scene: Scene, loops: dict[at_work.Thread, Wait], request: Request
    ) -> list[Wait]:
        """The waits in which loops were seen blocked, in as many looks as it takes."""
        served = Answered(guests)
        seen: list[Wait] = []
        looks, before = 0, tuple[ThreadSample, ...]()
        for number in range(_MOST_TRIED if loops else 0):
            if looks == _LOOKS or served.broken() or self.server.poll() is not None:
                break
            if served.met():
                _ask(guests, request)
            look, waits = self.look(loops)
            self.pump()
            # One that has neither run nor waited since the last look was only kept from running.
            if not served.met() and (waits or _moved(before, look.threads)):
                looks, before = looks + 1, look.threads
                seen += [wait for wait in waits if at_work.blocks(wait, loops[wait.pid, wait.tid], scene.processes)]
            if sum(wait.kind is not WaitKind.FUTEX for wait in seen) >= _SEEN:
                break
            self._wait(_BETWEEN_LOOKS * (1 + number % 7))
            self.pump()
        return seen

    def _where(
        self,
        guests: Sequence[Guest],
        loops: dict[at_work.Thread, Wait],
        request: Request,
        wait: Wait,
        *,
        certain: bool,
    ) -> Blocked | None:
        """At which line: to read a stack takes longer than many a wait, so clients ask for ever more meanwhile.

        A wait can end while the stack is read, and the line after it is shown: the line seen most often is the one.
        Where it is not yet certain that the thread blocks, only a line seen several times is an answer.
        """
        served, turns = Answered(guests), 1
        passes: list[Pass] = []
        readings: list[tuple[Stack, ...]] = []
        times = first = 0
        for _ in range(_READINGS):
            if served.met():
                # Long ones, so that several are not read at once, and waited over only once.
                for turn in range(turns):
                    _ask(guests, request, turn, _LONG)
            self.pump()
            look, before = self.look()
            mine = replace(look, threads=tuple(s for s in look.threads if (s.pid, s.tid) == (wait.pid, wait.tid)))
            stacks = tuple(stack for stack in self.stacks(mine) if (stack.pid, stack.tid) == (wait.pid, wait.tid))
            held = all(any(map(at_work.held, _of(wait, waits))) for waits in (before, self.look(loops)[1]))
            passes.append(look)
            readings.append(stacks if certain or held or any(map(at_work.in_primitive, stacks)) else ())
            times, first = at_work.seen_most(readings)
            if times == _SEEN:
                break
            self.pump()
            if served.met():
                turns = min(2 * turns, _MOST_TURNS)
        return Blocked(wait, passes[first], readings[first]) if certain or times == _SEEN else None


def _ask(guests: Sequence[Guest], request: Request, turn: int = 0, size: int = 0) -> None:
    for number, guest in enumerate(guests):
        guest.ask(request(number + turn, size))


def _moved(before: Sequence[ThreadSample], now: Sequence[ThreadSample]) -> bool:
    return [sample.counters for sample in before] != [sample.counters for sample in now]


def _of(wait: Wait, waits: Sequence[Wait]) -> list[Wait]:
    return [one for one in waits if (one.pid, one.tid) == (wait.pid, wait.tid)]
