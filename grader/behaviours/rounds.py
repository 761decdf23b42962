"""The same thing round after round, and what the server holds after each."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from grader.judgement.counts import Counts, exceeds, growing, lowest
from grader.stage import Stage
from grader.words import say

Play = Callable[[int], None]
"""One round, by its number; the server is at rest when it returns."""

_STRETCHES = 3


def leak(stage: Stage, rounds: int, play: Play) -> str | None:
    """What grows with the rounds, in words, or None.

    If something grew, but not in every round, more are played: what is lost now and then is lost too.
    """
    counts = _held_after(stage, play, range(1, rounds + 1))
    if found := growing(counts):
        return _for_good(stage, rounds, play, counts[0], found)
    if not exceeds(counts[-1], counts[0]):
        return None
    counts += _held_after(stage, play, range(rounds + 1, _STRETCHES * rounds + 1))
    stretches = [lowest(counts[start : start + rounds]) for start in range(0, len(counts), rounds)]
    found = growing(stretches, say("{rounds} rounds", rounds=rounds))
    return found if found and not stage.gives_back(stretches[0]) else None


def _for_good(stage: Stage, rounds: int, play: Play, before: Counts, found: str) -> str | None:
    """What was found, unless the server gives it back when it has time.

    It may keep something for a while, by the clock: a connection that lingers, children that it waits for once a
    second. Then the rounds are played again, with time after each.
    """
    if not stage.gives_back(before):
        return found
    held = [stage.counts()]
    for number in range(rounds + 1, 2 * rounds + 1):
        play(number)
        stage.gives_back(held[-1])
        held.append(stage.counts())
    return growing(held[1:])


def _held_after(stage: Stage, play: Play, numbers: Iterable[int]) -> list[Counts]:
    counts = []
    for number in numbers:
        play(number)
        counts.append(stage.counts())
    return counts
