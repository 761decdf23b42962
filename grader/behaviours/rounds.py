"""The same thing round after round, and what the server holds after each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count, islice

from grader.judgement.counts import WORDS, Counts, dwindling, exceeds, growing, highest, lowest
from grader.judgement.finding import CheckFailed
from grader.report.model import Verdict
from grader.stage import Stage
from grader.words import say

Play = Callable[[int], None]
"""One round, by its number; the server is at rest when it returns."""

_STRETCHES = 3
_LARGEST_POOL = 40
"""More threads than a pool of Python's has, if nobody asks for another size (32), with those that wait for it."""
_NEAR_THE_LIMIT = 0.75
_STILL_FOR = 2
_WORKERS = tuple(f"{WORDS[name]} grew" for name in ("threads", "processes"))


def leak(stage: Stage, rounds: int, play: Play, room: int = 0) -> str | None:
    """What grows with the rounds, in words, or None.

    If something grew, but not in every round, more are played: what is lost now and then is lost too. Where the server
    is a pool, its workers must not become fewer either; but it may make them one by one, until it has `room` threads
    in all: rounds in which it did say nothing, and others are played. Where it is none, it may still keep a pool for
    itself (asyncio.to_thread() does), which grows to its size and then no more.
    """
    numbers, start = count(1), stage.counts().threads
    while True:
        before = stage.counts().threads
        found = _changed(stage, rounds, play, numbers, pool=room > 0)
        if not found:
            return None
        if room:
            grown = before < stage.counts().threads <= room
        else:
            grown = found.startswith(_WORKERS) and _levels_off(stage, rounds, play, numbers, start)
        if not grown:
            return found


def _levels_off(stage: Stage, rounds: int, play: Play, numbers: Iterator[int], start: int) -> bool:
    """Whether threads that have become more than the `start` stop at the size of a pool: round after round no more."""
    most, still = stage.counts().threads, 0
    while start < most <= min(start + _LARGEST_POOL, stage.allowed_use.processes * _NEAR_THE_LIMIT):
        play(next(numbers))
        now = stage.counts().threads
        still = still + 1 if now <= most else 0
        most = max(most, now)
        if still == _STILL_FOR * rounds:
            return True
    return False


@contextmanager
def counting_losses(stage: Stage) -> Iterator[None]:
    """Whoever fails in here is also told how many threads the server has fewer than before."""
    before = stage.counts().threads
    try:
        yield
    except CheckFailed as failure:
        found = failure.finding
        lost = 0 if found.ended or found.verdict is not Verdict.FAIL else before - stage.counts().threads
        if lost <= 0:
            raise
        raise CheckFailed(replace(found, facts={**found.facts, "workers_lost": lost})) from None


def _changed(stage: Stage, rounds: int, play: Play, numbers: Iterator[int], *, pool: bool) -> str | None:
    """What grows with the rounds, or, of a pool, becomes less."""
    counts = _held_after(stage, play, numbers, rounds)
    if pool and (found := dwindling(counts)) and not stage.regains(counts[0]):
        return found
    if growing(counts):
        return _for_good(stage, rounds, play, numbers, counts)
    fewer = pool and counts[-1].threads < counts[0].threads
    if not exceeds(counts[-1], counts[0]) and not fewer:
        return None
    counts += _held_after(stage, play, numbers, (_STRETCHES - 1) * rounds)
    stretches = [counts[start : start + rounds] for start in range(0, len(counts), rounds)]
    every = say("{rounds} rounds", rounds=rounds)
    if fewer and (found := dwindling([*map(highest, stretches)], every)) and not stage.regains(counts[0]):
        return found
    least = [*map(lowest, stretches)]
    if not growing(least, every):
        return None
    stage.gives_back(least[0])
    return growing(least, every, still=stage.counts())


def _for_good(stage: Stage, rounds: int, play: Play, numbers: Iterator[int], grew: list[Counts]) -> str | None:
    """What was found, unless the server gives it back when it has time.

    It may keep something for a while, by the clock: a connection that lingers, children that it waits for once a
    second. Then the rounds are played again, with time after each.
    """
    if not stage.gives_back(grew[0]) and (found := growing(grew, still=stage.counts())):
        return found
    held = [stage.counts()]
    for number in islice(numbers, rounds):
        play(number)
        stage.gives_back(held[-1])
        held.append(stage.counts())
    return growing(held[1:])


def _held_after(stage: Stage, play: Play, numbers: Iterator[int], rounds: int) -> list[Counts]:
    counts = []
    for number in islice(numbers, rounds):
        play(number)
        counts.append(stage.counts())
    return counts
