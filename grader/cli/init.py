"""`grader init`: the files of a new assignment."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NoReturn

import click

from grader.assignment import new_assignment, write_assignment
from grader.cli.common import UNUSABLE
from grader.report.escape import escape_text
from grader.spec import bundled_folder, nearest

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@click.command("init")
@click.argument("name")
@click.option("--model", default="select", show_default=True, help="The bundled spec to begin from: grader specs.")
def init(name: str, model: str) -> None:
    """Make a folder NAME with a commented spec, a starter server for students, and a CI workflow.

    It is ready to grade, and ready for `grader check-spec`. Exit status: 0 done; 2 it could not be.
    """
    known = sorted(file.stem for file in bundled_folder().glob("*.yaml"))
    if model not in known:
        _give_up(f"there is no bundled spec {model!r}; {nearest(model, known)}")
    if not _NAME.fullmatch(name):
        _give_up(f"{name!r} cannot be the name of a spec; use small letters, digits, '-' and '_' only")
    folder = Path(name)
    files = new_assignment(name, model)
    try:
        write_assignment(folder, files)
    except FileExistsError:
        _give_up(f"{name!r} is there already; choose another name, or move it away")
    except OSError as error:
        _give_up(f"cannot write {name!r}: {error.strerror}")
    for path in files:
        click.echo(f"  {folder / path}")
    click.echo(f"next: cd {name}; grader check-spec spec.yaml; grade starter --spec spec.yaml")


def _give_up(message: str) -> NoReturn:
    click.echo(f"grader: {escape_text(message)}", err=True)
    sys.exit(UNUSABLE)
