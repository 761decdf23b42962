"""Processes that a test waits for."""

from __future__ import annotations

import os
import select


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
