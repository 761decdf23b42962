"""Whether a server uses more than its spec lets it have; a server that does is stopped, and the report says why."""

from __future__ import annotations

from dataclasses import dataclass

from grader.report import people
from grader.words import say


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
        memory, most_memory = people.size(used.memory), people.size(allowed.memory)
        return say("stopped: it held {held} of memory, {most} are allowed", held=memory, most=most_memory)
    if used.processes > allowed.processes:
        held, most = used.processes, allowed.processes
        return say("stopped: it had {held} processes and threads, {most} are allowed", held=held, most=most)
    if used.disk > allowed.disk:
        written, room = people.size(used.disk), people.size(allowed.disk)
        return say("stopped: it wrote {written} of files, {most} are allowed", written=written, most=room)
    if used.cpu > allowed.cpu:
        spent, granted = people.seconds(used.cpu), people.seconds(allowed.cpu)
        return say("stopped: it used {spent} of CPU time, {most} are allowed", spent=spent, most=granted)
    return None
