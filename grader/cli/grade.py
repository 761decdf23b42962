"""`grade`: submissions under a spec, a report for each."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console
from rich.text import Text

import grader
from grader.arena.levels import Level
from grader.arena.submission import submission_place
from grader.attempt import Ungraded, attempted
from grader.batch import here
from grader.cli.common import (
    FAULT,
    INTERRUPTED,
    PATH,
    UNUSABLE,
    WORKERS,
    lang_option,
    number_of_workers,
    tell_not_graded,
    usable_spec,
)
from grader.cli.watching import watched
from grader.cli.whole_class import ClassRun, Handed
from grader.cli.writing import write
from grader.cluster import ClusterError, cluster, sender
from grader.grading import grade
from grader.report.escape import escape_text
from grader.report.folders import report_folders
from grader.report.json_file import report_json
from grader.report.model import CheckResult
from grader.report.pages import pages
from grader.report.terminal import print_report
from grader.spec import Spec, UnknownCheckError, selected
from grader.words import say
from grader.words.language import Language
from grader.workers import local_executor


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
@WORKERS
@click.option("--resume", is_flag=True, help="Keep what is there: grade only what is new, changed, or failed to be.")
@click.option("--shard", metavar="K/N", help="Grade only every N-th submission, from the K-th on; see grader merge.")
@click.option(
    "--cluster", "address", metavar="ADDRESS", help="Grade on the workers of this Dask scheduler (tcp://...)."
)
@click.option("--watch", "again", is_flag=True, help="Grade the submission each time that it is saved, until Ctrl-C.")
@click.option("--exit-zero", is_flag=True, help="End with status 0 even if checks failed.")
@click.version_option(grader.__version__)
def grade_command(
    submissions: tuple[Path, ...],
    spec_name: str,
    output: Path,
    only: tuple[str, ...],
    form: str,
    isolation: Level,
    workers: str,
    resume: bool,
    shard: str | None,
    address: str | None,
    again: bool,
    exit_zero: bool,
    language: Language,
) -> None:
    """Grade SUBMISSIONs (folders, archives of them, or single files) against SPEC and write a report for each.

    Several are graded side by side; each gets a line, and all together a class page. Of an interrupted run nothing is
    lost: the same command with --resume goes on.

    Exit status: 0 every check passed; 1 some check failed; 2 the command line, the spec or a submission could not be
    used; 3 the grader failed or could not tell.
    """
    _require_own_ground(submissions, output)
    whole, file = usable_spec(spec_name)
    at_once = number_of_workers(workers, "grade")
    try:
        spec = selected(whole, only)
    except UnknownCheckError as error:
        _give_up(str(error))
    first, every = _shard(shard)
    places = [submission_place(path, spec.server.entry) for path in submissions]
    folders = zip(submissions, places, report_folders(places), strict=True)
    handed = [Handed(path, place[-1], folder) for path, place, folder in folders][first::every]
    if again:
        if len(handed) != 1 or resume or shard or address:
            _give_up("--watch is for one submission on this machine")
        status = watched(handed[0].path, spec, output / handed[0].folder, isolation, language)
    elif len(handed) != 1 or resume or shard or address:
        run = ClassRun(spec, file.resolve(), output, only, form, isolation, resume, language)
        try:
            place, work = (cluster(address), sender(whole, file)) if address else (_here(at_once), here)
            status = run.grade(handed, place, work)
        except ClusterError as error:
            _give_up(str(error))
    else:
        status = _alone(handed[0], spec, output, form, isolation, language)
    sys.exit(0 if exit_zero and status == 1 else status)


@contextlib.contextmanager
def _here(workers: int) -> Iterator[tuple[Executor, int]]:
    with local_executor(workers) as executor:
        yield executor, workers


def _alone(one: Handed, spec: Spec, output: Path, form: str, isolation: Level, language: Language) -> int:
    try:
        return _grade_one(one, spec, output, form, isolation, language)
    except KeyboardInterrupt:
        click.echo("grade: interrupted; nothing is left running", err=True)
        return INTERRUPTED


def _shard(given: str | None) -> tuple[int, int]:
    """Where a shard begins, counted from 0, and how far its members are apart."""
    if given is None:
        return 0, 1
    found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", given)
    first, every = map(int, found.groups()) if found else (0, 0)
    if not 1 <= first <= every:
        _give_up(f"--shard cannot be {given!r}; give which of how many, such as 2/5")
    return first - 1, every


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


def _grade_one(one: Handed, spec: Spec, output: Path, form: str, isolation: Level, language: Language) -> int:
    """Grade one and tell all about it; the exit status."""
    folder, name = output / one.folder, escape_text(one.name)
    with Console(stderr=True).status(Text(f"grading {name}")) as line:

        def progress(result: CheckResult) -> None:
            line.update(Text(f"grading {name}: {result.verdict} {result.id}"))

        report = attempted(lambda: grade(one.path, spec, progress, isolation))
    if isinstance(report, Ungraded):
        own = report.fault == "submission"
        tell_not_graded(one.name, report.why, language, own_fault=own)
        return UNUSABLE if own else FAULT
    unwritten = write(pages(report, language, instructor=False), folder)
    if form == "json":
        click.echo(report_json(report), nl=False)
    else:
        print_report(report, Console(), language)
        if not unwritten:
            click.echo(f"\n{escape_text(language.tell(say('report: {path}', path=str(folder / 'report.html'))))}")
    return max(report.exit_status, unwritten)
