"""What is wrong with a spec, where, and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a file, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `remedy` is a nearest name ("did you mean 'x'?") or what would be right."""

    message: str
    file: str
    place: Place | None
    remedy: str = ""

    def __str__(self) -> str:
        where = f" at {self.file}:{self.place.line}:{self.place.column}" if self.place else ""
        return f"{self.message}{where}" + (f"; {self.remedy}" if self.remedy else "")


class SpecError(Exception):
    """A spec that cannot be used: every problem that it has, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: problem.place or Place(0, 0))
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[type[SpecError], tuple[list[Problem]]]:
        return SpecError, (self.problems,)


def nearest(name: object, names: Iterable[str]) -> str:
    """A remedy: the nearest of the valid names, or the list of them."""
    known = list(names)
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"choose one of {', '.join(known)}" if known else ""
