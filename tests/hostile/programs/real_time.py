"""Runs before everybody else: a real-time policy, a higher priority."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)


def claim(what):
    print("GAINED", os.environ["NONCE"], what, flush=True)


try:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    claim("a real-time policy")
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
except OSError:
    pass
try:
    os.nice(-5)
    claim("a higher priority")
except OSError:
    pass

import right
