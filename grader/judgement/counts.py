"""How many of everything a server holds, and whether that grows."""

from __future__ import annotations

from collections.abc import Sequence
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
    "sockets": say("open sockets"),
    "descriptors": say("open descriptors"),
    "threads": say("threads"),
    "processes": say("processes"),
    "zombies": say("zombie processes"),
}


def total(counts: Counts) -> int:
    """All that is counted, together."""
    return sum(getattr(counts, name) for name in WORDS)


def exceeds(now: Counts, before: Counts) -> bool:
    """Whether there is more of anything now than before."""
    return any(getattr(now, name) > getattr(before, name) for name in WORDS)


def lowest(rounds: Sequence[Counts]) -> Counts:
    """The least of each that there was after any of these rounds."""
    return Counts(*map(min, zip(*map(astuple, rounds), strict=True)))


def growing(rounds: Sequence[Counts], every: str = say("round")) -> str | None:
    """What grew in every single round, in words, or None; `every` is what to call a round.

    One count after one round proves no leak: CPython frees a forgotten socket only when its variable is used again,
    and a pool grows to its size once. A leak grows with every round.
    """
    for name, words in WORDS.items():
        figures = [getattr(counts, name) for counts in rounds]
        if len(figures) > 2 and all(a < b for a, b in pairwise(figures)):  # noqa: PLR2004
            shown = ", ".join(map(str, figures))
            return say("{what} grew with every {round}: {figures}", what=words, round=every, figures=shown)
    return None
