"""What a finished batch leaves beside its pages: junit.xml and grades.csv."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from grader.report.grades_csv import GRADES, check_ids, grades_head, grades_line
from grader.report.json_file import write_streamed
from grader.report.junit import FOOT, JUNIT, Totals, junit_head, junit_suite
from grader.report.model import SpecInfo
from grader.report.outcomes import Outcome, outcomes
from grader.report.results import Result

_PIECE = 1 << 16


def write_exports(folder: Path, spec: SpecInfo, results: Iterable[Result]) -> list[Path]:
    """Write junit.xml and grades.csv into the folder of a batch, from the reports in it; the paths that were written.

    `results` are those of the batch, or all of results.jsonl: who could not be graded is told too. Reports are read
    one at a time, so a class may be as large as it likes.

    Raises:
        OSError: a file cannot be written.
    """
    told = [result for result in results if result.failed]

    def again() -> Iterator[Outcome]:
        return outcomes(folder, spec, told)

    write_junit(folder / JUNIT, spec.id, again())
    write_grades(folder / GRADES, again)
    return [folder / JUNIT, folder / GRADES]


def write_junit(path: Path, spec: str, found: Iterable[Outcome]) -> Totals:
    """Write junit.xml, and tell the totals; `spec` is the id of the spec, the name of the whole.

    The totals stand at the head of the file and are known at the end, so the suites wait in a temporary file.
    """
    totals = Totals()
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as suites:
        for outcome in found:
            text, more = junit_suite(outcome)
            suites.write(text)
            totals += more
        suites.seek(0)
        write_streamed(path, itertools.chain([junit_head(totals, spec)], _pieces(suites), [FOOT]))
    return totals


def _pieces(file: IO[str]) -> Iterator[str]:
    while piece := file.read(_PIECE):
        yield piece


def write_grades(path: Path, again: Callable[[], Iterable[Outcome]]) -> None:
    """Write grades.csv; `again` begins the outcomes from the first one, as the columns are to be known first."""
    checks = list(dict.fromkeys(name for outcome in again() for name in check_ids(outcome)))
    write_streamed(path, _table(checks, again()))


def _table(checks: list[str], found: Iterable[Outcome]) -> Iterator[str]:
    yield grades_head(checks)
    for outcome in found:
        yield grades_line(outcome, checks)
