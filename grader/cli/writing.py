"""Writing reports where the command line says, and telling what could not be written."""

from __future__ import annotations

import errno
from pathlib import Path

import click

from grader.cli.common import FAULT, UNUSABLE
from grader.report.escape import escape_text
from grader.report.pages import Pages, write_pages

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM}


def write(pages: Pages, folder: Path) -> int:
    """Write the reports; 0, or the status of what went wrong: a place that was given wrongly, or our own trouble."""
    try:
        write_pages(pages, folder)
    except OSError as error:
        why = error.strerror or str(error)
        click.echo(f"grade: cannot write the report to {escape_text(str(folder))}: {escape_text(why)}", err=True)
        return whose(error)
    return 0


def whose(error: OSError) -> int:
    """The exit status of what could not be written: is the machine full, or was the place given wrongly?"""
    return FAULT if error.errno in _NO_ROOM else UNUSABLE
