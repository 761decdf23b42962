"""A report in all the forms in which it lies in its folder, made where it was graded and written by whoever gathers."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path

from grader.report.html import render_html
from grader.report.json_file import report_json, write_atomically
from grader.report.model import Report
from grader.words import said, say
from grader.words.language import ENGLISH, Language

REPORT = "report.json"


@dataclass(frozen=True, slots=True)
class Pages:
    """The texts of report.json, report.html, and of report.instructor.html, "" where nothing is hidden."""

    report: str
    student: str
    instructor: str = ""


def pages(report: Report, language: Language = ENGLISH, *, instructor: bool = True) -> Pages:
    """Make them; `instructor` where somebody is told all."""
    whole = instructor and any(check.hidden for check in report.checks)
    told_all = render_html(revealed(report), language) if whole else ""
    return Pages(report_json(report), render_html(report, language), told_all)


def write_pages(found: Pages, folder: Path) -> None:
    """Write each whole or not at all; report.json comes last: where it is there, so are the others.

    Raises:
        OSError: the folder cannot be made or written to, or is a link, which could lead anywhere.
    """
    make_folder(folder)
    path = folder / REPORT
    student, whole = pages_of(path)
    write_atomically(student, found.student)
    if found.instructor:
        write_atomically(whole, found.instructor)
    else:
        whole.unlink(missing_ok=True)  # one of an older report
    write_atomically(path, found.report)


def make_folder(folder: Path) -> None:
    """Make the folder of a report, unless it is there.

    Raises:
        OSError: it cannot be made, or is a link, which could lead anywhere.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if folder.is_symlink():
        raise OSError(errno.ELOOP, "it is a link", str(folder))


def pages_of(path: Path) -> tuple[Path, Path]:
    """The student's page and the instructor's that belong to a report.json: report.html, report.instructor.html."""
    return path.with_suffix(".html"), path.with_suffix(".instructor.html")


def revealed(report: Report) -> Report:
    """The same report with nothing hidden; the titles say what is hidden from students."""
    shown = [
        check.model_copy(
            update={"hidden": False, "title": say("{check} (hidden from students)", check=said(check.title))}
        )
        if check.hidden
        else check
        for check in report.checks
    ]
    return report.model_copy(update={"checks": shown})
