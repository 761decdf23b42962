"""Asks every behaviour of every model solution again and again, idle or beside busy loops, and counts accusations.

Prints each accusation as it comes, and the count at the end; exit status 1 if there was any.
"""

from __future__ import annotations

import sys
from pathlib import Path

from same_verdicts import ROOT, count_in_all, parser

sys.path.insert(0, str(ROOT / "tests"))

from test_every_behaviour import SOLUTIONS, accusations


def accused(folder: Path) -> list[str]:
    """The accusations of one model solution, as lines."""
    return [f"{folder.name} {check}: {summary}" for check, summary in accusations(folder).items()]


if __name__ == "__main__":
    sys.exit(1 if count_in_all(accused, SOLUTIONS, parser(__doc__).parse_args()) else 0)
