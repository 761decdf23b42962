"""The examples that the pages of docs/ show: recorded ones, and those written in a page."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

from conftest import ROOT
from rich.console import Console

from grader.behaviours import catalogue
from grader.grading import grade
from grader.report.model import Report
from grader.report.terminal import print_report
from grader.spec import find_spec, load_spec

DOCS = ROOT / "docs"
TERMINAL, RECORDED = DOCS / "examples" / "ben.txt", DOCS / "examples" / "report.json"

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_WIDTH = 88


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """Every block of code in this language: the page that it stands on, and its text."""
    for page in sorted(DOCS.rglob("*.md")):
        for found in _BLOCK.finditer(page.read_text()):
            if found[1] == language:
                yield page.name, found[2]


def grade_ben(*only: str) -> Report:
    """The submission that the pages walk through."""
    spec = load_spec(find_spec("select"), catalogue())
    checks = [check for check in spec.checks if not only or check.id in only]
    return grade(ROOT / "submissions" / "ben", spec.model_copy(update={"checks": checks}))


def on_a_terminal(report: Report) -> str:
    """What `grade` prints on a terminal without colours."""
    text = io.StringIO()
    print_report(report, Console(file=text, force_terminal=True, color_system=None, width=_WIDTH, legacy_windows=False))
    text.write(f"\nreport: {Path('grade-report') / report.submission.name / 'report.html'}\n")
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


def without_figures(text: str) -> str:
    """Text without what differs from run to run: numbers of five digits and more."""
    return re.sub(r"\d{5,}", "N", text)
