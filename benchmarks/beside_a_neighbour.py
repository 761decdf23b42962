"""How much longer it takes to grade a right submission beside a hostile one, against beside another right one.

Each neighbour is graded again and again by another worker of the same batch while the right submission is graded some
times; right and hostile neighbours take turns, so that whatever else the machine does falls on all. Prints the ratio
of the medians for each; exit status 1 if one is above the limit.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from concurrent.futures import Executor
from pathlib import Path

from grader.batch import Job, grade_job
from grader.spec import find_spec
from grader.workers import local_executor

ROOT = Path(__file__).resolve().parents[1]
MEASURE = ROOT / "submissions" / "alice"
HOSTILE = ROOT / "tests" / "hostile" / "programs"


def again_and_again(submission: Path, until: float) -> None:
    """Grade a submission until a moment of the monotonic clock."""
    while time.monotonic() < until:
        grade_job(Job(submission, find_spec("select")))


def timed(times: int) -> list[float]:
    """The wall seconds of some gradings of the right submission, each of which must get the full score.

    Raises:
        RuntimeError: one did not.
    """
    taken = []
    for _ in range(times):
        began = time.monotonic()
        done = grade_job(Job(MEASURE, find_spec("select")))
        taken.append(time.monotonic() - began)
        if done.report is None or done.report.score != done.report.max_score:
            raise RuntimeError(f"{MEASURE.name}: {done.failed or done.report}")
    return taken


def beside(executor: Executor, neighbour: Path, times: int) -> float:
    """The median of the gradings beside a neighbour."""
    until = time.monotonic() + times
    noise = executor.submit(again_and_again, neighbour, until)
    taken = executor.submit(timed, times).result()
    noise.result()
    return statistics.median(taken)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--times", type=int, default=5, help="gradings beside each neighbour in a round")
    parser.add_argument("--limit", type=float, default=1.25)
    parser.add_argument("names", nargs="*", help="hostile programs; by default all")
    chosen = parser.parse_args()
    programs = sorted(HOSTILE.glob("*.py"))
    programs = [file for file in programs if not chosen.names or file.stem in chosen.names]
    quiet: list[float] = []
    found: dict[str, list[float]] = {file.stem: [] for file in programs}
    with local_executor(2) as executor:
        for _ in range(chosen.rounds):
            for file in programs:
                quiet.append(beside(executor, MEASURE, chosen.times))
                found[file.stem].append(beside(executor, file, chosen.times))
    usual = statistics.median(quiet)
    print(f"{MEASURE.name} beside itself: median {usual:.2f} s")
    ratios = {name: statistics.median(taken) / usual for name, taken in found.items()}
    for name, ratio in sorted(ratios.items(), key=lambda each: -each[1]):
        print(f"{name:36} {ratio:.2f}")
    sys.exit(1 if max(ratios.values()) > chosen.limit else 0)


if __name__ == "__main__":
    main()
