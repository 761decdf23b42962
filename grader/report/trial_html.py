"""check-spec.html: which check catches which wrong server, on one page without script."""

from __future__ import annotations

from pathlib import Path

from grader.report.json_file import write_atomically
from grader.report.page import render
from grader.report.told import retold
from grader.report.trial import Trial, Weight
from grader.words import say
from grader.words.language import ENGLISH, Language


def render_trial(trial: Trial, language: Language = ENGLISH) -> str:
    """The page as text."""
    trial = retold(trial, language.word)
    return render(
        "trial.html.j2",
        language,
        trial=trial,
        errors=[remark for remark in trial.remarks if remark.weight is not Weight.NOTE],
        notes=[remark for remark in trial.remarks if remark.weight is Weight.NOTE],
        roles={
            "right": language.tell(say("Right servers must pass everything")),
            "wrong": language.tell(say("Wrong servers must fail something")),
            "alike": language.tell(say("Written for another spec, and right for this one too")),
        },
    )


def write_trial_html(trial: Trial, path: Path, language: Language = ENGLISH) -> None:
    """Write the page; whoever reads the path sees the old page or the new one."""
    write_atomically(path, render_trial(trial, language))
