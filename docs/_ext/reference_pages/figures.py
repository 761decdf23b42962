"""Figures that the pages state, read from where the grader reads them."""

from __future__ import annotations

from grader.behaviours import catalogue
from grader.judgement.budget import Budget
from grader.judgement.duty import LONG, PLAINLY_BUSY
from grader.judgement.proof import RULES
from grader.judgement.texts import TEXTS
from grader.spec.units import write_duration


def figures() -> dict[str, str]:
    """By the name under which a page writes `{{ name }}`."""
    budget = Budget()
    return {
        "behaviours": str(len(catalogue())),
        "diagnoses": str(len(TEXTS)),
        "rules": str(len(RULES)),
        "budget_cpu": write_duration(budget.cpu),
        "budget_wakeups": str(budget.wakeups),
        "budget_least": write_duration(budget.least),
        "budget_wall": write_duration(budget.wall),
        "budget_total": write_duration(budget.total),
        "plainly_busy": f"{PLAINLY_BUSY:.0%}",
        "long": write_duration(LONG),
    }
