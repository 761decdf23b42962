"""What a server holds after each round: what grows is a leak, unless it is given back by and by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import pytest

from grader.behaviours.rounds import leak
from grader.judgement.counts import Counts, exceeds
from grader.stage import Stage

POOL = Counts(descriptors=30, sockets=9, threads=9, processes=9, zombies=0)
ONE_REPLACED = replace(POOL, processes=8, threads=8)


@dataclass
class Scripted:
    """A server that holds so much after each round, and `at_last` so much when it has had time."""

    held: list[Counts]
    at_last: Counts
    now: Counts = POOL

    def play(self, number: int) -> None:
        self.now = self.held[min(number, len(self.held)) - 1]

    def counts(self) -> Counts:
        return self.now

    def gives_back(self, held: Counts) -> bool:
        self.now = self.at_last
        return not exceeds(self.now, held)

    def leak(self) -> str | None:
        return leak(cast(Stage, self), 3, self.play)


def left_after(*zombies: int) -> list[Counts]:
    """What is held with so many children that have ended, while in some round a worker was just being replaced."""
    return [replace(ONE_REPLACED if number == 0 else POOL, zombies=left) for number, left in enumerate(zombies)]


NOW_AND_THEN = left_after(0, 0, 1, 1, 1, 1, 2, 2, 2)
EVERY_TIME = [*left_after(1, 2, 3), POOL]


@pytest.mark.parametrize("held", [NOW_AND_THEN, EVERY_TIME], ids=["now and then", "in every round"])
def test_what_is_given_back_is_no_leak_whatever_else_there_is_more_of(held: list[Counts]) -> None:
    assert Scripted(held, at_last=POOL).leak() is None


@pytest.mark.parametrize("held", [NOW_AND_THEN, EVERY_TIME], ids=["now and then", "in every round"])
def test_what_is_kept_is_a_leak(held: list[Counts]) -> None:
    found = Scripted(held, at_last=replace(POOL, zombies=7)).leak()

    assert found is not None
    assert found.startswith("zombie processes grew")
