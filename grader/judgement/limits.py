"""Whether a server uses more than its spec lets it have; a server that does is stopped, and the report says why."""

from __future__ import annotations

from dataclasses import dataclass

from grader.report import people


@dataclass(frozen=True, slots=True)
class Allowed:
    """What all processes of a server may use together.

    `memory` is in bytes of resident memory, `disk` in bytes of files, `processes` counts processes and threads, and
    `cpu` seconds of CPU time.
    """

    memory: int
    processes: int = 1 << 30
    disk: int = 1 << 60
    cpu: float = float("inf")


@dataclass(frozen=True, slots=True)
class Used:
    """The same as it was seen."""

    memory: int = 0
    processes: int = 0
    disk: int = 0
    cpu: float = 0.0


def exceeded(used: Used, allowed: Allowed) -> str | None:
    """What was exceeded, in one sentence; None if nothing was."""
    if used.memory > allowed.memory:
        return f"stopped: it held {people.size(used.memory)} of memory, {people.size(allowed.memory)} are allowed"
    if used.processes > allowed.processes:
        return f"stopped: it had {used.processes} processes and threads, {allowed.processes} are allowed"
    if used.disk > allowed.disk:
        return f"stopped: it wrote {people.size(used.disk)} of files, {people.size(allowed.disk)} are allowed"
    if used.cpu > allowed.cpu:
        words = f"{people.seconds(used.cpu)} of CPU time, {people.seconds(allowed.cpu)} are allowed"
        return f"stopped: it used {words}"
    return None
