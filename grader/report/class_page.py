"""What the reports of a class say together: who passes what, which mistakes are common, which checks are hard.

Decided from reports alone; nothing is read or written here.
"""

from __future__ import annotations

import re
import statistics
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from grader.report.model import CheckResult, Report, SpecInfo, Verdict
from grader.report.results import Result
from grader.words import say_of

_TENTH = 10
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Column:
    """A check of the spec."""

    id: str
    title: str
    max_points: float
    hidden: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """What became of one check of one submission; `mistake` is the id of the diagnosis, `title` what it says."""

    verdict: Verdict
    points: float
    title: str
    mistake: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One graded submission; `page` is the file in `folder` that tells the most about it."""

    name: str
    folder: str
    page: str
    score: float
    max_score: float
    spec: SpecInfo
    started: str
    columns: tuple[Column, ...]
    cells: Mapping[str, Cell]

    @property
    def share(self) -> float:
        """The score as a share of what could be had."""
        return self.score / self.max_score if self.max_score else 0.0

    @property
    def mistakes(self) -> list[str]:
        """The ids of the mistakes that its reports name, each once."""
        return list(dict.fromkeys(cell.mistake for cell in self.cells.values() if cell.mistake))

    def has(self, verdict: Verdict) -> bool:
        """Whether any check ended so."""
        return any(cell.verdict is verdict for cell in self.cells.values())


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who made a mistake, where in the source it sits, and the first check that shows it."""

    row: Row
    check: str
    place: str


@dataclass(frozen=True, slots=True)
class Mistake:
    """A misconception, who has it, and how many of them fail each check by it, the check most hit first."""

    id: str
    title: str
    bearers: Sequence[Bearer]
    checks: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Difficulty:
    """How a class fared in one check: submissions by verdict, and the mistake that most who fail it made."""

    column: Column
    counts: Mapping[Verdict, int]
    mean_points: float
    commonest: str = ""
    commonest_count: int = 0

    @property
    def total(self) -> int:
        """How many submissions were to be checked."""
        return sum(self.counts.values())

    @property
    def passed(self) -> float:
        """The share of those that were decided that passed; 0 if nothing was decided."""
        decided = self.counts[Verdict.PASS] + self.counts[Verdict.FAIL] + self.counts[Verdict.SKIPPED]
        return self.counts[Verdict.PASS] / decided if decided else 0.0


@dataclass(frozen=True, slots=True)
class Bin:
    """How many submissions have a score in a range of percent, both ends included."""

    low: int
    high: int
    count: int


@dataclass(frozen=True, slots=True)
class ClassPage:
    """All that the class page shows. Rows are in the order of their names, mistakes and checks the worst first.

    `unnamed` are submissions that fail some check, and none of their mistakes has a name.
    """

    spec: SpecInfo
    rows: Sequence[Row]
    columns: Sequence[Column]
    mistakes: Sequence[Mistake]
    unnamed: Sequence[Row]
    difficulties: Sequence[Difficulty]
    bins: Sequence[Bin]
    not_graded: Sequence[Result]
    notes: Sequence[str]

    @property
    def max_score(self) -> float | None:
        """The points to be had, None if not the same for all."""
        found = {row.max_score for row in self.rows}
        return found.pop() if len(found) == 1 else None

    @property
    def median(self) -> float:
        """The median of the shares."""
        return statistics.median(row.share for row in self.rows) if self.rows else 0.0

    @property
    def mean(self) -> float:
        """The mean of the shares."""
        return statistics.fmean(row.share for row in self.rows) if self.rows else 0.0

    @property
    def all_passed(self) -> int:
        """How many pass every check."""
        return sum(all(cell.verdict is Verdict.PASS for cell in row.cells.values()) for row in self.rows)


def row_of(report: Report, folder: str, page: str) -> Row:
    """What the class page keeps of a report."""
    return Row(
        name=report.submission.name,
        folder=folder,
        page=page,
        score=report.score,
        max_score=report.max_score,
        spec=report.spec,
        started=report.started,
        columns=tuple(Column(check.id, check.title, check.max_points, check.hidden) for check in report.checks),
        cells={check.id: _cell(check) for check in report.checks},
    )


def _cell(check: CheckResult) -> Cell:
    found = check.diagnosis
    if found is None:
        return Cell(check.verdict, check.points, check.summary)
    place = f"{found.file}:{found.line}" if found.file and found.line else found.file or ""
    return Cell(check.verdict, check.points, found.title, found.id, place)


