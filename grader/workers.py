"""Worker processes of this machine behind the interface of `concurrent.futures`, each in a pool of its own.

The pools of the standard library are given up as a whole when one of their workers dies. Here it costs the one job
that it had, whose future gets `BrokenExecutor`, and the worker is replaced.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import multiprocessing
import os
import select
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from multiprocessing import forkserver
from typing import Any, ParamSpec, TypeVar

_SAFE_PATH = "PYTHONSAFEPATH"

P = ParamSpec("P")
T = TypeVar("T")


def processes() -> int:
    """How many gradings make use of this machine: one for each core that we may run on."""
    return len(os.sched_getaffinity(0))


@contextlib.contextmanager
def local_executor(workers: int) -> Iterator[Executor]:
    """Worker processes of this machine; however the block is left, none of them lives on, nor what they grade.

    Each has cores of its own, as far as there are enough: a submission that burns all it can get slows down no other.
    """
    executor = LocalExecutor(workers)
    try:
        yield executor
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        for worker in multiprocessing.active_children():
            worker.kill()  # the kernel ends its arena with it
        raise
    finally:
        executor.shutdown()


class LocalExecutor(Executor):
    """As many single-worker pools as are asked for; a job goes to one that has none."""

    def __init__(self, workers: int) -> None:
        # A worker forks its arenas, so it must not have been forked from a process with threads, as ours may be.
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["grader.batch"])
        _start_fork_server()
        self._lock = threading.RLock()
        self._waiting: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._idle = [_Lane(self._pool, share) for share in shares(sorted(os.sched_getaffinity(0)), workers)]
        self._lanes = tuple(self._idle)
        self._over = False

    def _pool(self, share: Sequence[int]) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, self._context, _begin_work, (share,))

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run it in the next worker that is free.

        Raises:
            RuntimeError: after `shutdown`.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._over:
                raise RuntimeError("no job can be given after shutdown")
            self._waiting.append((future, functools.partial(fn, *args, **kwargs)))
            self._go_on()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more jobs; those that wait are done first, if they are not cancelled."""
        with self._lock:
            self._over = True
            waiting = [future for future, _ in self._waiting]
        if cancel_futures:
            for future in waiting:
                future.cancel()
        if wait:
            for future in waiting:
                with contextlib.suppress(BaseException):
                    future.exception()
        for lane in self._lanes:
            lane.pool.shutdown(wait=wait, cancel_futures=cancel_futures)

    def _go_on(self) -> None:
        with self._lock:
            while self._idle and self._waiting:
                future, work = self._waiting.popleft()
                if future.set_running_or_notify_cancel():
                    lane = self._idle.pop()
                    try:
                        begun = lane.begin(work)
                    except OSError as error:  # no process can be made, or no pipe to it
                        self._idle.append(lane)
                        future.set_exception(error)
                    else:
                        begun.add_done_callback(functools.partial(self._ended, lane, future))

    def _ended(self, lane: _Lane, future: Future[Any], inner: Future[Any]) -> None:
        error = CancelledWork() if inner.cancelled() else inner.exception()
        with self._lock:
            self._idle.append(lane)
        if error is None:
            future.set_result(inner.result())
        else:
            future.set_exception(error)
        self._go_on()


class CancelledWork(BrokenExecutor):
    """The executor was shut down before the job was done."""


class _Lane:
    """One worker, in a pool of its own, and the cores that it may use."""

    def __init__(self, make: Callable[[Sequence[int]], ProcessPoolExecutor], share: Sequence[int]) -> None:
        self._make, self._share = make, share
        self.pool = make(share)

    def begin(self, work: Callable[[], Any]) -> Future[Any]:
        """Give it a job; a worker that has died since the last one is replaced first."""
        try:
            return self.pool.submit(work)
        except BrokenExecutor:
            self.renew()
            return self.pool.submit(work)

    def renew(self) -> None:
        """Another worker instead of one that has died."""
        self.pool.shutdown(wait=False)
        self.pool = self._make(self._share)


def shares(cores: Sequence[int], workers: int) -> list[Sequence[int]]:
    """What each worker has of the cores, none of them twice; all of them, where there are not enough for that."""
    if workers > len(cores):
        return [cores] * workers
    return [cores[number::workers] for number in range(workers)]


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


def _begin_work(cores: Sequence[int]) -> None:
    os.sched_setaffinity(0, cores)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the batch's to answer
    _end_with_the_batch()


def _end_with_the_batch() -> None:
    """Have the kernel end this worker when the batch does, be it by SIGKILL.

    Of a worker the fork server is the parent, so that no parent's death is seen (PR_SET_PDEATHSIG). But the batch
    holds the other end of a pipe: when it is closed the kernel sends SIGIO (O_ASYNC in open(2)), which ends a process.
    """
    batch = multiprocessing.parent_process()
    assert batch is not None  # noqa: S101 - this is run in workers only
    pipe = int(batch.sentinel)
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([pipe], [], [], 0)[0]:
        os._exit(1)  # it was over before we asked
