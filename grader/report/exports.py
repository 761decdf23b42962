"""What a finished batch leaves beside its pages: junit.xml and grades.csv."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from grader.report.grades_csv import GRADES, check_ids, grades_head, grades_line
from grader.report.json_file import write_streamed
from grader.report.junit import FOOT, JUNIT, Totals, junit_head, junit_suite
from grader.report.model import SpecInfo
from grader.report.outcomes import Outcome, outcomes
from grader.report.results import Result

_PIECE = 1 << 16


def write_exports(folder: Path, spec: SpecInfo, results: Iterable[Result] | None = None) -> list[Path]:
    """Write junit.xml and grades.csv into the folder of a batch, from the reports in it; the paths that were written.

    `results` tell who could not be graded; by default they are those of results.jsonl. Reports are read one at a time,
    so a class may be as large as it likes.

    Raises:
        ReportError: results.jsonl cannot be read.
        OSError: a file cannot be written.
    """
    told = None if results is None else [result for result in results if result.failed]
    checks: dict[str, None] = {}

    def noted() -> Iterator[Outcome]:
        for outcome in outcomes(folder, spec, told):
            checks.update(dict.fromkeys(check_ids(outcome)))
            yield outcome

    write_streamed(folder / JUNIT, junit_pieces(spec.id, noted()))
    write_streamed(folder / GRADES, _table(list(checks), outcomes(folder, spec, told)))
    return [folder / JUNIT, folder / GRADES]


def junit_pieces(spec: str, found: Iterable[Outcome]) -> Iterator[str]:
    """junit.xml piece by piece; `spec` is the id of the spec, the name of the whole.

    The totals stand at the head and are known at the end, so the suites wait in a temporary file.
    """
    totals = Totals()
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as suites:
        for outcome in found:
            text, more = junit_suite(outcome)
            suites.write(text)
            totals += more
        suites.seek(0)
        yield junit_head(totals, spec)
        while piece := suites.read(_PIECE):
            yield piece
    yield FOOT


def grades_pieces(again: Callable[[], Iterable[Outcome]]) -> Iterator[str]:
    """grades.csv line by line; `again` begins the outcomes from the first one, as the columns are to be known first."""
    checks = list(dict.fromkeys(name for outcome in again() for name in check_ids(outcome)))
    yield from _table(checks, again())


def _table(checks: list[str], found: Iterable[Outcome]) -> Iterator[str]:
    yield grades_head(checks)
    for outcome in found:
        yield grades_line(outcome, checks)