def class_page(spec: SpecInfo, rows: Iterable[Row], not_graded: Iterable[Result], notes: Iterable[str]) -> ClassPage:
    """What the rows say together."""
    ordered = sorted(rows, key=lambda row: natural(row.name, row.folder))
    columns = _columns(ordered)
    return ClassPage(
        spec=spec,
        rows=ordered,
        columns=columns,
        mistakes=_mistakes(ordered),
        unnamed=[row for row in ordered if row.has(Verdict.FAIL) and not row.mistakes],
        difficulties=sorted((_difficulty(column, ordered) for column in columns), key=lambda found: found.passed),
        bins=_bins([row.share for row in ordered if row.max_score]),
        not_graded=sorted(not_graded, key=lambda result: natural(result.name, result.folder)),
        notes=[*notes, *_versions(ordered)],
    )


def natural(*names: str) -> list[tuple[int, str]]:
    """A key by which team 9 comes before team 10; case and accents make no difference."""
    plain = [unicodedata.normalize("NFKD", name).casefold() for name in names]
    bare = ["".join(char for char in name if not unicodedata.combining(char)) for name in plain]
    parts = [part for name in bare for part in (*_DIGITS.split(name), "")]
    return [_natural(part) for part in parts]


def _natural(part: str) -> tuple[int, str]:
    """Numbers by how long they are, then by their digits; everything else after them."""
    digits = part.lstrip("0")
    return (len(digits), digits) if part.isdecimal() else (sys.maxsize, part)


def _columns(rows: Sequence[Row]) -> list[Column]:
    """The checks of all rows, in the order of the spec that was applied last."""
    found: dict[str, Column] = {}
    for row in sorted(rows, key=lambda row: row.started, reverse=True):
        for column in row.columns:
            found.setdefault(column.id, column)
    return list(found.values())


def _mistakes(rows: Sequence[Row]) -> list[Mistake]:
    bearers: dict[str, list[Bearer]] = {}
    titles: dict[str, Counter[str]] = {}
    checks: dict[str, Counter[str]] = {}
    for row in rows:
        seen = set()
        for check, cell in row.cells.items():
            if not cell.mistake:
                continue
            titles.setdefault(cell.mistake, Counter())[cell.title] += 1
            checks.setdefault(cell.mistake, Counter())[check] += 1
            if cell.mistake not in seen:
                bearers.setdefault(cell.mistake, []).append(Bearer(row, check, cell.place))
                seen.add(cell.mistake)
    ranked = sorted(bearers, key=lambda name: (-len(bearers[name]), name))
    return [Mistake(name, _first(titles[name]), bearers[name], checks[name].most_common()) for name in ranked]


def _first(counted: Counter[str]) -> str:
    return counted.most_common(1)[0][0]


def _difficulty(column: Column, rows: Sequence[Row]) -> Difficulty:
    cells = [row.cells[column.id] for row in rows if column.id in row.cells]
    counts = Counter(cell.verdict for cell in cells)
    titles = Counter(cell.title for cell in cells if cell.mistake and cell.verdict is Verdict.FAIL)
    commonest = _first(titles) if titles else ""
    mean = statistics.fmean(cell.points for cell in cells) if cells else 0.0
    return Difficulty(column, {each: counts[each] for each in Verdict}, mean, commonest, titles[commonest])


def _bins(shares: Sequence[float]) -> list[Bin]:
    """By tenths, and full marks by themselves; none if nobody could get any points."""
    if not shares:
        return []
    counts = Counter(min(int(share * 100 + 1e-9) // _TENTH, _TENTH) for share in shares)
    tenths = [Bin(low, low + _TENTH - 1, counts[low // _TENTH]) for low in range(0, 100, _TENTH)]
    return [*tenths, Bin(100, 100, counts[_TENTH])]


def _versions(rows: Sequence[Row]) -> list[str]:
    """That a spec was changed while a class was graded is something to know."""
    if not rows:
        return []
    newest = max(rows, key=lambda row: row.started).spec.sha256
    older = sum(row.spec.sha256 != newest for row in rows)
    if not older:
        return []
    words = say_of(
        older,
        "{count} report was made with another version of the spec than the newest one; grade again to compare like "
        "with like.",
        "{count} reports were made with another version of the spec than the newest one; grade again to compare like "
        "with like.",
    )
    return [words]
