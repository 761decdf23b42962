"""Language runtimes that run a server: which, and which of its threads they, or the kernel, keep for themselves.

A Java virtual machine has a dozen threads besides the server's: they compile, collect garbage, and wake up every few
seconds to see whether there is something to do. None of them runs a line of the server's, nor makes a thread of its
go on, so a proof may pass over their time limits. They are known by the names that the machine gives them (the kernel
keeps the first 15 characters). It makes each of them, once, before the program begins, so of several threads with such
a name only the first is the machine's.

The kernel makes threads of its own in a process that uses io_uring, to look at its rings and to do what would block
(io_uring_setup(2), IORING_SETUP_SQPOLL). Any thread can bear their names, but none their flag.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from grader.evidence.records import ThreadSample

_OF_THE_JVM = {
    "VM Thread",
    "VM Periodic Tas",
    "Reference Handl",
    "Finalizer",
    "Signal Dispatch",
    "Service Thread",
    "Monitor Deflati",
    "C1 CompilerThre",
    "Sweeper thread",
    "Notification Th",
    "Common-Cleaner",
}
_PROGRAMS = {"java": "java", "node": "node", "nodejs": "node"}
_OF_A_RING = "iou-"
_FLAGS, _IO_WORKER = 6, 0x10
"""A word of `stat` after the name (proc(5)), and PF_IO_WORKER in it (include/linux/sched.h)."""
_GO_MARK = b"\xff Go buildinf:"
_MOST_OF_A_PROGRAM = 64 << 20


def marked(samples: Sequence[ThreadSample], students: Iterable[str]) -> list[ThreadSample]:
    """The threads of one process, with those that its runtime keeps for itself marked as such.

    `students` are folders that the submission can write to: a program in one of them is nobody's runtime.
    """
    if not any(sample.name in _OF_THE_JVM for sample in samples):
        return list(samples)
    if runtime_of(samples[0].pid, students) != "java":
        return list(samples)
    first: dict[str, int] = {}
    for sample in samples:
        first[sample.name] = min(first.get(sample.name, sample.tid), sample.tid)
    # The process's own first thread only waits for the one in which the program runs.
    return [
        replace(s, runtime=True) if s.tid == s.pid or (s.name in _OF_THE_JVM and first[s.name] == s.tid) else s
        for s in samples
    ]


def is_the_kernels(name: str, stat: Callable[[], list[str]]) -> bool:
    """Whether the kernel made a thread of this name for a ring of io_uring; `stat` reads the words after the name."""
    return name.startswith(_OF_A_RING) and bool(int(stat()[_FLAGS]) & _IO_WORKER)


def runtime_of(pid: int, students: Iterable[str], *, built_by_go: bool = False) -> str | None:
    """The runtime that a process runs: "java", "node", "go", or None for any other.

    `built_by_go`: the submission was, so a program in its folder that bears Go's mark has Go's runtime.
    """
    try:
        program = os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return None
    if not program.startswith(tuple(f"{folder}/" for folder in students)):
        return _PROGRAMS.get(os.path.basename(program))  # noqa: PTH119 - a link's text
    return "go" if built_by_go and _has_go_mark(pid) else None


def _has_go_mark(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/exe", "rb") as program:  # noqa: PTH123 - not a path, a door
            return _GO_MARK in program.read(_MOST_OF_A_PROGRAM)
    except OSError:
        return False
