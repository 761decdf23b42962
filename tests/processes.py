"""Processes that a test waits for."""

from __future__ import annotations

import os
import select
import time
from pathlib import Path


def all_end(pidfds: list[int]) -> bool:
    """Whether these processes end; the pidfd of one that has is readable (pidfd_open(2)), and is closed."""
    waiting = set(pidfds)
    while waiting:
        ended, _, _ = select.select(list(waiting), [], [], 20)
        if not ended:
            return False
        for pidfd in ended:
            os.close(pidfd)
        waiting -= set(ended)
    return True


def asleep_in(pid: int, calls: set[str], threads: int) -> list[int]:
    """Wait until a process has so many threads, all blocked in system calls of these numbers; their ids."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        tasks = sorted(Path(f"/proc/{pid}/task").iterdir())
        if len(tasks) == threads and all((task / "syscall").read_text().split()[0] in calls for task in tasks):
            return [int(task.name) for task in tasks]
        time.sleep(0.001)
    raise AssertionError(f"process {pid} has not {threads} threads asleep")
