"""Many gradings side by side, over any `concurrent.futures.Executor`; each result is told as soon as it is there."""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.queues import SimpleQueue
from pathlib import Path

from grader.arena.namespaces import ArenaUnavailableError
from grader.arena.submission import SubmissionError
from grader.behaviours import catalogue
from grader.grading import grade
from grader.report.model import Report
from grader.spec import Spec, load_spec

_SAFE_PATH = "PYTHONSAFEPATH"


@dataclass(frozen=True, slots=True)
class Job:
    """One submission to be graded under the spec in a file; `entry` is the file that starts it, "" as the spec says."""

    submission: Path
    spec: Path
    entry: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a job: a report, or in one sentence why there is none."""

    job: Job
    report: Report | None = None
    failed: str = ""


def processes() -> int:
    """How many gradings make use of this machine: one for each core that we may run on."""
    return len(os.sched_getaffinity(0))


@contextlib.contextmanager
def local_executor(workers: int) -> Iterator[Executor]:
    """Worker processes of this machine; however the block is left, none of them lives on, nor what they grade.

    Each has cores of its own, as far as there are enough: a submission that burns all it can get slows down no other.
    """
    # A worker forks its arenas, so it must not have been forked from a process with threads, as ours may be.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["grader.batch"])
    _start_fork_server()
    cores = context.SimpleQueue()
    for share in shares(sorted(os.sched_getaffinity(0)), workers):
        cores.put(share)
    pool = ProcessPoolExecutor(workers, context, _begin_work, (cores,))
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in multiprocessing.active_children():
            worker.kill()  # the kernel ends its arena with it
        raise
    finally:
        pool.shutdown()


def _start_fork_server() -> None:
    """Start it where the current folder, which may be a submission, is no place to import from.

    It is run as `python -c`, which without this variable looks there first (PYTHONSAFEPATH in python(1)).
    """
    before = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        forkserver.ensure_running()
    finally:
        os.environ.pop(_SAFE_PATH)
        if before is not None:
            os.environ[_SAFE_PATH] = before


def shares(cores: Sequence[int], workers: int) -> list[Sequence[int]]:
    """What each worker has of the cores, none of them twice; all of them, where there are not enough for that."""
    if workers > len(cores):
        return [cores] * workers
    return [cores[number::workers] for number in range(workers)]


def _begin_work(cores: SimpleQueue[Sequence[int]]) -> None:
    os.sched_setaffinity(0, cores.get())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the batch's to answer


def grade_all(jobs: Sequence[Job], executor: Executor) -> Iterator[Done]:
    """Grade every job; results come in the order in which they are ready."""
    futures: dict[Future[Done], Job] = {executor.submit(grade_job, job): job for job in jobs}
    for future in as_completed(futures):
        try:
            yield future.result()
        except BrokenExecutor:
            yield Done(futures[future], failed="the process that graded it died")


def grade_job(job: Job) -> Done:
    """Grade one; runs in a worker."""
    spec = _spec(job.spec)
    if job.entry:
        spec = spec.model_copy(update={"server": spec.server.model_copy(update={"entry": [job.entry]})})
    try:
        return Done(job, grade(job.submission, spec))
    except (SubmissionError, ArenaUnavailableError) as error:
        return Done(job, failed=str(error))
    except Exception as error:  # noqa: BLE001 - the others go on, and it is told whose fault it was
        return Done(job, failed=f"the grader failed: {type(error).__name__}: {error}")


@functools.cache
def _spec(file: Path) -> Spec:
    return load_spec(file, catalogue())
