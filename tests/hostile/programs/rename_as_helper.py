"""Calls itself like the programs of the sandbox, with newlines and brackets, and serves one client at a time."""

import ctypes

ctypes.CDLL(None).prctl(15, b"bwrap) S 1\n1\tX", 0, 0, 0)

import wrong
