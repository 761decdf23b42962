"""The behaviours that a spec can ask for, by family, and what it takes to write another one."""

from grader.behaviours.base import Behaviour, catalogue
from grader.judgement.finding import CheckFailed, Finding, passed
from grader.spec import Duration, Percent, Size
from grader.stage import Guest, Stage

__all__ = [
    "Behaviour",
    "CheckFailed",
    "Duration",
    "Finding",
    "Guest",
    "Percent",
    "Size",
    "Stage",
    "catalogue",
    "passed",
]
