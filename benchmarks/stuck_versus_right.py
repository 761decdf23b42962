"""How much longer it takes to grade a stuck submission than a right one, and how soon a proof follows the last byte.

Both are graded in turn in one run, so that whatever else the machine does falls on both. Prints the ratio of the
medians, and the median time from the last byte that the server's kernel acknowledged to the verdict.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

from grader.behaviours import catalogue
from grader.grading import grade
from grader.report.model import Basis, Report, Verdict
from grader.spec import Spec, find_spec, load_spec

SUBMISSIONS = Path(__file__).resolve().parents[1] / "submissions"


def timed(name: str, spec: Spec) -> tuple[float, Report]:
    """Wall seconds of one grading, and its report."""
    began = time.monotonic()
    report = grade(SUBMISSIONS / name, spec)
    return time.monotonic() - began, report


def to_proof(report: Report) -> list[float]:
    """For each check that failed by proof, milliseconds from the last thing a client sent to the verdict."""
    found = []
    for check in report.checks:
        if check.verdict is Verdict.FAIL and check.basis is Basis.PROOF and check.timeline:
            sent = [
                e.at_ms for e in check.timeline.events if e.kind in ("connected", "send", "shutdown", "close", "reset")
            ]
            found.append((check.timeline.decided_ms or 0.0) - max(sent, default=0.0))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--right", default="alice")
    parser.add_argument("--stuck", default="ben")
    chosen = parser.parse_args()
    spec = load_spec(find_spec("select"), catalogue())
    right, stuck, proofs = [], [], []
    for _ in range(chosen.rounds):
        right.append(timed(chosen.right, spec)[0])
        seconds, report = timed(chosen.stuck, spec)
        stuck.append(seconds)
        proofs += to_proof(report)
    ratio = statistics.median(stuck) / statistics.median(right)
    print(f"{chosen.right}: median {statistics.median(right):.3f} s (min {min(right):.3f}, max {max(right):.3f})")
    print(f"{chosen.stuck}: median {statistics.median(stuck):.3f} s (min {min(stuck):.3f}, max {max(stuck):.3f})")
    print(f"ratio {chosen.stuck} / {chosen.right}: {ratio:.2f}")
    print(
        f"last byte to proof: median {statistics.median(proofs):.1f} ms, max {max(proofs):.1f} ms, {len(proofs)} proofs"
    )


if __name__ == "__main__":
    main()
