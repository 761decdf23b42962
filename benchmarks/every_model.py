"""How long each model solution takes under its own spec, against a right select server under the select spec.

All are graded in turn in each round, so that whatever else the machine does falls on all. Prints the ratio of the
medians for each; a solution that does not get the full score is named and ends the run with status 1.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

import yaml

from grader.behaviours import catalogue
from grader.grading import grade
from grader.spec import find_spec, load_spec

ROOT = Path(__file__).resolve().parents[1]
MEASURE = ROOT / "submissions" / "alice"


def timed(folder: Path) -> float:
    """Wall seconds of one grading under the folder's own spec.

    Raises:
        SystemExit: it has not the full score.
    """
    spec = load_spec(find_spec(yaml.safe_load((folder / "expected.yaml").read_text())["spec"]), catalogue())
    began = time.monotonic()
    report = grade(folder, spec)
    seconds = time.monotonic() - began
    if report.score != report.max_score:
        sys.exit(f"{folder.name} has {report.score} of {report.max_score} points")
    return seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("names", nargs="*", help="servers; by default all")
    chosen = parser.parse_args()
    folders = sorted(file.parent for file in (ROOT / "reference" / "servers").glob("*/expected.yaml"))
    folders = [folder for folder in folders if not chosen.names or folder.name in chosen.names]
    taken: dict[Path, list[float]] = {folder: [] for folder in (MEASURE, *folders)}
    for _ in range(chosen.rounds):
        for folder, seconds in taken.items():
            seconds.append(timed(folder))
    measure = statistics.median(taken[MEASURE])
    print(f"{MEASURE.name}: median {measure:.2f} s")
    for folder in folders:
        print(f"{folder.name:24} {statistics.median(taken[folder]) / measure:.2f}")


if __name__ == "__main__":
    main()
