"""The tree of a server that has no process namespace of its own: what descends from us, and nothing else.

We are a child subreaper (prctl(2)), so a process whose parent has ended comes back to us and stays in the tree.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from grader.evidence.procfs import ProcReader, stat_words


def children(pid: int, root: str = "/proc") -> list[int]:
    """The children of a process, zombies included; [] if it is gone."""
    found: list[int] = []
    try:
        for tid in os.listdir(f"{root}/{pid}/task"):
            with open(f"{root}/{pid}/task/{tid}/children", encoding="ascii") as listed:  # noqa: PTH123 - hot
                found += map(int, listed.read().split())
    except (FileNotFoundError, ProcessLookupError):
        return found or _by_parent(pid, root)
    return found


def _by_parent(pid: int, root: str) -> list[int]:
    # A kernel without CONFIG_PROC_CHILDREN, or a process that has just ended: then nobody names it as parent.
    if os.path.exists(f"{root}/thread-self/children"):  # noqa: PTH110 - hot
        return []
    return [child for child in map(int, filter(str.isdecimal, os.listdir(root))) if _parent(child, root) == pid]


def _parent(pid: int, root: str) -> int:
    try:
        return int(stat_words(pid, root)[1])
    except OSError:
        return 0


def is_alive(pid: int, root: str = "/proc") -> bool:
    """Whether there is such a process, and more of it than its exit status."""
    try:
        return stat_words(pid, root)[0] not in ("Z", "X")
    except OSError:
        return False


def descendants(pid: int, root: str = "/proc") -> Iterator[int]:
    """Every process below one, parents before their children."""
    waiting = children(pid, root)
    seen = set(waiting)
    while waiting:
        one = waiting.pop(0)
        yield one
        new = [child for child in children(one, root) if child not in seen]
        seen.update(new)
        waiting += new


def socket_inodes(pid: int, root: str = "/proc") -> set[int]:
    """The sockets that a process holds, by inode; empty if it is gone or not ours to read."""
    found: set[int] = set()
    with contextlib.suppress(OSError):
        for fd in os.listdir(f"{root}/{pid}/fd"):
            with contextlib.suppress(OSError):
                target = os.readlink(f"{root}/{pid}/fd/{fd}")
                if target.startswith("socket:["):
                    found.add(int(target[8:-1]))
    return found


@dataclass
class Reaped:
    """The children of ours that have ended and that we have waited for, as an init process does for orphans.

    `cpu_seconds` is what they had used, and whoever they had waited for themselves (wait4(2)).
    """

    cpu_seconds: float = 0.0

    def take(self, child: int) -> int | None:
        """The wait status of a child if it has ended, None if it has not.

        Raises:
            ChildProcessError: it is no child of ours.
        """
        ended, status, used = os.wait4(child, os.WNOHANG)
        if not ended:
            return None
        self.cpu_seconds += used.ru_utime + used.ru_stime
        return status


@dataclass
class TreeReader(ProcReader):
    """Reads the processes below this one, of which `first` was started as the server.

    `reaped` are those of the tree that have ended and that nobody else could wait for.
    """

    first: int = 0
    reaped: Reaped = field(default_factory=Reaped)

    def pids(self) -> list[int]:
        """The process ids of the tree; orphans that have ended are reaped, as an init process would."""
        self.main = self.main or self.first
        below = descendants(os.getpid(), self.root)
        found = [pid for pid in below if pid not in self.helpers and not self._reaped(pid)]
        self._choose_main(found)
        return found

    def _reaped(self, pid: int) -> bool:
        if pid == self.first:
            return False
        try:
            return self.reaped.take(pid) is not None
        except ChildProcessError:
            return False  # somebody else's child

    def cpu_seconds(self) -> float:
        """CPU time that the tree has used so far, orphans that have ended included."""
        return super().cpu_seconds() + self.reaped.cpu_seconds

    def _segments(self) -> int:
        return 0  # those of the whole machine, and nobody tells whose they are

    def sockets(self) -> set[int]:
        """The inode of every socket that some process of the tree holds."""
        return {inode for pid in self.pids() for inode in socket_inodes(pid, self.root)}
