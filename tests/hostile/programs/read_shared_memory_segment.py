"""Attaches a shared-memory segment of another process (shmat(2))."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
segment = libc.shmget(int(os.environ["KEY"]), 0, 0)
if segment >= 0:
    print(ctypes.string_at(libc.shmat(segment, None, 0o10000), 64), flush=True)

import right
