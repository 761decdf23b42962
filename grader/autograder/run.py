"""What run_autograder does in the container: one submission, and results.json from the first moment on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grader.attempt import Ungraded, attempted
from grader.autograder.settings import Settings
from grader.grading import grade
from grader.report.gradescope import gradescope_results, not_gradable, results_json, unfinished
from grader.report.json_file import write_atomically
from grader.report.model import CheckResult, Report
from grader.spec import Spec

RESULTS = Path("results", "results.json")


class NotGradedError(Exception):
    """The grader or the container failed: no score is written, and the message is for the course staff."""


def run_autograder(root: Path, spec: Spec, settings: Settings) -> Report | str:
    """Grade what lies in root/submission, and write root/results/results.json: the report, or why there is none.

    The file is there before anything runs and grows with each check. The grading ends before the platform's time does:
    what it had no time for is inconclusive.

    Raises:
        NotGradedError: the fault is not the submission's; results.json holds no score then.
    """
    write = _writer(root / RESULTS)
    write(unfinished([]))
    done: list[CheckResult] = []

    def progress(result: CheckResult) -> None:
        done.append(result)
        write(unfinished(done, hide_with=settings.hide_with))

    limits = spec.limits.model_copy(update={"time": min(spec.limits.time, settings.time)})
    asked = spec.model_copy(update={"limits": limits})
    report = attempted(lambda: grade(root / "submission", asked, progress, settings.isolation))
    if isinstance(report, Ungraded):
        if report.fault == "submission":
            write(not_gradable(report.why, spec.max_score))
            return report.why
        write(unfinished([]))
        raise NotGradedError(report.why)
    write(gradescope_results(report, hide_with=settings.hide_with))
    return report


def _writer(path: Path) -> Callable[[dict[str, Any]], None]:
    """What writes results into a folder that only we can enter."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    return lambda results: write_atomically(path, results_json(results))
