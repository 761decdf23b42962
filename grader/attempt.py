"""Whatever goes wrong in a grading becomes one sentence, and whose fault it was; nothing of it is a traceback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from grader.arena.namespaces import ArenaUnavailableError
from grader.arena.submission import SubmissionError
from grader.words import own_fault

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Ungraded:
    """Why there is no report, in one sentence, and whose fault that is."""

    why: str
    fault: Literal["submission", "grader"]


def attempted(work: Callable[[], Found]) -> Found | Ungraded:
    """What `work` answers, or why it could not: what it did not foresee is the grader's fault."""
    try:
        return work()
    except SubmissionError as error:
        return Ungraded(error.told, "submission")
    except ArenaUnavailableError as error:
        return Ungraded(error.told, "grader")
    except Exception as error:  # noqa: BLE001 - whatever it was, it was not the submission's fault
        return Ungraded(own_fault(error), "grader")
