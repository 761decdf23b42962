"""What a finished batch leaves for the class: results.jsonl, index.html, junit.xml and grades.csv."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from grader.report.class_folder import Gathered, class_of, reports_in, write_class, write_instructors
from grader.report.grades_csv import GRADES, Grades
from grader.report.json_file import ReportError, write_streamed
from grader.report.junit import JUNIT, Suites
from grader.report.model import Report, SpecInfo
from grader.report.outcomes import outcomes_of
from grader.report.pages import pages_of
from grader.report.results import RESULTS, Result, write_results
from grader.words.language import ENGLISH, Language


def write_batch(
    folder: Path, spec: SpecInfo, results: Iterable[Result], language: Language = ENGLISH, *, junit: bool = True
) -> Path:
    """Write all that concerns the class together at the end of a batch, and tell the path of its page.

    Whoever was graded into this folder under the same spec before stays in the class. Each report is read once and
    let go, so a class may be as large as it likes. `junit` is unset where junit.xml is somebody else's.

    Raises:
        OSError: a file cannot be written; those before it have been, in the order above.
    """
    found = Gathered()
    found.read_results(folder)
    kept = {result.folder: result for result in found.results if result.spec.id == spec.id}
    now = kept | {result.folder: result for result in results}
    found.results = [now[name] for name in sorted(now)]
    write_results(folder / RESULTS, found.results)
    with Suites(spec.id) as suites:
        grades = Grades()
        for outcome in outcomes_of(_noted(folder, found, language), spec.id, found.results):
            suites.add(outcome)
            grades.add(outcome)
        page = write_class(folder, class_of(found, spec), language)
        if junit:
            write_streamed(folder / JUNIT, suites.pieces())
        write_streamed(folder / GRADES, grades.pieces())
    return page


def _noted(folder: Path, found: Gathered, language: Language) -> Iterator[tuple[Path, Report | ReportError]]:
    """The reports, each when the class page's part of it has been kept."""
    for path, report in reports_in(folder):
        # The instructor's page of somebody who was graded alone is not there yet.
        if isinstance(report, Report) and not pages_of(path)[1].exists():
            with contextlib.suppress(OSError):  # then the class page leads to the student's
                write_instructors(report, path, language)
        found.note(path, report, language)
        yield path, report
