"""How many of everything a server holds, and whether that grows."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass
from itertools import pairwise

from grader.evidence.records import Pass, Process
from grader.words import say


@dataclass(frozen=True, slots=True)
class Counts:
    """Of the whole tree: descriptors, sockets among them, threads, processes, and zombies (ended, not waited for).

    Threads that a language's runtime keeps for itself are not among them.
    """

    descriptors: int
    sockets: int
    threads: int
    processes: int
    zombies: int


def count(look: Pass, processes: tuple[Process, ...]) -> Counts:
    """Count a pass and the processes read with it."""
    return Counts(
        descriptors=sum(len(process.descriptors) for process in processes),
        sockets=sum(process.open_sockets for process in processes),
        threads=len(look.students),
        processes=len(processes),
        zombies=look.zombies,
    )


WORDS = {
    "processes": say("processes"),
    "threads": say("threads"),
    "sockets": say("open sockets"),
    "descriptors": say("open descriptors"),
    "zombies": say("zombie processes"),
}
"""What is counted; first what brings others with it: each process has threads, and copies of its parent's sockets."""


def total(counts: Counts) -> int:
    """All that is counted, together."""
    return sum(getattr(counts, name) for name in WORDS)


def exceeds(now: Counts, before: Counts) -> bool:
    """Whether there is more of anything now than before."""
    return any(getattr(now, name) > getattr(before, name) for name in WORDS)


def highest(rounds: Sequence[Counts]) -> Counts:
    """The most of each that there was after any of these rounds."""
    return Counts(*map(max, zip(*map(astuple, rounds), strict=True)))


def lowest(rounds: Sequence[Counts]) -> Counts:
    """The least of each that there was after any of these rounds."""
    return Counts(*map(min, zip(*map(astuple, rounds), strict=True)))


def growing(rounds: Sequence[Counts], every: str = say("round"), still: Counts | None = None) -> str | None:
    """What grew in every single round, in words, or None; `every` is what to call a round.

    Where it is given, `still` is what the server holds now: what is back to where it was is not told of.

    One count after one round proves no leak: CPython frees a forgotten socket only when its variable is used again,
    and a pool grows to its size once. A leak grows with every round.
    """
    names = [name for name in WORDS if still is None or getattr(still, name) > getattr(rounds[0], name)]
    if found := _steady(rounds, names, operator.lt):
        what, figures = found
        return say("{what} grew with every {round}: {figures}", what=what, round=every, figures=figures)
    return None


def dwindling(rounds: Sequence[Counts], every: str = say("round")) -> str | None:
    """Which workers became fewer in every single round, in words, or None; `every` is what to call a round."""
    if found := _steady(rounds, ("processes", "threads"), operator.gt):
        what, figures = found
        return say("{what} became fewer with every {round}: {figures}", what=what, round=every, figures=figures)
    return None


def _steady(
    rounds: Sequence[Counts], names: Iterable[str], order: Callable[[int, int], bool]
) -> tuple[str, str] | None:
    """The first of these whose figures are in this order from each round to the next: its words, and the figures."""
    for name in names:
        figures = [getattr(counts, name) for counts in rounds]
        if len(figures) > 2 and all(order(a, b) for a, b in pairwise(figures)):  # noqa: PLR2004
            return WORDS[name], ", ".join(map(str, figures))
    return None
