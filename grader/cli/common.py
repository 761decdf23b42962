"""What both commands share: exit statuses, and specs that load or end the command with every problem told."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import NoReturn

import click

from grader.behaviours import catalogue
from grader.report.escape import escape_text
from grader.spec import Spec, SpecError, find_spec, load_spec
from grader.words import say
from grader.words.language import CODES, Language, language, usual_language
from grader.workers import processes

UNUSABLE, FAULT, INTERRUPTED = 2, 3, 130

PATH = click.Path(path_type=Path)
WORKERS = click.option(
    "-n",
    "workers",
    default="auto",
    show_default=True,
    metavar="N",
    help="Gradings side by side; auto is one for each core.",
)


def number_of_workers(given: str, command: str) -> int:
    """What -n asks for; what cannot be meant ends the command."""
    if given == "auto":
        return processes()
    if re.fullmatch(r"\d{1,5}", given) and int(given) > 0:
        return int(given)
    click.echo(f"{command}: -n cannot be {given!r}; give a number of processes, or auto", err=True)
    sys.exit(UNUSABLE)


def _language(_: click.Context, __: click.Parameter, code: str | None) -> Language:
    return language(code or usual_language(os.environ))


lang_option = click.option(
    "--lang",
    "language",
    type=click.Choice(CODES),
    callback=_language,
    help="The language in which people are told; by default that of the locale. JSON stays English.",
)
"""Gives a command the parameter `language`, a `Language`."""


def tell_not_graded(name: str, why: str, language: Language, *, own_fault: bool) -> None:
    """Tell on stderr why a submission has no report; a reason that is its own fault names it already."""
    words = why if own_fault else say("{server} was not graded: {why}", server=name, why=why)
    click.echo(f"grade: {escape_text(language.tell(words))}", err=True)


def usable_spec(name: str, command: str = "grade") -> tuple[Spec, Path]:
    """The spec of that name or path and its file; what is wrong with it is told, and ends the command."""
    try:
        file = find_spec(name)
        return load_spec(file, catalogue()), file
    except SpecError as error:
        give_up(error, command)


def give_up(error: SpecError, command: str) -> NoReturn:
    """Tell every problem and end with status 2."""
    for problem in error.problems:
        click.echo(f"{command}: {escape_text(str(problem))}", err=True)
    sys.exit(UNUSABLE)
