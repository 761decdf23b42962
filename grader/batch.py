"""Many gradings side by side, over any `concurrent.futures.Executor`; each result is told as soon as it is there."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from grader.arena.levels import Level
from grader.attempt import Ungraded, attempted
from grader.behaviours import catalogue
from grader.grading import fingerprint_of, grade, ungraded
from grader.report.model import Report
from grader.report.pages import Pages, pages
from grader.spec import Spec, load_spec, selected
from grader.words import say
from grader.words.language import language

_TRIED = 2
_DIED = say("the process that graded it died, and so did another that tried again")


@dataclass(frozen=True, slots=True)
class Job:
    """One submission to be graded under the spec in a file.

    `name` is what the caller knows it by; `entry` the file that starts it, "" as the spec says; `only` the ids of the
    checks to run, none for all. Where the submission's fingerprint is `known`, it has been graded before and is not
    again. `told` asks for its pages, in the language `lang`.
    """

    submission: Path
    spec: Path
    name: str = ""
    entry: str = ""
    only: tuple[str, ...] = ()
    isolation: Level = "auto"
    known: str = ""
    told: bool = False
    lang: str = "en"


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a job: a report, or in one sentence why there is none, and whose fault that is.

    `kept` says that it was not graded again; `pages` are its report in all the forms that are asked for.
    """

    job: Job
    started: str = ""
    report: Report | None = None
    failed: str = ""
    fault: Literal["", "submission", "grader"] = ""
    kept: bool = False
    pages: Pages | None = None


Work = Callable[[Job], Callable[[], Done]]
"""What is to be done for a job, as it is handed to an executor."""


def here(job: Job) -> Callable[[], Done]:
    """The work of a job on this machine."""
    return functools.partial(grade_job, job)


def grade_all(
    jobs: Iterable[Job],
    executor: Executor,
    at_once: int,
    work: Work = here,
) -> Iterator[Done]:
    """Grade every job, in the order given but told as they end; not more than `at_once` are in the executor's hands.

    So the memory that it takes does not grow with the number of jobs. A job whose process dies is tried once more;
    if that dies, too, the report says that nothing is known.
    """
    left = iter(jobs)
    running: dict[Future[Done], tuple[Job, int]] = {}

    def begin(job: Job, tried: int) -> None:
        running[executor.submit(work(job))] = job, tried

    while True:
        while len(running) < at_once and (job := next(left, None)) is not None:
            begin(job, 1)
        if not running:
            return
        ended = wait(running, return_when=FIRST_COMPLETED).done
        for future in [future for future in running if future in ended]:
            job, tried = running.pop(future)
            try:
                yield future.result()
            except BrokenExecutor:
                if tried < _TRIED:
                    begin(job, tried + 1)
                else:
                    yield _given_up(job, _DIED)
            except Exception as error:  # noqa: BLE001 - of a cluster's: the others go on
                words = say("it was lost on its way: {error}", error=f"{type(error).__name__}: {error}")
                yield _given_up(job, words)


def grade_job(job: Job) -> Done:
    """Grade one; runs in a worker."""
    done = Done(job, dt.datetime.now(dt.UTC).isoformat(timespec="seconds"))
    found = attempted(lambda: _graded(job))
    if isinstance(found, Ungraded):
        return replace(done, failed=found.why, fault=found.fault)
    if found is None:
        return replace(done, kept=True)
    return replace(done, report=found, pages=_pages(job, found))


def _graded(job: Job) -> Report | None:
    """Its report; None where it has been graded before."""
    spec = _spec_of(job)
    if job.known and fingerprint_of(job.submission, spec) == job.known:
        return None
    return grade(job.submission, spec, isolation=job.isolation)


def _given_up(job: Job, why: str) -> Done:
    found = attempted(lambda: ungraded(job.submission, _spec_of(job), why))
    if isinstance(found, Ungraded):
        return Done(job, failed=found.why, fault=found.fault)
    return Done(job, found.started, found, pages=_pages(job, found))


def _pages(job: Job, report: Report) -> Pages | None:
    return pages(report, language(job.lang)) if job.told else None


def _spec_of(job: Job) -> Spec:
    spec = selected(_spec(job.spec), job.only)
    if not job.entry:
        return spec
    return spec.model_copy(update={"server": spec.server.model_copy(update={"entry": [job.entry]})})


@functools.cache
def _spec(file: Path) -> Spec:
    return load_spec(file, catalogue())
