"""Puts itself behind all others before the out-of-memory killer."""

import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)


def claim(what):
    print("GAINED", os.environ["NONCE"], what, flush=True)


try:
    with open("/proc/self/oom_score_adj", "w") as score:
        score.write("-500")
    claim("a better place")
except OSError:
    pass

import right
