"""The same thing round after round, and what the server holds after each."""

from __future__ import annotations

from collections.abc import Callable

from grader.judgement.counts import Counts, growing
from grader.stage import Stage


def leak(stage: Stage, rounds: int, play: Callable[[int], None]) -> str | None:
    """What grew with every round, in words, or None; `play` is one round, after which the server is at rest.

    A server may keep something for a while, by the clock: a connection that lingers, children that it waits for once
    a second. What it gives back when it has time is no leak; the rounds are then played again with time after each.
    """
    counts = [_held_after(stage, play, number) for number in range(1, rounds + 1)]
    found = growing(counts)
    if not found or not stage.gives_back(counts[0]):
        return found
    held = [stage.counts()]
    for number in range(rounds + 1, 2 * rounds + 1):
        play(number)
        stage.gives_back(held[-1])
        held.append(stage.counts())
    return growing(held[1:])


def _held_after(stage: Stage, play: Callable[[int], None], number: int) -> Counts:
    play(number)
    return stage.counts()
