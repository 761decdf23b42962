"""check-spec.html: which check catches which wrong server, on one page without script."""

from __future__ import annotations

from pathlib import Path

from grader.report.json_file import write_atomically
from grader.report.page import render
from grader.report.trial import Trial, Weight


def render_trial(trial: Trial) -> str:
    """The page as text."""
    return render(
        "trial.html.j2",
        trial=trial,
        errors=[remark for remark in trial.remarks if remark.weight is not Weight.NOTE],
        notes=[remark for remark in trial.remarks if remark.weight is Weight.NOTE],
        roles={
            "right": "Right servers must pass everything",
            "wrong": "Wrong servers must fail something",
            "alike": "Written for another spec, and right for this one too",
        },
    )


def write_trial_html(trial: Trial, path: Path) -> None:
    """Write the page; whoever reads the path sees the old page or the new one."""
    write_atomically(path, render_trial(trial))
