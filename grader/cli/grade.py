"""`grade`: submissions under a spec, a report for each."""

from __future__ import annotations

import datetime as dt
import errno
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console
from rich.text import Text

import grader
from grader.arena.levels import Level
from grader.arena.namespaces import ArenaUnavailableError
from grader.arena.submission import SubmissionError, submission_place
from grader.cli.common import FAULT, INTERRUPTED, PATH, UNUSABLE, lang_option, usable_spec
from grader.grading import grade, spec_info
from grader.report.class_folder import REPORT, write_batch
from grader.report.escape import escape_text
from grader.report.folders import report_folders
from grader.report.html import write_html
from grader.report.json_file import report_json, write_json
from grader.report.model import CheckResult, Report
from grader.report.results import Result
from grader.report.terminal import print_report
from grader.spec import Spec
from grader.words import say
from grader.words.language import Language

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM}


@click.command()
@click.argument("submissions", nargs=-1, required=True, type=PATH, metavar="SUBMISSION...")
@click.option("--spec", "spec_name", required=True, metavar="SPEC", help="A spec file, or the name of a bundled one.")
@click.option("--output", type=PATH, default=Path("grade-report"), show_default=True, help="Where reports go.")
@click.option("--only", multiple=True, metavar="CHECK", help="Run only this check (by its id), and what it needs.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="What stdout carries.")
@click.option(
    "--isolation",
    type=click.Choice(["auto", "namespaces", "process"]),
    default="auto",
    show_default=True,
    help="How servers are kept apart: auto takes the best that this machine allows, and every report says which.",
)
@lang_option
@click.option("--exit-zero", is_flag=True, help="End with status 0 even if checks failed.")
@click.version_option(grader.__version__)
def grade_command(
    submissions: tuple[Path, ...],
    spec_name: str,
    output: Path,
    only: tuple[str, ...],
    form: str,
    isolation: Level,
    exit_zero: bool,
    language: Language,
) -> None:
    """Grade SUBMISSIONs (folders, archives of them, or single files) against SPEC and write a report for each.

    Exit status: 0 every check passed; 1 some check failed; 2 the command line, the spec or a submission could not be
    used; 3 the grader failed or could not tell.
    """
    _require_own_ground(submissions, output)
    spec = _selected(usable_spec(spec_name)[0], only)
    places = [submission_place(path, spec.server.entry) for path in submissions]
    jobs = zip(submissions, places, report_folders(places), strict=True)
    try:
        graded = [
            _grade_one(path, spec, place[-1], output / folder, form, isolation, language)
            for path, place, folder in jobs
        ]
    except KeyboardInterrupt:
        click.echo("grade: interrupted; nothing is left running", err=True)
        sys.exit(INTERRUPTED)
    status = max(one.status for one in graded)
    if len(graded) > 1:
        status = max(status, _write_class(output, graded, form, language))
    sys.exit(0 if exit_zero and status == 1 else status)


def _require_own_ground(submissions: Sequence[Path], output: Path) -> None:
    """Nothing is imported from a submission, and nothing written where a link in it leads."""
    for path in submissions:
        folder = os.path.realpath(path)
        if not os.path.isdir(folder):  # noqa: PTH112 - of any string, not only of what can be a path
            continue
        if any(os.path.realpath(place) == folder for place in sys.path):
            _give_up(
                f"Python would import modules from the submission {str(path)!r}; "
                "take it out of PYTHONPATH, and start the command grade itself"
            )
        inside = Path(os.path.abspath(output))  # noqa: PTH100 - as it is written, with the links in it
        if inside.is_relative_to(folder) and not Path(os.path.realpath(output)).is_relative_to(folder):
            _give_up(f"the output folder {str(output)!r} leads out of the submission by a link in it; give another")


def _give_up(message: str) -> NoReturn:
    click.echo(f"grade: {escape_text(message)}", err=True)
    sys.exit(UNUSABLE)


@dataclass(frozen=True, slots=True)
class _Graded:
    """What became of one submission, and the exit status that it alone would give."""

    status: int
    result: Result


def _grade_one(
    path: Path, spec: Spec, name: str, folder: Path, form: str, isolation: Level, language: Language
) -> _Graded:
    errors, name = Console(stderr=True), escape_text(name)
    started = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    result = Result(name=name, folder=folder.name, spec=spec_info(spec), started=started)

    def failed(status: int, told: str, why: str) -> _Graded:
        click.echo(f"grade: {escape_text(told)}", err=True)
        fault = "submission" if status == UNUSABLE else "grader"
        return _Graded(status, result.model_copy(update={"failed": why, "fault": fault}))

    try:
        with errors.status(Text(f"grading {name}")) as line:

            def progress(result: CheckResult) -> None:
                line.update(Text(f"grading {name}: {result.verdict} {result.id}"))

            report = grade(path, spec, progress, isolation)
    except SubmissionError as error:
        return failed(UNUSABLE, str(error), str(error))
    except ArenaUnavailableError as error:
        return failed(FAULT, f"{name} was not graded: {error}", str(error))
    except Exception as error:  # noqa: BLE001 - whatever it was, it was not the submission's fault, and the others go on
        words = f"the grader failed: {type(error).__name__}: {error}"
        return failed(FAULT, f"{name} was not graded: {words}", words)
    if unwritten := _write(report, folder, language):
        result = result.model_copy(update={"failed": "its report could not be written", "fault": "grader"})
    else:
        result = result.model_copy(update={"score": report.score, "max_score": report.max_score})
    if form == "json":
        click.echo(report_json(report), nl=False)
    else:
        print_report(report, Console(), language)
        if not unwritten:
            click.echo(f"\n{escape_text(language.tell(say('report: {path}', path=str(folder / 'report.html'))))}")
    return _Graded(max(report.exit_status, unwritten), result)


def _write(report: Report, folder: Path, language: Language) -> int:
    """Write the reports; 0, or the status of what went wrong: a place that was given wrongly, or our own trouble."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if folder.is_symlink():
            return _unwritten(folder, "it is a link", UNUSABLE)
        write_json(report, folder / REPORT)
        write_html(report, folder / "report.html", language)
    except OSError as error:
        return _unwritten(folder, error.strerror or str(error), _whose(error))
    return 0


def _whose(error: OSError) -> int:
    return FAULT if error.errno in _NO_ROOM else UNUSABLE


def _write_class(output: Path, graded: Sequence[_Graded], form: str, language: Language) -> int:
    """Write what concerns all of a batch together; 0, or the status of what went wrong."""
    results = [one.result for one in graded]
    try:
        output.mkdir(parents=True, exist_ok=True)
        page = write_batch(output, results[0].spec, results, language)
    except OSError as error:
        click.echo(f"grade: cannot write the class page to {output}: {error.strerror or error}", err=True)
        return _whose(error)
    if form == "text":
        click.echo(escape_text(language.tell(say("class page: {path}", path=str(page)))))
    return 0


def _unwritten(folder: Path, why: str, status: int) -> int:
    click.echo(f"grade: cannot write the report to {escape_text(str(folder))}: {escape_text(why)}", err=True)
    return status


def _selected(spec: Spec, only: tuple[str, ...]) -> Spec:
    if not only:
        return spec
    known = {check.id: check for check in spec.checks}
    if unknown := [name for name in only if name not in known]:
        _give_up(f"no check {unknown[0]!r} in {spec.spec}; it has {', '.join(map(str, known))}")
    wanted: set[str] = set()
    queue = list(only)
    while queue:
        name = queue.pop()
        wanted.add(name)
        queue += [need for need in known[name].needs if need not in wanted]
    return spec.model_copy(update={"checks": [check for check in spec.checks if check.id in wanted]})
