"""Many submissions in one go: what was graded is written at once, so that whoever is interrupted can go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import click

import grader
from grader.arena.levels import Level, choose
from grader.arena.namespaces import ArenaUnavailableError
from grader.batch import Done, Job, Work, grade_all
from grader.cli.common import FAULT, INTERRUPTED, UNUSABLE, tell_not_graded
from grader.cli.progress import Told
from grader.cli.writing import whose, write
from grader.grading import spec_info
from grader.report.class_files import write_batch
from grader.report.escape import escape_text
from grader.report.json_file import ReportError, read_json, report_json
from grader.report.model import Report
from grader.report.pages import REPORT, Pages
from grader.report.results import RESULTS, Result, add_result, forget_results
from grader.report.terminal import one_line
from grader.spec import Spec
from grader.words import say
from grader.words.language import ENGLISH, Language


@dataclass(frozen=True, slots=True)
class Handed:
    """One submission: where it lies, its name, and the name of the folder that its report gets."""

    path: Path
    name: str
    folder: str


@dataclass
class ClassRun:
    """One run over a class: `spec` as it is applied (some checks may have been selected), from `file`.

    `form` is what stdout carries, text or json; `resume` keeps what has been graded already, unchanged. People are told
    in `language`.
    """

    spec: Spec
    file: Path
    output: Path
    only: tuple[str, ...] = ()
    form: str = "text"
    isolation: Level = "auto"
    resume: bool = False
    language: Language = ENGLISH
    _results: dict[str, Result] = field(default_factory=dict)
    _before: dict[str, Report] = field(default_factory=dict)
    """The reports that may be kept of those whose turn it is, by their folders."""
    _status: int = 0

    def grade(self, handed: Sequence[Handed], place: AbstractContextManager[tuple[Executor, int]], work: Work) -> int:
        """Grade all, write a report for each, and the class page; the exit status.

        `place` is where it is done: an executor, and how many gradings it can do at a time.

        Raises:
            ClusterError: there is no such place.
        """
        if status := self._begin(handed):
            return status
        by_folder = {one.folder: one for one in handed}
        try:
            with Told("grade", "grading", "submissions", len(handed), "not graded") as told, place as (executor, slots):
                for done in grade_all(self._jobs(handed), executor, 2 * slots, work):
                    one = by_folder[done.job.name]
                    result = self._take(one, done)
                    told.one(one.name, failed=bool(result.failed))
        except KeyboardInterrupt:
            click.echo(
                f"grade: interrupted with {len(self._results)} of {len(handed)} submissions graded; nothing is left "
                "running, and the same command with --resume goes on from here",
                err=True,
            )
            self._end()
            return INTERRUPTED
        return max(self._status, self._end())

    def _begin(self, handed: Sequence[Handed]) -> int:
        """Clear results.jsonl of whom we are about to grade, so that each line added to it tells of this run."""
        try:
            self.output.mkdir(parents=True, exist_ok=True)
            forget_results(self.output / RESULTS, {one.folder for one in handed})
        except ReportError as error:
            return _complain(f"{error}; move it away, or give another --output")
        except OSError as error:
            return self._unwritten(error)
        return 0

    def _jobs(self, handed: Sequence[Handed]) -> Iterator[Job]:
        for one in handed:
            known = self._known(one) if self.resume else ""
            language = self.language.code
            yield Job(one.path, self.file, one.folder, "", self.only, self.isolation, known, told=True, lang=language)

    def _known(self, one: Handed) -> str:
        """The fingerprint under which this submission has been graded, just as it would be now; "" if it has not."""
        try:
            report = read_json(self.output / one.folder / REPORT)
            level, _ = choose(self.isolation)
        except (ReportError, ArenaUnavailableError):
            return ""
        if (
            report.grader == grader.__version__
            and report.submission.name == one.name
            and report.spec == spec_info(self.spec)
            and [check.id for check in report.checks] == [check.id for check in self.spec.checks]
            and report.arena.isolation == level
        ):
            self._before[one.folder] = report
            return report.submission.sha256
        return ""

    def _take(self, one: Handed, done: Done) -> Result:
        """Write what became of one: its pages, then the line that says so, then a line for people."""
        before = self._before.pop(one.folder, None)
        report = before if done.kept else done.report
        result = Result(name=escape_text(one.name), folder=one.folder, spec=spec_info(self.spec), started=done.started)
        unwritten = write(done.pages, self.output / one.folder) if done.pages else 0
        found: dict[str, object]
        if report is None:
            status = UNUSABLE if done.fault == "submission" else FAULT
            found = {"failed": done.failed, "fault": done.fault}
        elif unwritten:
            status = max(report.exit_status, unwritten)
            found = {"failed": say("its report could not be written"), "fault": "grader"}
        else:
            status = report.exit_status
            found = {"started": report.started, "score": report.score, "max_score": report.max_score}
        result = result.model_copy(update=found)
        self._status = max(self._status, status)
        self._results[one.folder] = result
        self._tell(one, done, report)
        try:
            add_result(self.output / RESULTS, result)
        except OSError as error:
            self._status = max(self._status, self._unwritten(error))
        return result

    def _tell(self, one: Handed, done: Done, report: Report | None) -> None:
        if report is None:
            tell_not_graded(one.name, done.failed, self.language, own_fault=done.fault == "submission")
        elif self.form == "json":
            click.echo(_json_of(report, done.pages), nl=False)
        else:
            line = one_line(report, self.language)
            words = say("{line} (as before)", line=line) if done.kept else line
            click.echo(self.language.tell(words))

    def _end(self) -> int:
        """Write what concerns all of the class together; 0, or the status of what went wrong."""
        try:
            page = write_batch(self.output, spec_info(self.spec), self._results.values(), self.language)
        except OSError as error:
            return self._unwritten(error)
        if self.form == "text":
            click.echo(self.language.tell(_summed_up(self._results)))
            click.echo(escape_text(self.language.tell(say("class page: {path}", path=str(page)))))
        return 0

    def _unwritten(self, error: OSError) -> int:
        why = error.strerror or error
        click.echo(f"grade: cannot write the class page to {escape_text(str(self.output))}: {why}", err=True)
        return whose(error)


def _json_of(report: Report, pages: Pages | None) -> str:
    return pages.report if pages else report_json(report)


def _summed_up(results: Mapping[str, Result]) -> str:
    scores = [result.score for result in results.values() if result.score is not None]
    return say("{graded} of {all} submissions graded", graded=len(scores), all=len(results))


def _complain(message: str) -> int:
    click.echo(f"grade: {escape_text(message)}", err=True)
    return UNUSABLE
