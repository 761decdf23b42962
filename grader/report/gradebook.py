"""Grades into a gradebook's own file: which submissions get one, how it is written, and who is told of the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from grader.report.outcomes import Outcome
from grader.report.people import counted
from grader.report.roster import Person, Roster
from grader.report.sheet import Sheet, SheetError

_CENT = Decimal("0.01")
_NOT_NEEDED: Mapping[str, object] = {"timeline": None, "evidence": [], "facts": {}, "by_hand": None, "steps": []}


@dataclass(frozen=True, slots=True)
class Rules:
    """What an instructor may ask for.

    `scale` allows points of another number than the assignment's, `with_undecided` grades of which some checks could
    not be decided, and `given` says whose a submission is.
    """

    scale: bool = False
    with_undecided: bool = False
    given: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Filled:
    """The file with the grades, how many there are, and one sentence for each submission that got none."""

    text: str = ""
    grades: int = 0
    problems: list[str] = field(default_factory=list)


def fill(
    sheet: Sheet,
    roster: Roster,
    found: Iterable[Outcome],
    worth: Decimal,
    rules: Rules,
    write: Callable[[Person, Outcome, Decimal], None],
) -> Filled:
    """Give each person the grade of their submission; `worth` is what the assignment is worth in the gradebook.

    Who has none, or whose was not graded, keeps the cells as they are: there is no zero but an earned one.

    Raises:
        SheetError: the spec's points are not the assignment's, and `rules.scale` is not set.
    """
    filled = Filled()
    matched = roster.match(_slim(found), rules.given)
    filled.problems += matched.problems
    for person, outcome in matched.found:
        if why := _no_grade(outcome, rules):
            filled.problems.append(f"{person.shown} gets no grade: {outcome.folder!r} {why}")
        else:
            write(person, outcome, _scaled(outcome, worth, rules, sheet.name))
            filled.grades += 1
    filled.text = sheet.text()
    return filled


def _slim(found: Iterable[Outcome]) -> Iterator[Outcome]:
    """Only what a gradebook needs of each report is kept, so that a class may be large."""
    for outcome in found:
        if outcome.report:
            checks = [check.model_copy(update=_NOT_NEEDED) for check in outcome.report.checks]
            yield replace(outcome, report=outcome.report.model_copy(update={"resources": [], "checks": checks}))
        else:
            yield outcome


def _no_grade(outcome: Outcome, rules: Rules) -> str:
    if outcome.report is None:
        return f"was not graded ({outcome.failed})"
    if outcome.undecided and not rules.with_undecided:
        told = counted(len(outcome.undecided), "check")
        return f"has {told} that could not be decided; grade it again, or give --with-undecided"
    return ""


def _scaled(outcome: Outcome, worth: Decimal, rules: Rules, name: str) -> Decimal:
    assert outcome.report is not None  # noqa: S101 - who has none got no grade
    score, most = (Decimal(str(value)) for value in (outcome.report.score, outcome.report.max_score))
    if most != worth:
        if not rules.scale:
            raise SheetError(
                f"{name}: the assignment is worth {worth:f} points and the spec {most:f}; "
                "change one of the two, or give --scale"
            )
        score = score * worth / most if most else Decimal(0)
    return score.quantize(_CENT, ROUND_HALF_UP)


def decimal(cell: str) -> Decimal | None:
    """A number as a gradebook writes it, with a point or a comma; None if it is none."""
    try:
        found = Decimal(cell.strip().replace(",", "."))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def plain(grade: Decimal, mark: str = ".") -> str:
    """A grade with up to two digits after the mark."""
    text = f"{grade:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace(".", mark)
