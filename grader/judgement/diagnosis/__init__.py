"""From evidence to the misconception: rules, each of which names one mistake and only where nothing else fits."""

from __future__ import annotations

from grader.judgement.diagnosis import ends, holding, saying, shape, spinning, standing, workers
from grader.judgement.diagnosis.case import Case, Misheard, Rule
from grader.judgement.texts import TEXTS
from grader.report.model import Diagnosis

__all__ = ["RULES", "Case", "Misheard", "Rule", "diagnose"]

RULES: tuple[Rule, ...] = (
    *ends.EARLY,
    holding.worker_lost,
    *workers.RULES,
    *standing.RULES,
    *spinning.RULES,
    *holding.RULES,
    standing.send_return_ignored,
    *shape.RULES,
    standing.blocking_call_in_coroutine,
    *saying.RULES,
    *ends.LATE,
)


def diagnose(case: Case) -> Diagnosis | None:
    """The one mistake that the evidence shows, or None: no diagnosis is better than a wrong one."""
    for rule in RULES:
        if answer := rule(case):
            name, place = answer
            text = TEXTS[name]
            return Diagnosis(
                id=name,
                title=text.title,
                explanation=text.explanation,
                hint=text.hint,
                reading=list(text.reading),
                file=place.file,
                line=place.line,
            )
    return None
