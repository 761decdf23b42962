"""What a pytest session grades: which submissions, under which spec, and what has been found so far."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pytest

from grader.arena.archives import archive_suffix
from grader.arena.files import PACKAGES
from grader.arena.submission import submission_place
from grader.attempt import Ungraded, attempted
from grader.behaviours import catalogue
from grader.grading import grade, spec_info
from grader.pytest_plugin.extra import Extra
from grader.report.class_files import write_batch
from grader.report.escape import escape_text
from grader.report.folders import report_folders
from grader.report.json_file import ReportError
from grader.report.model import CheckResult, Report
from grader.report.pages import pages, write_pages
from grader.report.results import RESULTS, Result, add_result, forget_results, read_results
from grader.spec import Spec, SpecError, find_spec, load_spec, selected
from grader.words import say


class NotGradedError(Exception):
    """A submission could not be graded; the message says why."""


@dataclass(frozen=True, slots=True)
class Handed:
    """One submission: its path, its name, the folder that its report gets, and `id`, its path in names of items."""

    path: Path
    name: str
    folder: str
    id: str


@dataclass
class Grading:
    """All that one process grades; `handed` are the submissions, `classes` the folders in which they lie.

    `extras` are the test functions that are extra checks, by the submission and the id of the check.
    """

    spec: Spec
    output: Path
    handed: list[Handed]
    classes: set[Path]
    extras: dict[tuple[Handed | None, str], str] = field(default_factory=dict)
    _reports: dict[Handed, Report | NotGradedError] = field(default_factory=dict)

    @staticmethod
    def of(config: pytest.Config) -> Grading:
        """By the command line.

        Raises:
            UsageError: the spec cannot be used, or a folder cannot be read.
        """
        options = config.known_args_namespace
        try:
            spec = load_spec(find_spec(options.spec), catalogue())
        except SpecError as error:
            raise pytest.UsageError("\n".join(escape_text(str(problem)) for problem in error.problems)) from None
        here = config.invocation_params.dir
        paths = [(here / argument.split("::")[0]).resolve() for argument in options.file_or_dir or ["."]]
        try:
            alone = [path for path in paths if _is_submission(path, spec)]
            classes = {
                found: _members(found, spec) for path in paths if path not in alone for found in _classes(path, spec)
            }
        except OSError as error:
            raise pytest.UsageError(_unusable("read", error.filename, error)) from None
        unique = dict.fromkeys([*alone, *(one for members in classes.values() for one in members)])
        places = [submission_place(path, spec.server.entry) for path in unique]
        named = zip(unique, places, report_folders(places), strict=True)
        handed = [Handed(path, place[-1], folder, _id(path, config.rootpath)) for path, place, folder in named]
        return Grading(spec, here / options.grade_output, handed, set(classes))

    @cached_property
    def by_path(self) -> dict[Path, Handed]:
        """The submissions by where they lie."""
        return {one.path: one for one in self.handed}

    @property
    def behaviours(self) -> set[str]:
        """The names of the behaviours that the spec asks for, and of those that there are."""
        return {*catalogue(), *(check.behaviour for check in self.spec.checks)}

    def holds(self, path: Path) -> bool:
        """Whether a path is a submission, lies in one, or has some below it."""
        return any(path == one.path or one.path in path.parents or path in one.path.parents for one in self.handed)

    def known(self, handed: Handed | None, check: str) -> CheckResult | None:
        """The result of a check, if it has been graded."""
        report = self._reports.get(handed) if handed else None
        checks = report.checks if isinstance(report, Report) else []
        return next((found for found in checks if found.id == check), None)

    def result(self, handed: Handed, check: str, ids: Sequence[str], extras: Sequence[Extra]) -> CheckResult:
        """The result of a check; where nothing is known yet, the checks of these ids and the extra ones are graded.

        Raises:
            NotGradedError: the submission could not be graded.
        """
        if handed not in self._reports:
            self._reports[handed] = self._grade(handed, ids, extras)
        found = self._reports[handed]
        if isinstance(found, NotGradedError):
            raise found
        return next(result for result in found.checks if result.id == check)

    def _grade(self, handed: Handed, ids: Sequence[str], extras: Sequence[Extra]) -> Report | NotGradedError:
        known = selected(self.spec, ids).checks if ids else []
        spec = self.spec.model_copy(update={"checks": [*known, *(extra.behaviour() for extra in extras)]})
        started = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        about = Result(name=handed.name, folder=handed.folder, spec=spec_info(self.spec), started=started)
        report = attempted(lambda: grade(_as_people_write(handed.path), spec))
        if isinstance(report, Ungraded):
            self._add(about.model_copy(update={"failed": report.why, "fault": report.fault}))
            own = report.fault == "submission"
            return NotGradedError(escape_text(report.why if own else f"{handed.name} was not graded: {report.why}"))
        folder = self.output / handed.folder
        try:
            write_pages(pages(report), folder)
        except OSError as error:
            self._add(about.model_copy(update={"failed": say("its report could not be written"), "fault": "grader"}))
            return NotGradedError(_unusable("write the report to", folder, error))
        scored = {"started": report.started, "score": report.score, "max_score": report.max_score}
        self._add(about.model_copy(update=scored))
        return report

    def _add(self, result: Result) -> None:
        # Where not even that can be written, neither can what comes at the end, which tells.
        with contextlib.suppress(OSError):
            add_result(self.output / RESULTS, result)

    def begin(self) -> None:
        """Clear results.jsonl of whom we are about to grade.

        Raises:
            UsageError: the folder for the output cannot be used.
        """
        try:
            self.output.mkdir(parents=True, exist_ok=True)
            forget_results(self.output / RESULTS, {one.folder for one in self.handed})
        except ReportError as error:
            raise pytest.UsageError(escape_text(f"{error}; move it away, or give another --grade-output")) from None
        except OSError as error:
            raise pytest.UsageError(_unusable("write to", self.output, error)) from None

    def end(self, *, junit: bool) -> str:
        """Write what concerns the class together, junit.xml if asked to; why it could not be written, or ""."""
        try:
            results = read_results(self.output / RESULTS)
            write_batch(self.output, spec_info(self.spec), results, junit=junit)
        except ReportError as error:
            return escape_text(str(error))
        except OSError as error:
            return _unusable("write the class page to", self.output, error)
        return ""


def _unusable(what: str, path: object, error: OSError) -> str:
    return escape_text(f"cannot {what} {path}: {error.strerror or error}")


def _is_submission(path: Path, spec: Spec) -> bool:
    if path.is_dir():
        return any((path / entry).is_file() for entry in spec.server.entry)
    return path.is_file() and bool(archive_suffix(path.name) or path.name in spec.server.entry)


def _members(path: Path, spec: Spec) -> list[Path]:
    """The submissions in a folder: if one of its folders or archives is one, they all are."""
    if not path.is_dir():
        return []
    inside = sorted(one for one in path.iterdir() if not one.name.startswith((".", "__")))
    found = [one for one in inside if one.is_dir() or _is_submission(one, spec)]
    return found if any(_is_submission(one, spec) for one in found) else []


def _classes(path: Path, spec: Spec, depth: int = 3) -> Iterator[Path]:
    """The folders in which submissions lie, from a folder on downwards."""
    if not path.is_dir():
        return
    if _members(path, spec):
        yield path
    elif depth:
        for inside in sorted(path.iterdir()):
            if not inside.name.startswith((".", "__")) and inside.name not in PACKAGES:
                yield from _classes(inside, spec, depth - 1)


def _as_people_write(path: Path) -> Path:
    """As it is told from where we are."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _id(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
