"""What the commands of `grader export` share: what they read, where they write, and how they end."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import ParamSpec

import click

from grader.cli.common import PATH, UNUSABLE
from grader.report.escape import escape_text
from grader.report.json_file import ReportError, write_streamed
from grader.report.outcomes import Outcome, outcomes, single
from grader.report.pages import REPORT

STDOUT = Path("-")
Params = ParamSpec("Params")

output_option = click.option(
    "-o", "--output", type=PATH, default=STDOUT, help="The file to write; stdout if there is none."
)


class UnusableError(Exception):
    """The command cannot go on; the message says why."""


def tells(command: Callable[Params, list[str] | None]) -> Callable[Params, None]:
    """A command that ends with status 2 if something went wrong: all, or what it returns, one sentence each."""

    @functools.wraps(command)
    def told(*args: Params.args, **kwargs: Params.kwargs) -> None:
        try:
            problems = command(*args, **kwargs) or []
        except (UnusableError, ReportError) as error:
            problems = [str(error)]
        except BrokenPipeError:
            raise  # who reads our stdout has enough, which click answers
        except OSError as error:
            what = f"cannot use {str(error.filename)!r}" if error.filename else "cannot read or write"
            problems = [f"{what}: {error.strerror or error}"]
        for problem in problems:
            click.echo(f"grader: {escape_text(problem)}", err=True)
        if problems:
            click.get_current_context().exit(UNUSABLE)

    return told


def is_class(path: Path) -> bool:
    """Whether this is the folder of a batch, not that of one report."""
    return path.is_dir() and not (path / REPORT).is_file()


def graded_in(path: Path) -> Iterator[Outcome]:
    """The outcomes in the folder of a batch, or the only one of a report.json or its folder."""
    if is_class(path):
        return outcomes(path)
    return iter([single(path)])


def put(output: Path, pieces: Iterable[str]) -> None:
    """Write to a file, whole or not at all, or to stdout."""
    if output != STDOUT:
        write_streamed(output, pieces)
        return
    for piece in pieces:
        click.echo(piece.encode(), nl=False)


@contextlib.contextmanager
def unusable(*kinds: type[Exception]) -> Iterator[None]:
    """What these exceptions say is told, and ends the command."""
    try:
        yield
    except kinds as error:
        raise UnusableError(str(error)) from None
