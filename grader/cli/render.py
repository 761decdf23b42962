"""`grader render`: the pages again, from what was found before; nothing is graded."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from grader.cli.common import PATH, UNUSABLE, lang_option
from grader.report.class_folder import Gathered, class_of, gather, usual_spec, write_class, write_instructors
from grader.report.escape import escape_text
from grader.report.html import write_html
from grader.report.json_file import ReportError, read_json
from grader.report.model import Report
from grader.report.pages import REPORT, pages_of
from grader.words import say
from grader.words.language import Language


@click.command("render")
@click.argument("paths", nargs=-1, required=True, type=PATH, metavar="REPORT.json|FOLDER...")
@click.option(
    "--instructor", is_flag=True, help="Also write report.instructor.html, in which hidden checks are shown whole."
)
@lang_option
def render(paths: tuple[Path, ...], instructor: bool, language: Language) -> None:
    """Make the pages again from report.json files, without grading.

    For a report.json, or the folder that it lies in, report.html is written beside it. For the folder of a batch this
    is done for each report in it, for the instructor too if there are hidden checks, and index.html is written anew.

    Exit status: 0 done; 2 something could not be read or written, which is told, and the rest was done.
    """
    sys.exit(max(_rendered(path, language, instructor=instructor) for path in paths))


def _rendered(path: Path, language: Language, *, instructor: bool) -> int:
    try:
        if not path.is_dir():
            return _one(path, language, instructor=instructor)
        if (path / REPORT).is_file():
            return _one(path / REPORT, language, instructor=instructor)
        return _batch(path, language)
    except ReportError as error:
        return _complain(language.tell(error.told))
    except OSError as error:
        return _complain(f"cannot make the pages of {path}: {error.strerror or error}")


def _one(path: Path, language: Language, *, instructor: bool) -> int:
    report = read_json(path)
    page, _ = pages_of(path)
    write_html(report, page, language)
    if instructor:
        write_instructors(report, path, language)
    click.echo(escape_text(language.tell(say("report: {path}", path=str(page)))))
    return 0


def _batch(folder: Path, language: Language) -> int:
    unwritten: list[str] = []

    def write(report: Report, path: Path) -> None:
        try:
            write_html(report, pages_of(path)[0], language)
            write_instructors(report, path, language)
        except OSError as error:
            unwritten.append(f"cannot make the pages of {path}: {error.strerror or error}")

    found = gather(folder, write, language)
    spec = usual_spec(found)
    if spec is None:
        nothing = say("there is no report in {folder}, nor in a folder in it", folder=str(folder))
        return _complain(language.tell(nothing))
    page = write_class(folder, class_of(found, spec), language)
    problems = unwritten + _problems(found)
    for problem in problems:
        _complain(language.tell(problem))
    click.echo(escape_text(language.tell(say("class page: {path}", path=str(page)))))
    return UNUSABLE if problems else 0


def _problems(found: Gathered) -> list[str]:
    return [why for _, why in found.unreadable] + found.notes


def _complain(message: str) -> int:
    click.echo(f"grader: {escape_text(message)}", err=True)
    return UNUSABLE
