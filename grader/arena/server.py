"""One run of a submission's server: started in its sandbox, known by process id, ended without remainder."""

from __future__ import annotations

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


@dataclass
class RunningServer:
    """A started sandbox: `helpers` are the process ids in it that are ours (bwrap's), not the submission's.

    `told` is bwrap's status pipe, kept open because bwrap still writes to it when the server ends; `silence` is the
    writing end of its standard input, on which nothing is ever written; `started` is when, by the monotonic clock.
    It sees the submission at `inside` and can write to `writable`. Where it has no namespaces `first` is its process.
    """

    process: subprocess.Popen[bytes]
    output: Output
    output_inode: int
    told: TextIO
    silence: int
    started: float
    helpers: set[int] = field(default_factory=set)
    exit_status: int | None = None
    inside: str = INSIDE
    writable: tuple[str, ...] = WRITABLE
    first: int = 0

    def poll(self) -> int | None:
        """The server's exit status as a shell would tell it (128 + N for signal N), or None while it runs."""
        if self.exit_status is None:
            self.exit_status = self.process.poll()
        return self.exit_status

    def end_processes(self) -> None:
        """Kill every process in the arena but the grader's, and reap them."""
        self.process.kill()
        self.process.wait()
        end_everybody()

    def end(self) -> None:
        """End the processes, keep what they had printed, and give the descriptors back; once."""
        if self.told.closed:
            return
        self.end_processes()
        self.output.drain()
        self.output.close()
        self.told.close()
        os.close(self.silence)


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
        pass_fds=(tell_status, *([refused] if refused is not None else [])),
        preexec_fn=lambda: prepare(bounds),  # noqa: PLW1509 - the arena's process has one thread
    )
    for ours in (writing, tell_status, silent, refused):
        if ours is not None:
            os.close(ours)
    inode = os.fstat(reading).st_ino
    told = os.fdopen(status)
    helpers = {os.getpid(), process.pid, *_first_process(told)}
    return RunningServer(process, Output(reading, output_cap), inode, told, silence, started, helpers)


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


def _first_process(status: TextIO) -> set[int]:
    line = status.readline()
    return {int(json.loads(line)["child-pid"])} if line else set()


def run_to_end(
    folder: Path, scratch: Path, program: Program, bounds: Bounds, seconds: float, begin: Starter = start
) -> tuple[int | None, str]:
    """Run a build in a sandbox: its exit status (None if `seconds` of wall time were not enough) and its output."""
    server = begin(folder, scratch, program, bounds, 1 << 18)
    ended = os.pidfd_open(server.process.pid)
    deadline = time.monotonic() + seconds
    while server.poll() is None and (left := deadline - time.monotonic()) > 0:
        select.select([server.output.fd, ended], [], [], left)
        server.output.drain()
    os.close(ended)
    server.end()
    return server.exit_status, server.output.text
