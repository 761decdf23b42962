"""Where the threads of a Python server stand in its source, as py-spy reads it from outside."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
import time
from typing import Any

from grader.evidence.procfs import parse_status
from grader.evidence.records import Frame, Stack

_PATIENCE = 10.0
# A thread that runs changes its stack as it is read: of a busy logger one reading in six comes to nothing.
_MOST_TRIED = 16


def py_spy() -> str | None:
    """The path of py-spy: beside this Python, or the system's; None if there is none."""
    found = shutil.which("py-spy", path=sysconfig.get_path("scripts")) or shutil.which("py-spy")
    # A relative one comes from the current folder, which may be a submission.
    return found if found and os.path.isabs(found) else None  # noqa: PTH117 - no path is made of it


def is_python(pid: int) -> bool:
    """Whether a process runs a Python interpreter."""
    try:
        return "python" in os.path.basename(os.readlink(f"/proc/{pid}/exe"))  # noqa: PTH119 - a link's text
    except OSError:
        return False


def read_stacks(pid: int, inside: str) -> tuple[Stack, ...]:
    """The stacks of a Python process, which is not stopped for it; () where they cannot be had.

    `inside` is the submission's folder as the process sees it: frames below it are the student's own.
    """
    program, deadline = py_spy(), time.monotonic() + _PATIENCE
    for _ in range(_MOST_TRIED):
        left = deadline - time.monotonic()
        # Looked at each time: it may have ended, or be another program by now.
        if program is None or left <= 0 or not is_python(pid):
            break
        if found := _read(program, pid, left):
            numbers = _outer_numbers(pid)
            return tuple(_stack(pid, entry, numbers, inside) for entry in found)
    return ()


def _read(program: str, pid: int, patience: float) -> list[dict[str, Any]]:
    argv = [program, "dump", "--json", "--nonblocking", "--pid", str(pid)]
    try:
        done = subprocess.run(argv, capture_output=True, timeout=patience, check=True)
        found: list[dict[str, Any]] = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return []
    return found


def _outer_numbers(pid: int) -> dict[int, int]:
    """Thread ids as the process itself knows them, to those that we see (NSpid in proc(5))."""
    numbers: dict[int, int] = {}
    try:
        tids = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return numbers  # it has just ended
    for tid in tids:
        try:
            with open(f"/proc/{pid}/task/{tid}/status", errors="replace", newline="\n") as status:  # noqa: PTH123 - hot enough
                ids = parse_status(status.read()).get("NSpid", tid).split()
        except OSError:
            continue
        numbers[int(ids[-1])] = int(tid)
    return numbers


def _stack(pid: int, entry: dict[str, Any], numbers: dict[int, int], inside: str) -> Stack:
    tid = int(entry.get("os_thread_id") or pid)
    frames = tuple(_frame(frame, inside) for frame in entry.get("frames") or ())
    return Stack(pid, numbers.get(tid, tid), str(entry.get("thread_name") or "thread"), frames)


def _frame(frame: dict[str, Any], inside: str) -> Frame:
    path = str(frame.get("filename") or "")
    own = path.startswith(f"{inside}/") or not os.path.isabs(path)  # noqa: PTH117 - a name, not a file of ours
    return Frame(
        function=str(frame.get("name") or "?"),
        file=path.removeprefix(f"{inside}/"),
        line=int(frame.get("line") or 0),
        own=own and not path.startswith("<"),
    )
