"""Memory that belongs to a server although no process of it has it mapped, so that no resident size shows it.

It lies in files of memory (memfd_create(2)) that are open, and in segments of shared memory (shmget(2)).
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable

_SHMEM = re.compile(r"^Shmem:\s+(\d+) kB", re.MULTILINE)
_FILE_OF_MEMORY = "/memfd:"
_RSS, _SWAP = 14, 15  # columns of /proc/sysvipc/shm
_BLOCK = 512


def shared_memory_of_the_machine() -> int:
    """Bytes of all shared memory and files of memory on this machine (proc_meminfo(5)); 0 where it is not told."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:  # noqa: PTH123 - hot enough
            found = _SHMEM.search(file.read())
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def segments() -> int:
    """Bytes in the segments of this process's IPC namespace, which the server shares with nobody but us."""
    try:
        with open("/proc/sysvipc/shm", encoding="ascii") as file:  # noqa: PTH123 - hot enough
            return parse_segments(file.read())
    except OSError:
        return 0


def parse_segments(text: str) -> int:
    """What of the segments of a `/proc/sysvipc/shm` is in memory or swapped out, in bytes."""
    return sum(int(words[_RSS]) + int(words[_SWAP]) for words in map(str.split, text.splitlines()[1:]))


def files_of_memory(pids: Iterable[int]) -> int:
    """Bytes in the files of memory that these processes have open, each file counted once."""
    found: dict[tuple[int, int], int] = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            for fd in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    path = f"/proc/{pid}/fd/{fd}"
                    if os.readlink(path).startswith(_FILE_OF_MEMORY):
                        about = os.stat(path)  # noqa: PTH116 - hot enough
                        found[about.st_dev, about.st_ino] = about.st_blocks * _BLOCK
    return sum(found.values())
