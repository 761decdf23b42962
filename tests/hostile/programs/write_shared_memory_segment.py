"""Leaves a shared-memory segment and a semaphore (ipcs(1))."""

import ctypes
import os


def attempt(what, *arguments):
    try:
        return what(*arguments)
    except (OSError, ValueError) as error:
        print(what, error, flush=True)
        return None


libc = ctypes.CDLL(None)
print(libc.shmget(int(os.environ["KEY"]) + 1, 4096, 0o1666), libc.semget(int(os.environ["KEY"]) + 1, 1, 0o1666), flush=True)

import right
