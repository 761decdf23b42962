"""`grade --watch`: grade again whenever the submission is saved, and show only what has changed."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console
from watchfiles import DefaultFilter, watch

from grader.arena.files import LEFT_OUT
from grader.arena.levels import Level
from grader.attempt import Ungraded, attempted
from grader.cli.common import FAULT, UNUSABLE
from grader.cli.writing import write
from grader.grading import fingerprint_of, grade
from grader.report.changes import changes
from grader.report.escape import escape_text
from grader.report.model import Report
from grader.report.pages import pages
from grader.report.terminal import print_report
from grader.spec import Spec
from grader.words import say
from grader.words.language import Language

_TOGETHER_MS, _STEP_MS, _OTHERWISE_MS = 100, 20, 2000
"""An editor writes a file in several goes: what comes within so many milliseconds is one change."""


def watched(path: Path, spec: Spec, folder: Path, isolation: Level, language: Language) -> int:
    """Grade the submission until Ctrl-C, each time that it is saved; the exit status of the last grading."""
    before: Report | None = None
    status, complaint = 0, ""
    try:
        for _ in _moments(path, folder.parent):
            began = time.monotonic()
            known = before.submission.sha256 if before and not complaint else ""
            found = attempted(functools.partial(_anew, path, spec, isolation, known))
            if found is None:
                continue
            if isinstance(found, Ungraded):
                status = UNUSABLE if found.fault == "submission" else FAULT
                if found.why != complaint:
                    complaint = found.why
                    words = say("{what}: {why}", what=_clock(), why=found.why)
                    click.echo(f"\n{escape_text(language.tell(words))}")
                continue
            report = found
            complaint = ""
            unwritten = write(pages(report, language, instructor=False), folder)
            status = max(report.exit_status, unwritten)
            if before is None:
                print_report(report, Console(), language)
            else:
                told = changes(before, report, language)
                words = say(
                    "{clock}, after {seconds:.1f} s: {changes}",
                    clock=_clock(),
                    seconds=time.monotonic() - began,
                    changes=told,
                )
                click.echo(f"\n{language.tell(words)}")
            before = report
    except KeyboardInterrupt:
        click.echo("", err=True)
    except OSError as error:  # there is nothing to watch any more, or the kernel watches no more for us
        click.echo(f"grade: cannot watch {escape_text(str(path))}: {error.strerror or error}", err=True)
        return max(status, UNUSABLE)
    return status


def _anew(path: Path, spec: Spec, isolation: Level, known: str) -> Report | None:
    """Its report; None where it is as it was when its fingerprint was `known`."""
    return None if known and fingerprint_of(path, spec) == known else grade(path, spec, isolation=isolation)


def _moments(path: Path, output: Path) -> Iterator[None]:
    """Now, and whenever something below the path is saved."""
    yield
    click.echo(f"watching {escape_text(str(path))}; Ctrl-C ends it", err=True)
    sources = DefaultFilter(ignore_dirs=sorted(LEFT_OUT), ignore_paths=[output.absolute()])
    # A save before the watching has begun, or on a file system that tells of none, is seen when nothing else is.
    found = watch(
        path,
        watch_filter=sources,
        debounce=_TOGETHER_MS,
        step=_STEP_MS,
        rust_timeout=_OTHERWISE_MS,
        yield_on_timeout=True,
        raise_interrupt=True,
    )
    for _ in found:
        yield


def _clock() -> str:
    return time.strftime("%H:%M:%S")
