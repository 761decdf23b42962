"""What `grader doctor` tells, and how it looks in a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from grader.report.escape import escape_text
from grader.report.model import Isolation, Record, Telling


class Line(Record):
    """One thing that was looked at: whether it is there, what was found, what it is for, how to get it."""

    name: str
    ok: bool
    found: str
    needed_for: str
    remedy: str


class Health(Record):
    """At which level this machine grades (None where it cannot, and `reason` why), and everything looked at.

    `status` is the command's: 0 the full level, 1 a lower one, 3 not at all.
    """

    isolation: Isolation | None
    evidence: Telling | None
    status: int
    reason: str = ""
    lines: list[Line]


def print_health(health: Health, console: Console) -> None:
    """A line for each thing, then the level."""
    width = max(len(line.name) for line in health.lines)
    for line in health.lines:
        sign, style = ("ok", "green") if line.ok else ("missing", "yellow")
        text = Text(f"{sign:<8}", style=style)
        text.append(f"{line.name:<{width}}  {escape_text(line.found)}", style="default")
        if not line.ok:
            text.append(escape_text(f"; needed for {line.needed_for}; to get it: {line.remedy}"))
        console.print(text, soft_wrap=True)
    level = f"isolation {health.isolation}, evidence {health.evidence}"
    words = {0: f"{level}: the full level", 1: f"{level}: not all checks can be decided"}
    said = words.get(health.status, f"nothing can be graded here: {health.reason}")
    console.print(Text(escape_text(said), style="bold"), soft_wrap=True)
