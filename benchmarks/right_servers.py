"""Asks every behaviour of every model solution again and again, idle or beside busy loops, and counts accusations.

Prints each accusation as it comes, with what it rests on, and the count at the end; exit status 1 if there was any.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from pathlib import Path

from same_verdicts import ROOT, count_in_all, parser

sys.path.insert(0, str(ROOT / "tests"))

from test_every_behaviour import SOLUTIONS, accusations

from grader.report.model import CheckResult

_LAST = 20


def accused(folder: Path, only: Sequence[str] = ()) -> list[str]:
    """The accusations of one model solution, each as a text of several lines."""
    return [
        "\n    ".join((f"{folder.name} {check.id}: {check.summary}", *told(check)))
        for check in accusations(folder, only)
    ]


def told(check: CheckResult) -> list[str]:
    """What an accusation rests on: the evidence, and what the threads did in the end."""
    spans = check.timeline.spans[-_LAST:] if check.timeline else []
    did = [f"{span.lane}: {span.start_ms:.0f} to {span.end_ms:.0f} ms {span.kind} {span.label}" for span in spans]
    return [*check.evidence, *did]


if __name__ == "__main__":
    arguments = parser(__doc__)
    arguments.add_argument("--only", nargs="+", default=[], metavar="BEHAVIOUR", help="by default every behaviour")
    chosen = arguments.parse_args()
    sys.exit(1 if count_in_all(functools.partial(accused, only=chosen.only), SOLUTIONS, chosen) else 0)
