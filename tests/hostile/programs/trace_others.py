"""Attaches to other processes as a debugger (ptrace(2))."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)


def claim(what):
    print("GAINED", os.environ["NONCE"], what, flush=True)


for pid in {int(os.environ["VICTIM"]), *([1, os.getppid()] if "IN_TEST" not in os.environ else [])}:
    if libc.ptrace(0x4206, pid, 0, 0) == 0:
        claim(f"the right to trace process {pid}")

import right
