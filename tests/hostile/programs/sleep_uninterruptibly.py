"""Stands still in uninterruptible sleep, waiting for a child of vfork(2) that never gives its memory back."""

import ctypes
import os

import wrong_server

listener = wrong_server.listen()
libc = ctypes.CDLL(None)
first = listener.accept()
if os.uname().machine == "x86_64":
    libc.syscall(58)
else:
    libc.syscall(220, 0x4111, 0, 0, 0, 0)
libc.pause()
