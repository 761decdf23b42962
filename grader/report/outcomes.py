"""What became of each submission of a class, one after the other: what every export is written from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.report.class_folder import reports_in
from grader.report.json_file import ReportError, read_json
from grader.report.model import CheckResult, Report, Verdict
from grader.report.pages import REPORT
from grader.report.results import RESULTS, Result, read_results
from grader.words import say


@dataclass(frozen=True, slots=True)
class Outcome:
    """One submission: its report, or in one sentence why there is none, and whose fault that is.

    `folder` is the name of its report's folder.
    """

    name: str
    folder: str
    report: Report | None = None
    failed: str = ""
    fault: str = ""

    @property
    def undecided(self) -> list[CheckResult]:
        """The checks of which nothing is known: their points are not the student's to lose."""
        checks = self.report.checks if self.report else []
        return [check for check in checks if check.verdict is Verdict.INCONCLUSIVE]


def outcomes(folder: Path) -> Iterator[Outcome]:
    """All that lies in the folder of a batch, under the spec of the last; a report is read when its turn comes.

    Raises:
        ReportError: there is no report in it, or results.jsonl cannot be read.
    """
    told = read_results(folder / RESULTS)
    return outcomes_of(reports_in(folder), _usual(folder, told), told)


def outcomes_of(
    reports: Iterable[tuple[Path, Report | ReportError]], spec: str, results: Iterable[Result]
) -> Iterator[Outcome]:
    """What reports and results say together under the spec of this id; a report is let go before the next is read.

    A report that is older than a result without a score is of something that was handed in before: the result counts.
    """
    failed = {result.folder: result for result in results if result.failed and result.spec.id == spec}
    for path, report in reports:
        name = path.parent.name
        later = failed.get(name)
        if isinstance(report, ReportError):
            if later is None:
                yield Outcome(name, name, failed=str(report), fault="grader")
        elif report.spec.id == spec and (later is None or report.started > later.started):
            failed.pop(name, None)
            yield Outcome(report.submission.name, name, report)
    for name in sorted(failed):
        result = failed[name]
        yield Outcome(result.name, name, failed=result.failed, fault=result.fault)


def single(path: Path) -> Outcome:
    """The outcome that one report.json tells; `path` is that file, or the folder in which it lies.

    Raises:
        ReportError: it cannot be read, or is none.
    """
    file = path / REPORT if path.is_dir() else path
    report = read_json(file)
    return Outcome(report.submission.name, file.resolve().parent.name, report)


def _usual(folder: Path, told: list[Result]) -> str:
    """The spec of the last batch, or that of most reports."""
    if told:
        return max(told, key=lambda result: result.started).spec.id
    specs = Counter(report.spec.id for _, report in reports_in(folder) if isinstance(report, Report))
    if not specs:
        raise ReportError(say("there is no report in {folder}, nor in a folder in it", folder=str(folder)))
    return specs.most_common(1)[0][0]
