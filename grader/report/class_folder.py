"""The folder of a batch: reports of a class are gathered from it, and the class page is written into it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from grader.report.class_html import render_class
from grader.report.class_page import ClassPage, Row, class_page, row_of
from grader.report.html import write_html
from grader.report.json_file import ReportError, read_json, write_atomically
from grader.report.model import Report, SpecInfo
from grader.report.pages import REPORT, pages_of, revealed
from grader.report.results import RESULTS, Result, read_results
from grader.report.told import told
from grader.words import say, say_of
from grader.words.language import ENGLISH, Language

INDEX = "index.html"


@dataclass
class Gathered:
    """What lies in the folder of a batch; `unreadable` are reports that could not be read, and why."""

    rows: list[Row] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, path: Path, report: Report | ReportError, language: Language) -> None:
        """Keep what the class page tells of a report, in a language, or why it could not be read."""
        if isinstance(report, ReportError):
            self.unreadable.append((path.parent.name, report.told))
        else:
            self.rows.append(row_of(told(report, language), path.parent.name, _fullest(path)))

    def read_results(self, folder: Path) -> None:
        """Keep what results.jsonl says."""
        try:
            self.results = read_results(folder / RESULTS)
        except ReportError as error:
            self.notes.append(say("Submissions without a report may be missing here: {why}.", why=error.told))


def write_instructors(report: Report, path: Path, language: Language = ENGLISH) -> None:
    """Write the instructor's page that belongs to a report.json, only where it shows more than the student's."""
    if any(check.hidden for check in report.checks):
        write_html(revealed(report), pages_of(path)[1], language)


def reports_in(folder: Path) -> Iterator[tuple[Path, Report | ReportError]]:
    """The report.json of each submission and its report, or why it cannot be read; one at a time, as it is asked for.

    They come in the order of their folders; links are not followed.
    """
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = Path(entry.path) / REPORT
        if entry.is_dir(follow_symlinks=False) and path.is_file():
            try:
                report: Report | ReportError = read_json(path)
            except ReportError as error:
                report = error
            yield path, report


def gather(
    folder: Path, each: Callable[[Report, Path], None] = lambda *_: None, language: Language = ENGLISH
) -> Gathered:
    """Read all reports in the folder of a batch; `each` is given every report and its path before it is let go.

    What is kept of them is told in `language`.
    """
    found = Gathered()
    for path, report in reports_in(folder):
        if isinstance(report, Report):
            each(report, path)
        found.note(path, report, language)
    found.read_results(folder)
    return found


def _fullest(path: Path) -> str:
    student, whole = pages_of(path)
    return next((page.name for page in (whole, student) if page.is_file()), path.name)


def class_of(found: Gathered, spec: SpecInfo) -> ClassPage:
    """The class that was graded under a spec."""
    rows = {row.folder: row for row in found.rows if row.spec.id == spec.id}
    failed = [result for result in found.results if result.failed and result.spec.id == spec.id]
    not_graded = [result for result in failed if not _since(result, rows.get(result.folder))]
    for result in not_graded:
        rows.pop(result.folder, None)  # an older report is of something that was handed in before
    told = {result.folder for result in not_graded}
    not_graded += [_unreadable(folder, why, spec) for folder, why in found.unreadable if folder not in told]
    return class_page(spec, rows.values(), not_graded, [*found.notes, *_others(found.rows, spec)])


def _since(result: Result, row: Row | None) -> bool:
    """Whether a submission that could not be graded has been since."""
    return row is not None and row.started > result.started


def usual_spec(found: Gathered) -> SpecInfo | None:
    """The spec of the last batch, or that of most reports; None if there is nothing."""
    if found.results:
        return max(found.results, key=lambda result: result.started).spec
    specs = Counter(row.spec.id for row in found.rows)
    if not specs:
        return None
    ((usual, _),) = specs.most_common(1)
    return max((row for row in found.rows if row.spec.id == usual), key=lambda row: row.started).spec


def _unreadable(folder: str, why: str, spec: SpecInfo) -> Result:
    return Result(name=folder, folder=folder, spec=spec, started="", failed=why, fault="grader")


def _others(rows: Iterable[Row], spec: SpecInfo) -> list[str]:
    others = Counter(row.spec.id for row in rows if row.spec.id != spec.id)
    return [
        say_of(
            count,
            "Left out: {count:,} report in this folder made with the spec {name}.",
            "Left out: {count:,} reports in this folder made with the spec {name}.",
            name=name,
        )
        for name, count in sorted(others.items())
    ]


def write_class(folder: Path, found: ClassPage, language: Language = ENGLISH) -> Path:
    """Write index.html; whoever reads it sees the old page or the new one."""
    write_atomically(folder / INDEX, render_class(found, language))
    return folder / INDEX
