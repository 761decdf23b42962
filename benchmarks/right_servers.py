"""Asks every behaviour of every model solution again and again, idle or beside busy loops, and counts accusations.

Prints each accusation as it comes, and the count at the end; exit status 1 if there was any.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from same_verdicts import ROOT, busy

sys.path.insert(0, str(ROOT / "tests"))

from test_every_behaviour import SOLUTIONS, accusations


def accused(folder: Path) -> list[str]:
    """The accusations of one model solution, as lines."""
    return [f"{folder.name} {check}: {summary}" for check, summary in accusations(folder).items()]


def main() -> None:
    """Grade, count, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--loops", type=int, default=0, help="busy loops beside")
    parser.add_argument("--jobs", type=int, default=1, help="gradings at the same time")
    parser.add_argument("names", nargs="*", help="model solutions; by default all")
    chosen = parser.parse_args()
    folders = [folder for folder in SOLUTIONS if not chosen.names or folder.name in chosen.names]
    count = 0
    with busy(chosen.loops), ProcessPoolExecutor(chosen.jobs, multiprocessing.get_context("spawn")) as pool:
        for done, found in enumerate(pool.map(accused, folders * chosen.times), 1):
            count += len(found)
            for line in found:
                print(line, flush=True)
            if done % len(folders) == 0:
                print(f"round {done // len(folders)} of {chosen.times}", file=sys.stderr, flush=True)
    beside = f"{chosen.loops} busy loops, {chosen.jobs} at once"
    print(f"{len(folders)} model solutions, every behaviour {chosen.times} times, {beside}: {count} accusations")
    sys.exit(1 if count else 0)


if __name__ == "__main__":
    main()
