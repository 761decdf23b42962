"""The same three behaviours graded by us, by pytest with sockets and timeouts, and by check50, in turn in one run.

Each is run as a person runs it, from its command line, on a right and on a stuck submission. Prints the median seconds
of each, the ratio to ours, and how many checks were decided. `--check50` names the command of a check50 that was
installed from the package index, into a virtual environment of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OTHERS = Path(__file__).parent / "others"
SUBMISSIONS = {"right": ROOT / "submissions" / "alice", "stuck": ROOT / "submissions" / "ben"}

Grader = Callable[[Path, Path], str]


def said(argv: list[str], folder: Path, **environment: str) -> str:
    """What a command says."""
    done = subprocess.run(
        argv, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    return done.stdout


def ours(submission: Path, folder: Path) -> str:
    """With `grade`."""
    command = "from grader.cli import grade_command; grade_command()"
    spec = str(OTHERS / "spec.yaml")
    argv = [sys.executable, "-P", "-c", command, str(submission), "--spec", spec, "--format", "json"]
    verdicts = [check["verdict"] for check in json.loads(said(argv, folder))["checks"]]
    return f"{verdicts.count('pass')} passed, {verdicts.count('fail')} failed"


def usual(submission: Path, folder: Path) -> str:
    """With pytest, sockets and timeouts."""
    argv = [sys.executable, "-P", "-m", "pytest", "-q", "-c", os.devnull, str(OTHERS / "test_usual.py")]
    told = said([*argv, "--rootdir", str(folder)], folder, SUBMISSION=str(submission))
    counted = {word: number for number, word in re.findall(r"(\d+) (passed|failed)", told)}
    return f"{counted.get('passed', 0)} passed, {counted.get('failed', 0)} failed"


def with_check50(command: str) -> Grader:
    """With check50."""

    def grade(submission: Path, folder: Path) -> str:
        shutil.copy(submission / "server.py", folder)
        results = json.loads(said([command, "--dev", str(OTHERS / "check50"), "-o", "json"], folder))["results"]
        passed = [result["passed"] for result in results]
        skipped = f", {passed.count(None)} not run" if None in passed else ""
        return f"{passed.count(True)} passed, {passed.count(False)} failed{skipped}"

    return grade


def main() -> None:
    """Time all, in turn, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--check50", metavar="COMMAND", help="the command of an installed check50")
    chosen = parser.parse_args()
    graders: dict[str, Grader] = {"this grader": ours, "pytest, sockets, 5 s": usual}
    if chosen.check50:
        graders["check50"] = with_check50(os.path.abspath(chosen.check50))  # noqa: PTH100 - a link in a venv stays one
    for kind, submission in SUBMISSIONS.items():
        seconds: dict[str, list[float]] = {name: [] for name in graders}
        verdicts: dict[str, set[str]] = {name: set() for name in graders}
        for _ in range(chosen.rounds):
            for name, grade in graders.items():
                with tempfile.TemporaryDirectory() as folder:
                    began = time.monotonic()
                    verdicts[name].add(grade(submission, Path(folder)))
                    seconds[name].append(time.monotonic() - began)
        reference = statistics.median(seconds["this grader"])
        for name, found in seconds.items():
            median = statistics.median(found)
            told = " or ".join(sorted(verdicts[name]))
            print(f"{kind:<6} {name:<22} {median:6.2f} s  {median / reference:5.2f} times  {told}", flush=True)


if __name__ == "__main__":
    main()
