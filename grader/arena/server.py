"""One run of a submission's server: started in its sandbox, known by process id, ended without remainder."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from grader.arena.namespaces import end_everybody
from grader.arena.output import Output
from grader.arena.sandbox import INSIDE, WRITABLE, Bounds, Program, command
from grader.arena.seccomp import filter_program
from grader.evidence.tree import Reaped


@dataclass
class RunningServer:
    """A started sandbox: `helpers` are the process ids in it that are ours (bwrap's), not the submission's.

    `process` watches over the sandbox and ends with the first process in it; `first` is process 1 of the sandbox, which
    ends with the last (0 if the sandbox did not come to stand). Neither is reaped before the sandbox is ended, so
    that no process of the submission's can ever get the id of a helper. `told` is bwrap's status pipe, kept open
    because bwrap still writes to it when the server ends; `silence` is the writing end of its standard input, on which
    nothing is ever written; `started` is when, by the monotonic clock. `in_background`: the process that was started
    has ended with status 0, and others go on; of a server that was `told_to_stop` that is the end.
    It sees the submission at `inside` and can write to `writable`. `shared`: it has no namespaces of its own, but
    process ids and network of the machine; `first` is then the process that was started itself, and `reaped` are those
    of its processes that we have waited for.
    """

    process: subprocess.Popen[bytes]
    output: Output
    output_inode: int
    told: TextIO
    silence: int
    started: float
    first: int = 0
    helpers: set[int] = field(default_factory=set)
    exit_status: int | None = None
    in_background: bool = False
    told_to_stop: bool = False
    inside: str = INSIDE
    writable: tuple[str, ...] = WRITABLE
    shared: bool = False
    reaped: Reaped = field(default_factory=Reaped)

    def poll(self) -> int | None:
        """The server's exit status as a shell would tell it (128 + N for signal N), or None while it runs.

        A server that goes into the background (daemon(3)) runs on: its first process has ended with status 0, and
        others live. If the first one fails, or is killed, the server has ended, and the others are ended too.
        """
        if self.exit_status is not None:
            return self.exit_status
        status = self.status_of_first()
        if status is None:
            return None
        leaves = status == 0 and (self.in_background or not self.told_to_stop)
        if leaves and self._goes_on():
            self.in_background = self.in_background or bool(self._others())
            return None
        self.exit_status = status
        if not self.told_to_stop:
            self._end_others()
        return status

    def _goes_on(self) -> bool:
        """Whether the sandbox still stands."""
        return bool(self.first) and _ended(self.first) is None

    def _end_others(self) -> None:
        if self.first:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.first, signal.SIGKILL)

    def _others(self) -> set[int]:
        return {int(name) for name in os.listdir("/proc") if name.isdecimal()} - self.helpers

    def status_of_first(self) -> int | None:
        """The exit status of the process that was started, as a shell would tell it, or None while that runs."""
        return _ended(self.process.pid) if self.process.returncode is None else self.process.returncode

    def end_processes(self) -> None:
        """Kill every process in the arena but the grader's, and reap them."""
        self.exit_status = self.poll()
        self.process.kill()
        self.process.wait()
        end_everybody()
        self.first = 0

    def end(self) -> None:
        """End the processes, keep what they had printed, and give the descriptors back; once."""
        if self.told.closed:
            return
        self.end_processes()
        self._give_back()

    def end_alone(self) -> None:
        """End this one, which was started beside a server that is to live on, and give the descriptors back."""
        self.process.kill()
        self.process.wait()
        if self.first not in (0, self.process.pid):
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(self.first, signal.SIGKILL)
                os.waitpid(self.first, 0)
        self._give_back()

    def _give_back(self) -> None:
        self.output.drain()
        self.output.close()
        self.told.close()
        os.close(self.silence)


def _ended(child: int) -> int | None:
    """The status of a child of ours that has ended, which stays to be reaped; None while it is not known to have."""
    try:
        found = os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    if found is None:
        return None
    return found.si_status if found.si_code == os.CLD_EXITED else 128 + found.si_status


def start(folder: Path, scratch: Path, program: Program, bounds: Bounds, output_cap: int) -> RunningServer:
    """Start a program in a sandbox over `folder`; returns as soon as the sandbox stands.

    Its standard input is that of a terminal at which nobody types: open and silent (at the end of a file a server
    that also selects on it would spin, or stop). It prints into one pipe that we drain, and holds no other descriptor
    of ours.

    Raises:
        OSError: the sandbox could not be started.
    """
    reading, writing = os.pipe()
    status, tell_status = os.pipe()
    silent, silence = os.pipe()
    refused = _filter()
    words, started = command(folder, scratch, program, tell_status, refused), time.monotonic()
    process = subprocess.Popen(
        words,
        stdin=silent,
        stdout=writing,
        stderr=writing,
        env={},  # of the grader's own nothing is to be read in /proc/1/environ
        pass_fds=(tell_status, *([refused] if refused is not None else [])),
        preexec_fn=lambda: prepare(bounds),  # noqa: PLW1509 - the arena's process has one thread
    )
    for ours in (writing, tell_status, silent, refused):
        if ours is not None:
            os.close(ours)
    inode = os.fstat(reading).st_ino
    told = os.fdopen(status)
    first = _first_process(told)
    helpers = {os.getpid(), process.pid, first}
    return RunningServer(process, Output(reading, output_cap), inode, told, silence, started, first, helpers)


Starter = Callable[[Path, Path, Program, Bounds, int], RunningServer]
"""Starts a program: its folder, its scratch, the program, its bounds, how much of its output to keep."""


def _filter() -> int | None:
    """A descriptor from which bwrap reads the filter of system calls; None where there is none for this machine."""
    program = filter_program()
    if program is None:
        return None
    fd = os.memfd_create("filter", 0)
    os.write(fd, program)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def prepare(bounds: Bounds) -> None:
    """What the grader, or whoever started it, ignores or blocks must not be ignored by the server (signal(7))."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    bounds.apply()


def _first_process(status: TextIO) -> int:
    line = status.readline()
    return int(json.loads(line)["child-pid"]) if line else 0


def run_to_end(
    folder: Path,
    scratch: Path,
    program: Program,
    bounds: Bounds,
    seconds: float,
    begin: Starter = start,
    *,
    beside: bool = False,
) -> tuple[int | None, str]:
    """Run a build in a sandbox: its exit status (None if `seconds` of wall time were not enough) and its output.

    It is over when its first process ends; what it leaves behind is ended. `beside`: a server lives in the same arena
    and is to live on.
    """
    server = begin(folder, scratch, program, bounds, 1 << 18)
    ended = os.pidfd_open(server.process.pid)
    deadline = time.monotonic() + seconds
    told = select.poll()  # with thousands of clients these have numbers that select() cannot watch
    told.register(server.output.fd, select.POLLIN)
    told.register(ended, select.POLLIN)
    while server.status_of_first() is None and (left := deadline - time.monotonic()) > 0:
        told.poll(left * 1000)
        server.output.drain()
    os.close(ended)
    status = server.status_of_first()
    if beside:
        server.end_alone()
    else:
        server.end()
    return status, server.output.text
