"""How far long work has come, on stderr: a bar in a terminal, elsewhere a plain line for each tenth."""

from __future__ import annotations

import time
from typing import Self

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from grader.report.escape import escape_text


class Told:
    """Tells how many of `total` are done, how many of those failed, how fast it goes, and how long it will take.

    `doing` is the work in a word ("grading"), `things` what is counted ("submissions"), `bad` what it means to fail.
    """

    def __init__(self, command: str, doing: str, things: str, total: int, bad: str = "") -> None:
        self._command, self._doing, self._things, self._total, self._bad = command, doing, things, total, bad
        self._console = Console(stderr=True)
        self._done = self._failed = 0
        self._next, self._began = 0.0, time.monotonic()
        columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[figures]}"))
        last = (TimeRemainingColumn(), TextColumn("{task.description}"))
        self._bar = Progress(*columns, *last, console=self._console, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
            self._task = self._bar.add_task("", total=self._total, figures="")
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def one(self, name: str, *, failed: bool = False) -> None:
        """One more is done."""
        self._done += 1
        self._failed += failed
        if self._console.is_terminal:
            self._bar.update(self._task, advance=1, description=escape_text(name), figures=self._figures())
        elif self._done >= self._next:
            self._next += self._total / 10
            counted = f"{self._done} of {self._total} {self._things} done"
            click.echo(f"{self._command}: {counted}, {self._figures()}, {self._left()}", err=True)

    def _figures(self) -> str:
        """How many failed, and how many are done in a second."""
        failed = f"{self._failed} {self._bad}, " if self._bad else ""
        return f"{failed}{self._rate():.1f}/s"

    def _rate(self) -> float:
        return self._done / max(time.monotonic() - self._began, 1e-6)

    def _left(self) -> str:
        seconds = round((self._total - self._done) / self._rate())
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02} left"
